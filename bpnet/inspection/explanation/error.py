"""Sections 3 to 5: where δ comes from, the same in one line of matrices, and one weight's chain rule."""

import itertools
import math

import numpy as np

from bpnet.core.losses import PartneredLoss
from bpnet.inspection.explanation.blocks import (
    Bars,
    Block,
    Check,
    Equation,
    Matrix,
    MatrixLine,
    Part,
    Section,
    say,
)
from bpnet.inspection.explanation.view import MOST_TERMS, View
from bpnet.inspection.formulas import (
    Expression,
    Name,
    Negative,
    Partial,
    Product,
    Sum,
    evaluate,
    short,
    shortened,
)

_MOST_PATHS = 4
"""Ways from a weight to the cost that are written out, if there are no more."""

Path = tuple[int, ...]
"""Units from the layer after the weight's to the output, from 1."""


def where_it_comes_from(view: View) -> Section:
    """BP1 at the output, BP2 at a hidden layer: every contribution, then the slope."""
    checks = view.prove_delta(view.l, view.shown(view.l))
    blocks: list[Block] = [_rule(view)]
    for j in view.shown(view.l):
        blocks.extend(error_blocks(view, view.l, j, checks[j]))
    if view.l == view.L and isinstance(view.point.loss, PartneredLoss):
        blocks.append(_cancelled(view))
    if len(checks) < view.width(view.l):
        blocks.append(say(f"So do the other {view.width(view.l) - 1:,} units of the layer."))
    return Section("Where δ comes from", tuple(blocks))


def _rule(view: View) -> Block:
    delta, l = Name("δ", layer=view.l), view.l
    if l == view.L:
        return say(
            "BP1: at the output, ", delta, " is ∂C/∂a of each unit, times the slope of its activation."
        )
    return say(
        f"BP2: each unit of layer {l} gets back from every unit k of layer {l + 1} what it had sent there: "
        "the weight on the way, times that unit's ",
        Name("δ", layer=l + 1),
        ". The sum is ∂C/∂a of the unit; taken through the slope of its activation it is ",
        delta,
        f".{_of_all(view)}",
    )


def _of_all(view: View) -> str:
    """What is to be said of an activation in which every a depends on every z."""
    if view.is_elementwise(view.l):
        return ""
    return (
        f" In a {view.activation(view.l).name} every a depends on every z, so all units of the layer add to "
        "the δ of each; [j = k] is 1 where j is k, and else 0."
    )


def error_blocks(view: View, l: int, j: int, check: Check | None = None) -> list[Block]:
    """How δ of one unit of any layer comes about."""
    return _at_the_output(view, j, check) if l == view.L else _hidden(view, l, j, check)


def _at_the_output(view: View, j: int, check: Check | None) -> list[Block]:
    l, loss = view.L, view.point.loss
    weighted = view.point.sample_weight is not None

    def of_loss(k: int) -> Expression:
        formula = view.loss_gradient_formula(k)
        return Product((Name("s", view.sample_weight), formula)) if weighted else formula

    known = bool(np.isfinite(view.upstream(l)).all())
    blocks: list[Block] = []
    if known:
        blocks.append(Equation(view.dC_da(l, j), (of_loss(j),)))
    if view.is_elementwise(l) and known:
        blocks.append(Equation(view.slope(l, j), (view.slope_formula(l, j),)))
    formulas = list(_through_the_slope(view, l, j)) if known else []
    if isinstance(loss, PartneredLoss):
        if view.is_elementwise(l) and known:
            formulas.append(Product((of_loss(j), view.slope_formula(l, j))))
        error: Expression = Sum((view.a(l, j), Negative(view.y(j))))
        formulas.append(Product((Name("s", view.sample_weight), error)) if weighted else error)
    return [*blocks, Equation(view.d(l, j), tuple(formulas), check)]


def _cancelled(view: View) -> Block:
    reason = (
        "Everything cancels but a − y: this loss is made for this activation. The hidden layers have no such "
        "luck, their slopes stay."
    )
    if np.isfinite(view.upstream(view.L)).all():
        return say(reason)
    return say(
        reason + " Here an output is 0 or 1 to the last digit, so that ∂C/∂a alone has no finite value."
    )


def _through_the_slope(view: View, l: int, j: int) -> tuple[Expression, ...]:
    """∂C/∂a times the slope; where a unit's a depends on every z of its layer, the sum over all units."""
    if view.is_elementwise(l):
        return (Product((view.dC_da(l, j), view.slope(l, j))),)
    units = range(1, view.width(l) + 1)
    jacobian = {k: short(view.slope_formula(l, k, k=j), MOST_TERMS) for k in units}
    by_name = [Product((view.dC_da(l, k), view.jacobian(l, k, j))) for k in units]
    in_full = [Product((view.dC_da(l, k), jacobian[k])) for k in units]
    return shortened(tuple(by_name), MOST_TERMS), shortened(tuple(in_full), MOST_TERMS)


def _hidden(view: View, l: int, j: int, check: Check | None) -> list[Block]:
    sent = [Product((view.w(l + 1, k, j), view.d(l + 1, k))) for k in range(1, view.width(l + 1) + 1)]
    total = shortened(tuple(sent), MOST_TERMS)
    blocks: list[Block] = [Equation(view.dC_da(l, j), (total,))]
    if len(sent) > 1:
        rows = total.terms if isinstance(total, Sum) else (total,)
        blocks.append(Bars(rows, view.dC_da(l, j)))
    if view.is_elementwise(l):
        blocks.append(Equation(view.slope(l, j), (view.slope_formula(l, j),)))
    return [*blocks, Equation(view.d(l, j), _through_the_slope(view, l, j), check)]


def in_one_line(view: View) -> Section:
    """The same for the whole layer, as matrices with shapes."""
    l, L = view.l, view.L
    delta = Matrix("δ", l, view.delta(l))
    if l == L:
        blocks: list[Block] = []
        slope = _slope_part(view) if view.is_elementwise(l) else ()
        delta = delta if view.is_elementwise(l) else Matrix("∂C/∂a", l, view.upstream(l))
        parts: tuple[Part, ...] = (Matrix("∇ₐC", None, view.upstream(l)), *slope)
        if isinstance(view.point.loss, PartneredLoss):
            delta = Matrix("δ", l, view.delta(l))
            parts = (Matrix("a", L, view.trace.outputs[0]), "−", Matrix("y", None, view.point.Y[0]))
            if view.point.sample_weight is not None:
                blocks.append(say("Times the sample's weight, ", view.sample_weight, ":"))
        return Section("In one line", (*blocks, MatrixLine(delta, parts)))
    W_next, j = view.network.W[l + 1], view.unit
    if not view.is_elementwise(l):
        delta = Matrix("∂C/∂a", l, view.upstream(l))
    back, next_delta = Matrix("W", l + 1, W_next.T, transposed=True), Matrix("δ", l + 1, view.delta(l + 1))
    slope = _slope_part(view) if view.is_elementwise(l) else ()
    line = MatrixLine(delta, (back, "·", next_delta, *slope))
    column = [part for value in W_next[:MOST_TERMS, j - 1] for part in (", ", float(value))][1:]
    why = say(
        f"Why the transpose: row {j} of ",
        back,
        f" is column {j} of ",
        Name("W", layer=l + 1),
        ", (",
        *column,
        f"{', …' if len(W_next) > MOST_TERMS else ''}): the weights by which unit {j} sent its a "
        f"to layer {l + 1}. The error comes back by the same weights. The inverse would ask what the unit "
        "had been, not what it did to C.",
    )
    return Section("In one line", (line, why))


def _slope_part(view: View) -> tuple[Part, ...]:
    return ("⊙", Matrix("σ′", view.l, view.slopes(view.l)))


def chain_rule(view: View) -> Section:
    """∂C/∂w of one weight, factor by factor from C back to it."""
    l, (j, k) = view.l, view.weight
    w, check = view.w(l, j, k), view.prove_w(l, [(j, k)], one=True)[j, k]
    blocks: list[Block] = []
    last = Partial(view.z(l, j), w, view.a(l - 1, k).value)
    formulas: list[Expression] = []
    if all(view.is_elementwise(m) for m in range(l, view.L)):
        paths, count = _paths(view, j)
        products = [Product((*_factors(view, path), last)) for path in paths]
        along: Expression = products[0] if len(products) == 1 else Sum(tuple(products))
        if count == len(paths):
            formulas.append(_with_penalty(view, along, w))
        else:
            ways = f"From this weight, {count:,} paths lead to the cost; they add up. The largest in size: "
            blocks.append(say(ways, products[0], " = ", evaluate(products[0]), "."))
    formulas.append(_with_penalty(view, Product((view.d(l, j), last)), w))
    formulas.append(_with_penalty(view, Product((view.d(l, j), view.a(l - 1, k))), w))
    blocks.append(Equation(view.dC_dw(l, j, k, one=True), tuple(formulas), check))
    return Section("The chain rule for one weight", (*blocks, _shared_factors(view, j)))


def _shared_factors(view: View, j: int) -> Block:
    """What δ saves, counted where every unit has a slope of its own."""
    same = "All factors but the last are the same for every weight into the unit: they are computed once, "
    kept = (f"{same}and kept as ", view.d(view.l, j), ".")
    cancels = isinstance(view.point.loss, PartneredLoss)
    if not all(view.is_elementwise(m) for m in range(2, view.L + (not cancels))):
        return say(*kept)
    one_by_one, with_delta = multiplications(view.network.sizes, cancels=cancels)
    return say(
        *kept,
        " Were the chain multiplied out anew for every weight and bias of this network, it would take "
        f"{one_by_one:,} multiplications; with δ kept it takes {with_delta:,}.",
    )


def _with_penalty(view: View, formula: Expression, w: Name) -> Expression:
    if not view.point.weight_decay:
        return formula
    terms = formula.terms if isinstance(formula, Sum) else (formula,)
    return Sum((*terms, Product((Name("λ", view.point.weight_decay), w))))


def _paths(view: View, j: int) -> tuple[list[Path], int]:
    """Ways from unit j of the layer to the output, all of a few or the strongest; and how many."""
    widths = [view.width(m) for m in range(view.l + 1, view.L + 1)]
    count = math.prod(widths)
    if count <= _MOST_PATHS:
        return [*itertools.product(*(range(1, n + 1) for n in widths))], count
    return [_strongest(view, j)], count


def _strongest(view: View, j: int) -> Path:
    """The path whose product of weights, slopes and error at the output is largest in size."""
    best = np.abs(view.delta(view.L))
    paths: dict[int, Path] = {unit: (unit,) for unit in range(1, view.width(view.L) + 1)}
    for m in range(view.L - 1, view.l, -1):
        gains = np.abs(view.network.W[m + 1]) * best[:, np.newaxis]
        nexts = gains.argmax(axis=0)
        best = gains.max(axis=0) * np.abs(view.slopes(m))
        paths = {unit: (unit, *paths[int(nexts[unit - 1]) + 1]) for unit in range(1, view.width(m) + 1)}
    gain = np.abs(view.network.W[view.l + 1][:, j - 1]) * best
    return paths[int(gain.argmax()) + 1]


def _factors(view: View, path: Path) -> list[Partial]:
    """∂C/∂a of the output, then slope and weight by turns, down to ∂a/∂z of the layer's unit."""
    j, l = view.weight[0], view.l
    units = dict(enumerate((j, *path), start=l))
    last = units[view.L]
    if view.is_elementwise(view.L) and np.isfinite(view.upstream(view.L)[last - 1]):
        factors = [view.dC_da(view.L, last), _slope(view, view.L, last)]
    else:
        factors = [Partial(view.C(), view.z(view.L, last), view.d(view.L, last).value)]
    for m in range(view.L - 1, l - 1, -1):
        weight = view.w(m + 1, units[m + 1], units[m]).value
        factors += [
            Partial(view.z(m + 1, units[m + 1]), view.a(m, units[m]), weight),
            _slope(view, m, units[m]),
        ]
    return factors


def _slope(view: View, l: int, j: int) -> Partial:
    return Partial(view.a(l, j), view.z(l, j), view.slope(l, j).value)


def multiplications(sizes: tuple[int, ...], *, cancels: bool) -> tuple[int, int]:
    """Multiplications for every ∂C/∂w and ∂C/∂b by its own chains, and with δ kept.

    Each unit has a slope of its own; at the output it has none if it cancels against the loss.

    A chain from layer l has a slope a layer, a weight between two, ∂C/∂a at its start, and for a weight
    an a at its end: one multiplication less than factors. With δ: BP1, BP2 (the matrix, the slope) and BP4.
    """
    L = len(sizes)
    one_by_one = 0
    for l in range(2, L + 1):
        n_in, n = sizes[l - 2], sizes[l - 1]
        paths = math.prod(sizes[l:])
        factors_of_delta = (1 if cancels else 2) + 2 * (L - l)
        one_by_one += n * paths * (n_in * factors_of_delta + factors_of_delta - 1)
    with_delta = (0 if cancels else sizes[-1]) + sum(
        sizes[m] * sizes[m - 1] + sizes[m - 1] for m in range(2, L)
    )
    with_delta += sum(n_in * n for n_in, n in itertools.pairwise(sizes))
    return one_by_one, with_delta
