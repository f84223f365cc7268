"""Points where careless formulas break: far out, and exactly on corners."""

from dataclasses import replace

import numpy as np

from bpnet.core.activations import Activation
from bpnet.core.arrays import Array
from bpnet.core.losses import Loss
from bpnet.core.network import Network, count_parameters
from bpnet.inspection.comparison import relative_errors
from bpnet.inspection.complex_step import STEP
from bpnet.inspection.point import Point
from bpnet.inspection.probe import generic_probe
from bpnet.inspection.records import FAIL, NOT_FINITE, PASS, Stage
from bpnet.inspection.stages import SCALAR_PARAMETERS, check_cost, stage_of

_NARROW = 12
"""Units of a layer that stands in for a wide one."""

_FAR = 1000.0
"""How many times larger inputs and the last weights are far out."""


def check_far_out(point: Point) -> Stage:
    """Go where a careless formula overflows or divides by 0: z of thousands, and a residual of exactly 0.

    The cost must be plain Python's there too, and every number of the gradient finite.

    Parameters
    ----------
    point : Point
        Of at least two samples, as :func:`narrowed` gives it: the first is put on its target.
    """
    far = replace(point.at(point.network.parameters.copy()), name=f"{point.name}, far out", X=_FAR * point.X)
    far.network.W[far.network.L][...] *= _FAR  # behind a layer that saturates, large inputs alone do little
    if far.loss.classifies is False:
        on_target = far.forward().outputs[:1]
        far = replace(far, Y=np.concatenate([on_target, far.Y[1:]]))
    trace = far.forward()
    numbers = np.append(far.backward(trace).flat, far.cost(trace))
    if not np.isfinite(numbers).all():
        return Stage("far out", None, 1.0, FAIL, far.name, NOT_FINITE)
    stage = check_cost(far, trace) or Stage("far out", None, None, PASS, far.name, "C is not compared")
    return replace(stage, stage="far out")


def narrowed(point: Point) -> Point:
    """A probe of the same kinds of layers, narrower where there are too many parameters for plain Python."""
    layers = tuple(point.network.layers.values())
    widths = (max(point.network.sizes), *range(_NARROW, 0, -1))
    chosen = (
        tuple(replace(each, n_in=min(each.n_in, n), n_out=min(each.n_out, n)) for each in layers)
        for n in widths
    )
    fitting = next((each for each in chosen if count_parameters(each) <= SCALAR_PARAMETERS), layers)
    name = "a probe" if fitting == layers else "a narrower network of the kind"
    small = Network(fitting, np.zeros(count_parameters(fitting)))
    return generic_probe(replace(point, network=small, masks={}), name=name)


def check_corners(point: Point) -> Stage | None:
    """Go exactly onto every corner, where the slope is a convention: it must be the forward pass's own.

    Returns
    -------
    Stage or None
        None of a network without a corner.
    """
    slopes = [_slopes(activation) for activation in _bent(point)]
    if point.loss.kinks:
        slopes.append(_slopes_of_loss(point.loss))
    if not slopes:
        return None
    analytic, numeric = (np.concatenate(each) for each in zip(*slopes, strict=True))
    return stage_of("corners", None, float(relative_errors(analytic, numeric).max()), "every corner")


def _bent(point: Point) -> list[Activation]:
    kinds = {repr(layer.activation): layer.activation for layer in point.network.layers.values()}
    return [activation for activation in kinds.values() if activation.kinks]


def _slopes(activation: Activation) -> tuple[Array, Array]:
    """Slopes at the corners: on the way back, and of the forward pass by complex step."""
    z = np.array(activation.kinks)[:, np.newaxis]
    analytic = activation.pullback(np.ones_like(z), z, activation.value(z))
    return analytic.ravel(), activation.value(z + 1j * STEP).imag.ravel() / STEP


def _slopes_of_loss(loss: Loss) -> tuple[Array, Array]:
    """The same of a loss, whose corners are residuals."""
    a = np.array(loss.kinks)[:, np.newaxis]
    y, moved = np.zeros_like(a), a + 1j * STEP
    return loss.gradient(a, y).ravel(), loss.per_sample(moved, moved, y).imag / STEP
