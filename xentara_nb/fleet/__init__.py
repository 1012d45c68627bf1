"""Many servers at once: the same frames with a column ``server``, and one table of failures."""
