"""The running plant: elements with values, signals, timers and pipelines."""
