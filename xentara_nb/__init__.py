"""Explore a Xentara automation server from a notebook, and change values without fear."""
