"""The model file: elements, their references to each other, data types."""
