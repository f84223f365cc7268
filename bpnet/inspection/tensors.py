"""Every W and b of a point against the complex step, as many elements as there is time for."""

import math
from collections.abc import Mapping

import numpy as np

from bpnet.core.arrays import Array
from bpnet.core.network import Network, Trace
from bpnet.errors import BpnetError
from bpnet.inspection.comparison import THRESHOLD, relative_errors
from bpnet.inspection.complex_step import Tail, by_parameters
from bpnet.inspection.ingredients import tensors_of
from bpnet.inspection.point import Point
from bpnet.inspection.records import FAIL, INCONCLUSIVE, NOT_FINITE, PASS, TensorCheck, Worst
from bpnet.inspection.rounding import FORGIVEN, UNDERFLOW, largest, nudges, shaken
from bpnet.inspection.words import Key

WORK_A_SECOND = 5e8
"""Complex multiplications that a machine does, roughly, all that goes with them included."""

_FEWEST = 16
"""Elements of a tensor that are checked whatever the budget."""


class Numeric:
    """Complex-step derivatives of some elements of every tensor.

    Parameters
    ----------
    point : Point
    trace : Trace
    elements : mapping of (str, int) to ndarray of int
        Positions in the raveled tensor.

    Attributes
    ----------
    point : Point
    elements : mapping of (str, int) to ndarray of int
    values : dict of (str, int) to ndarray
    """

    def __init__(self, point: Point, trace: Trace, elements: Mapping[Key, Array]) -> None:
        self.point, self.elements = point, elements
        with np.errstate(all="ignore"):
            self.values = {key: _derivatives(point, trace, key, chosen) for key, chosen in elements.items()}
        self._noise: dict[Key, float] = {}

    def noise(self, key: Key) -> float:
        """How far a tensor's derivatives move, at most, when every parameter or slope moves by one rounding.

        Next to nothing, unless large parts of it cancel: an error of 1e-17 against a true 0, say.
        """
        if key not in self._noise:
            chosen, values = self.elements[key], self.values[key]
            numeric = (largest(_derivatives(*each, key, chosen) - values) for each in nudges(self.point))
            pairs = ((tensors_of(each)[key].ravel() for each in pair) for pair in shaken(self.point))
            analytic = (largest(there[chosen] - here[chosen]) for here, there in pairs)
            with np.errstate(all="ignore"):
                self._noise[key] = max((*numeric, *analytic, UNDERFLOW))
        return self._noise[key]


def _derivatives(point: Point, trace: Trace, key: Key, elements: Array) -> Array:
    return by_parameters(point, trace, key[1], key[0], elements)


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

    Raises
    ------
    BpnetError
        If the time is negative or not a number.
    """
    if not seconds >= 0:
        raise BpnetError(f"A budget is a number of seconds, 0 or more, found {seconds}.")
    rng, work, allowed = np.random.default_rng(0), _work(point), seconds * WORK_A_SECOND
    sizes = {key: tensor(point.network, key).size for key in work}

    def of(cap: int) -> int:
        return sum(min(size, cap) * work[key] for key, size in sizes.items())

    low, high = _FEWEST, max(*sizes.values(), _FEWEST)
    if of(high) > allowed:
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if of(middle) <= allowed else (low, middle)
        high = low
    cap = high if most is None else min(high, most)
    return {
        key: np.arange(size) if size <= cap else np.sort(rng.choice(size, cap, replace=False))
        for key, size in sizes.items()
    }


def _work(point: Point) -> dict[Key, int]:
    """Multiplications that one element of each tensor takes, about."""
    layers = point.network.layers
    work = {l: len(point.X) * (layer.n_in + Tail(point, l).work) for l, layer in layers.items()}
    return {key: work[key[1]] for key in keys(point.network)}


def coverage(numeric: Numeric, share: float) -> str:
    """How much of a network has been checked, and the budget for all of it; empty if that is all of it.

    Parameters
    ----------
    numeric : Numeric
    share : float
        Of a budget, for these derivatives.
    """
    point, total = numeric.point, numeric.point.network.parameters.size
    checked = sum(len(elements) for elements in numeric.elements.values())
    if checked == total:
        return ""
    seconds = (
        sum(tensor(point.network, key).size * work for key, work in _work(point).items()) / WORK_A_SECOND
    )
    budget = math.ceil(seconds / share)
    return f"{checked:,} of {total:,} parameters ({100 * checked / total:.2g} %; --budget {budget} for all)"


def check_tensors(
    gradients: Mapping[Key, Array], numeric: Numeric, *, threshold: float = THRESHOLD
) -> list[TensorCheck]:
    """Judge every tensor of a gradient.

    Parameters
    ----------
    gradients : mapping of (str, int) to ndarray
        The gradient to judge.
    numeric : Numeric
    threshold : float
    """
    return [_judge(key, gradients[key], numeric, threshold) for key in numeric.elements]


def _judge(key: Key, gradient: Array, numeric: Numeric, threshold: float) -> TensorCheck:
    (name, l), elements, expected = key, numeric.elements[key], numeric.values[key]
    analytic = gradient.ravel()[elements]
    checked, total, point = len(elements), gradient.size, numeric.point.name
    errors, note = relative_errors(analytic, expected), ""
    if not np.isfinite(errors).all():
        return TensorCheck(
            l, name, gradient.shape, checked, total, None, None, point, INCONCLUSIVE, NOT_FINITE
        )
    if errors.max() > threshold:
        rounding = np.abs(analytic - expected) <= FORGIVEN * numeric.noise(key)
        if rounding[errors > threshold].all():
            note = "its true value is 0: only rounding is left"
        errors = np.where(rounding, 0, errors)
    worst = int(errors.argmax())
    index = tuple(int(k) for k in np.unravel_index(elements[worst], gradient.shape))
    return TensorCheck(
        layer=l,
        tensor=name,
        shape=gradient.shape,
        checked=checked,
        total=total,
        max_relative_error=float(errors[worst]),
        worst=Worst(index, float(analytic[worst]), float(expected[worst])),
        point=point,
        verdict=PASS if errors[worst] <= threshold else FAIL,
        note=note,
    )
