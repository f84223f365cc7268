"""bpnet as before, its steps compiled."""

from peers import bpnet_trainer


def version() -> str:
    """What is measured."""
    return f"{bpnet_trainer.version()}, compiled"


class Peer(bpnet_trainer.Peer):
    """Differs from the other in a key of the config."""

    backend = "numba"
