"""Mistakes of bookkeeping: a tensor transposed, forgotten, in another's place, or a factor off.

They are seen in the numbers themselves, whatever the backward pass did.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bpnet.core.arrays import Array
from bpnet.core.losses import Quadratic
from bpnet.inspection.ingredients import Tensors
from bpnet.inspection.point import Point
from bpnet.inspection.words import Key, layer_first, whose

_NEAR = 1e-3
"""How near an estimated factor must be to a known one for that to be tried."""

_SAME = 1e-5
"""How near two factors that were estimated must be to count as one."""

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
    whole : str
        What it comes from where the whole gradient has it.
    part : str
        What it comes from where some tensors have it and others have not; empty if nothing is known that
        would spoil these alone.
    """

    value: float
    kinds: int
    whole: str
    part: str


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
    alone = [each for each in _alone(point, rate) if not _equal(each.value, 1)]
    pairs = [
        Factor(one.value * other.value, 2, _both(one.whole, other.whole), "")
        for one, other in itertools.combinations_with_replacement(alone, 2)
        if not any(_equal(one.value * other.value, value) for value in (1, *(f.value for f in alone)))
    ]
    return (*alone, *pairs)


def _both(one: str, other: str) -> str:
    """What two mistakes come from, or one made twice."""
    return f"twice {one}" if one == other else f"{one}, and {other}"


def _plain(value: float, text: str, aside: str = "") -> Factor:
    """What is seen in the numbers themselves; an aside is said of the whole gradient."""
    return Factor(value, 1, text + aside, text)


def _anywhere(value: float, text: str) -> Factor:
    """What may have happened to any tensor."""
    return Factor(value, 1, text, f"as if {text}")


def _of_the_cost(value: float, text: str) -> Factor:
    """What is wrong in the cost's own derivative, and so in every tensor."""
    return Factor(value, 1, text, "")


def _alone(point: Point, rate: float) -> Iterator[Factor]:
    square = isinstance(point.loss, Quadratic)
    yield _plain(2.0, "doubled", square * " (the ½ of ½(a − y)² left out, or counted twice)")
    yield _plain(0.5, "halved")
    yield _plain(-1.0, "the sign turned", " (y − a for a − y, or the descent's minus already in it)")
    yield from _of_samples(point)
    yield from _of_outputs(point.network.sizes[-1], square=square)
    for scale in sorted({float(mask.max()) for mask in point.masks.values()} - {0.0}):
        yield _anywhere(scale, f"multiplied by dropout's 1/(1 − p) = {scale:.6g} once more")
    for sign, minus in ((1, ""), (-1, "minus ")):
        step = f"multiplied by {minus}the learning rate {rate:g}: that is the step, not the gradient"
        yield _anywhere(sign * rate, step)


def _of_samples(point: Point) -> Iterator[Factor]:
    N = len(point.X)
    if N > 1:
        yield _anywhere(float(N), f"summed over the {N} samples, where C is their mean")
        yield _anywhere(1 / N, f"divided by the {N} samples once more")
    if N > 2:  # noqa: PLR2004 - of two samples it would be the sum
        yield _anywhere(N / (N - 1), f"divided by {N} − 1, where C divides by its {N} samples")
    weights = 0.0 if point.sample_weight is None else float(point.sample_weight.sum())
    if weights:
        yield _anywhere(N / weights, "divided by the sum of the samples' weights, not by N")


def _of_outputs(n: int, *, square: bool) -> Iterator[Factor]:
    if n > 1:
        yield _of_the_cost(1 / n, f"divided by the {n} outputs, where C sums over them")
        yield _of_the_cost(float(n), f"multiplied by the {n} outputs")
        if square:
            mean = f"taken from the mean of (a − y)² over the {n} outputs, where C has ½ of their sum"
            yield _of_the_cost(2 / n, mean)


def find_twists(
    key: Key, expected: Tensors, found: Array, factors: Sequence[Factor], same: Same
) -> list[Twist]:
    """Every way in which a tensor in hand may come from expected ones by bookkeeping, the likeliest first.

    There may be several: behind a softmax, whose δ sums to 0, biases summed over the layer are 0 too.
    """
    forms = [(form, array) for form, array in _forms(key, expected) if array.shape == found.shape]
    twists = [Twist(form, 1) for form, array in forms if same(key, found, array)]
    if twists[:1] == [Twist(AS_IT_IS, 1)]:
        return twists[:1]
    if not found.any():
        twists.insert(0, Twist(ZERO, 1))
    unnamed = []
    for form, array in forms:
        estimate = _estimate(array, found)
        near = _near(estimate, factors)
        twists.extend(Twist(form, value) for value in near if same(key, found, value * array))
        # One number alone is always some multiple of another: that would explain nothing.
        if form == AS_IT_IS and np.count_nonzero(array) > 1 and same(key, found, estimate * array):
            unnamed.append(Twist(form, estimate))
    return twists or unnamed


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
    estimate = float((scaled * found).sum() / (scaled * scaled).sum() / size)
    return estimate if np.isfinite(estimate) else 0.0


def _near(estimate: float, factors: Sequence[Factor]) -> list[float]:
    """Known factors about as large as an estimated one, the nearest first."""
    near = [each.value for each in factors if abs(each.value - estimate) < _NEAR * abs(estimate)]
    return sorted(near, key=lambda value: abs(value - estimate))


def gather(twists: Mapping[Key, Sequence[Twist]]) -> list[tuple[Twist, list[Key]]]:
    """Choose as few different twists as explain all tensors; those that are as they should be are left out.

    Parameters
    ----------
    twists : mapping of (str, int) to sequence of Twist
        Of each tensor, those that would explain it.
    """
    left = {key: options for key, options in twists.items() if not options[0].is_none}
    groups = []
    while left:
        every = [twist for options in left.values() for twist in options]
        twist = max(every, key=lambda one: sum(_among(one, options) for options in left.values()))
        keys = [key for key, options in left.items() if _among(twist, options)]
        groups.append((twist, keys))
        left = {key: options for key, options in left.items() if key not in keys}
    return groups


def _among(twist: Twist, options: Sequence[Twist]) -> bool:
    return any(each.form == twist.form and _equal(each.factor, twist.factor, _SAME) for each in options)


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
        fewest, reasons = _reasons(twist, factors, whole=len(keys) == len(every))
        size = f"{twist.factor:.6g} times the right size".replace("-", "−")
        parts.append(f"{size}: {'; or '.join(reasons) or 'a factor that has no name here'}")
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


def is_unnamed(twist: Twist, factors: Sequence[Factor], *, whole: bool) -> bool:
    """Whether a twist has a factor that nothing explains, on the whole gradient or on a part of it."""
    return twist.factor != 1 and not _reasons(twist, factors, whole=whole)[1]


def _reasons(twist: Twist, factors: Sequence[Factor], *, whole: bool) -> tuple[int, list[str]]:
    """How many kinds of mistakes a factor is, and what it may come from; 1 and nothing if that is unknown."""
    told = [(each.kinds, each.whole if whole else each.part) for each in factors if _is(each, twist)]
    named = [(kinds, text) for kinds, text in told if text]
    fewest = min((kinds for kinds, _ in named), default=1)
    return fewest, [text for kinds, text in named if kinds == fewest]


def _is(factor: Factor, twist: Twist) -> bool:
    return _equal(factor.value, twist.factor)


def _equal(one: float, other: float, tolerance: float = 1e-9) -> bool:
    """Whether two factors are the same, however small they are."""
    return math.isclose(one, other, rel_tol=tolerance, abs_tol=0.0)
