"""Sections 1 and 2: which network, its notation, and the forward pass through the layer."""

import math

from bpnet.core.registry import parameters_of
from bpnet.inspection.corners import conventions
from bpnet.inspection.explanation.blocks import Block, Cell, Equation, Grid, Section, say
from bpnet.inspection.explanation.view import GREEK, MOST_TERMS, View
from bpnet.inspection.formulas import (
    Expression,
    Name,
    Number,
    Product,
    Quotient,
    Sum,
    evaluate,
    short,
    shortened,
)

_SEEN = 1e-6
"""Relative difference up to which a formula as it stands is good enough to be shown."""


def the_network(view: View) -> Section:
    """Which network, sample and step; the layers; the notation."""
    subject, l, L = view.subject, view.l, view.L
    blocks: list[Block] = [say(f"{subject.what}. {subject.sample}.")]
    if subject.batch is not None:
        blocks.append(
            say(
                f"The gradients are means over the {len(subject.batch.X)} samples of a batch; what is shown "
                "step by step is the one sample."
            )
        )
    rows = [(1, view.width(1), "–", "–", "the inputs")]
    for m, layer in view.network.layers.items():
        kind = "the output" if m == L else "hidden"
        biases = "1 bias" if layer.n_out == 1 else f"{layer.n_out} biases"
        weights = f"{layer.n_out} × {layer.n_in} weights, {biases}"
        rows.append((m, layer.n_out, layer.activation.name, weights, kind))
    blocks.append(Grid(("layer", "units", "activation", "parameters", ""), tuple(rows), marked=l - 1))
    return Section("The network", (*blocks, _notation(view)))


def _notation(view: View) -> Grid:
    l, network, trace = view.l, view.network, view.trace
    n, n_in = view.width(l), view.width(l - 1)
    rows = [
        (Name("a", layer=l - 1), "what comes into the layer", f"{n_in}", trace.a[l - 1][0], "x, output, h"),
        (
            Name("W", layer=l),
            "weights into the layer; w_jk leads to unit j from unit k",
            f"{n} × {n_in}",
            network.W[l],
            "W·A here is X·Wᵀ where samples are rows",
        ),
        (Name("b", layer=l), "biases", f"{n}", network.b[l], "θ, w₀"),
        (Name("z", layer=l), "weighted inputs: W a + b", f"{n}", trace.z[l][0], "net input, logit"),
        (Name("a", layer=l), "activations: σ(z)", f"{n}", trace.a[l][0], "output, o, h"),
        (Name("y"), "targets", f"{view.width(view.L)}", view.point.Y[0], "target, label"),
        (Name("C"), "cost of the sample", "1", view.C().value, "E, L, J, loss"),
        (Name("δ", layer=l), "error of the units: ∂C/∂z", f"{n}", view.delta(l), "error term, dZ"),
        (Name("E"), "error of the outputs: a − y", f"{view.width(view.L)}", view.error(), "error, residual"),
        (Name("η"), "learning rate", "1", view.subject.learning_rate, "α, step size"),
    ]
    return Grid(("sign", "meaning", "shape", "value", "also called"), (*rows, *_numbers(view)))


def _numbers(view: View) -> list[tuple[Cell, ...]]:
    """Numbers of the cost and of the activations that stand in the formulas."""
    rows: list[tuple[Cell, ...]] = []
    if view.point.sample_weight is not None:
        rows.append((Name("s"), "the sample's weight, by its class", "1", view.sample_weight, "class weight"))
    if view.point.weight_decay:
        rows.append((Name("λ"), "of the penalty ½λΣw²", "1", view.point.weight_decay, "weight decay, L2"))
    for owner in (view.activation(view.l), view.activation(view.L), view.point.loss):
        for each in parameters_of(type(owner)):
            letter = GREEK.get(each.name, each.name[0])
            row = (Name(letter), f"{each.name} of {owner.name}", "1", float(getattr(owner, each.name)), "")
            rows += [] if row in rows else [row]
    return rows


def forward_pass(view: View) -> Section:
    """Z and a of the layer, and the cost that all of it is for."""
    l, blocks = view.l, list[Block]()
    for j in view.shown(l):
        blocks.extend(unit_equations(view, l, j))
    if len(view.shown(l)) < view.width(l):
        blocks.append(say(f"So do the other {view.width(l) - 1:,} units of the layer."))
    if l < view.L:
        blocks.append(
            say("The layers after it do the same, up to the outputs ", Name("a", layer=view.L), ". The cost:")
        )
    else:
        blocks.append(say("These are the outputs. The cost:"))
    blocks.append(_cost(view))
    blocks.extend(say(f"{text[0].upper()}{text[1:]}") for text in conventions(view.point, view.trace))
    return Section("Forward", tuple(blocks))


def _cost(view: View) -> Block:
    """The cost by its formula, where that can be worked out as it stands."""
    C, formula = view.C(), cost_formula(view)
    try:
        value = evaluate(formula)
    except (OverflowError, ValueError, ZeroDivisionError):
        value = math.nan
    if math.isclose(value, C.value, rel_tol=_SEEN):
        return Equation(C, (formula,))
    return say(
        C,
        " = ",
        C.value,
        ", computed from z: an output is 0 or 1 to the last digit, where the logarithm of it says nothing.",
    )


def unit_equations(view: View, l: int, j: int) -> tuple[Equation, Equation]:
    """Z and a of one unit of any layer."""
    terms = tuple(Product((view.w(l, j, k), view.a(l - 1, k))) for k in range(1, view.width(l - 1) + 1))
    total = (*_flat(shortened(terms, MOST_TERMS - 1)), view.b(l, j))
    value = short(view.value_formula(l, j), MOST_TERMS)
    return Equation(view.z(l, j), (Sum(total),)), Equation(view.a(l, j), (value,))


def _flat(expression: Expression) -> tuple[Expression, ...]:
    return expression.terms if isinstance(expression, Sum) else (expression,)


def cost_formula(view: View) -> Expression:
    """C of the sample: its loss, times its weight if it has one, plus the penalty if there is one."""
    formula = short(view.loss_formula(), MOST_TERMS)
    if view.point.sample_weight is not None:
        formula = Product((Name("s", view.sample_weight), formula))
    if not view.point.weight_decay:
        return formula
    squares = sum(float((W * W).sum()) for W in view.network.W.values())
    half = Quotient(Number(1), Number(2))
    penalty = Product((half, Name("λ", view.point.weight_decay), Name("Σw²", squares)))
    return Sum((*_flat(formula), penalty))
