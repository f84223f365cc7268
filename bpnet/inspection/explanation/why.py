"""What learners ask most about back-propagation, answered with this network's own numbers."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bpnet.core.losses import PartneredLoss
from bpnet.inspection.explanation.blocks import Ask, Check, Part, Section
from bpnet.inspection.explanation.gradient import Step, delta_with_updated_weights
from bpnet.inspection.explanation.view import View

_STEP = 1e-5
"""Of the difference that is shown beside the complex step."""


def questions(view: View, step: Step, checks: Sequence[Check]) -> Section:
    """Short answers."""
    asked = [
        *_transpose(view),
        *_old_weights(view, step),
        _bias(view, step),
        _sum_or_mean(view),
        _error_or_delta(view),
        *_slope(view),
        *_cancelling(view),
        *_vanishing(view),
        _close_enough(view, checks),
    ]
    return Section("Why", tuple(asked))


def _ask(question: str, *answer: Part) -> Ask:
    return Ask(question, answer)


def _transpose(view: View) -> list[Ask]:
    l, j = view.l, view.unit
    if l == view.L:
        return []
    k = int(np.abs(view.network.W[l + 1][:, j - 1]).argmax()) + 1
    there = view.w(l + 1, k, j)
    return [
        _ask(
            "Why the transpose of W, and not its inverse?",
            f"Forward, unit {k} of layer {l + 1} reads along row {k} of its weights. Back, unit {j} of layer "
            f"{l} asks along column {j} what it did to each unit there: to unit {k}, ",
            there,
            " = ",
            there.value,
            ". It is the same number, looked up the other way round: nothing is undone, nothing inverted.",
        )
    ]


def _old_weights(view: View, step: Step) -> list[Ask]:
    l, j = view.l, view.unit
    if l == view.L:
        return []
    wrong = delta_with_updated_weights(view, step)
    if np.isclose(wrong[j - 1], view.d(l, j).value, rtol=1e-5, atol=0):
        return []
    return [
        _ask(
            "Old or updated weights in the step back?",
            "The old ones: δ is a derivative at the point where the forward pass was made. Here ",
            view.d(l, j),
            " = ",
            view.d(l, j).value,
            "; through the updated weights it would come out as ",
            float(wrong[j - 1]),
            ".",
        )
    ]


def _bias(view: View, step: Step) -> Ask:
    l, j = view.l, view.unit
    b = view.b(l, j)
    moved = (
        " It moves from ", b.value, " to ", float(step.network.b[l][j - 1]), " in this step.",
    ) if view.subject.train_biases else (" This config keeps it as it is.",)  # fmt: skip
    return _ask(
        "Whose δ is the bias's, and is it updated at all?",
        "Its own unit's: z grows by 1 as the bias does, so ",
        view.dC_db(l, j),
        " = ",
        view.dC_db(l, j).value,
        ", with no input in it.",
        *moved,
    )


def _sum_or_mean(view: View) -> Ask:
    N = len(view.whole.X)
    (j, k) = view.weight
    gradient = view.dC_dw(view.l, j, k)
    penalty = view.point.weight_decay * view.w(view.l, j, k).value
    if N == 1:
        return _ask(
            "Sum or mean over the batch?",
            "The mean, because C is one; with this one sample both are the same. With --batch they differ.",
        )
    return _ask(
        "Sum or mean over the batch?",
        "The mean, because C is one: ",
        gradient,
        " = ",
        gradient.value,
        f". With the sum over the {N} samples it would be ",
        N * (gradient.value - penalty) + penalty,
        f": a step about {N} times as long at the same learning rate.",
    )


def _error_or_delta(view: View) -> Ask:
    L = view.L
    return _ask(
        "Error or delta?",
        "The error of an output is E = a − y, here ",
        view.e(1),
        " = ",
        view.e(1).value,
        ". δ is ∂C/∂z, how C answers to z: ",
        view.d(L, 1),
        " = ",
        view.d(L, 1).value,
        ". They are the same where the slope of the output is 1, or cancels against the loss"
        + (", but for the sample's weight." if view.sample_weight != 1 else "."),
    )


def _slope(view: View) -> list[Ask]:
    l, j = view.l, view.unit
    if not view.is_elementwise(l):
        return []
    a = view.trace.a[l][:1]
    wrong = view.activation(l).pullback(np.ones_like(a), a, view.activation(l).value(a))[0, j - 1]
    return [
        _ask(
            "σ′ of z, or of a?",
            "Of z: it is the slope at the point where the unit was. Where the formula is written with a, as "
            "a(1 − a), that a is σ(z) already. Here ",
            view.slope(l, j),
            " = ",
            view.slope(l, j).value,
            "; σ′ taken at a would be ",
            float(wrong),
            ".",
        )
    ]


def _cancelling(view: View) -> list[Ask]:
    if not isinstance(view.point.loss, PartneredLoss):
        return []
    hidden = ""
    if view.l < view.L and view.is_elementwise(view.l):
        hidden = " This layer's own slopes stay: "
    slopes = (hidden, float(np.abs(view.slopes(view.l)).mean()), " on average.") if hidden else ()
    return [
        _ask(
            "Does cross-entropy's cancelling help the hidden layers?",
            "It takes the slope out of the output's δ, so that an output that is wrong and sure of it still "
            "sends its whole error back.",
            *slopes,
        )
    ]


def _vanishing(view: View) -> list[Ask]:
    sizes = [float(np.linalg.norm(view.delta(m))) for m in range(view.L, view.l - 1, -1)]
    if len(sizes) == 1 or not sizes[0]:
        return []
    return [
        _ask(
            "Why do gradients vanish, or explode?",
            "Because δ is multiplied by weights and slopes at every layer. Here its size goes from ",
            sizes[0],
            " at the output to ",
            sizes[-1],
            f" at layer {view.l}, a factor of ",
            sizes[-1] / sizes[0],
            f" in {len(sizes) - 1} {'step' if len(sizes) == 2 else 'steps'}.",  # noqa: PLR2004 - one step back
        )
    ]


def _close_enough(view: View, checks: Sequence[Check]) -> Ask:
    off = [_relative(check.analytic, check.numeric) for check in checks]
    j, k = view.weight
    gradient = view.dC_dw(view.l, j, k)
    return _ask(
        "How close is close enough in a gradient check?",
        "By complex step, to rounding: the largest relative error above is ",
        max(off),
        ". By the central difference of C over ±10⁻⁵, that of ",
        gradient,
        " is ",
        _relative(gradient.value, _central_difference(view, j, k)),
        "; 10⁻⁴ would be a mistake.",
    )


def _relative(one: float, other: float) -> float:
    size = abs(one) + abs(other)
    return abs(one - other) / size if size else 0.0


def _central_difference(view: View, j: int, k: int) -> float:
    """∂C/∂w as the two-sided difference of two costs."""
    costs = []
    for sign in (1, -1):
        network = view.network.with_parameters(view.network.parameters.copy())
        network.W[view.l][j - 1, k - 1] += sign * _STEP
        there = replace(view.whole, network=network)
        costs.append(there.cost(there.forward()))
    return (costs[0] - costs[1]) / (2 * _STEP)
