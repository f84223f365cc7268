"""How well each layer learns: the size of its error, gradient and steps, and its stuck units."""

import math
from dataclasses import dataclass

import numpy as np

from bpnet.core.activations import Elementwise
from bpnet.core.arrays import BLOCK, Array
from bpnet.core.backprop import Gradients
from bpnet.core.network import Network, Trace

SATURATED_BELOW = 0.05
"""A unit is saturated on a sample where its σ′ is under this share of its peak."""

DEAD_BELOW = 1e-3
"""A unit is dead where its σ′ is under this share of its peak on every sample."""


@dataclass(frozen=True)
class LayerHealth:
    """One layer, measured on a batch of samples.

    Attributes
    ----------
    layer_number, units : int
    delta : float
        Root mean square of δ a sample (of N·∂C/∂z, which does not depend on the batch size).
    nabla : float
        Root mean square of ∂C/∂W.
    weight : float
        Root mean square of W.
    update_ratio : float or None
        Size of the last update of W over the size of W; None where no step has been taken or W is 0.
    saturated : float or None
        Share of (sample, unit) pairs that are saturated; None where the activation has no two flat sides.
    dead : int or None
        Units that pass back next to nothing on every sample; None at the output layer.
    """

    layer_number: int
    units: int
    delta: float
    nabla: float
    weight: float
    update_ratio: float | None
    saturated: float | None
    dead: int | None


def measure_layers(
    network: Network, trace: Trace, gradients: Gradients, previous: Network | None = None
) -> tuple[LayerHealth, ...]:
    """Health of layers 2 to L on the samples of ``trace``.

    Parameters
    ----------
    network : Network
    trace, gradients : Trace, Gradients
        Of one batch, through both passes.
    previous : Network, optional
        The network before its last step.
    """
    return tuple(
        _measure(network, l, trace, gradients, None if previous is None else previous.W[l])
        for l in network.layers
    )


def _measure(
    network: Network, l: int, trace: Trace, gradients: Gradients, before: Array | None
) -> LayerHealth:
    layer, W = network.layers[l], network.W[l]
    weight = _rms(W)
    saturated, dead = None, None
    if l < network.L and isinstance(layer.activation, Elementwise):
        slope = np.abs(layer.activation.derivative(trace.z[l], trace.a[l])) / layer.activation.peak_derivative
        dead = int(np.count_nonzero(slope.max(axis=0) < DEAD_BELOW))
        if layer.activation.saturates:
            saturated = np.count_nonzero(slope < SATURATED_BELOW) / slope.size
    return LayerHealth(
        layer_number=l,
        units=layer.n_out,
        delta=_rms(gradients.delta[l]) * len(trace.z[l]),
        nabla=_rms(gradients.nabla_W[l]),
        weight=weight,
        update_ratio=None if before is None or not weight else _rms(W, before) / weight,
        saturated=saturated,
        dead=dead,
    )


def _rms(array: Array, before: Array | None = None) -> float:
    """Root mean square, or that of the difference to ``before``."""
    numbers, others, total = array.ravel(), None if before is None else before.ravel(), 0.0
    for start in range(0, numbers.size, BLOCK):
        part = numbers[start : start + BLOCK]
        if others is not None:
            part = part - others[start : start + BLOCK]
        part = part.astype(np.float64, copy=False)  # the squares of a vanishing float32 δ would be 0
        total += float(np.dot(part, part))
    return math.sqrt(total / numbers.size)
