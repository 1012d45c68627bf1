"""The living plant: elements with values, signals, timers and pipelines."""
