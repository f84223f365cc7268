"""A training step compiled from a record of itself, where NumPy's calls cost more than the numbers."""
