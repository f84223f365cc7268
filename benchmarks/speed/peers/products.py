"""The floor: nothing but the matrix products of every step, by NumPy's calls into buffers made once."""

import time
from pathlib import Path

import numpy as np
from workloads import Workload, start

from bpnet.core.activations import ACTIVATIONS
from bpnet.core.network import Layer, from_arrays
from bpnet.training.threads import blas_threads


def version() -> str:
    """What is measured."""
    return f"matrix products alone, NumPy {np.__version__}"


class Peer:
    """Multiplies, and learns nothing."""

    def __init__(self, workload: Workload, folder: Path) -> None:
        self._workload = workload
        self._W, b = start(workload)
        N, rng = workload.batch_size, np.random.default_rng(0)
        self._a = [rng.random((N, n), dtype=np.float32) for n in workload.sizes]
        self._delta = [np.empty_like(a) for a in self._a]
        self._nabla_W = [np.empty_like(W) for W in self._W]
        layers = [Layer(W.shape[1], W.shape[0], ACTIVATIONS.create("identity")) for W in self._W]
        self._network = from_arrays(layers, self._W, b)

    def run(self) -> tuple[float, None]:
        """Multiply; returns the seconds, and no loss."""
        W, a, delta, nabla_W = self._W, self._a, self._delta, self._nabla_W
        with blas_threads(self._network, self._workload.batch_size):
            began = time.perf_counter()
            for _ in range(self._workload.steps):
                for i, weights in enumerate(W):
                    np.dot(a[i], weights.T, out=delta[i + 1])
                for i in range(len(W) - 1, -1, -1):
                    np.dot(a[i + 1].T, a[i], out=nabla_W[i])
                    if i:
                        np.dot(a[i + 1], W[i], out=delta[i])
            return time.perf_counter() - began, None
