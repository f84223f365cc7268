"""A point at which gradients are looked into: a network in float64, a batch, and the cost over both."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bpnet.core.arrays import Array
from bpnet.core.backprop import Gradients, backward, cost
from bpnet.core.losses import Loss
from bpnet.core.network import Network, Trace, forward


@dataclass(frozen=True)
class Point:
    """A cost as a function of a network's parameters, and where to look at it.

    Attributes
    ----------
    name : str
        What people call it: ``the given weights``.
    network : Network
        In float64.
    X, Y : ndarray of shape (N, n_1), (N, n_L)
    loss : Loss
    sample_weight : ndarray of shape (N,) or None
    weight_decay : float
    masks : mapping of int to ndarray
        Dropout masks by layer, held fixed.
    """

    name: str
    network: Network
    X: Array
    Y: Array
    loss: Loss
    sample_weight: Array | None = None
    weight_decay: float = 0.0
    masks: Mapping[int, Array] = field(default_factory=dict)

    def forward(self) -> Trace:
        """Every layer's z and a."""
        return forward(self.network, self.X, masks=self.masks)

    def backward(self, trace: Trace) -> Gradients:
        """Errors and gradients by BP1 to BP4."""
        return backward(
            self.network,
            trace,
            self.Y,
            self.loss,
            sample_weight=self.sample_weight,
            weight_decay=self.weight_decay,
        )

    def cost(self, trace: Trace) -> float:
        """C of a forward pass."""
        return float(
            cost(
                self.network,
                trace,
                self.Y,
                self.loss,
                sample_weight=self.sample_weight,
                weight_decay=self.weight_decay,
            )
        )

    def at(self, parameters: Array) -> "Point":
        """The same cost at other parameters."""
        return replace(self, network=self.network.with_parameters(parameters))
