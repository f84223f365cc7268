"""What is wrong with a gradient: which of the known mistakes it equals, alone or two at once.

The gradient in hand is compared with what every known mistake would make of the right one. A mistake
within the backward pass is made for real (``mistakes.py``); one of bookkeeping is a factor, a transposition
or a tensor in another's place (``bookkeeping.py``). The simplest explanation that fits every tensor wins;
where several are equally simple, all are told; where none fits, the layer where it first goes wrong is all
that is said.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bpnet.core.network import Trace
from bpnet.inspection import bookkeeping
from bpnet.inspection.ingredients import Ingredients, Tensors, tensors_of
from bpnet.inspection.likeness import Likeness
from bpnet.inspection.mistakes import Mistake, structural_mistakes
from bpnet.inspection.point import Point
from bpnet.inspection.words import Key, layer_first, named, up

_MOST = 2
"""Kinds of mistakes at once that are looked for."""

_LARGEST_FOR_PAIRS = 50_000
"""Parameters of the largest network in which two mistakes of the backward pass are looked for at once."""


def diagnose(point: Point, trace: Trace, found: Tensors, *, rate: float, tolerance: float) -> list[str]:
    """Say what is wrong with a gradient, in sentences; nothing if it is right.

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
    case = _Case(point, trace, found, rate, Likeness.of(point, found, tolerance))
    if not case.wrong:
        return []
    explanations = case.explanations()
    if not explanations:
        return [_unknown(case.wrong, found, point.network.L)]
    sentences = list(explanations[0])
    if len(explanations) > 1:
        sentences.insert(0, "More than one mistake would give these very numbers:")
        for other in explanations[1:]:
            sentences += [f"Or: {other[0]}", *other[1:]]
    return sentences


def first_wrong_layer(wrong: Sequence[Key]) -> int:
    """Layer nearest to the output with a wrong tensor: errors flow from there."""
    return max(l for _, l in wrong)


Where = tuple[Mistake, tuple[int, ...]]
"""A mistake and the layers at which it was made."""


@dataclass(frozen=True)
class _Explanation:
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


class _Case:
    """One gradient in hand, and what it is compared with."""

    def __init__(self, point: Point, trace: Trace, found: Tensors, rate: float, like: Likeness) -> None:
        self.point, self.found, self.like = point, found, like
        self.ingredients = Ingredients.of(point, trace)
        self.right = tensors_of(self.ingredients.gradients())
        self.mistakes = structural_mistakes(rate)
        self.factors = bookkeeping.known_factors(point, rate)
        self.wrong = self.differing(self.right)

    def differing(self, expected: Tensors, of: Tensors | None = None) -> list[Key]:
        """Tensors of the gradient in hand, or of another, that are not as expected."""
        of = of or self.found
        return [key for key in self.found if not self.like.same(key, of[key], expected[key])]

    def explanations(self) -> list[tuple[str, ...]]:
        """The simplest ones, each as sentences."""
        tried: list[_Tried] = []
        best = _simplest((*self._bookkeeping((), self.right), *self._alone(tried)))
        if not best and self.point.network.parameters.size <= _LARGEST_FOR_PAIRS:
            best = _simplest(self._in_pairs(tried))
        return _told(best)

    def _alone(self, tried: list[_Tried]) -> Iterator[_Explanation]:
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

    def _in_pairs(self, tried: Sequence[_Tried]) -> Iterator[_Explanation]:
        """Two mistakes of the backward pass at once; what one alone can spoil must be as it made it."""
        first = first_wrong_layer(self.wrong)
        for one, other in itertools.combinations(tried, 2):
            higher, lower = (one, other) if one.top >= other.top else (other, one)
            above = {key for key in self.found if lower.top < key[1] <= higher.top}
            if higher.top != first or one.where[0] is other.where[0] or not above <= higher.explains:
                continue
            ingredients = self.ingredients
            for mistake, layers in (one.where, other.where):
                ingredients = mistake.make(ingredients, layers)
            made = tensors_of(ingredients.gradients())
            if not self.differing(made):
                yield self._explanation((one.where, other.where), [])

    def _bookkeeping(self, made: tuple[Where, ...], expected: Tensors) -> Iterator[_Explanation]:
        """Fit mistakes of bookkeeping on top of others; none that needs a factor without a name there."""
        twists: dict[Key, bookkeeping.Twist] = {}
        for key in layer_first(tuple(self.found)):
            twist = bookkeeping.find_twist(key, expected, self.found[key], self.factors, self.like.same)
            if twist is None or (made and bookkeeping.is_unnamed(twist, self.factors)):
                return
            twists[key] = twist
        every, groups = tuple(self.found), bookkeeping.gather(twists)
        told = [bookkeeping.tell(twist, keys, every, self.factors) for twist, keys in groups]
        if len(made) + sum(kinds for kinds, _ in told) <= _MOST:
            vague = any(bookkeeping.is_unnamed(twist, self.factors) for twist, _ in groups)
            yield self._explanation(made, told, vague=vague)

    def _explanation(
        self, made: tuple[Where, ...], told: list[tuple[int, str]], *, vague: bool = False
    ) -> _Explanation:
        kinds = len(made) + sum(count for count, _ in told)
        names = _names(self.wrong)
        if len(made) == 1 and not told:
            sentences = [f"Your {names} with {_says(*made[0])}."]
        elif made:
            parts = [*(f"{_says(*where)}." for where in made), *(text for _, text in told)]
            sentences = [
                f"Your {names} with two mistakes at once.",
                f"One: {parts[0]}",
                f"The other: {parts[1]}",
            ]
        else:
            sentences = [text for _, text in told]
        return _Explanation(kinds, made, tuple(sentences), vague)


def _simplest(explanations: Iterator[_Explanation] | tuple[_Explanation, ...]) -> list[_Explanation]:
    """Those of the fewest kinds, with a reason if there is one; of the same, those at the fewest layers."""
    found = list(explanations)
    least = min(((each.kinds, each.vague) for each in found), default=None)
    best: dict[object, _Explanation] = {}
    for each in found:
        if (each.kinds, each.vague) != least:
            continue
        kinds = tuple(mistake.name for mistake, _ in each.made) or each.sentences
        if kinds not in best or _breadth(each) < _breadth(best[kinds]):
            best[kinds] = each
    return list(best.values())


def _breadth(explanation: _Explanation) -> int:
    return sum(len(layers) for _, layers in explanation.made)


def _told(explanations: Sequence[_Explanation]) -> list[tuple[str, ...]]:
    return [each.sentences for each in explanations]


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
        says += f" (l = {', '.join(map(str, layers))})"
    return f"{says}: {rule}"


def _unknown(wrong: Sequence[Key], found: Tensors, L: int) -> str:
    """Say at least where to look."""
    l = first_wrong_layer(wrong)
    right = {name for name in "Wb" if (name, l) in found and (name, l) not in wrong}
    if "b" in right:
        where = f"∇b{up(l)} is right, and so is δ{up(l)}: look at BP4, δ{up(l)} times a{up(l - 1)}"
    elif "W" in right:
        where = f"∇W{up(l)} is right, and so is δ{up(l)}: look at BP3, δ{up(l)} summed over the samples"
    elif l == L:
        where = f"it begins at the output: look at BP1, δ{up(l)} = ∇ₐC ⊙ σ′(z{up(l)})"
    else:
        above = f"layer {l + 1} is right: " if any(m > l for _, m in found) else ""
        where = f"{above}look at BP2, the way from δ{up(l + 1)} to δ{up(l)}"
    return f"This mistake is not among those known. Wrong: {named(wrong)}; {where}."
