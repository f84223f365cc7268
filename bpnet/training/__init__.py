"""The training loop, its events and the run folder."""
