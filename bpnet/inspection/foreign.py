"""Other people's gradients: right or wrong, tensor by tensor, and what is wrong with them."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bpnet.core.arrays import Array
from bpnet.inspection.comparison import relative_errors
from bpnet.inspection.diagnosis import Diagnosis, diagnose, first_wrong_layer
from bpnet.inspection.gradient_check import BUDGET, largest_error
from bpnet.inspection.ingredients import Tensors, tensors_of
from bpnet.inspection.likeness import Likeness
from bpnet.inspection.point import Point
from bpnet.inspection.records import FAIL, INCONCLUSIVE, PASS, GradientCheck, TensorCheck, Worst
from bpnet.inspection.rounding import FORGIVEN, largest
from bpnet.inspection.self_test import look_at, run_self_test
from bpnet.inspection.tensors import Key, Numeric, check_tensors, coverage, tensor

THRESHOLD = 1e-6
"""Largest relative error that passes: numbers of seven digits do.

A gradient in single precision may be further off where large parts of it cancel, as far as that explains.
"""


@np.errstate(all="ignore")
def check_foreign(
    point: Point, given: dict[Key, Array], *, rate: float, absent: Sequence[str] = (), budget: float = BUDGET
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
    """
    looked = look_at(point, budget)
    right = tensors_of(looked.gradients)
    own = check_tensors(right, looked.numeric)
    finite = {key: array for key, array in given.items() if np.isfinite(array).all()}
    turned = {key for key, array in finite.items() if array.shape != tensor(point.network, key).shape}
    upright = {key: array.T if key in turned else array for key, array in finite.items()}
    checks = check_tensors(right | upright, looked.numeric, threshold=THRESHOLD)
    like = Likeness.of(point, finite, THRESHOLD)
    near = {key for key, array in upright.items() if like.same(key, array, right[key])}
    layers = []
    for each in checks:
        key = each.tensor, each.layer
        if key in finite:
            in_full = _in_full(each, upright[key], right[key], looked.numeric)
            layers.append(_judged(in_full, near, turned))
        elif key in given:
            layers.append(_not_finite(each, given[key]))
    unclear, diagnosis = any(each.verdict != PASS for each in own), Diagnosis()
    if not unclear and any(each.verdict == FAIL for each in layers):
        diagnosis = diagnose(point, looked.trace, finite, rate=rate, tolerance=THRESHOLD)
    if diagnosis.imprecise:
        layers = [_imprecise(each, upright, right) if each.verdict == FAIL else each for each in layers]
    verdicts = {each.verdict for each in layers}
    verdict = INCONCLUSIVE if unclear else next((v for v in (FAIL, INCONCLUSIVE) if v in verdicts), PASS)
    notes = [f"Not given, and not checked: {', '.join(absent)}."] if absent else []
    if broken := given.keys() - finite.keys():
        notes.append(
            f"Numbers are not finite from layer {first_wrong_layer([*broken])} back: look there for an "
            "overflow, a logarithm of 0 or 0/0."
        )
    if diagnosis.imprecise:
        notes.append(
            "These are numbers of double precision that are right only as far as single precision goes: let "
            "every part of the program compute in double, and check again."
        )
    if seen := coverage(looked.numeric, 1):
        notes.append(f"Yours are compared with bpnet's own at every number, and these are proved at {seen}.")
    if unclear:
        notes.append("bpnet's own gradient is not certain at this point, so nothing can be said of another.")
    return GradientCheck(
        verdict=verdict,
        threshold=THRESHOLD,
        layers=tuple(layers),
        stages=(),
        taylor=(),
        differences=(),
        self_test=run_self_test([looked], thorough=False),
        diagnosis=diagnosis.sentences,
        points={point.name: largest_error(layers)},
        notes=tuple(notes),
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
    digits = math.floor(-math.log10(largest(found[key] - right[key]) / largest(right[key])))
    told = f"right to about {digits} digits" if digits > 0 else "as near to 0 as single precision comes"
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


def _judged(check: TensorCheck, near: set[Key], turned: set[Key]) -> TensorCheck:
    """A transposed tensor is not right, whatever it holds; one as near as single precision comes is."""
    key = (check.tensor, check.layer)
    if key in turned:
        return replace(check, verdict=FAIL, note="transposed: a row for each input")
    if check.verdict == FAIL and key in near:
        return replace(check, verdict=PASS, note="as near as single precision comes")
    return check
