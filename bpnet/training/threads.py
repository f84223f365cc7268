"""Threads of the matrix products: one for small layers, where a second costs more than it saves."""

from collections.abc import Iterator
from contextlib import contextmanager

from bpnet.core.network import Network

_MULTIPLICATIONS_WORTH_SHARING = 4_000_000
"""Products of a layer's forward pass below which OpenBLAS is faster on one thread."""


def has_large_products(network: Network, batch_size: int) -> bool:
    """Whether some layer's products are so large that a second thread pays."""
    largest = max(layer.n_in * layer.n_out for layer in network.layers.values())
    return largest * batch_size >= _MULTIPLICATIONS_WORTH_SHARING


@contextmanager
def blas_threads(network: Network, batch_size: int) -> Iterator[None]:
    """Hold BLAS to one thread inside the block if every layer is small."""
    if has_large_products(network, batch_size):
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield
