"""Derivatives without complex numbers: extrapolated differences, and the order of Taylor's remainder.

Both know how good they are: a difference comes with an estimate of its error, and a point where a
ReLU or an absolute value has its corner between the two sides is called a kink, with the slope of
either side, instead of being let through by a looser tolerance.

References
----------
Ridders, Accurate computation of F'(x) and F'(x)F''(x), 1982.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bpnet.core.arrays import Array
from bpnet.core.losses import PartneredLoss
from bpnet.core.network import Trace
from bpnet.inspection.point import Point

_STEPS = (1e-2, 1e-3, 1e-4)
"""First steps, relative to the parameter or 1, whichever is larger; each is halved twice."""

_GOOD_ENOUGH = 1e-10
_KINK_STEP = 1e-7
_ESTIMATES = 10
"""So many error estimates of a difference may the gradient be away from it."""

_ROUNDING = 1e-7
"""Relative error that passes on top: rounding of the cost over the step."""

_NOTHING = float(np.finfo(np.float64).tiny)
"""Below this, numbers lose their digits one by one."""

_EPS = float(np.finfo(np.float64).eps)

ORDER = 1.9
"""Least order of Taylor's remainder that passes: 2 for a right gradient, 1 for a wrong one."""

_LEAST_MOVE = 1e-3
"""How far parameters are moved that are all 0."""

_ORDERS_NEEDED = 3
"""With fewer, the remainder sinks into rounding before its order shows."""

_SETTLED = 0.2
"""So much two orders in a row may differ; more, and terms of the third order still have a say."""

_WRONG = 1.5
"""A wrong gradient's order comes to 1; between this and :data:`ORDER` it has not settled."""

_FURTHER = 4
_ORDER_ONE = 1.25
"""A remainder of order 1 shrinks by no more than this order for so many halvings on, into the rounding."""

_HALVINGS = 34
_ABOVE_ROUNDING = 100
"""A remainder counts if it is so many times the rounding of the cost."""


@dataclass(frozen=True)
class Difference:
    """One element of the gradient against a difference of costs.

    Attributes
    ----------
    layer : int
    tensor : str
        ``W`` or ``b``.
    index : tuple of int
        Unit and input, from 0; or the unit.
    analytic, numeric : float
    estimate : float
        How far the numeric value may be off.
    slopes : (float, float) or None
        At a kink, the slopes on the left and on the right; ``numeric`` is then their mean.
    verdict : str
        ``pass``, ``fail``, ``kink``, or ``inconclusive`` where the cost overflows.
    point : str
        Where that was.
    """

    layer: int
    tensor: str
    index: tuple[int, ...]
    analytic: float
    numeric: float
    estimate: float
    slopes: tuple[float, float] | None
    verdict: str
    point: str


@dataclass(frozen=True)
class Taylor:
    """How C(θ + td) − C(θ) − t·∇C·d shrinks with t.

    Attributes
    ----------
    layer : int or None
        The layer whose parameters d moves; None for all.
    order : float or None
        None where no order can be seen.
    verdict : str
        ``pass``, ``fail``, or ``open`` without an order.
    reason : str
        Why there is none.
    """

    layer: int | None
    order: float | None
    verdict: str
    reason: str = ""


def regions(point: Point, trace: Trace) -> list[Array]:
    """On which side of every corner each unit and residual lies."""
    sides = [
        trace.z[l] > kink for l, layer in point.network.layers.items() for kink in layer.activation.kinks
    ]
    sides.extend(trace.outputs - point.Y > kink for kink in point.loss.kinks)
    return sides


def same_regions(first: list[Array], second: list[Array]) -> bool:
    """Whether no corner lies between two traces."""
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def on_corners(point: Point, trace: Trace) -> dict[int, int]:
    """How many (sample, unit) pairs of each layer lie exactly on a corner, where a convention decides."""
    counts = {
        l: sum(int(np.count_nonzero(trace.z[l] == kink)) for kink in layer.activation.kinks)
        for l, layer in point.network.layers.items()
    }
    return {l: count for l, count in counts.items() if count}


def difference(
    point: Point, trace: Trace, l: int, tensor: str, element: int, *, analytic: float, floor: float
) -> Difference:
    """Check one element of the gradient.

    Parameters
    ----------
    point, trace : Point, Trace
    l : int
    tensor : str
        ``W`` or ``b``.
    element : int
        Position in the raveled tensor.
    analytic : float
    floor : float
        Size below which the element is measured against its tensor.
    """
    network = point.network
    shape = network.W[l].shape if tensor == "W" else network.b[l].shape
    index = tuple(int(k) for k in np.unravel_index(element, shape))
    line = _Line(point, trace, l, tensor, element)
    best: tuple[float, float] | None = None
    kink = False
    for step in _STEPS:
        found = line.derivative(step * max(1.0, abs(line.start)))
        kink |= found is None
        if found is not None and math.isfinite(found[1]) and (best is None or found[1] < best[1]):
            best = found
        if best is not None and best[1] <= _GOOD_ENOUGH * abs(best[0]):
            break
    if best is None:
        slopes = line.slopes(_KINK_STEP * max(1.0, abs(line.start)))
        verdict = "kink" if kink else "inconclusive"
        return Difference(l, tensor, index, analytic, sum(slopes) / 2, math.inf, slopes, verdict, point.name)
    numeric, estimate = best
    allowed = _ESTIMATES * estimate + _ROUNDING * max(abs(analytic) + abs(numeric), floor) + _NOTHING
    verdict = "pass" if abs(analytic - numeric) <= allowed else "fail"
    return Difference(l, tensor, index, analytic, numeric, estimate, None, verdict, point.name)


class _Line:
    """The cost along one parameter."""

    def __init__(self, point: Point, trace: Trace, l: int, tensor: str, element: int) -> None:
        self._point, self._regions = point, regions(point, trace)
        self._cost = point.cost(trace)
        moved = point.network.with_parameters(point.network.parameters.copy())
        self._moved = point.at(moved.parameters)
        self._tensor = (self._moved.network.W if tensor == "W" else self._moved.network.b)[l].reshape(-1)
        self._element = element
        self.start = float(self._tensor[element])

    def _at(self, offset: float) -> tuple[float, bool]:
        """Cost at an offset, and whether a corner lies between."""
        self._tensor[self._element] = self.start + offset
        trace = self._moved.forward()
        C = self._moved.cost(trace)
        self._tensor[self._element] = self.start
        return C, not same_regions(self._regions, regions(self._point, trace))

    def derivative(self, step: float) -> tuple[float, float] | None:
        """Derivative and error estimate; None if a corner lies within the step."""
        rough = []
        for h in (step, step / 2, step / 4):
            (right, kink_right), (left, kink_left) = self._at(h), self._at(-h)
            if kink_right or kink_left:
                return None
            rough.append((right - left) / (2 * h))
        once = [(4 * fine - coarse) / 3 for coarse, fine in itertools.pairwise(rough)]
        twice = (16 * once[1] - once[0]) / 15
        rounding = 4 * _EPS * _size(self._point, self._cost) / (step / 4)
        return twice, abs(once[1] - once[0]) + rounding

    def slopes(self, h: float) -> tuple[float, float]:
        """Slopes to the left and to the right."""
        return (self._cost - self._at(-h)[0]) / h, (self._at(h)[0] - self._cost) / h


def _size(point: Point, C: float) -> float:
    """Size of the numbers that a cost is the sum of: a loss that is a logarithm comes from numbers near 1."""
    return abs(C) + isinstance(point.loss, PartneredLoss)


def taylor(point: Point, trace: Trace, gradient: Array, l: int | None, rng: np.random.Generator) -> Taylor:
    """Order of Taylor's remainder along a random direction.

    Parameters
    ----------
    point, trace : Point, Trace
    gradient : ndarray of shape (P,)
        The flat gradient that is checked.
    l : int or None
        Move this layer's parameters only, or all.
    rng : Generator
    """
    network = point.network
    direction = network.with_parameters(np.zeros_like(network.parameters))
    for m in network.layers if l is None else (l,):
        for part, own in ((direction.W[m], network.W[m]), (direction.b[m], network.b[m])):
            size = max(float(np.abs(own).max(initial=0)), _LEAST_MOVE) / math.sqrt(network.layers[m].n_in)
            part[...] = rng.standard_normal(part.shape) * size
    return _order(l, list(_remainders(point, trace, gradient, direction.parameters)))


def _order(l: int | None, remainders: list[tuple[float, float]]) -> Taylor:
    noise = _ABOVE_ROUNDING * _EPS
    counted = [
        k
        for k, ((first, _), (second, size)) in enumerate(itertools.pairwise(remainders), start=1)
        if first and second > noise * size
    ]
    orders = [math.log2(remainders[k - 1][0] / remainders[k][0]) for k in counted]
    if len(orders) >= _ORDERS_NEEDED and abs(orders[-1] - orders[-2]) <= _SETTLED:
        # The next term makes an order differ from its limit by half as much at half the t.
        order = 2 * orders[-1] - orders[-2]
        if order >= ORDER:
            return Taylor(l, order, "pass")
        if order <= _WRONG and _goes_on(remainders, counted[-1]):
            return Taylor(l, order, "fail")
    if len(remainders) <= _ORDERS_NEEDED:
        return Taylor(l, None, "open", "a corner too near")
    few = len(orders) < _ORDERS_NEEDED
    return Taylor(l, None, "open", "below rounding" if few else "not settled")


def _goes_on(remainders: list[tuple[float, float]], last: int) -> bool:
    """Whether the remainder goes on to shrink with t into the rounding, as it does under a wrong gradient.

    Of a large saturated network it may seem to, and then vanish: those t led to another plateau.
    """
    there = min(last + _FURTHER, len(remainders) - 1)
    return remainders[last][0] <= remainders[there][0] * 2 ** (_ORDER_ONE * (there - last))


def _remainders(
    point: Point, trace: Trace, gradient: Array, direction: Array
) -> Iterator[tuple[float, float]]:
    """Remainder, and the size of the numbers it is a difference of, for t = 1, 1/2, 1/4, ...

    The first few may be dominated by higher orders, and those beyond a corner say nothing.
    """
    parameters, start, here = point.network.parameters, point.cost(trace), regions(point, trace)
    products = gradient * direction
    slope, slopes = float(products.sum()), float(np.abs(products).sum())
    for halving in range(_HALVINGS):
        t = 0.5**halving
        moved = point.at(parameters + t * direction)
        there = moved.forward()
        if same_regions(here, regions(point, there)):
            C = moved.cost(there)
            yield abs(C - start - t * slope), _size(point, C) + _size(point, start) + t * slopes
