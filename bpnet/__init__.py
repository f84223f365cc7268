"""Train feed-forward networks from a YAML file, and see every layer's error as it learns."""

__version__ = "0.1.0"
