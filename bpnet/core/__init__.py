"""The mathematics: layers, activations, losses and the two passes. NumPy only."""
