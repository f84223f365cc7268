"""An explanation in a terminal: equations under one another, tables, bars, and matrices in brackets."""

import io
from collections.abc import Sequence

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bpnet.core.arrays import Array
from bpnet.inspection.explanation.blocks import (
    Bars,
    Check,
    Equation,
    Grid,
    Matrix,
    MatrixLine,
    Part,
    Section,
)
from bpnet.inspection.formulas import evaluate
from bpnet.report.console import PIPE_WIDTH
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

_WIDEST_MATRICES = 74
"""Columns that matrices with their numbers may take."""

_BAR = 12
"""Columns of the longest bar on either side."""


def print_sections(console: Console, title: str, sections: Sequence[Section], digits: int = DIGITS) -> None:
    """Print a page.

    Parameters
    ----------
    console : Console
    title : str
    sections : sequence of Section
    digits : int
        Significant digits of numbers.
    """
    page = _Page(Plain(digits))
    _print(console, Text(title, "bold"))
    for number, section in enumerate(sections, start=1):
        heading = section.title if len(sections) == 1 else f"{number}  {section.title}"
        _print(console, "", Text(heading, "bold cyan"))
        for block in section.blocks:
            _print(console, Padding(page.block(block), (0, 0, 0, 3)))
    _print(console, "", Text(rounding_note(digits), "dim"))


def written(title: str, sections: Sequence[Section], digits: int = DIGITS) -> str:
    """Write the page as plain text of 80 columns."""
    file = io.StringIO()
    print_sections(Console(file=file, width=PIPE_WIDTH, highlight=False), title, sections, digits)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def _print(console: Console, *parts: RenderableType) -> None:
    for part in parts:
        console.print(part, soft_wrap=False)


class _Page(Writer[RenderableType]):
    """Makes something that Rich can print of each kind of block."""

    def __init__(self, notation: Plain) -> None:
        self._notation, self._inline = notation, Inline(notation)

    def say(self, parts: tuple[Part, ...]) -> RenderableType:
        return Text(self._inline.sentence(parts))

    def ask(self, question: str, answer: tuple[Part, ...]) -> RenderableType:
        return Group(Text(question, "bold"), Padding(Text(self._inline.sentence(answer)), (0, 0, 1, 2)))

    def proofs(self, checks: tuple[Check, ...]) -> RenderableType:
        return Group(*(self._proof(check, full=True) for check in checks))

    def equation(self, equation: Equation) -> RenderableType:
        lines = Table.grid(padding=(0, 1, 0, 0))
        lines.add_column(justify="right", no_wrap=True)
        lines.add_column()
        lines.add_column(overflow="fold")
        *before, result = steps(equation, self._notation)
        last = Text(result, "bold")
        if equation.check is not None:
            last.append("   ").append(self._proof(equation.check))
        left = self._notation.formula(equation.left)
        for position, line in enumerate((*map(Text, before), last)):
            lines.add_row("" if position else left, "=", line)
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

    def matrix_line(self, line: MatrixLine) -> RenderableType:
        matrices = [line.result, *(part for part in line.parts if isinstance(part, Matrix))]
        part = self._inline.part
        names = " ".join((part(line.result), "=", *map(part, line.parts)))
        if not is_small(*matrices) or self._width(matrices) > _WIDEST_MATRICES:
            shapes = ", ".join(f"{part(each)} {shape_of(each.values)}" for each in matrices)
            return Group(Text(names), Text(f"with shapes {shapes}"))
        pictures = Table.grid(padding=(0, 1, 0, 0))
        cells: list[RenderableType] = []
        for each in (line.result, "=", *line.parts):
            pictures.add_column(vertical="middle")
            cells.append(self._brackets(each.values) if isinstance(each, Matrix) else Text(part(each)))
        pictures.add_row(*cells)
        return Group(Text(names), pictures)

    def _width(self, matrices: Sequence[Matrix]) -> int:
        """Columns that matrices take beside one another, about."""
        lines = (self._brackets(each.values).plain.splitlines() for each in matrices)
        return sum(max(map(len, each)) + len(" ⊙ ") for each in lines)

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

    def grid(self, grid: Grid) -> RenderableType:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False)
        bare = not any(grid.columns)
        table.show_header = not bare
        for position, name in enumerate(grid.columns):
            numeric = is_numeric(grid, position)
            table.add_column(self._inline.part(name), justify="right" if numeric else "left")
        for position, row in enumerate(grid.rows):
            style = "bold" if position == grid.marked else ""
            table.add_row(*(self._inline.cell(cell) for cell in row), style=style)
        return Padding(table, (1, 0) if not bare else (0, 0))

    def bars(self, bars: Bars) -> RenderableType:
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
