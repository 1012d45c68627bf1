"""What all forms share: tasks off the main thread, styles, tables, search, live values."""
