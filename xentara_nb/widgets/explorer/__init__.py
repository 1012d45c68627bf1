"""The Explorer: the tree of elements and what is known of one."""
