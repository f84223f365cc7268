"""Scoring a network on samples, in slices that fit the cache."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from bpnet.core.arrays import Array
from bpnet.core.backprop import sample_losses
from bpnet.core.losses import Loss
from bpnet.core.metrics import Metric
from bpnet.core.network import ForwardBuffers, Network, Trace, forward
from bpnet.training.events import Score

SLICE_ROWS = 1024
"""Rows a forward pass takes at a time outside training."""


@dataclass(frozen=True)
class Samples:
    """Encoded rows of one part of the data.

    Attributes
    ----------
    X : ndarray of shape (N, n_1)
        Or an :class:`bpnet.data.on_demand.OnDemand` in its place, where data are larger than memory.
    Y : ndarray of shape (N, n_L)
    weight : ndarray of shape (N,) or None
        Factor on each sample's loss, from the class weights.
    """

    X: Array
    Y: Array
    weight: Array | None = None

    def __len__(self) -> int:
        return len(self.X)

    def take(self, rows: Array | slice) -> "Samples":
        """Return the samples of these rows."""
        return Samples(self.X[rows], self.Y[rows], None if self.weight is None else self.weight[rows])


class Tally:
    """Loss and metrics summed over samples, slice by slice.

    Parameters
    ----------
    loss : Loss
    metric : Metric
        Empty; it belongs to this tally from now on.
    """

    def __init__(self, loss: Loss, metric: Metric) -> None:
        self._loss = loss
        self._metric = metric
        self._total, self._count = 0.0, 0

    @np.errstate(over="ignore", invalid="ignore")
    def add(self, z: Array, a: Array, samples: Samples) -> None:
        """Count samples in, by the output layer's z and a of shape (N, n_L)."""
        losses = sample_losses(self._loss, z, a, samples.Y, samples.weight)
        self._total += float(losses.sum(dtype=np.float64))
        self._count += len(samples)
        self._metric.add(a, samples.Y)

    def score(self) -> Score:
        """Mean loss and metrics of everything counted so far."""
        return Score(self._total / self._count, self._metric.result())


@np.errstate(over="ignore", invalid="ignore")
def evaluate(network: Network, loss: Loss, metric: Callable[[], Metric], samples: Samples) -> Score:
    """Score a network on samples, without dropout.

    A loss that is no finite number is returned as it is: the caller knows what it means.
    """
    tally = Tally(loss, metric())
    for rows, trace in _passes(network, samples.X):
        weight = None if samples.weight is None else samples.weight[rows]
        tally.add(trace.z[network.L], trace.outputs, Samples(trace.a[1], samples.Y[rows], weight))
    return tally.score()


@np.errstate(over="ignore", invalid="ignore")
def predict(network: Network, X: Array) -> Array:
    """Outputs of the network, of shape (N, n_L), for inputs of shape (N, n_1).

    Outputs that are no finite numbers are returned as they are: the caller knows what they mean.
    """
    outputs = np.empty((len(X), network.layers[network.L].n_out), network.parameters.dtype)
    for rows, trace in _passes(network, X):
        outputs[rows] = trace.outputs
    return outputs


def _passes(network: Network, X: Array) -> Iterator[tuple[slice, Trace]]:
    """A forward pass of each slice; all write into the same memory, which stays in the cache."""
    buffers = ForwardBuffers.of(network, min(SLICE_ROWS, len(X)))
    for start in range(0, len(X), SLICE_ROWS):
        rows = slice(start, min(start + SLICE_ROWS, len(X)))
        yield rows, forward(network, X[rows], buffers=buffers.rows(rows.stop - start))
