"""When two gradients count as the same: within a tolerance, or as near as single precision could come."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from bpnet.core.arrays import Array
from bpnet.inspection.comparison import relative_errors
from bpnet.inspection.differences import regions, same_regions
from bpnet.inspection.ingredients import Tensors, tensors_of
from bpnet.inspection.point import Point

_TRIALS = 4
_MARGIN = 8
"""An element may differ by so many times what single precision was seen to leave in its tensor."""

_DIGITS = 9
"""Significant decimal digits that tell any two numbers of single precision apart."""


@dataclass(frozen=True)
class Likeness:
    """Judges whether tensors are the same.

    Attributes
    ----------
    tolerance : float
        Relative difference that is let pass.
    rounding : mapping of (str, int) to float
        Share of a tensor's largest element by which any of its elements may be off.
    """

    tolerance: float
    rounding: Mapping[tuple[str, int], float] = field(default_factory=dict)

    @classmethod
    def of(cls, point: Point, given: Tensors, tolerance: float) -> "Likeness":
        """One that is fair to the precision in which a gradient was given."""
        return cls(tolerance, single_precision(point) if is_single(given) else {})

    def same(self, key: tuple[str, int], found: Array, expected: Array) -> bool:
        """Whether ``found`` is ``expected``, which is a tensor by the name ``key``."""
        if found.shape != expected.shape:
            return False
        errors = relative_errors(found, expected)
        allowed = self.rounding.get(key, 0) * np.abs(expected).max()
        return bool(((errors <= self.tolerance) | (np.abs(found - expected) <= allowed)).all())


def is_single(tensors: Tensors) -> bool:
    """Whether every number is one of single precision, as it is or written with at most nine digits."""
    with np.errstate(all="ignore"):
        return all(_is_short(array) for array in tensors.values())


def _is_short(array: Array) -> bool:
    rest = array[array != array.astype(np.float32)]
    return all(number == float(f"{number:.{_DIGITS}g}") for number in rest.tolist())


def single_precision(point: Point) -> dict[tuple[str, int], float]:
    """How far single precision may leave each tensor from the true one, as a share of its largest element.

    The very passes that train are run in single precision on rounded numbers, a few times; a pass that comes
    out on the other side of a corner is another gradient, and does not count.
    """
    trace, rng = point.forward(), np.random.default_rng(0)
    here, right = regions(point, trace), tensors_of(point.backward(trace))
    shares = dict.fromkeys(right, 0.0)
    for _ in range(_TRIALS):
        rounded = _rounded(point, rng)
        there = rounded.forward()
        if same_regions(here, regions(rounded, there)):
            for key, array in tensors_of(rounded.backward(there)).items():
                size = float(np.abs(right[key]).max()) or 1.0
                shares[key] = max(shares[key], _MARGIN * float(np.abs(array - right[key]).max()) / size)
    return shares


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
