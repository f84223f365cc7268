"""The gradient check: several points, several kinds of derivatives, and its own test."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bpnet.core.optimizers import Optimizer
from bpnet.inspection.comparison import FLOOR, THRESHOLD
from bpnet.inspection.corners import conventions
from bpnet.inspection.differences import Difference, Taylor, difference, taylor
from bpnet.inspection.extremes import check_corners, check_far_out, narrowed
from bpnet.inspection.mistakes import tensors_of
from bpnet.inspection.point import Point
from bpnet.inspection.records import FAIL, INCONCLUSIVE, PASS, GradientCheck, Stage, TensorCheck
from bpnet.inspection.self_test import Looked, run_self_test
from bpnet.inspection.stages import (
    StepTaken,
    check_cost,
    check_dropout,
    check_equations,
    check_optimizer,
    check_step,
)
from bpnet.inspection.tensors import Numeric, check_tensors, choose, coverage
from bpnet.inspection.words import up

BUDGET = 10.0
"""Seconds that the check may take, about."""

_FIRST = 0.5
"""Share of the budget for the tensors at the first point; for all else there is the rest."""

_ELSEWHERE = 1000
"""Elements of a tensor that are checked at points after the first: they look for kinds of faults."""

_DIFFERENCES = 6
"""Elements of a tensor that are also checked without complex numbers."""

_ORDER = (
    "cost",
    "BP1",
    "BP2",
    "BP3",
    "BP4",
    "penalty",
    "∇ₐC",
    "far out",
    "corners",
    "step",
    "dropout",
    "optimizer",
)


@np.errstate(all="ignore")
def check_gradients(
    points: Sequence[Point],
    *,
    step: StepTaken | None = None,
    optimizer: Optimizer | None = None,
    budget: float = BUDGET,
    self_test: bool = False,
) -> GradientCheck:
    """Prove the gradients of a network.

    Parameters
    ----------
    points : sequence of Point
        Where to look; the first is checked in full, as far as the budget goes.
    step : StepTaken, optional
        A step that the trainer took, to be compared with the derivative at its start.
    optimizer : Optimizer, optional
        Compared with its rule in plain Python.
    budget : float
        Seconds, about.
    self_test : bool
        Plant faults at every point and in a reference network, not only at the last point.
    """
    looked: list[Looked] = []
    tensors: list[list[TensorCheck]] = []
    stages: list[Stage] = []
    orders: list[Taylor] = []
    differences: list[Difference] = []
    share = (1 - _FIRST) * budget / (2 * len(points))
    for number, point in enumerate(points):
        trace = point.forward()
        gradients = point.backward(trace)
        elements = choose(point, share, _ELSEWHERE) if number else choose(point, _FIRST * budget)
        one = Looked(point, trace, gradients, Numeric(point, trace, elements))
        looked.append(one)
        tensors.append(check_tensors(tensors_of(gradients), one.numeric))
        stages.extend(_stages(one, share))
        if _is_finite(one):
            orders.extend(_taylor(one))
            differences.extend(_differences(one))
    if _is_finite(looked[-1]):
        narrow = narrowed(points[-1])
        if narrow.network.sizes != points[-1].network.sizes:
            stages.extend(filter(None, (check_cost(narrow, narrow.forward()),)))
        stages.append(check_far_out(narrow))
        stages.extend(filter(None, (check_corners(points[-1]),)))
    if step is not None:
        numeric = Numeric(step.point, step.point.forward(), choose(step.point, share, _ELSEWHERE))
        stages.append(check_step(step, numeric))
    stages.extend(filter(None, (check_dropout(points[0].network),)))
    if optimizer is not None:
        stages.extend(filter(None, (check_optimizer(optimizer),)))
    layers = [_worst_tensor(each) for each in zip(*tensors, strict=True)]
    told = _worst_stages(stages)
    found = [
        *(each.verdict for each in layers),
        *(each.verdict for each in told),
        *(each.verdict for each in orders),
        *(each.verdict for each in differences),
    ]
    verdict = FAIL if FAIL in found else INCONCLUSIVE if INCONCLUSIVE in found else PASS
    return GradientCheck(
        verdict=verdict,
        threshold=THRESHOLD,
        layers=tuple(layers),
        stages=tuple(told),
        taylor=tuple(_worst_orders(orders)),
        differences=tuple(differences),
        self_test=run_self_test([each for each in looked if _is_finite(each)], thorough=self_test),
        diagnosis=tuple(_diagnose(told, layers)),
        points={point.name: largest_error(each) for point, each in zip(points, tensors, strict=True)},
        notes=tuple(_notes(looked)),
    )


def _is_finite(looked: Looked) -> bool:
    arrays = (*looked.trace.z.values(), looked.gradients.flat)
    finite = all(bool(np.isfinite(array).all()) for array in arrays)
    return finite and math.isfinite(looked.point.cost(looked.trace))


def _stages(looked: Looked, seconds: float) -> list[Stage]:
    point, trace, gradients = looked.point, looked.trace, looked.gradients
    bare = replace(point, weight_decay=0.0).backward(trace) if point.weight_decay else gradients
    equations = check_equations(point, trace, gradients, bare, seconds)
    return [*filter(None, (check_cost(point, trace),)), *equations]


def _taylor(looked: Looked) -> list[Taylor]:
    rng = np.random.default_rng(1)
    layers = (None, *looked.point.network.layers)
    return [taylor(looked.point, looked.trace, looked.gradients.flat, l, rng) for l in layers]


def _differences(looked: Looked) -> list[Difference]:
    """The largest element of every tensor, and a few others."""
    rng, found = np.random.default_rng(1), []
    for (name, l), array in tensors_of(looked.gradients).items():
        size = np.abs(array)
        chosen = {int(size.argmax()), *rng.integers(array.size, size=_DIFFERENCES - 1).tolist()}
        for element in sorted(chosen):
            value, floor = float(array.ravel()[element]), FLOOR * float(size.max())
            found.append(
                difference(looked.point, looked.trace, l, name, element, analytic=value, floor=floor)
            )
    return found


def _badness(verdict: str) -> int:
    return (PASS, INCONCLUSIVE, FAIL).index(verdict)


def _worst_tensor(checks: Sequence[TensorCheck]) -> TensorCheck:
    worst = max(checks, key=lambda each: _badness(each.verdict))  # the first point, if none is worse
    return replace(worst, checked=max(each.checked for each in checks))


def largest_error(checks: Sequence[TensorCheck]) -> float | None:
    """Largest error of any tensor; None if none could be measured."""
    return max((e for e in (each.max_relative_error for each in checks) if e is not None), default=None)


def _worst_stages(stages: Sequence[Stage]) -> list[Stage]:
    """One of each equation and layer, in the order of the step back."""
    grouped: dict[tuple[str, int | None], list[Stage]] = {}
    for each in stages:
        grouped.setdefault((each.stage, each.layer), []).append(each)
    worst = [
        max(group, key=lambda each: (_badness(each.verdict), each.max_relative_error or 0.0))
        for group in grouped.values()
    ]
    before = [each for each in worst if each.stage == "cost"]
    back = [each for each in worst if each.layer is not None]
    after = [each for each in worst if each.layer is None and each.stage != "cost"]
    back.sort(key=lambda each: (-(each.layer or 0), _ORDER.index(each.stage)))
    return [*before, *back, *sorted(after, key=lambda each: _ORDER.index(each.stage))]


def _worst_orders(orders: Sequence[Taylor]) -> list[Taylor]:
    """The lowest order of each layer, all layers together first."""
    grouped: dict[int | None, list[Taylor]] = {}
    for each in orders:
        grouped.setdefault(each.layer, []).append(each)
    return [
        min(group, key=lambda each: float("inf") if each.order is None else each.order)
        for group in grouped.values()
    ]


_BROKEN = {
    "cost": "The cost itself is wrong: plain Python gets another number",
    "BP1": "BP1 is the first to go wrong: δ{l} at the output is not ∂C/∂z{l}",
    "BP2": "BP2 is the first to go wrong on the way back: δ{next} is right, δ{l} is not ∂C/∂z{l}",
    "BP3": "BP3 is the first to go wrong: δ{l} is right, ∂C/∂b{l} is not its sum over the batch",
    "BP4": "BP4 is the first to go wrong: δ{l} is right, ∂C/∂W{l} is not δ{l} times a{before}",
    "penalty": "The penalty is wrong: δ{l} times a{before} is right, with λW{l} it is not ∂C/∂W{l}",
    "∇ₐC": "∇ₐC is wrong: through the slope of the output it does not lead to δ{last}, which is right itself",
    "far out": "Far out, at z of thousands or on a target, numbers overflow, divide by 0 or lose digits",
    "corners": "Exactly on a corner, the slope on the way back is not that of the forward pass's own side",
    "step": "The step is wrong, the gradient right: θ did not move by −η·∂C/∂θ at the weights before it",
    "dropout": "The dropout masks that training draws are not 0 or 1/(1 − p), or not in the right share",
    "optimizer": "The optimizer's steps are not its rule's",
}


def _diagnose(stages: Sequence[Stage], layers: Sequence[TensorCheck]) -> list[str]:
    """Name the first equation that is broken, and what is broken apart from it."""
    failed = [each for each in stages if each.verdict == FAIL]
    on_the_way = [each for each in failed if each.layer is not None]
    wrong = bool(on_the_way) or any(each.verdict == FAIL for each in layers)
    # A step along a wrong gradient is wrong for that reason alone, and a wrong cost is wrong far out too.
    follows = {"step", "corners", "∇ₐC"} if wrong else set()
    follows |= {"far out"} if any(each.stage == "cost" for each in failed) else set()
    apart = [each for each in failed if each.layer is None and each.stage not in follows]
    sentences, last = [], max(each.layer for each in layers)
    for each in (*apart, *on_the_way[:1]):
        l = each.layer or 0
        text = _BROKEN[each.stage].format(l=up(l), next=up(l + 1), before=up(l - 1), last=up(last))
        where = f", at {each.point}" if each.point else ""
        sentences.append(f"{text} (relative error {each.max_relative_error:.1e}{where}).")
    if not on_the_way:
        sentences.extend(
            f"∂C/∂{each.tensor}{up(each.layer)} is wrong where its equation was not looked at."
            for each in layers
            if each.verdict == FAIL
        )
    return sentences


def _notes(looked: Sequence[Looked]) -> list[str]:
    notes = [
        f"At {each.point.name}, {note}" for each in looked for note in conventions(each.point, each.trace)
    ]
    if seen := coverage(looked[0].numeric, _FIRST):
        notes.append(f"Checked: {seen}.")
    return notes
