"""How far rounding alone may take a gradient, numeric or analytic."""

from collections.abc import Iterator

import numpy as np

from bpnet.core.activations import Activation
from bpnet.core.arrays import Array
from bpnet.core.backprop import Gradients
from bpnet.core.losses import Loss, PartneredLoss
from bpnet.core.network import Trace
from bpnet.inspection.complex_step import STEP
from bpnet.inspection.differences import regions, same_regions
from bpnet.inspection.ingredients import Ingredients
from bpnet.inspection.point import Point

FORGIVEN = 100
"""An element may differ by so many times what one rounding does to its tensor."""

UNDERFLOW = float(np.finfo(np.float64).tiny) / STEP
"""Derivatives this small, the complex step cannot tell from 0."""

_TRIALS = 3
_EPS = float(np.finfo(np.float64).eps)


def largest(array: Array) -> float:
    """Largest absolute value; 0 of nothing."""
    return float(np.abs(array).max(initial=0))


def _neighbours(point: Point) -> Iterator[tuple[Point, Trace]]:
    """Points one rounding away."""
    rng, parameters = np.random.default_rng(0), point.network.parameters
    for _ in range(_TRIALS):
        nudged = point.at(parameters * (1 + _EPS * rng.choice([-1.0, 1.0], parameters.shape)))
        yield nudged, nudged.forward()


def nudges(point: Point) -> Iterator[tuple[Point, Trace]]:
    """Points one rounding away, on the same side of every corner."""
    here = regions(point, point.forward())
    for nudged, trace in _neighbours(point):
        if same_regions(here, regions(nudged, trace)):
            yield nudged, trace


def rounding_of_cost(point: Point) -> float:
    """How far the cost moves, at most, when every parameter moves by one rounding."""
    C = point.cost(point.forward())
    return max(abs(nudged.cost(trace) - C) for nudged, trace in _neighbours(point))


def shaken(point: Point) -> Iterator[tuple[Gradients, Gradients]]:
    """The gradient by the backward pass, and the same with every slope σ′ off by one rounding of 1.

    So much is lost in a slope such as a(1 − a) where a is nearly 1: of a saturated unit's, every digit.
    """
    rng, right = np.random.default_rng(0), Ingredients.of(point, point.forward())
    gradients = right.gradients()

    def rounding(array: Array) -> Array:
        moved: Array = _EPS * rng.choice([-1.0, 1.0], array.shape) * np.abs(array)
        return moved

    def way_back(inner: Activation, upstream: Array, z: Array, a: Array) -> Array:
        return inner.pullback(upstream, z, a) + rounding(upstream)

    def start(loss: Loss, activation: Activation, z: Array, a: Array, y: Array) -> Array:
        error = np.abs(a) + np.abs(y) if isinstance(loss, PartneredLoss) else loss.gradient(a, y)
        return loss.output_delta(activation, z, a, y) + rounding(error)

    given = right.with_start(start)
    for l in range(2, point.network.L):
        given = given.with_way_back(l, way_back)
    for _ in range(_TRIALS):
        yield gradients, given.gradients()
