"""The way of the textbooks: one sample at a time, in columns, lists of gradients summed over the batch."""

from pathlib import Path

import numpy as np
from workloads import Array, Data, Workload, start

from bpnet.core.activations import ACTIVATIONS
from peers import base


class Peer(base.Peer):
    """Adam is left out, which no textbook writes this way."""

    def __init__(self, workload: Workload, data: Data) -> None:
        super().__init__(workload, data)
        self._X, self._targets = data.X, data.one_hot(workload.sizes[-1])
        self.restart()
        names = [*[workload.activation] * (len(workload.sizes) - 2), workload.output_activation]
        self._activations = [ACTIVATIONS.create(name) for name in names]
        self._rng = np.random.default_rng(0)

    def restart(self) -> None:
        self._W, b = start(self.workload)
        self._b = [biases[:, np.newaxis] for biases in b]

    def _forward(self, x: Array) -> tuple[list[Array], list[Array]]:
        z, a = [], [x]
        for W, b, activation in zip(self._W, self._b, self._activations, strict=True):
            z.append(W @ a[-1] + b)
            a.append(activation.value(z[-1].T).T)
        return z, a

    def _gradients(self, x: Array, y: Array) -> tuple[list[Array], list[Array], float]:
        z, a = self._forward(x)
        delta = a[-1] - y
        if self.workload.loss == "quadratic":
            loss = 0.5 * float((delta**2).sum())
            delta = self._activations[-1].pullback(delta.T, z[-1].T, a[-1].T).T
        else:
            loss = -float(np.log(a[-1][y > 0]).sum())
        nabla_W, nabla_b = [delta @ a[-2].T], [delta]
        for i in range(len(self._W) - 2, -1, -1):
            delta = self._activations[i].pullback((self._W[i + 1].T @ delta).T, z[i].T, a[i + 1].T).T
            nabla_W.insert(0, delta @ a[i].T)
            nabla_b.insert(0, delta)
        return nabla_W, nabla_b, loss

    @staticmethod
    def version() -> str:
        return f"per sample, NumPy {np.__version__}"

    def epoch(self) -> tuple[float, float]:
        batch, rate = self.workload.batch_size, self.workload.learning_rate
        total, order = 0.0, self._rng.permutation(len(self._X))
        for first in range(0, len(order), batch):
            rows = order[first : first + batch]
            sums = [np.zeros_like(array) for array in (*self._W, *self._b)]
            for row in rows:
                x, y = self._X[row][:, np.newaxis], self._targets[row][:, np.newaxis]
                nabla_W, nabla_b, loss = self._gradients(x, y)
                sums = [s + n for s, n in zip(sums, (*nabla_W, *nabla_b), strict=True)]
                total += loss
            for array, s in zip((*self._W, *self._b), sums, strict=True):
                np.subtract(array, rate / len(rows) * s, out=array)
        right = self.outputs(self.data.validation_X).argmax(axis=1) == self.data.validation_labels
        return total / len(self._X), float(right.mean())

    def outputs(self, X: Array) -> Array:
        return np.array([self._forward(x[:, np.newaxis])[1][-1][:, 0] for x in X])

    def save(self, path: Path) -> None:
        np.savez(path, *self._W, *self._b)
