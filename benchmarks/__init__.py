"""Measured comparisons, one folder a page; README.md lists them."""
