"""What is wrong with a gradient: which of the known mistakes it equals, alone or two at once.

The gradient in hand is compared with what every known mistake would make of the right one. A mistake
within the backward pass is made for real (``mistakes.py``); one of bookkeeping is a factor, a transposition
or a tensor in another's place. The simplest explanation that fits every tensor wins; where two are equally
simple, both are told; where none fits, the layer where it first goes wrong is all that is said.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bpnet.core.arrays import Array
from bpnet.core.network import Trace
from bpnet.inspection.comparison import agree
from bpnet.inspection.mistakes import Ingredients, Mistake, Tensors, structural_mistakes, tensors_of
from bpnet.inspection.point import Point

_MOST = 2
"""Kinds of mistakes at once that are looked for."""

_SUPERSCRIPTS = str.maketrans("0123456789L", "⁰¹²³⁴⁵⁶⁷⁸⁹ᴸ")

Key = tuple[str, int]


def nabla(key: Key) -> str:
    """Name of a tensor: ``∇W²``."""
    return f"∇{key[0]}{str(key[1]).translate(_SUPERSCRIPTS)}"


@dataclass(frozen=True)
class _Twist:
    """What bookkeeping made of one tensor: its form, and a factor on it."""

    form: str
    factor: float

    @property
    def is_none(self) -> bool:
        return self.form == "as it is" and self.factor == 1


@dataclass(frozen=True)
class Explanation:
    """Mistakes that together make the gradient in hand.

    Attributes
    ----------
    kinds : int
        How many.
    sentences : tuple of str
    """

    kinds: int
    sentences: tuple[str, ...]


def diagnose(point: Point, trace: Trace, found: Tensors, *, rate: float, tolerance: float) -> list[str]:
    """Say what is wrong with a gradient, in sentences; nothing if it is right.

    Parameters
    ----------
    point, trace : Point, Trace
        What it is the gradient of.
    found : mapping of (str, int) to ndarray
        The gradient in hand; a W may stand transposed.
    rate : float
        Learning rate, for mistakes in which weights were updated too early.
    tolerance : float
        Relative difference that is let pass.
    """
    right = tensors_of(Ingredients.of(point, trace).gradients())
    wrong = [key for key in right if not _equal(found[key], right[key], tolerance)]
    if not wrong:
        return []
    best: list[Explanation] = []
    for made in _candidates(point, trace, rate, first_wrong_layer(wrong)):
        kinds = len(made.mistakes)
        if best and kinds > best[0].kinds:
            break
        for explanation in _explain(point, made, right, found, tolerance):
            if not best or explanation.kinds < best[0].kinds:
                best = [explanation]
            elif explanation.kinds == best[0].kinds:
                best.append(explanation)
    if not best:
        return [_unknown(wrong, point.network.L)]
    different = list(dict.fromkeys(best))
    sentences = list(different[0].sentences)
    if len(different) > 1:
        sentences.insert(0, "More than one mistake would give these very numbers:")
        for other in different[1:]:
            sentences += [f"Or: {sentence}" for sentence in other.sentences]
    return sentences


def first_wrong_layer(wrong: Sequence[Key]) -> int:
    """Layer nearest to the output with a wrong tensor: errors flow from there."""
    return max(l for _, l in wrong)


def _unknown(wrong: Sequence[Key], L: int) -> str:
    """Say at least where to look."""
    l = first_wrong_layer(wrong)
    names = ", ".join(map(nabla, sorted(wrong, key=lambda key: (-key[1], key[0]))))
    if ("b", l) not in wrong:
        where = f"∇b{_up(l)} is right, and so is δ{_up(l)}: look at BP4, δ{_up(l)} times a{_up(l - 1)}"
    elif l == L:
        where = f"it begins at the output: look at BP1, δ{_up(l)} = ∇ₐC ⊙ σ′(z{_up(l)})"
    else:
        where = f"layer {l + 1} is right: look at BP2, the way from δ{_up(l + 1)} to δ{_up(l)}"
    return f"This mistake is not among those known. Wrong: {names}; {where}."


def _up(l: int) -> str:
    return str(l).translate(_SUPERSCRIPTS)


@dataclass(frozen=True)
class _Made:
    """Structural mistakes, where they were made, and the gradient that they give."""

    mistakes: tuple[tuple[Mistake, tuple[int, ...]], ...]
    tensors: Tensors


def _candidates(point: Point, trace: Trace, rate: float, first: int) -> Iterator[_Made]:
    """No mistake, then each alone, then pairs of them."""
    ingredients = Ingredients.of(point, trace)
    yield _Made((), tensors_of(ingredients.gradients()))
    kinds = structural_mistakes(rate)
    alone = [(kind, layers) for kind in kinds for layers in kind.variants(point)]
    for kind, layers in alone:
        yield _Made(((kind, layers),), tensors_of(kind.make(ingredients, layers).gradients()))
    # In pairs, each is made at all layers or at the one where the gradient first goes wrong.
    near = [
        (kind, layers)
        for kind, layers in alone
        if layers == tuple(kind.layers(point)) or layers in {(first,), (first - 1,)}
    ]
    for (one, at), (other, there) in itertools.combinations(near, 2):
        if one.name != other.name:
            changed = other.make(one.make(ingredients, at), there)
            yield _Made(((one, at), (other, there)), tensors_of(changed.gradients()))


def _equal(found: Array, expected: Array, tolerance: float) -> bool:
    with np.errstate(all="ignore"):
        return found.shape == expected.shape and agree(found, expected, tolerance)


def _explain(
    point: Point, made: _Made, right: Tensors, found: Tensors, tolerance: float
) -> Iterator[Explanation]:
    """Fit bookkeeping mistakes on top of structural ones."""
    twists: dict[Key, _Twist] = {}
    for key in found:
        twist = _twist(key, made.tensors, found[key], tolerance)
        if twist is None:
            return
        twists[key] = twist
    structural = tuple(_tell(kind, layers, made, right, tolerance) for kind, layers in made.mistakes)
    groups: dict[_Twist, list[Key]] = {}
    for key, twist in twists.items():
        if not twist.is_none:
            groups.setdefault(twist, []).append(key)
    told = [_tell_twist(point, tuple(keys), twist, found) for twist, keys in groups.items()]
    kinds = len(structural) + sum(count for count, _ in told)
    if kinds <= _MOST:
        yield Explanation(kinds, (*structural, *(text for _, text in told)))


def _twist(key: Key, tensors: Tensors, found: Array, tolerance: float) -> _Twist | None:
    """How the tensor in hand comes from the expected ones by bookkeeping; None if it does not."""
    name, l = key
    expected = tensors[key]
    if _equal(found, expected, tolerance):
        return _Twist("as it is", 1)
    if not found.any():
        return _Twist("zero", 1)
    forms = {"as it is": expected}
    if name == "W":
        forms["transposed"] = expected.T
    else:
        forms["summed over the layer"] = np.full_like(expected, expected.sum())
    for other in (l + 1, l - 1):
        if (name, other) in tensors:
            forms[f"of layer {other}"] = tensors[name, other]
    for form, array in forms.items():
        if array.shape != found.shape:
            continue
        factor = _factor(array, found)
        if factor is not None and _equal(found, factor * array, tolerance):
            return _Twist(form, factor)
    return None


def _factor(array: Array, found: Array) -> float | None:
    """The number that takes one array to the other, if any does: rounded to where digits stop to matter."""
    largest = np.unravel_index(np.abs(array).argmax(), array.shape)
    if not array[largest] or not np.isfinite(array[largest]):
        return None
    return float(f"{found[largest] / array[largest]:.7g}")


def _tell(kind: Mistake, layers: tuple[int, ...], made: _Made, right: Tensors, tolerance: float) -> str:
    changed = [key for key in right if not _equal(made.tensors[key], right[key], tolerance)]
    l = layers[0]
    where = {"l": _up(l), "next": _up(l + 1), "before": _up(l - 1), "n": str(l)}
    if len(layers) > 1:
        where = {"l": "ˡ", "next": "ˡ⁺¹", "before": "ˡ⁻¹", "n": "l"}
    says, rule = kind.says.format(**where), kind.rule.format(**where)
    if len(layers) > 1:
        says += f" (l = {', '.join(map(str, layers))})"
    return f"Your {_list(changed)} the right {_ones(changed)} with {says}: {rule}."


def _list(keys: Sequence[Key]) -> str:
    names = [nabla(key) for key in sorted(keys, key=lambda key: (-key[1], key[0]))]
    if len(names) == 1:
        return f"{names[0]} equals"
    return f"{', '.join(names[:-1])} and {names[-1]} equal"


def _ones(keys: Sequence[Key]) -> str:
    return "one" if len(keys) == 1 else "ones"


def _tell_twist(point: Point, keys: tuple[Key, ...], twist: _Twist, found: Tensors) -> tuple[int, str]:
    """How many kinds of mistakes a twist is, and a sentence for it."""
    whose = _whose(keys, found)
    parts = []
    if twist.form == "zero":
        return 1, f"Your {whose} 0: {_ZERO[keys[0][0]]}."
    if twist.form == "transposed":
        parts.append("transposed: here W has a row for each unit of its layer, a column for each input")
    elif twist.form == "summed over the layer":
        parts.append("the sum over the layer's units in every place: each bias has its own unit's δ (BP3)")
    elif twist.form != "as it is":
        parts.append(f"the gradient {twist.form}: shifted by one layer")
    kinds = len(parts)
    if twist.factor != 1:
        names = _name_factor(twist.factor, point)
        kinds += min((count for count, _ in names), default=1)
        reasons = " or ".join(text for _, text in names) or "a factor that has no name here"
        parts.append(f"{_number(twist.factor)} the right size: {reasons}")
    return kinds, f"Your {whose} {'; and '.join(parts)}."


_ZERO = {"W": "weights are forgotten", "b": "biases are forgotten (BP3: ∂C/∂b is δ itself)"}


def _whose(keys: tuple[Key, ...], found: Tensors) -> str:
    if len(keys) == len(found):
        return "gradient is everywhere"
    for name, text in (("W", "∇W of every layer is"), ("b", "∇b of every layer is")):
        if set(keys) == {key for key in found if key[0] == name}:
            return text
    names = [nabla(key) for key in keys]
    return f"{names[0]} is" if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]} are"


def _number(factor: float) -> str:
    return f"{factor:.6g} times"


def _name_factor(factor: float, point: Point) -> list[tuple[int, str]]:
    """What a factor may come from, with one kind of mistake, else with two."""
    N, outputs = len(point.X), point.network.sizes[-1]
    known = {
        "doubled (the ½ of ½(a − y)² left out, or counted twice)": 2.0,
        "halved": 0.5,
        "the sign is turned (y − a for a − y, or the descent's minus already in it)": -1.0,
    }
    if N > 1:
        known[f"summed over the {N} samples, where C is their mean"] = float(N)
        known[f"divided by the {N} samples once more"] = 1 / N
    if outputs > 1:
        known[f"divided by the {outputs} outputs, where C sums over them"] = 1 / outputs
        known[f"multiplied by the {outputs} outputs"] = float(outputs)
    alone = [(1, text) for text, value in known.items() if np.isclose(value, factor, rtol=1e-6)]
    if alone:
        return alone
    return [
        (2, f"{one}, and {other}")
        for (one, first), (other, second) in itertools.combinations(known.items(), 2)
        if np.isclose(first * second, factor, rtol=1e-6) and not np.isclose(first * second, 1)
    ]
