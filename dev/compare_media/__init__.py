"""Compares the product's media check with PyAV over many files, and writes down where they disagree."""
