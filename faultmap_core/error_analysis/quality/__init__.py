"""Faults of the dataset itself: suspect labels, items that tell nothing apart."""
