"""All layers at a glance, each with its one line."""

import numpy as np

from bpnet.core.arrays import Array
from bpnet.core.losses import PartneredLoss
from bpnet.inspection.explanation.blocks import Cell, Grid, Section, say
from bpnet.inspection.explanation.view import Subject, View


@np.errstate(all="ignore")
def overview(subject: Subject) -> tuple[Section, ...]:
    """Say of every layer how large its error and gradient are, and where the error comes from.

    Parameters
    ----------
    subject : Subject
        Its layer does not matter.
    """
    view = View(subject)
    columns = ("layer", "units", "activation", "‖δ‖", "× the next", "‖∂C/∂W‖", "δ by")
    rows: list[tuple[Cell, ...]] = [(1, view.width(1), "–", None, None, None, "no δ")]
    for l, layer in view.network.layers.items():
        size, after = _norm(view.delta(l)), _norm(view.delta(l + 1)) if l < view.L else 0.0
        sizes = (size, size / after if after else None, _norm(view.gradients.nabla_W[l]))
        rows.append((l, layer.n_out, layer.activation.name, *sizes, _rule(view, l)))
    blocks = (
        say(f"{subject.what}. {subject.sample}. ", view.C(), " = ", view.C().value, "."),
        Grid(columns, tuple(rows)),
        say("To see one derived, with every number: --layer N."),
    )
    return (Section("All layers", blocks),)


def _norm(values: Array) -> float:
    return float(np.linalg.norm(values))


def _rule(view: View, l: int) -> str:
    if l < view.L:
        return "BP2"
    return "BP1: a − y" if isinstance(view.point.loss, PartneredLoss) else "BP1"
