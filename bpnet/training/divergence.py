"""Divergence: where numbers first stopped being finite, and what to try against it."""

import math

import numpy as np

from bpnet.core.arrays import Array
from bpnet.core.backprop import Gradients
from bpnet.core.losses import Loss
from bpnet.core.network import Network, Trace
from bpnet.data.on_demand import slices
from bpnet.training.evaluation import Samples

_LARGE = 10.0
"""Inputs or targets beyond this, far from the order of 1, are the commonest cause."""


def find_non_finite(
    network: Network, loss: Loss, trace: Trace, gradients: Gradients, targets: Array
) -> str | None:
    """Name what first became infinite or not a number in a pass of both ways, and its layer.

    Returns
    -------
    str or None
        Such as ``a weight in layer 3``; None if every number is finite.
    """
    for l in network.layers:
        if not (_is_finite(network.W[l]) and _is_finite(network.b[l])):
            return f"a weight or bias in layer {l}"
        if not _is_finite(trace.z[l]):
            return f"a weighted input z in layer {l}"
    if not _is_finite(loss.per_sample(trace.z[network.L], trace.outputs, targets)):
        return f"the loss at layer {network.L}"
    for l in reversed(network.layers):
        parts = (("δ", gradients.delta[l]), ("∂C/∂W", gradients.nabla_W[l]), ("∂C/∂b", gradients.nabla_b[l]))
        for name, array in parts:
            if not _is_finite(array):
                return f"the gradient ({name}) in layer {l}"
    return None


def _is_finite(array: Array) -> bool:
    """Whether every number is finite; the sum of squares, which may overflow, mostly tells it faster."""
    flat = array.ravel()
    return math.isfinite(np.dot(flat, flat)) or bool(np.isfinite(flat).all())


def advise(train: Samples, learning_rate: float, clip_norm: float | None) -> str:
    """Say what to try, by the data and the training as they are."""
    hints = [f"a smaller learning_rate (now {learning_rate:g}; try {learning_rate / 10:.2g})"]
    if clip_norm is None:
        hints.append("clip_norm: 1.0")
    size = max((float(np.abs(part).max(initial=0)) for part in slices(train.X)), default=0.0)
    if size > _LARGE:
        hints.append(f"data.scale: standard (an input is as large as {size:.3g})")
    target = float(np.abs(train.Y).max(initial=0))
    if target > _LARGE:
        hints.append(f"data.scale_target: standard (a target is as large as {target:.3g})")
    return "Try " + ", or ".join(hints) + "."
