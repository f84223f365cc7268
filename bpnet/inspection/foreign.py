"""Other people's gradients: right or wrong, tensor by tensor, and what is wrong with them."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bpnet.core.arrays import Array
from bpnet.inspection.comparison import relative_errors
from bpnet.inspection.diagnosis import Diagnosis, diagnose, first_wrong_layer, hidden_mistakes
from bpnet.inspection.gradient_check import BUDGET, largest_error
from bpnet.inspection.ingredients import Tensors, tensors_of
from bpnet.inspection.likeness import Likeness, few_digits
from bpnet.inspection.point import Point
from bpnet.inspection.records import FAIL, INCONCLUSIVE, PASS, GradientCheck, TensorCheck, Worst
from bpnet.inspection.rounding import FORGIVEN, largest
from bpnet.inspection.self_test import look_at, run_self_test
from bpnet.inspection.tensors import Numeric, check_tensors, coverage, tensor
from bpnet.inspection.words import Key, named

THRESHOLD = 1e-6
"""Largest relative error that passes: numbers of seven digits do.

A gradient in single precision may be further off where large parts of it cancel, as far as that explains.
"""


@np.errstate(all="ignore")
def check_foreign(
    point: Point,
    given: dict[Key, Array],
    *,
    rate: float,
    absent: Sequence[str] = (),
    budget: float = BUDGET,
    self_test: bool = False,
) -> GradientCheck:
    """Check a gradient that came from elsewhere.

    Parameters
    ----------
    point : Point
        What it should be the gradient of.
    given : dict of (str, int) to ndarray
        Some or all tensors; a W may stand transposed. Of one with a number that is not finite, nothing
        is said but that.
    rate : float
        Learning rate, for the diagnosis.
    absent : sequence of str
        Tensors that were not given, for the notes.
    budget : float
        Seconds, about.
    self_test : bool
        Plant faults in a reference network too.
    """
    looked = look_at(point, budget)
    right = tensors_of(looked.gradients)
    if unclear := _unclear(right, looked.numeric):
        layers, diagnosis = _unsure(given, looked.numeric, right), Diagnosis()
    else:
        layers = _compare(point, given, right, looked.numeric)
        diagnosis = Diagnosis()
    finite = _finite(given)
    if any(each.verdict == FAIL for each in layers):
        diagnosis = diagnose(point, looked.trace, finite, rate=rate, tolerance=THRESHOLD)
    if diagnosis.imprecise:
        layers = [_imprecise(each, finite, right) if each.verdict == FAIL else each for each in layers]
    verdicts = {each.verdict for each in layers}
    verdict = next((v for v in (FAIL, INCONCLUSIVE) if v in verdicts), PASS)
    notes = [f"Not given, and not checked: {', '.join(absent)}."] if absent else []
    notes += [unclear] if unclear else []
    if broken := given.keys() - finite.keys():
        notes.append(
            f"Numbers are not finite from layer {first_wrong_layer([*broken])} back: look there for an "
            "overflow, a logarithm of 0 or 0/0."
        )
    if diagnosis.imprecise:
        notes.append(_few_digits(finite))
    if seen := coverage(looked.numeric, 1):
        notes.append(f"Yours are compared with bpnet's own at every number, and these are proved at {seen}.")
    if verdict == PASS:
        hidden = hidden_mistakes(point, looked.trace, rate, THRESHOLD)
        notes.extend(_blind_spots(point, right, hidden))
    return GradientCheck(
        verdict=verdict,
        threshold=THRESHOLD,
        layers=tuple(layers),
        stages=(),
        taylor=(),
        differences=(),
        self_test=run_self_test([looked], thorough=self_test),
        diagnosis=diagnosis.sentences,
        points={point.name: largest_error(layers)},
        notes=tuple(notes),
        not_given=tuple(absent),
    )


def _finite(given: Tensors) -> dict[Key, Array]:
    return {key: array for key, array in given.items() if np.isfinite(array).all()}


def _unclear(right: Tensors, numeric: Numeric) -> str:
    """Why nothing can be said of anybody's gradient here; empty if something can."""
    if any(each.verdict != PASS for each in check_tensors(right, numeric)):
        return "bpnet's own gradient is not certain at this point, so nothing can be said of another."
    if all(largest(array) <= FORGIVEN * numeric.noise(key) for key, array in right.items()):
        return "Every true derivative is 0 here, but for rounding: choose other weights or another batch."
    return ""


def _unsure(given: Tensors, numeric: Numeric, right: Tensors) -> list[TensorCheck]:
    checks = check_tensors(right, numeric)
    mine = [each for each in checks if (each.tensor, each.layer) in given]
    return [
        replace(each, verdict=INCONCLUSIVE, worst=None, max_relative_error=None, note="") for each in mine
    ]


def _compare(point: Point, given: Tensors, right: Tensors, numeric: Numeric) -> list[TensorCheck]:
    """Judge every tensor that was given."""
    finite = _finite(given)
    turned = {key for key, array in finite.items() if array.shape != tensor(point.network, key).shape}
    upright = {key: array.T if key in turned else array for key, array in finite.items()}
    like, layers = Likeness.of(point, finite, THRESHOLD), []
    for each in check_tensors({**right, **upright}, numeric, threshold=THRESHOLD):
        key = each.tensor, each.layer
        if key in turned:
            layers.append(replace(each, verdict=FAIL, note="transposed: a row for each input"))
        elif key in finite:
            in_full = _in_full(each, upright[key], right[key], numeric)
            layers.append(_as_near_as_can_be(in_full, like, upright[key], right[key]))
        elif key in given:
            layers.append(_not_finite(each, given[key]))
    return layers


def _as_near_as_can_be(check: TensorCheck, like: Likeness, found: Array, right: Array) -> TensorCheck:
    """Let pass what only single precision has left off; nothing is certain where that is all of it."""
    key = check.tensor, check.layer
    if check.verdict != FAIL or not like.same(key, found, right):
        return check
    if like.is_lost(key):
        return replace(check, verdict=INCONCLUSIVE, note="too near to 0 to be told from rounding")
    return replace(check, verdict=PASS, note="as near as single precision comes")


def _blind_spots(point: Point, right: Tensors, hidden: Sequence[str]) -> list[str]:
    """Mistakes that change no number of this network and batch."""
    N, network, found = len(point.X), point.network, []
    if not any(b.any() for b in network.b.values()):
        found.append("a forward pass without biases (all are 0)")
    if N == 1:
        found.append("a mean over the batch left out (there is one sample)")
    elif N in network.sizes:
        found.append(f"a length of the wrong axis (there are {N} samples, and layers of {N} units)")
    zero = [key for key, array in right.items() if not array.any()]
    if zero:
        found.append(f"any mistake in {named(zero)} (0 here)")
    found.extend(hidden)
    return [f"This network and batch cannot show: {'; '.join(found)}."] if found else []


def _few_digits(found: Tensors) -> str:
    """What to do about numbers that are right only roughly."""
    if any(few_digits(found)):
        return "These numbers are written with few digits: write nine or more, and check again."
    return (
        "These are numbers of double precision that are right only as far as single precision goes: let "
        "every part of the program compute in double, and check again."
    )


def _not_finite(check: TensorCheck, array: Array) -> TensorCheck:
    """Say where to look for what is infinite or not a number."""
    places = np.argwhere(~np.isfinite(array))
    first, count = tuple(places[0].tolist()), len(places)
    which = f"{array[first]} at {', '.join(str(k + 1) for k in first)}"
    more = f", and {count - 1:,} more of {array.size:,} are not finite" if count > 1 else ""
    return replace(check, max_relative_error=None, worst=None, verdict=INCONCLUSIVE, note=f"{which}{more}")


def _imprecise(check: TensorCheck, found: Tensors, right: Tensors) -> TensorCheck:
    """Say how many digits of the largest element are right in all of them; none of a true 0."""
    key = check.tensor, check.layer
    off, size = largest(found[key] - right[key]), largest(right[key])
    digits = math.floor(-math.log10(off / size)) if size else 0
    told = f"right to about {digits} digits" if digits > 0 else "as near to 0 as its precision comes"
    return replace(check, verdict=INCONCLUSIVE, note=told)


def _in_full(check: TensorCheck, array: Array, right: Array, numeric: Numeric) -> TensorCheck:
    """Look at the elements that were not sampled too: bpnet's own gradient has been proved by the sample."""
    if check.verdict != PASS or check.checked == check.total:
        return check
    forgiven = np.abs(array - right) <= FORGIVEN * numeric.noise((check.tensor, check.layer))
    errors = np.where(forgiven, 0, relative_errors(array, right))
    index = tuple(int(k) for k in np.unravel_index(errors.argmax(), errors.shape))
    if errors[index] <= THRESHOLD:
        return check
    worst = Worst(index, float(array[index]), float(right[index]))
    return replace(check, verdict=FAIL, max_relative_error=float(errors[index]), worst=worst)
