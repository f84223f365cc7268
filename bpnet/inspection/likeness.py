"""When two gradients count as the same: within a tolerance, or as near as single precision could come."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

import numpy as np

from bpnet.core.arrays import Array
from bpnet.inspection.comparison import relative_errors
from bpnet.inspection.differences import regions, same_regions
from bpnet.inspection.ingredients import Tensors, tensors_of
from bpnet.inspection.point import Point
from bpnet.inspection.rounding import largest
from bpnet.inspection.words import Key

_TRIALS = 8
_LEAST_OF_A_ROW = 0.1
"""Share of a tensor's largest rounding that a bias may have, though it was seen with less."""

_MARGIN = 8
"""An element may differ by so many times what rounding was seen to leave in its tensor."""

_DOUBLE = 16 * float(np.finfo(np.float64).eps / np.finfo(np.float32).eps)
"""What double precision leaves of that at most; the smaller it is, the more its size is chance."""

_CLOSE = 1e-4
"""Share of a tensor's largest element that rounding is never taken to exceed, unless nothing else is left."""

_DIGITS = 9
"""Significant decimal digits that tell any two numbers of single precision apart."""

_FEW = 8
"""Digits that are too few to tell single precision from its neighbours."""

_LOST = 0.1
"""Share of a tensor from which rounding leaves no digit of it."""


@dataclass(frozen=True)
class Likeness:
    """Judges whether tensors are the same.

    Attributes
    ----------
    tolerance : float
        Relative difference that is let pass.
    rounding : mapping of (str, int) to ndarray
        What single precision may leave in each element of the right tensors.
    sizes : mapping of (str, int) to float
        Largest elements of these: rounding in a larger tensor may be as much larger.
    share : float
        How much of that rounding is forgiven: all of it if numbers are of single precision.
    printed : (float, float)
        What few digits leave: a share of each number, and a number.
    """

    tolerance: float
    rounding: Tensors = field(default_factory=dict)
    sizes: Mapping[Key, float] = field(default_factory=dict)
    share: float = 1.0
    printed: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def of(cls, point: Point, given: Tensors, tolerance: float) -> "Likeness":
        """One that is fair to the precision in which a gradient was given."""
        right = tensors_of(point.backward(point.forward()))
        sizes = {key: largest(array) for key, array in right.items()}
        share = 1.0 if is_single(given) else _DOUBLE
        return cls(tolerance, single_precision(point, right), sizes, share)

    def rough(self, given: Tensors) -> "Likeness":
        """The same, fair to numbers that come from single precision, or are written with few digits."""
        return replace(self, share=1.0, printed=few_digits(given))

    def is_lost(self, key: Key) -> bool:
        """Whether rounding may leave a tensor no right digit: its true value is next to 0."""
        return self.share * largest(self.rounding[key]) >= _LOST * self.sizes[key]

    def same(self, key: Key, found: Array, expected: Array) -> bool:
        """Whether ``found`` is ``expected``, which is a tensor by the name ``key``."""
        if found.shape != expected.shape:
            return False
        if np.array_equal(found, expected):
            return True
        share, number = self.printed
        left = self._left(key, expected) + number + share * np.abs(found)
        close = relative_errors(found, expected) <= self.tolerance
        return bool((close | (np.abs(found - expected) <= left)).all())

    def _left(self, key: Key, expected: Array) -> Array | float:
        """What rounding may leave in each element of ``expected``, which may stand transposed."""
        if key not in self.rounding or not self.sizes[key]:
            return 0.0
        left = self.share * self.rounding[key]
        left = left if left.shape == expected.shape else left.T
        size = largest(expected)
        return np.maximum(left, np.minimum(left * (size / self.sizes[key]), _CLOSE * size))


def is_single(tensors: Tensors) -> bool:
    """Whether every number is one of single precision, as it is or written with at most nine digits."""
    with np.errstate(all="ignore"):
        return all(_is_short(array) for array in tensors.values())


def _is_short(array: Array) -> bool:
    rest = array[array != array.astype(np.float32)]
    return all(number == float(f"{number:.{_DIGITS}g}") for number in rest.tolist())


def few_digits(tensors: Tensors) -> tuple[float, float]:
    """What writing left out of numbers, if all have few digits: a share of each, and a number; 0 if not.

    Half a unit of the last digit, of all numbers the longest; for half precision of the last bit.
    """
    numbers = np.concatenate([array.ravel() for array in tensors.values()]) if tensors else np.zeros(0)
    numbers = numbers[numbers != 0]
    if not numbers.size:
        return 0.0, 0.0
    with np.errstate(all="ignore"):
        if (numbers == numbers.astype(np.float16)).all():
            half = np.finfo(np.float16)
            return float(half.eps), float(half.smallest_subnormal)
    shortest = [Decimal(repr(number)).normalize().as_tuple() for number in numbers.tolist()]
    digits = max(len(each.digits) for each in shortest)
    places = max(-int(each.exponent) for each in shortest)
    share = 0.5 * 10.0 ** (1 - digits) if digits <= _FEW else 0.0
    return share, 0.5 * 10.0**-places if places <= _FEW else 0.0


def single_precision(point: Point, right: Tensors) -> dict[Key, Array]:
    """How far single precision may leave each element of each tensor from the true one.

    The very passes that train are run in single precision on rounded numbers, a few times; a pass that comes
    out on the other side of a corner is another gradient, and does not count. An element that happened to be
    hit is no better than its row and its column.
    """
    here, rng = regions(point, point.forward()), np.random.default_rng(0)
    left = {key: np.zeros_like(array) for key, array in right.items()}
    for _ in range(_TRIALS):
        rounded = _rounded(point, rng)
        trace = rounded.forward()
        if same_regions(here, regions(rounded, trace)):
            for key, array in tensors_of(rounded.backward(trace)).items():
                left[key] = np.maximum(left[key], np.abs(array - right[key]))
    return {key: _MARGIN * _evened(array) for key, array in left.items()}


def _evened(array: Array) -> Array:
    """Each element, or what its row and its column would have it be, if that is more."""
    size = largest(array)
    if array.ndim == 1 or not size:
        return np.maximum(array, _LEAST_OF_A_ROW * size)
    rows, columns = array.max(axis=1, keepdims=True), array.max(axis=0, keepdims=True)
    evened: Array = np.maximum(array, rows * (columns / size))
    return evened


def _rounded(point: Point, rng: np.random.Generator) -> Point:
    """The point in single precision, every parameter and input moved by about one rounding."""

    def single(array: Array) -> Array:
        moved: Array = array * (1 + np.finfo(np.float32).eps * rng.choice([-0.5, 0.5], array.shape))
        return moved.astype(np.float32)

    return replace(
        point.at(single(point.network.parameters)),
        X=single(point.X),
        Y=point.Y.astype(np.float32),
        sample_weight=None if point.sample_weight is None else point.sample_weight.astype(np.float32),
        masks={l: mask.astype(np.float32) for l, mask in point.masks.items()},
    )
