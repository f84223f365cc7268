"""Sections 8 to 10: the proofs, the error shared by weight beside δ, and how δ fares on its way back."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bpnet.core.arrays import Array
from bpnet.inspection.comparison import agree
from bpnet.inspection.explanation.blocks import Block, Cell, Check, Equation, Grid, Proofs, Section, say
from bpnet.inspection.explanation.view import MOST_TERMS, MOST_UNITS, View
from bpnet.inspection.formulas import Name, Product, Quantity, shortened
from bpnet.inspection.sharing import normalised

_SAME = 1e-9
"""Relative difference up to which two vectors are called equal."""


def proofs_of(sections: Sequence[Section]) -> list[Check]:
    """Every derivative that stands proved in some sections, each once."""
    found: dict[Quantity, Check] = {}
    for section in sections:
        for block in section.blocks:
            if isinstance(block, Equation) and block.check is not None:
                found[block.check.quantity] = block.check
    return [*found.values()]


def proof(checks: Sequence[Check]) -> Section:
    """How the derivatives above have been proved, and how many."""
    wrong = [check for check in checks if not check.ok]
    count = f"{len(checks) - len(wrong)} of {len(checks)} derivatives above agree"
    blocks: list[Block] = [
        say(
            "Beside each δ, ∂C/∂b and ∂C/∂w above stands the same derivative by complex step: the parameter, "
            "or z, is moved by a tiny imaginary number, the forward pass alone is run again, and the "
            f"imaginary part of C divided by that number is the derivative. {count} with back-propagation"
            + (". bpnet grad-check proves all the others." if not wrong else "; wrong are:"),
        )
    ]
    if wrong:
        blocks.append(Proofs(tuple(wrong)))
    return Section("Proof", tuple(blocks))


@dataclass(frozen=True)
class Shared:
    """The outputs' error E, shared back to a layer by weight alone.

    Attributes
    ----------
    weighted : ndarray of shape (n_l,)
        Wᵀ·E, from layer to layer.
    normalised : ndarray of shape (n_l,)
        The same with each unit's weights divided by their sum; not finite where such a sum is 0.
    """

    weighted: Array
    normalised: Array


def share(view: View, l: int) -> Shared:
    """Share E back to a layer, both ways."""
    weighted = by_shares = view.error()
    for m in range(view.L, l, -1):
        weighted = weighted @ view.network.W[m]
        by_shares = by_shares @ normalised(view.network.W[m])
    return Shared(weighted, by_shares)


def share_or_delta(view: View, shared: Shared) -> Section:
    """The first picture of error sharing, beside the derivative."""
    l, L, delta = view.l, view.L, view.delta(view.l)
    if l == L:
        text = "At the output nothing is shared yet: the error is E = a − y itself. "
        if agree(delta, view.error(), _SAME):
            text += "Here δ is the same."
        elif agree(delta, view.sample_weight * view.error(), _SAME):
            text += "Here δ is the same, times the sample's weight s."
        else:
            text += "δ has the slope of the activation in it, and the derivative of the loss in place of E."
        return Section("Share or δ", (say(text), _side_by_side(view, shared, delta)))
    blocks: list[Block] = [
        say(
            "In the first picture of back-propagation, each unit takes its share of every error, by weight: "
            "Wᵀ·E, or with the weights into each unit divided by their sum. It is a picture, not a "
            "derivative: it has no slope in it.",
        )
    ]
    if l == L - 1:
        j = view.unit
        terms = [Product((view.w(L, k, j), view.e(k))) for k in range(1, view.width(L) + 1)]
        left = Name("e", float(shared.weighted[j - 1]), l, (j,))
        blocks.append(Equation(left, (shortened(tuple(terms), MOST_TERMS),)))
    blocks.append(_side_by_side(view, shared, delta))
    return Section("Share or δ", (*blocks, _verdict(view, shared, delta)))


def _side_by_side(view: View, shared: Shared, delta: Array) -> Grid:
    upstream = view.upstream(view.l)
    order = (
        np.argsort(-np.abs(delta), kind="stable")[:MOST_UNITS]
        if len(delta) > MOST_UNITS
        else range(len(delta))
    )
    rows: list[tuple[Cell, ...]] = []
    for i in sorted(int(k) for k in order):
        ratio = shared.weighted[i] / delta[i] if delta[i] else math.nan
        cells = (i + 1, shared.weighted[i], shared.normalised[i], upstream[i], delta[i], ratio)
        rows.append(tuple(cell if isinstance(cell, int) else float(cell) for cell in cells))
    carried = "∂C/∂a" if view.l == view.L else "Wᵀ·δ"
    return Grid(("unit", "Wᵀ·E", "by shares", carried, "δ", "Wᵀ·E ÷ δ"), tuple(rows))


def _verdict(view: View, shared: Shared, delta: Array) -> Block:
    upstream, s = view.upstream(view.l), view.sample_weight
    flipped = int(np.count_nonzero(shared.weighted * delta < 0))
    weighted = " but for the sample's weight s" if s != 1 else ""
    if agree(s * shared.weighted, delta, _SAME):
        text = f"Here the picture is exact{weighted}: no slope other than 1 comes in between, or it cancels."
    elif agree(s * shared.weighted, upstream, _SAME):
        text = (
            f"Wᵀ·E is exactly Wᵀ·δ here{weighted}: behind this layer no slope other than 1 comes in, or it "
            "cancels against the loss. What the picture lacks is this layer's own slope."
        )
    else:
        text = "Wᵀ·E is not Wᵀ·δ: the picture lacks the slopes of the layers behind, and this layer's own."
    if flipped:
        units = "one unit" if flipped == 1 else f"{flipped:,} units"
        text += f" For {units} even the sign is another: a step along it would make C larger there."
    if not np.isfinite(shared.normalised).all():
        text += " Where the weights into a unit sum to 0, shares do not exist."
    return say(text)


def health(view: View) -> Section:
    """|δ| from the output back to the layer, as a product of what weights and slopes make of it."""
    l, L = view.l, view.L
    rows: list[tuple[Cell, ...]] = [(L, _norm(view.delta(L)), None, None)]
    for m in range(L - 1, l - 1, -1):
        before, carried, after = (
            _norm(each) for each in (view.delta(m + 1), view.upstream(m), view.delta(m))
        )
        rows.append((m, after, carried / before if before else None, after / carried if carried else None))
    columns = ("layer", "‖δ‖", "× by the weights", "× by the slopes")
    return Section("How δ fares on its way back", (Grid(columns, tuple(rows)), _why(view, rows)))


def _norm(values: Array) -> float:
    return float(np.linalg.norm(values))


def _why(view: View, rows: Sequence[tuple[Cell, ...]]) -> Block:
    if len(rows) == 1:
        return say("This is the output: the way back begins here.")
    first, last = rows[0][1], rows[-1][1]
    assert isinstance(first, float)
    assert isinstance(last, float)
    if not first:
        return say("The error of the output is 0: there is nothing to carry back.")
    if not last:
        lost = next(m for m in range(view.L - 1, view.l - 1, -1) if not view.delta(m).any())
        if view.upstream(lost).any():
            return say(f"Nothing arrives here: for this sample, the slopes of layer {lost} are all 0.")
        return say(f"Nothing arrives here: the weights of layer {lost + 1} carry back nothing.")
    weights = [row[2] for row in rows[1:] if isinstance(row[2], float)]
    slopes = [row[3] for row in rows[1:] if isinstance(row[3], float)]
    by_weights, by_slopes = math.prod(weights), math.prod(slopes)
    total = last / first
    if math.isclose(total, 1, rel_tol=0.005):
        return say(f"On its way back from layer {view.L} it keeps its size.")
    verb = "shrank" if total < 1 else "grew"
    blame = "the slopes" if abs(math.log(by_slopes or 1)) > abs(math.log(by_weights or 1)) else "the weights"
    sigmoid = any(view.activation(m).name == "sigmoid" for m in range(view.l, view.L))
    return say(
        f"On its way back from layer {view.L} it {verb} to ",
        total,
        " of its size: ",
        by_weights,
        " by the weights, ",
        by_slopes,
        f" by the slopes, so mostly because of {blame}."
        + sigmoid
        * " A sigmoid's slope is ¼ at most: each such layer makes δ at least four times smaller, unless "
        "the weights make up for it.",
    )
