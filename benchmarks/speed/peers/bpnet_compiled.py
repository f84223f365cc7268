"""bpnet as before, its steps compiled."""

from peers import bpnet_trainer


class Peer(bpnet_trainer.Peer):
    """Differs from the other in a key of the config."""

    backend = "numba"

    @staticmethod
    def version() -> str:
        return f"{bpnet_trainer.Peer.version()}, compiled"
