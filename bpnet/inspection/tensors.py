"""Every W and b of a point against the complex step, as many elements as there is time for."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bpnet.core.arrays import Array
from bpnet.core.network import Network, Trace
from bpnet.inspection.comparison import THRESHOLD, relative_errors
from bpnet.inspection.complex_step import Tail, by_parameters
from bpnet.inspection.differences import regions, same_regions
from bpnet.inspection.point import Point
from bpnet.inspection.records import FAIL, INCONCLUSIVE, PASS, TensorCheck, Worst

MULTIPLICATIONS_A_SECOND = 5e7
"""Complex multiplications that a machine does, roughly, all that goes with them included."""

_FEWEST = 16
"""Elements of a tensor that are checked whatever the budget."""

_NUDGES = 3
_FORGIVEN = 100
"""An element may differ by so many times what it moves when the parameters move by one rounding."""

Key = tuple[str, int]


@dataclass(frozen=True)
class Numeric:
    """Complex-step derivatives of some elements of every tensor.

    Attributes
    ----------
    elements : dict of (str, int) to ndarray of int
        Positions in the raveled tensor.
    values : dict of (str, int) to ndarray
    """

    elements: Mapping[Key, Array]
    values: Mapping[Key, Array]


def keys(network: Network) -> list[Key]:
    """Every tensor from the output back, W before b."""
    return [(name, l) for l in reversed(network.layers) for name in ("W", "b")]


def tensor(network: Network, key: Key) -> Array:
    """W or b of a layer."""
    return (network.W if key[0] == "W" else network.b)[key[1]]


def choose(point: Point, seconds: float, most: int | None = None) -> dict[Key, Array]:
    """Choose the elements that there is time for: all, or the same number of each large tensor.

    Parameters
    ----------
    point : Point
    seconds : float
        About how long the check may take.
    most : int, optional
        No more than so many of a tensor.
    """
    network, rng = point.network, np.random.default_rng(0)
    cost = {l: len(point.X) * Tail(point, l).multiplications for l in network.layers}
    sizes = {key: tensor(network, key).size for key in keys(network)}
    allowed = seconds * MULTIPLICATIONS_A_SECOND

    def work(cap: int) -> int:
        return sum(min(size, cap) * cost[key[1]] for key, size in sizes.items())

    low, high = _FEWEST, max(*sizes.values(), _FEWEST)
    if work(high) > allowed:
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if work(middle) <= allowed else (low, middle)
        high = low
    cap = high if most is None else min(high, most)
    return {
        key: np.arange(size) if size <= cap else np.sort(rng.choice(size, cap, replace=False))
        for key, size in sizes.items()
    }


def differentiate(point: Point, trace: Trace, elements: Mapping[Key, Array]) -> Numeric:
    """Complex-step derivatives of the chosen elements."""
    with np.errstate(all="ignore"):
        values = {
            (name, l): by_parameters(point, trace, l, name, chosen) for (name, l), chosen in elements.items()
        }
    return Numeric(elements, values)


def check_tensors(
    point: Point, gradients: Mapping[Key, Array], numeric: Numeric, *, threshold: float = THRESHOLD
) -> list[TensorCheck]:
    """Judge every tensor of a gradient.

    Parameters
    ----------
    point : Point
    gradients : mapping of (str, int) to ndarray
        The gradient to judge.
    numeric : Numeric
        From :func:`differentiate`.
    threshold : float
    """
    return [
        _judge(point, key, gradients[key].ravel()[elements], numeric, threshold)
        for key, elements in numeric.elements.items()
    ]


def _judge(point: Point, key: Key, analytic: Array, numeric: Numeric, threshold: float) -> TensorCheck:
    array, expected = tensor(point.network, key), numeric.values[key]
    name, l = key
    checked, total, shape = len(expected), array.size, array.shape
    if not (np.isfinite(analytic).all() and np.isfinite(expected).all()):
        note = "a number is infinite or not a number"
        return TensorCheck(l, name, shape, checked, total, None, None, point.name, INCONCLUSIVE, note)
    errors, note = relative_errors(analytic, expected), ""
    if errors.max() > threshold:
        rounding = _is_rounding(point, key, analytic, numeric)
        if rounding[errors > threshold].all():
            note = "its true value is 0: only rounding is left"
        errors = np.where(rounding, 0, errors)
    worst = int(errors.argmax())
    index = tuple(int(k) for k in np.unravel_index(numeric.elements[key][worst], shape))
    return TensorCheck(
        layer=l,
        tensor=name,
        shape=shape,
        checked=checked,
        total=total,
        max_relative_error=float(errors[worst]),
        worst=Worst(index, float(analytic[worst]), float(expected[worst])),
        point=point.name,
        verdict=PASS if errors[worst] <= threshold else FAIL,
        note=note,
    )


def _is_rounding(point: Point, key: Key, analytic: Array, numeric: Numeric) -> Array:
    """Elements that differ by no more than they move when every parameter moves by one rounding.

    That is so where large parts cancel: an error of 1e-17 against a true 0, say.
    """
    name, l = key
    here, rng = regions(point, point.forward()), np.random.default_rng(0)
    moved = np.zeros_like(analytic)
    eps = np.finfo(np.float64).eps
    for _ in range(_NUDGES):
        parameters = point.network.parameters
        nudged = point.at(parameters * (1 + eps * rng.choice([-1.0, 1.0], parameters.shape)))
        trace = nudged.forward()
        if same_regions(here, regions(nudged, trace)):
            values = by_parameters(nudged, trace, l, name, numeric.elements[key])
            moved = np.maximum(moved, np.abs(values - numeric.values[key]))
    found: Array = np.abs(analytic - numeric.values[key]) <= _FORGIVEN * moved
    return found
