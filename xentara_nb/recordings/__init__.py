"""Recordings: changes of values in a folder of Parquet files, written while they come, and read."""
