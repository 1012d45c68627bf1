"""Answers as DataFrames, what users pass as elements, attributes and values, and files of them."""
