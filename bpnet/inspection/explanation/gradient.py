"""Sections 6 and 7: the gradients of weights and biases from δ, and the step that they make."""

from dataclasses import replace
from functools import cached_property

import numpy as np

from bpnet.core.arrays import Array
from bpnet.core.optimizers import Sgd
from bpnet.inspection.explanation.blocks import Block, Cell, Equation, Grid, Part, Section, say
from bpnet.inspection.explanation.view import MOST_TERMS, View
from bpnet.inspection.formulas import (
    Expression,
    Name,
    Negative,
    Number,
    Product,
    Quotient,
    Rest,
    Sum,
    evaluate,
)

_MOST_ROWS = 4
"""Rows and columns of the table of products."""

_MOST_WEIGHTS = 6
"""Weights that are shown one by one, about: of each unit as many."""

_SEEN = 1e-5
"""Relative difference that can be seen in numbers as they are shown."""

_MOST_SAMPLES = 8
"""Samples of a batch that are listed one by one."""


def shown_weights(view: View) -> list[tuple[int, int]]:
    """Weights that are shown one by one: of the units shown, those whose inputs are largest."""
    units = view.shown(view.l)
    most = _MOST_WEIGHTS if view.subject.batch is None else _MOST_WEIGHTS // 2  # a batch's take more lines
    columns = {view.weight[1]}
    if len(units) * 2 <= most:
        columns |= {*_largest(view.trace.a[view.l - 1][0], most // len(units))}
    return [(j, k) for j in units for k in sorted(columns)]


def _largest(values: Array, most: int) -> list[int]:
    """Positions of the largest values in size, from 1."""
    return sorted(int(k) + 1 for k in np.argsort(-np.abs(values), kind="stable")[:most])


def weights_and_biases(view: View) -> Section:
    """BP3 and BP4: for one sample, or as the mean over a batch."""
    l, pairs = view.l, shown_weights(view)
    units = view.shown(l)
    checks_b, checks_w = view.prove_b(l, units), view.prove_w(l, pairs)
    blocks: list[Block] = [
        say("BP3: ∂C/∂b is δ itself. BP4: ∂C/∂w is the a that came in along the weight, times δ.")
        if view.subject.batch is None
        else say(
            "BP3 and BP4 for a batch: C is the mean of the samples' costs, so ∂C/∂b is the mean of their δ, "
            "and ∂C/∂w the mean of a times δ. The samples' numbers stand in brackets."
        )
    ]
    if view.subject.batch is None:
        blocks.extend(_outer_product(view))
    else:
        blocks.extend(_samples(view))
    for j in units:
        blocks.append(Equation(view.dC_db(l, j), (_of_b(view, j),), checks_b[j]))
        blocks.extend(
            Equation(view.dC_dw(l, j, k), (of_w(view, l, j, k),), checks_w[j, k]) for i, k in pairs if i == j
        )
    left = view.width(l) * (view.width(l - 1) + 1) - len(units) - len(pairs)
    if left:
        blocks.append(say(f"So do the layer's other {left:,} parameters."))
    return Section("Its weights and biases", tuple(blocks))


def _outer_product(view: View) -> list[Block]:
    """Every ∂C/∂w as a table of products, without the penalty's part; of a large one, where it is largest."""
    l = view.l
    units = _largest(view.delta(l), _MOST_ROWS)
    inputs = _largest(view.trace.a[l - 1][0], _MOST_ROWS)
    corner = "δ times a" if not view.point.weight_decay else "δ times a, without the penalty"
    columns: tuple[Part, ...] = (corner, *(view.a(l - 1, k) for k in inputs))
    rows: list[tuple[Cell, ...]] = []
    for j in units:
        delta = view.d(l, j)
        rows.append((delta, *(delta.value * view.a(l - 1, k).value for k in inputs)))
    table = Grid(columns, tuple(rows))
    n, n_in = view.width(l), view.width(l - 1)
    if len(units) == n and len(inputs) == n_in:
        return [table]
    return [table, say(f"Of a table of {n:,} × {n_in:,}, the rows and columns with most in them.")]


def _samples(view: View) -> list[Block]:
    """Each sample's own part of one ∂C/∂w; their mean is the batch's."""
    (j, k), l, N = view.weight, view.l, len(view.whole.X)
    deltas = N * view.whole_gradients.delta[l][:, j - 1]
    inputs = view.whole_trace.passed[l - 1][:, k - 1]
    rows: list[tuple[str | float, ...]] = [
        (str(i + 1), float(deltas[i]), float(inputs[i]), float(deltas[i] * inputs[i]))
        for i in range(min(N, _MOST_SAMPLES))
    ]
    if N > _MOST_SAMPLES:
        rest = deltas[_MOST_SAMPLES:], inputs[_MOST_SAMPLES:]
        means = (float(rest[0].mean()), float(rest[1].mean()), float((rest[0] * rest[1]).mean()))
        rows.append((f"mean of {N - _MOST_SAMPLES:,} more", *means))
    rows.append(("mean of all", float(deltas.mean()), float(inputs.mean()), float((deltas * inputs).mean())))
    columns = ("sample", Name("δ", layer=l, units=(j,)), Name("a", layer=l - 1, units=(k,)), "δ times a")
    return [
        say(
            "Each sample has its own part; C is a mean, so the gradient is the mean of them. For ",
            view.w(l, j, k),
            ":",
        ),
        Grid(columns, tuple(rows)),
    ]


def _of_b(view: View, j: int) -> Expression:
    if view.subject.batch is None:
        return view.d(view.l, j)
    deltas = len(view.whole.X) * view.whole_gradients.delta[view.l][:, j - 1]
    return _mean([Name("δ", float(value), view.l, (j,), sample=i) for i, value in enumerate(deltas, 1)])


def of_w(view: View, l: int, j: int, k: int) -> Expression:
    """BP4 for one weight of any layer, and the penalty's part."""
    if view.subject.batch is None:
        formula: Expression = Product((view.d(l, j), view.a(l - 1, k)))
    else:
        deltas = len(view.whole.X) * view.whole_gradients.delta[l][:, j - 1]
        inputs = view.whole_trace.passed[l - 1][:, k - 1]
        formula = _mean(
            [
                Product((Name("δ", float(d), l, (j,), sample=i), Name("a", float(a), l - 1, (k,), sample=i)))
                for i, (d, a) in enumerate(zip(deltas, inputs, strict=True), 1)
            ]
        )
    if not view.point.weight_decay:
        return formula
    return Sum((formula, Product((Name("λ", view.point.weight_decay), view.w(l, j, k)))))


def _mean(parts: list[Expression]) -> Expression:
    """The mean of the samples' parts, the first few one by one."""
    first, rest = parts[: MOST_TERMS - 1], parts[MOST_TERMS - 1 :]
    terms = [*first, *([Rest(len(rest), sum(map(evaluate, rest)))] if rest else [])]
    return Quotient(Sum(tuple(terms)) if len(terms) > 1 else terms[0], Number(len(parts)))


class Step:
    """One step of plain gradient descent from the subject's weights, by the optimizer that trains.

    Parameters
    ----------
    view : View
    """

    def __init__(self, view: View) -> None:
        network, gradient = view.network, view.whole_gradients.flat.copy()
        if not view.subject.train_biases:
            gradient[network.n_weights :] = 0
        self.squared_norm = float(gradient @ gradient)
        after, optimizer = network.parameters.copy(), Sgd()
        optimizer.step(after, gradient, view.subject.learning_rate, optimizer.start(after), network.n_weights)
        self.network = network.with_parameters(after)
        self.view = view

    @property
    def cost_before(self) -> float:
        return self.view.whole.cost(self.view.whole_trace)

    @cached_property
    def cost_after(self) -> float:
        there = replace(self.view.whole, network=self.network)
        return there.cost(there.forward())

    @property
    def predicted_change(self) -> float:
        """−η‖∇‖²: what the slope promises."""
        return -self.view.subject.learning_rate * self.squared_norm


def update(view: View, step: Step) -> Section:
    """The weights before and after, and what the cost makes of it."""
    l, subject = view.l, view.subject
    blocks: list[Block] = [say("Down the slope: every parameter moves by −η times its derivative.")]
    blocks.extend(moved_weight(view, step, l, j, k) for j, k in shown_weights(view))
    for j in view.shown(l) if subject.train_biases else ():
        b, after = view.b(l, j), float(step.network.b[l][j - 1])
        moved = Sum((b, Negative(Product((view.eta, view.dC_db(l, j))))))
        blocks.append(Equation(replace(b, value=after, after=True), (moved,)))
    if not subject.train_biases:
        blocks.append(say("The config leaves the biases as they are (train_biases: false)."))
    if subject.training:
        blocks.append(say(f"Training itself {subject.training}: shown is the plain step."))
    blocks.extend(_old_weights(view, step))
    change, cost = step.cost_after - step.cost_before, "C" if subject.batch is None else "C of the batch"
    rows = (
        (f"{cost} before", step.cost_before),
        (f"{cost} after, all layers having moved", step.cost_after),
        ("change", change),
        ("change that the slope predicts, −η‖∇C‖²", step.predicted_change),
    )
    return Section("The update", (*blocks, Grid(("", ""), rows)))


def moved_weight(view: View, step: Step, l: int, j: int, k: int) -> Equation:
    """One weight of any layer after the step."""
    w, after = view.w(l, j, k), float(step.network.W[l][j - 1, k - 1])
    moved = Sum((w, Negative(Product((view.eta, view.dC_dw(l, j, k))))))
    return Equation(replace(w, value=after, after=True), (moved,))


def _old_weights(view: View, step: Step) -> list[Block]:
    """What δ would be, had the next layer's weights been updated before the error went back."""
    l, j = view.l, view.unit
    if l == view.L:
        return []
    delta = delta_with_updated_weights(view, step)
    if np.isclose(delta[j - 1], view.d(l, j).value, rtol=_SEEN, atol=0):
        return []
    return [
        say(
            "The error went back through ",
            Name("W", layer=l + 1),
            " as it was in the forward pass. With the updated one, ",
            Name("δ", layer=l, units=(j,)),
            " would be ",
            float(delta[j - 1]),
            " in place of ",
            view.d(l, j).value,
            ", and no longer the derivative of C.",
        )
    ]


def delta_with_updated_weights(view: View, step: Step) -> Array:
    """What δ of a hidden layer would be, had the next layer's weights moved before the error went back."""
    l = view.l
    later = view.network.with_parameters(view.network.parameters.copy())
    later.W[l + 1][...] = step.network.W[l + 1]
    row: Array = replace(view.point, network=later).backward(view.trace).delta[l][0]
    return row
