"""The live view: values of a watch as they move, in a table and a chart."""
