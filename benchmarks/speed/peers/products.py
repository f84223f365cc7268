"""The floor: nothing but the matrix products of every step, by NumPy's calls into buffers made once."""

import time

import numpy as np
from workloads import Data, Workload, start

from bpnet.core.activations import ACTIVATIONS
from bpnet.core.network import Layer, from_arrays
from bpnet.training.threads import blas_threads
from peers import base


class Peer(base.Peer):
    """Multiplies, and learns nothing."""

    def __init__(self, workload: Workload, data: Data) -> None:
        super().__init__(workload, data)
        self._W, b = start(workload)
        N, rng = workload.batch_size, np.random.default_rng(0)
        self._a = [rng.random((N, n), dtype=np.float32) for n in workload.sizes]
        self._delta = [np.empty_like(a) for a in self._a]
        self._nabla_W = [np.empty_like(W) for W in self._W]
        layers = [Layer(W.shape[1], W.shape[0], ACTIVATIONS.create("identity")) for W in self._W]
        self._network = from_arrays(layers, self._W, b)

    @staticmethod
    def version() -> str:
        return f"matrix products alone, NumPy {np.__version__}"

    def timed(self, epochs: int) -> dict[str, float | None]:
        with blas_threads(self._network, self.workload.batch_size):
            self._multiply(1)
            began = time.perf_counter()
            self._multiply(epochs)
            return {"seconds": time.perf_counter() - began, "loss": None}

    def _multiply(self, epochs: int) -> None:
        W, a, delta, nabla_W = self._W, self._a, self._delta, self._nabla_W
        for _ in range(epochs * self.workload.steps // self.workload.epochs):
            for i, weights in enumerate(W):
                np.dot(a[i], weights.T, out=delta[i + 1])
            for i in range(len(W) - 1, -1, -1):
                np.dot(a[i + 1].T, a[i], out=nabla_W[i])
                if i:
                    np.dot(a[i + 1], W[i], out=delta[i])
