"""The explanation of one layer: how its error, its gradients and its update come about, with every number."""
