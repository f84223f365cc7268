"""Mistakes of bookkeeping: a tensor transposed, forgotten, in another's place, or a factor off.

They are seen in the numbers themselves, whatever the backward pass did.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bpnet.core.arrays import Array
from bpnet.core.losses import Quadratic
from bpnet.inspection.ingredients import Tensors
from bpnet.inspection.point import Point
from bpnet.inspection.words import Key, layer_first, whose

_NEAR = 1e-3
"""How near an estimated factor must be to a known one for that to be tried."""

AS_IT_IS, TRANSPOSED, ZERO = "as it is", "transposed", "0"
SUMMED, AVERAGED = "summed over the layer", "averaged over the layer"
NEXT, BEFORE = "of the next layer", "of the layer before"

Same = Callable[[Key, Array, Array], bool]


@dataclass(frozen=True)
class Factor:
    """A number that a gradient may be off by.

    Attributes
    ----------
    value : float
    kinds : int
        Mistakes that it takes.
    text : str
        What it comes from.
    """

    value: float
    kinds: int
    text: str


@dataclass(frozen=True)
class Twist:
    """What bookkeeping made of a tensor: its form, and a factor on it."""

    form: str
    factor: float

    @property
    def is_none(self) -> bool:
        """Whether nothing was done."""
        return self.form == AS_IT_IS and self.factor == 1


def known_factors(point: Point, rate: float) -> tuple[Factor, ...]:
    """Every factor that has a name: with one mistake, then with two.

    Parameters
    ----------
    point : Point
    rate : float
        Learning rate.
    """
    alone = [Factor(value, 1, text) for value, text in _alone(point, rate) if not np.isclose(value, 1)]
    pairs = [
        Factor(one.value * other.value, 2, f"{one.text}, and {other.text}")
        for one, other in itertools.combinations(alone, 2)
        if not any(np.isclose(one.value * other.value, value) for value in (1, *(f.value for f in alone)))
    ]
    return (*alone, *pairs)


def _alone(point: Point, rate: float) -> Iterator[tuple[float, str]]:
    N, n = len(point.X), point.network.sizes[-1]
    square = isinstance(point.loss, Quadratic)
    yield 2.0, "doubled" + square * " (the ½ of ½(a − y)² left out, or counted twice)"
    yield 0.5, "halved"
    yield -1.0, "the sign turned (y − a for a − y, or the descent's minus already in it)"
    if N > 1:
        yield float(N), f"summed over the {N} samples, where C is their mean"
        yield 1 / N, f"divided by the {N} samples once more"
    if n > 1:
        yield 1 / n, f"divided by the {n} outputs, where C sums over them"
        yield float(n), f"multiplied by the {n} outputs"
        if square:
            yield 2 / n, f"that of the mean of (a − y)² over the {n} outputs, where C has ½ of their sum"
    if point.sample_weight is not None:
        yield N / float(point.sample_weight.sum()), "divided by the sum of the samples' weights, not by N"
    yield rate, f"multiplied by the learning rate {rate:g}: that is the step, not the gradient"
    yield -rate, f"multiplied by minus the learning rate {rate:g}: that is the step, not the gradient"


def find_twist(
    key: Key, expected: Tensors, found: Array, factors: Sequence[Factor], same: Same
) -> Twist | None:
    """How a tensor in hand comes from the expected ones by bookkeeping; None if it does not."""
    if not found.any() and not same(key, found, expected[key]):
        return Twist(ZERO, 1)
    forms = [(form, array) for form, array in _forms(key, expected) if array.shape == found.shape]
    for form, array in forms:
        if same(key, found, array):
            return Twist(form, 1)
    for form, array in forms:
        estimate = _estimate(array, found)
        for value in _near(estimate, factors):
            if same(key, found, value * array):
                return Twist(form, value)
        # One number alone is always some multiple of another: that would explain nothing.
        if form == AS_IT_IS and np.count_nonzero(array) > 1 and same(key, found, estimate * array):
            return Twist(form, estimate)
    return None


def _forms(key: Key, expected: Tensors) -> Iterator[tuple[str, Array]]:
    """What a tensor could be instead of itself, times a factor."""
    (name, l), right = key, expected[key]
    yield AS_IT_IS, right
    if name == "W":
        yield TRANSPOSED, right.T
    else:
        yield SUMMED, np.full_like(right, right.sum())
        yield AVERAGED, np.full_like(right, right.mean())
    for form, other in ((NEXT, l + 1), (BEFORE, l - 1)):
        if (name, other) in expected:
            yield form, expected[name, other]


def _estimate(array: Array, found: Array) -> float:
    """The number that takes one array to the other as nearly as one can; 0 if there is none."""
    size = np.abs(array).max()
    if not size or not np.isfinite(size):
        return 0.0
    scaled = array / size
    return float((scaled * found).sum() / (scaled * scaled).sum() / size)


def _near(estimate: float, factors: Sequence[Factor]) -> list[float]:
    """Known factors about as large as an estimated one, the nearest first."""
    near = [each.value for each in factors if abs(each.value - estimate) < _NEAR * abs(estimate)]
    return sorted(near, key=lambda value: abs(value - estimate))


def gather(twists: dict[Key, Twist]) -> list[tuple[Twist, list[Key]]]:
    """Tensors with the same twist, together; those that are as they should be are left out."""
    groups: list[tuple[Twist, list[Key]]] = []
    for key, twist in twists.items():
        for other, keys in groups:
            if other.form == twist.form and np.isclose(other.factor, twist.factor):
                keys.append(key)
                break
        else:
            if not twist.is_none:
                groups.append((twist, [key]))
    return groups


def tell(
    twist: Twist, keys: Sequence[Key], every: Sequence[Key], factors: Sequence[Factor]
) -> tuple[int, str]:
    """How many kinds of mistakes a twist is, and a sentence for it.

    Parameters
    ----------
    twist : Twist
    keys : sequence of (str, int)
        Tensors that have it.
    every : sequence of (str, int)
        All that were given.
    factors : sequence of Factor
        The known ones.
    """
    keys = layer_first(keys)
    parts = [] if twist.form == AS_IT_IS else [_tell_form(twist.form, keys)]
    kinds = len(parts)
    if twist.factor != 1:
        names = [each for each in factors if np.isclose(each.value, twist.factor, rtol=1e-9)]
        fewest = min((each.kinds for each in names), default=1)
        reasons = "; or ".join(each.text for each in names if each.kinds == fewest)
        size = f"{twist.factor:.6g} times the right size".replace("-", "−")
        parts.append(f"{size}: {reasons or 'a factor that has no name here'}")
        kinds += fewest
    return kinds, f"Your {whose(keys, every)} {'; and '.join(parts)}."


def _tell_form(form: str, keys: Sequence[Key]) -> str:
    if form == ZERO:
        return f"0: {_FORGOTTEN[''.join(sorted({name for name, _ in keys}))]}"
    if form in (NEXT, BEFORE):
        return _tell_shift(form, keys)
    return _FORMS[form]


_FORGOTTEN = {
    "W": "weights are forgotten (BP4: ∂C/∂w is a times δ)",
    "b": "biases are forgotten (BP3: ∂C/∂b is δ itself)",
    "Wb": "forgotten, or no error arrives there",
}
_FORMS = {
    TRANSPOSED: "transposed: here W has a row for each unit of its layer, a column for each input",
    SUMMED: "the sum over the layer's units in every place: each bias has its own unit's δ (BP3)",
    AVERAGED: "the mean over the layer's units in every place: each bias has its own unit's δ (BP3)",
}


def _tell_shift(form: str, keys: Sequence[Key]) -> str:
    numbers = {l for _, l in keys}
    l = min(numbers)
    which = f"layer {l + 1 if form == NEXT else l - 1}" if len(numbers) == 1 else form.removeprefix("of ")
    return f"what belongs to {which}: shifted by one"


def is_unnamed(twist: Twist, factors: Sequence[Factor]) -> bool:
    """Whether a twist has a factor that nothing explains."""
    return twist.factor != 1 and not any(np.isclose(each.value, twist.factor, rtol=1e-9) for each in factors)
