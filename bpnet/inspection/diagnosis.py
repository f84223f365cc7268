"""What is wrong with a gradient: which of the known mistakes it equals, alone or two at once.

The gradient in hand is compared with what every known mistake would make of the right one. A mistake
within the backward pass is made for real (``mistakes.py``); one of bookkeeping is a factor, a transposition
or a tensor in another's place (``bookkeeping.py``). The simplest explanation that fits every tensor wins;
where several are equally simple, all are told; where none fits, the layer where it first goes wrong is all
that is said.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bpnet.core.arrays import Array
from bpnet.core.network import Trace
from bpnet.inspection import bookkeeping
from bpnet.inspection.ingredients import Ingredients, Tensors, tensors_of
from bpnet.inspection.likeness import Likeness
from bpnet.inspection.mistakes import Mistake, of_the_loss, structural_mistakes
from bpnet.inspection.point import Point
from bpnet.inspection.words import Key, layer_first, named, numbers, up

_MOST = 2
"""Kinds of mistakes at once that are looked for."""

_LARGEST_FOR_PAIRS = 50_000
"""Parameters of the largest network in which two mistakes of the backward pass are looked for at once."""


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a gradient.

    Attributes
    ----------
    sentences : tuple of str
        Empty if nothing is wrong, or nothing but rounding.
    imprecise : bool
        Whether numbers are right only as far as their few digits, or single precision, go.
    """

    sentences: tuple[str, ...] = ()
    imprecise: bool = False


@np.errstate(all="ignore")
def diagnose(point: Point, trace: Trace, found: Tensors, *, rate: float, tolerance: float) -> Diagnosis:
    """Say what is wrong with a gradient, in sentences.

    Parameters
    ----------
    point, trace : Point, Trace
        What it is the gradient of.
    found : mapping of (str, int) to ndarray
        The gradient in hand, or some tensors of it; a W may stand transposed.
    rate : float
        Learning rate, for mistakes in which weights were updated too early.
    tolerance : float
        Relative difference that is let pass.
    """
    like = Likeness.of(point, found, tolerance)
    case = Case(point, trace, found, rate, like)
    if not case.wrong:
        return Diagnosis()
    if told := _tell(case.explanations()):
        return Diagnosis(told)
    if like != like.rough(found):
        rough = Case(point, trace, found, rate, like.rough(found))
        if not rough.wrong:
            return Diagnosis(imprecise=True)
        if told := _tell(rough.explanations()):
            return Diagnosis((*told, _ROUGHLY))
    return Diagnosis((_unknown(case.wrong, found, point.network.L, penalty=point.weight_decay > 0),))


_ROUGHLY = (
    "Your numbers agree with that only roughly: they have few digits, or part of the program computes in "
    "single precision."
)


def _tell(explanations: Sequence["Explanation"]) -> tuple[str, ...]:
    """Every explanation of the same numbers; nothing of none."""
    if len(explanations) <= 1:
        return tuple(text for each in explanations for text in each.sentences)
    one, *others = (each.sentences for each in explanations)
    more = [f"{'' if number else 'Or: '}{text}" for other in others for number, text in enumerate(other)]
    return ("More than one mistake would give these very numbers:", *one, *more)


def hidden_mistakes(point: Point, trace: Trace, rate: float, tolerance: float) -> list[str]:
    """Names of the known mistakes in the step back that change no number here, though they can be made.

    Parameters
    ----------
    point, trace, rate, tolerance
        As for :func:`diagnose`.
    """
    if point.network.parameters.size > _LARGEST_FOR_PAIRS:
        return []
    ingredients, like = Ingredients.of(point, trace), Likeness(tolerance)
    right = tensors_of(ingredients.gradients())
    found = []
    for mistake in structural_mistakes(rate):
        layers = tuple(mistake.layers(point))
        if layers:
            made = tensors_of(mistake.make(ingredients, layers).gradients())
            if all(like.same(key, made[key], array) for key, array in right.items()):
                found.append(mistake.name)
    return found


def first_wrong_layer(wrong: Sequence[Key]) -> int:
    """Layer nearest to the output with a wrong tensor: errors flow from there."""
    return max(l for _, l in wrong)


Where = tuple[Mistake, tuple[int, ...]]
"""A mistake and the layers at which it was made."""


@dataclass(frozen=True)
class Explanation:
    """Mistakes that together make the gradient in hand, and how to tell them."""

    kinds: int
    made: tuple[Where, ...]
    sentences: tuple[str, ...]
    vague: bool


@dataclass(frozen=True)
class _Tried:
    """A mistake made alone: the layer nearest to the output that it spoils, and the tensors it explains."""

    where: Where
    top: int
    explains: frozenset[Key]


class Case:
    """One gradient in hand, and what it is compared with."""

    def __init__(self, point: Point, trace: Trace, found: Tensors, rate: float, like: Likeness) -> None:
        self.point, self.found, self.like = point, found, like
        self.ingredients = Ingredients.of(point, trace)
        self.right = tensors_of(self.ingredients.gradients())
        self.factors = bookkeeping.known_factors(point, rate)
        parts = (of_the_loss(each.value, each.whole) for each in self.factors if each.kinds == 1)
        self.mistakes = (*structural_mistakes(rate), *parts)
        self.wrong = self.differing(self.right)

    def differing(self, expected: Tensors, of: Tensors | None = None) -> list[Key]:
        """Tensors of the gradient in hand, or of another, that are not as expected."""
        of = of or self.found
        return [key for key in self.found if not self.like.same(key, of[key], expected[key])]

    def explanations(self) -> list[Explanation]:
        """The simplest ones; none if the mistake is not known."""
        tried: list[_Tried] = []
        best = _simplest((*self._bookkeeping((), self.right), *self._penalty(), *self._alone(tried)))
        small = self.point.network.parameters.size <= _LARGEST_FOR_PAIRS
        if small and (not best or best[0].kinds >= _MOST):
            best = _simplest((*best, *self._in_pairs(tried)))
        return best

    def _penalty(self) -> Iterator[Explanation]:
        """Fit a penalty of another size, or beside a penalty a factor on the loss's part alone."""
        W = {key: self.point.network.W[key[1]] for key in self.found if key[0] == "W"}
        few = sum(weights.size for weights in W.values()) <= 1  # one number is any multiple of another
        if few or any(self.found[key].shape != weights.shape for key, weights in W.items()):
            return
        had = self.point.weight_decay
        extra = _fit([(W[key], self.found[key] - self.right[key]) for key in W])
        text = f"a penalty of λ = {had + extra:.6g} in place of {had:g} (λW is its part of ∇W)"
        yield from self._fitted({key: self.right[key] + extra * W[key] for key in W}, text)
        if had:
            part = {key: array - had * W[key] if key in W else array for key, array in self.right.items()}
            factor = _fit([(part[key], self.found[key] - had * W.get(key, 0.0)) for key in self.found])
            text = f"the loss's part {factor:.6g} times the right size: the penalty's part is right"
            yield from self._fitted(
                {key: factor * part[key] + had * W.get(key, 0.0) for key in self.found}, text
            )

    def _fitted(self, changed: Tensors, text: str) -> Iterator[Explanation]:
        """An explanation with a number that has no name, if it explains everything."""
        if not self.differing({**self.right, **changed}):
            told = f"Your {_names(self.wrong)} with {text}.".replace("-", "−")
            yield Explanation(1, (), (told,), vague=True)

    def _alone(self, tried: list[_Tried]) -> Iterator[Explanation]:
        """Every mistake of the backward pass at every set of layers, bookkeeping on top of it included."""
        for mistake in self.mistakes:
            for layers in mistake.variants(self.point):
                made = tensors_of(mistake.make(self.ingredients, layers).gradients())
                spoilt = self.differing(self.right, made)
                if spoilt:
                    wrong = self.differing(made)
                    explains = frozenset(self.found) - frozenset(wrong)
                    tried.append(_Tried((mistake, layers), first_wrong_layer(spoilt), explains))
                    yield from self._bookkeeping(((mistake, layers),), made)

    def _in_pairs(self, tried: Sequence[_Tried]) -> Iterator[Explanation]:
        """Two mistakes of the backward pass at once; what one alone can spoil must be as it made it."""
        first = first_wrong_layer(self.wrong)
        for one, other in itertools.combinations(tried, 2):
            higher, lower = (one, other) if one.top >= other.top else (other, one)
            if higher.top != first or one.where[0] is other.where[0]:
                continue
            if not all(key in higher.explains for key in self.found if lower.top < key[1] <= first):
                continue
            ingredients = self.ingredients
            for mistake, layers in (one.where, other.where):
                ingredients = mistake.make(ingredients, layers)
            made = tensors_of(ingredients.gradients())
            if not self.differing(made):
                yield self._explanation((one.where, other.where), [])

    def _bookkeeping(self, made: tuple[Where, ...], expected: Tensors) -> Iterator[Explanation]:
        """Fit mistakes of bookkeeping on top of others; none that needs a factor without a name there."""
        twists: dict[Key, list[bookkeeping.Twist]] = {}
        for key in layer_first(tuple(self.found)):
            twists[key] = bookkeeping.find_twists(
                key, expected, self.found[key], self.factors, self.like.same
            )
            if not twists[key]:
                return
        every, groups = tuple(self.found), bookkeeping.gather(twists)
        vague = any(
            bookkeeping.is_unnamed(twist, self.factors, whole=len(keys) == len(every))
            for twist, keys in groups
        )
        told = [bookkeeping.tell(twist, keys, every, self.factors) for twist, keys in groups]
        kinds = len(made) + sum(kinds for kinds, _ in told) if made else len(told)
        # Two mistakes that cancel each other on a tensor are no explanation of its being right.
        cancel = made and any(key not in self.wrong for _, keys in groups for key in keys)
        if kinds <= _MOST and not (made and vague) and not cancel:
            yield self._explanation(made, told, vague=vague)

    def _explanation(
        self, made: tuple[Where, ...], told: list[tuple[int, str]], *, vague: bool = False
    ) -> Explanation:
        kinds = len(made) + sum(count for count, _ in told)
        names = _names(self.wrong)
        if len(made) == 1 and not told:
            sentences = [f"Your {names} with {_says(*made[0])}."]
        elif made:
            parts = [*(f"{_says(*where)}." for where in made), *(f"y{text[1:]}" for _, text in told)]
            sentences = [
                f"Your {names} with two mistakes at once.",
                f"One: {parts[0]}",
                f"The other: {parts[1]}",
            ]
        else:
            sentences = [text for _, text in told]
        return Explanation(kinds, made, tuple(sentences), vague)


def _simplest(explanations: Iterable[Explanation]) -> list[Explanation]:
    """Those of the fewest kinds, with a reason if there is one; of the same, those at the fewest layers."""
    found = list(explanations)
    least = min(((each.kinds, each.vague) for each in found), default=None)
    best: dict[object, Explanation] = {}
    for each in sorted(found, key=lambda each: sum(len(layers) for _, layers in each.made)):
        if (each.kinds, each.vague) == least:
            best.setdefault(tuple(mistake.name for mistake, _ in each.made) or each.sentences, each)
    return list(best.values())


def _fit(pairs: Sequence[tuple[Array, Array]]) -> float:
    """The factor that takes the first arrays to the second as nearly as one can; 0 if there is none."""
    squares = sum(float((one * one).sum()) for one, _ in pairs)
    factor = sum(float((one * other).sum()) for one, other in pairs) / squares if squares else 0.0
    return factor if math.isfinite(factor) else 0.0


def _names(changed: Sequence[Key]) -> str:
    """``∇W² equals the right one``."""
    return f"{named(changed)} {'equals the right one' if len(changed) == 1 else 'equal the right ones'}"


def _says(mistake: Mistake, layers: tuple[int, ...]) -> str:
    """What a mistake does and which rule it breaks, with its layers' numbers."""
    l = layers[0]
    where = {"l": up(l), "next": up(l + 1), "before": up(l - 1), "n": str(l), "after": str(l + 1)}
    if len(layers) > 1:
        where = {"l": "ˡ", "next": "ˡ⁺¹", "before": "ˡ⁻¹", "n": "l", "after": "l + 1"}
    says, rule = mistake.says.format(**where), mistake.rule.format(**where)
    if len(layers) > 1:
        says += f" (l = {numbers(layers)})"
    return f"{says}: {rule}"


def _unknown(wrong: Sequence[Key], found: Tensors, L: int, *, penalty: bool) -> str:
    """Say at least where to look."""
    l = first_wrong_layer(wrong)
    right = {name for name in "Wb" if (name, l) in found and (name, l) not in wrong}
    if "b" in right:
        where = (
            f"∇b{up(l)} is right, so look at BP4, δ{up(l)} times a{up(l - 1)}, "
            f"{'at the penalty, ' if penalty else ''}or at whose sample each δ{up(l)} is"
        )
    elif "W" in right:
        where = f"∇W{up(l)} is right, and so is δ{up(l)}: look at BP3, δ{up(l)} summed over the samples"
    elif l == L:
        where = (
            f"it begins at the output: look at BP1, δ{up(l)} = ∇ₐC ⊙ σ′(z{up(l)}), or at what touches all "
            "layers, such as the samples, their mean, or rounding"
        )
    elif ("b", l + 1) in found or ("W", l + 1) in found:
        where = f"layer {l + 1} is right: look at BP2, the way from δ{up(l + 1)} to δ{up(l)}"
    else:
        where = "where it begins cannot be told without the layers above"
    return f"This mistake is not among those known. Wrong: {named(wrong)}; {where}."
