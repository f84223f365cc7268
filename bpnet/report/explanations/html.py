"""An explanation as one self-contained HTML file: the network as a picture that plays, and every section."""

import html
import json
from collections.abc import Iterator
from importlib.resources import files
from string import Template
from typing import Any

import numpy as np

from bpnet.core.arrays import Array
from bpnet.inspection.explanation.blocks import (
    Bars,
    Check,
    Equation,
    Grid,
    Matrix,
    MatrixLine,
    Part,
)
from bpnet.inspection.explanation.error import error_blocks
from bpnet.inspection.explanation.forward import unit_equations
from bpnet.inspection.explanation.gradient import moved_weight, of_w
from bpnet.inspection.explanation.lessons import share
from bpnet.inspection.explanation.plane import Plane, plane_of
from bpnet.inspection.explanation.record import Explanation
from bpnet.inspection.explanation.view import View
from bpnet.inspection.formulas import evaluate
from bpnet.report.explanations.document import plain
from bpnet.report.explanations.inline import (
    Inline,
    Writer,
    is_numeric,
    is_small,
    rounding_note,
    shape_of,
    steps,
)
from bpnet.report.explanations.notation import DIGITS, Plain

_MOST_UNITS = 8
"""Units of a layer that are drawn."""

_THICKEST = 6.0
"""Width of the line of a layer's largest weight."""

_MOST_LINES = 40
"""Lines that the Tab key stops at, if there are no more."""

_SHORT = Plain(2)


def page(explanation: Explanation, digits: int = DIGITS) -> str:
    """Write the page.

    Parameters
    ----------
    explanation : Explanation
    digits : int
        Significant digits of numbers.
    """
    writer = _Page(Plain(digits))
    plane = plane_of(explanation.view)
    record = {**_picture(explanation, Plain(digits)), "plane": _plane(explanation.view, plane)}
    parts = []
    for number, section in enumerate(explanation.sections, start=1):
        blocks = "\n".join(writer.block(block) for block in section.blocks)
        parts.append(f"<section><h2>{number}. {_escaped(section.title)}</h2>\n{blocks}\n</section>")
    embedded = json.dumps(record, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    return Template(_asset("page.html")).substitute(
        title=_escaped(explanation.title),
        style=_asset("page.css"),
        subject=_escaped(f"{explanation.subject.what}. {explanation.subject.sample}."),
        plane=_PLANE if plane else "",
        sections="\n".join(parts),
        note=_escaped(rounding_note(digits)),
        record=embedded,
        script=_asset("page.js"),
    )


_PLANE = """<section><h2>What it answers over the plane</h2>
<p>Across is the first input, up is the second. The ring is the sample; the dots are training rows, in the
colour of their answers. <span id="legend"></span></p>
<canvas id="plane" width="656" height="656" role="img" aria-label="The answers over the two inputs"></canvas>
</section>"""


def _asset(name: str) -> str:
    return files("bpnet.report.explanations").joinpath(name).read_text("utf-8")


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)


class _Page(Writer[str]):
    """Makes HTML of each kind of block."""

    def __init__(self, notation: Plain) -> None:
        self._notation = notation
        self._inline = Inline(
            notation, _escaped, lambda text: f'<span class="formula">{_escaped(text)}</span>'
        )

    def say(self, parts: tuple[Part, ...]) -> str:
        return f"<p>{self._inline.sentence(parts)}</p>"

    def ask(self, question: str, answer: tuple[Part, ...]) -> str:
        return f"<p><strong>{_escaped(question)}</strong> {self._inline.sentence(answer)}</p>"

    def proofs(self, checks: tuple[Check, ...]) -> str:
        items = (f"<li>{self._inline.part(each.quantity)}: {self._proof(each)}</li>" for each in checks)
        return f"<ul>{''.join(items)}</ul>"

    def equation(self, equation: Equation) -> str:
        left, *lines = (
            _escaped(text)
            for text in (self._notation.formula(equation.left), *steps(equation, self._notation))
        )
        if equation.check is not None:
            lines[-1] += f" &nbsp; {self._proof(equation.check)}"
        rows = (
            f"<tr><td>{'' if k else left}</td><td>=</td><td>{text}</td></tr>" for k, text in enumerate(lines)
        )
        return f'<div class="scroll"><table class="equation">{"".join(rows)}</table></div>'

    def _proof(self, check: Check) -> str:
        kind, sign = ("ok", "✓") if check.ok else ("wrong", "✗")
        return f'<span class="{kind}">{sign} by complex step {self._notation.number(check.numeric)}</span>'

    def matrix_line(self, line: MatrixLine) -> str:
        matrices = [line.result, *(part for part in line.parts if isinstance(part, Matrix))]
        names = " ".join((self._inline.part(line.result), "=", *map(self._inline.part, line.parts)))
        if not is_small(*matrices):
            shapes = ", ".join(f"{self._inline.part(each)} {shape_of(each.values)}" for each in matrices)
            return f"<p>{names}, with shapes {shapes}</p>"
        cells = [
            self._matrix(part) if isinstance(part, Matrix) else f"<span>{self._inline.part(part)}</span>"
            for part in (line.result, "=", *line.parts)
        ]
        return f'<p>{names}</p><div class="scroll"><div class="matrices">{"".join(cells)}</div></div>'

    def _matrix(self, matrix: Matrix) -> str:
        rows = matrix.values.reshape(-1, 1) if matrix.values.ndim == 1 else matrix.values
        lines = ("".join(f"<td>{self._notation.number(float(v))}</td>" for v in row) for row in rows)
        return f'<table class="matrix">{"".join(f"<tr>{line}</tr>" for line in lines)}</table>'

    def grid(self, grid: Grid) -> str:
        numeric = [is_numeric(grid, k) for k in range(len(grid.columns))]
        kinds = [' class="number"' if right else "" for right in numeric]
        head = "".join(
            f"<th{kind}>{self._inline.part(name)}</th>"
            for kind, name in zip(kinds, grid.columns, strict=True)
        )
        rows = []
        for position, row in enumerate(grid.rows):
            cells = (f"<td{kind}>{self._inline.cell(c)}</td>" for kind, c in zip(kinds, row, strict=True))
            marked = ' class="marked"' if position == grid.marked else ""
            rows.append(f"<tr{marked}>{''.join(cells)}</tr>")
        top = f"<tr>{head}</tr>" if any(grid.columns) else ""
        return f'<div class="scroll"><table class="grid">{top}{"".join(rows)}</table></div>'

    def bars(self, bars: Bars) -> str:
        rows = [(self._inline.part(row), float(evaluate(row))) for row in bars.rows]
        rows.append((self._inline.part(bars.total), float(bars.total.value)))
        longest = max(abs(value) for _, value in rows) or 1.0
        cells = []
        for name, value in rows:
            width = f"{abs(value) / longest:.1%}"
            minus, plus = (width, "0") if value < 0 else ("0", width)
            cells.append(
                f'<span>{name}</span><span class="value">{self._notation.number(value)}</span>'
                f'<span class="bar minus" style="width:{minus}"></span>'
                f'<span class="bar plus" style="width:{plus}"></span>'
            )
        return f'<div class="scroll"><div class="bars">{"".join(cells)}</div></div>'


# The picture


def _picture(explanation: Explanation, notation: Plain) -> dict[str, Any]:
    """What is drawn: units and lines with their texts, and the steps in which they are played."""
    view = explanation.view
    shown = {l: _shown(view, l) for l in range(1, view.L + 1)}
    layers, lines = [], 0
    for l in range(1, view.L + 1):
        name = "inputs" if l == 1 else f"layer {l}: {view.activation(l).name}"
        shares = np.zeros(view.width(1)) if l == 1 else share(view, l).weighted
        units = [_unit(view, l, j, float(shares[j - 1]), notation) for j in shown[l]]
        edges = [] if l == 1 else list(_edges(explanation, l, shown, notation))
        lines += len(edges)
        layers.append(
            {"layer": l, "name": name, "units": units, "edges": edges, "more": view.width(l) - len(units)}
        )
    return {
        "layers": layers,
        "steps": list(_steps(explanation, notation)),
        "stops": lines <= _MOST_LINES,
    }


def _shown(view: View, l: int) -> list[int]:
    """Units of a layer that are drawn: all of a few, or those with most in them."""
    size = np.abs(view.trace.a[1][0] if l == 1 else view.delta(l))
    if l == view.l:
        size[view.unit - 1] = np.inf
    return sorted(int(k) + 1 for k in np.argsort(-size, kind="stable")[:_MOST_UNITS])


def _unit(view: View, l: int, j: int, shared: float, notation: Plain) -> dict[str, Any]:
    a = view.a(l, j)
    name = notation.formula(a)
    if l == 1:
        text = f"{name} = {notation.number(a.value)}, input {j}"
        return {"number": j, "a": _SHORT.number(a.value), "label": name, "text": text}
    delta, blocks = view.d(l, j), error_blocks(view, l, j)
    equations = [*unit_equations(view, l, j), *(each for each in blocks if isinstance(each, Equation))]
    texts = [_text(each, notation) for each in equations]
    what = "E, before it is shared" if l == view.L else "Its share of the error, Wᵀ·E"
    beside = f"{notation.formula(delta)} = {notation.number(delta.value)}"
    texts.append(f"{what}: {notation.number(shared)}, beside {beside}")
    return {
        "number": j,
        "a": _SHORT.number(a.value),
        "delta": f"δ {_SHORT.number(delta.value)}",
        "share": f"share {_SHORT.number(shared)}",
        "flipped": shared * delta.value < 0,
        "label": f"unit {j} of layer {l}",
        "text": "\n\n".join(texts),
    }


def _edges(
    explanation: Explanation, l: int, shown: dict[int, list[int]], notation: Plain
) -> Iterator[dict[str, Any]]:
    view = explanation.view
    largest = float(np.abs(view.network.W[l]).max()) or 1.0
    for j in shown[l]:
        for k in shown[l - 1]:
            w = view.w(l, j, k)
            gradient = Equation(view.dC_dw(l, j, k), (of_w(view, l, j, k),))
            moved = moved_weight(view, explanation.step, l, j, k)
            texts = (
                f"{notation.formula(w)} = {notation.number(w.value)}",
                _text(gradient, notation),
                _text(moved, notation),
            )
            yield {
                "from": k,
                "to": j,
                "weight": plain(w.value),
                "width": round(1 + (_THICKEST - 1) * abs(w.value) / largest, 2),
                "label": f"weight to unit {j} of layer {l} from unit {k}",
                "text": "\n\n".join(texts),
            }


def _text(equation: Equation, notation: Plain) -> str:
    left, *lines = (notation.formula(equation.left), *steps(equation, notation))
    indent = " " * len(left)
    return "\n".join(f"{indent if k else left} = {line}" for k, line in enumerate(lines))


def _steps(explanation: Explanation, notation: Plain) -> Iterator[dict[str, Any]]:
    """Forward, the cost, backward, the gradients and the update."""
    view = explanation.view
    none = view.L + 1  # no layer has its δ yet
    yield _step("The inputs are put in.", forward=1, backward=none, units=1)
    for l in range(2, view.L + 1):
        yield _step(
            f"Forward, layer {l}: z = W a + b of what layer {l - 1} sent, a = {view.activation(l).name}(z).",
            forward=l, backward=none, units=l, edges=l,
        )  # fmt: skip
    C = notation.number(view.C().value)
    yield _step(
        f"The outputs are compared with the targets: C = {C}.", forward=view.L, backward=none, units=view.L
    )
    yield _step(
        f"BP1: δ of the output, layer {view.L}, is ∂C/∂z there.",
        forward=view.L,
        backward=view.L,
        units=view.L,
    )
    for l in range(view.L - 1, 1, -1):
        yield _step(
            f"BP2: δ of layer {l + 1} goes back by the weights it came by; times σ′(z) it is δ of layer {l}.",
            forward=view.L, backward=l, units=l, edges=l + 1, back=True,
        )  # fmt: skip
    yield _step(
        f"BP3 and BP4, layer {view.l}: ∂C/∂b is δ; ∂C/∂w is the a before the line times the δ behind it.",
        forward=view.L, backward=2, units=view.l, edges=view.l,
    )  # fmt: skip
    step, subject = explanation.step, explanation.subject
    before, after = (notation.number(cost) for cost in (step.cost_before, step.cost_after))
    what = "weight and bias" if subject.train_biases else "weight"
    whose = "C" if subject.batch is None else "C of the batch"
    yield _step(
        f"The update: each {what} moves by −η times its derivative; {whose} goes from {before} to {after}.",
        forward=view.L, backward=2, edges=view.l,
    )  # fmt: skip


def _step(
    text: str, *, forward: int, backward: int, units: int = 0, edges: int = 0, back: bool = False
) -> dict[str, Any]:
    return {
        "text": text,
        "forward": forward,
        "backward": backward,
        "units": units,
        "edges": edges,
        "back": back,
    }


def _plane(view: View, plane: Plane | None) -> dict[str, Any] | None:
    if plane is None or not np.isfinite(plane.outputs).all():
        return None
    here = [_point(view.point.X[0], view.point.Y[0], here=True)]
    return {
        "low": plain(np.array(plane.low)),
        "high": plain(np.array(plane.high)),
        "classes": bool(view.point.loss.classifies) and view.width(view.L) > 1,
        "outputs": [[[float(f"{v:.4g}") for v in cell] for cell in row] for row in plane.outputs],
        "points": [
            *(_point(x, y, here=False) for x, y in zip(plane.points, plane.targets, strict=True)),
            *here,
        ],
    }


def _point(x: Array, y: Array, *, here: bool) -> dict[str, Any]:
    return {"x": plain(x), "y": plain(y), "here": here}
