"""An explanation in a terminal: equations under one another, tables, bars, and matrices in brackets."""

import numpy as np
from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bpnet.core.arrays import Array
from bpnet.inspection.explanation.blocks import (
    Bars,
    Block,
    Cell,
    Check,
    Equation,
    Grid,
    Matrix,
    MatrixLine,
    Part,
    Proofs,
    Say,
)
from bpnet.inspection.explanation.record import Explanation
from bpnet.inspection.formulas import evaluate
from bpnet.report.explanations.notation import DIGITS, Plain

_LARGEST_MATRIX = 6
"""Rows and columns of a matrix that is printed with its numbers."""

_LONGEST_VECTOR = 4
"""Numbers of an array that stand in a table's cell."""

_MOST_ROWS = 2
"""Rows of a matrix that stand in a table's cell."""

_BAR = 12
"""Columns of the longest bar on either side."""


def print_explanation(console: Console, explanation: Explanation, digits: int = DIGITS) -> None:
    """Print every section.

    Parameters
    ----------
    console : Console
    explanation : Explanation
    digits : int
        Significant digits of numbers.
    """
    page = _Page(Plain(digits))
    l, L = explanation.view.l, explanation.view.L
    kind = "the output" if l == L else "a hidden layer"
    _print(console, Text(f"Layer {l}, {kind} of {L - 1} with weights", "bold"))
    for number, section in enumerate(explanation.sections, start=1):
        _print(console, "", Text(f"{number}  {section.title}", "bold cyan"))
        for block in section.blocks:
            _print(console, Padding(page.block(block), (0, 0, 0, 3)))
    _print(console, "", Text(rounding_note(digits), "dim"))


def rounding_note(digits: int) -> str:
    """What is said of rounding."""
    return (
        f"All numbers are computed in full, in double precision, and shown with {digits} significant digits."
    )


def _print(console: Console, *parts: RenderableType) -> None:
    for part in parts:
        console.print(part, soft_wrap=False)


class _Page:
    """Makes something that Rich can print of each kind of block."""

    def __init__(self, notation: Plain) -> None:
        self._notation = notation

    def block(self, block: Block) -> RenderableType:
        match block:
            case Say(parts):
                return Text("".join(self.part(each) for each in parts))
            case Equation():
                return self._equation(block)
            case MatrixLine():
                return self._matrix_line(block)
            case Grid():
                return self._grid(block)
            case Bars():
                return self._bars(block)
            case Proofs(checks):
                return Group(*(self._proof(check, full=True) for check in checks))

    def part(self, part: Part) -> str:
        """Something that stands within a line."""
        if isinstance(part, str):
            return part
        if isinstance(part, float):
            return self._notation.number(part)
        return self._notation.matrix(part) if isinstance(part, Matrix) else self._notation.formula(part)

    def _equation(self, equation: Equation) -> RenderableType:
        lines = Table.grid(padding=(0, 1, 0, 0))
        for justify in ("right", "left", "left"):
            lines.add_column(justify=justify, no_wrap=justify == "right")
        notation, left = self._notation, self._notation.formula(equation.left)
        said = [left]
        for formula in equation.formulas:
            for text in (notation.formula(formula), notation.numbers(formula)):
                if text not in said:
                    said.append(text)
        result = notation.number(equation.left.value)
        if result in said:
            said.remove(result)
        for position, text in enumerate((*said[1:], result)):
            last = position == len(said) - 1
            line = Text(text, "bold" if last else "")
            if last and equation.check is not None:
                line.append("   ").append(self._proof(equation.check))
            lines.add_row(left if position == 0 else "", "=", line)
        return lines

    def _proof(self, check: Check, *, full: bool = False) -> Text:
        numeric = self._notation.number(check.numeric)
        if full:
            name, analytic = self._notation.formula(check.quantity), self._notation.number(check.analytic)
            return Text(
                f"{'✓' if check.ok else '✗'} {name}: {analytic}, by complex step {numeric}", "bold red"
            )
        if check.ok:
            return Text(f"✓ by complex step {numeric}", "green")
        return Text(f"✗ by complex step {numeric}", "bold red")

    def _matrix_line(self, line: MatrixLine) -> RenderableType:
        matrices = [line.result, *(part for part in line.parts if isinstance(part, Matrix))]
        names = " ".join((self.part(line.result), "=", *(self.part(part) for part in line.parts)))
        if any(max(np.atleast_2d(each.values).shape) > _LARGEST_MATRIX for each in matrices):
            shapes = ", ".join(f"{self.part(each)} {_shape(each.values)}" for each in matrices)
            return Text(f"{names}    with shapes {shapes}")
        pictures = Table.grid(padding=(0, 1, 0, 0))
        cells: list[RenderableType] = []
        for part in (line.result, "=", *line.parts):
            pictures.add_column(vertical="middle")
            cells.append(self._brackets(part.values) if isinstance(part, Matrix) else Text(str(part)))
        pictures.add_row(*cells)
        return Group(Text(names), pictures)

    def _brackets(self, values: Array) -> Text:
        """A matrix in brackets; a vector as a column."""
        rows = values.reshape(-1, 1) if values.ndim == 1 else values
        texts = [[self._notation.number(float(value)) for value in row] for row in rows]
        widths = [max(len(row[k]) for row in texts) for k in range(len(texts[0]))]
        lines = []
        for position, row in enumerate(texts):
            inside = "  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True))
            left, right = _bracket(position, len(texts))
            lines.append(f"{left}{inside}{right}")
        return Text("\n".join(lines), no_wrap=True)

    def _grid(self, grid: Grid) -> RenderableType:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False)
        bare = not any(grid.columns)
        table.show_header = not bare
        for position, name in enumerate(grid.columns):
            numeric = all(isinstance(row[position], int | float | None) for row in grid.rows)
            table.add_column(self.part(name), justify="right" if numeric else "left")
        for position, row in enumerate(grid.rows):
            style = "bold" if position == grid.marked else ""
            table.add_row(*(self._cell(cell) for cell in row), style=style)
        return Padding(table, (1, 0) if not bare else (0, 0))

    def _cell(self, cell: Cell) -> str:
        if cell is None:
            return ""
        if isinstance(cell, int):
            return f"{cell:,}"
        if isinstance(cell, np.ndarray):
            return self._array(cell)
        return self.part(cell)

    def _array(self, values: Array) -> str:
        if values.ndim > 1:
            small = len(values) <= _MOST_ROWS
            return "; ".join(map(self._array, values)) if small else f"{len(values)} rows"
        shown = ", ".join(self._notation.number(float(value)) for value in values[:_LONGEST_VECTOR])
        return f"({shown}{', …' if len(values) > _LONGEST_VECTOR else ''})"

    def _bars(self, bars: Bars) -> RenderableType:
        values = [evaluate(row) for row in bars.rows]
        longest = max((abs(value) for value in (*values, bars.total.value)), default=0) or 1
        table = Table.grid(padding=(0, 1, 0, 0))
        for justify in ("left", "right", "right", "left"):
            table.add_column(justify=justify, no_wrap=True)
        named = [
            *((self._notation.formula(row), value) for row, value in zip(bars.rows, values, strict=True))
        ]
        for name, value in (*named, (self._notation.formula(bars.total), bars.total.value)):
            bar = "█" * max(1 if value else 0, round(_BAR * abs(value) / longest))
            table.add_row(
                name,
                self._notation.number(value),
                Text(bar if value < 0 else "", "red"),
                Text("│").append(bar if value > 0 else "", "green"),
            )
        return table


def _bracket(position: int, count: int) -> tuple[str, str]:
    if count == 1:
        return "[", "]"
    if position == 0:
        return "⎡", "⎤"
    return ("⎣", "⎦") if position == count - 1 else ("⎢", "⎥")


def _shape(values: Array) -> str:
    return " × ".join(map(str, values.shape))
