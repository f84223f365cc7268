"""An explanation as Markdown, as a forge renders it: headings, tables, and mathematics between dollars."""

import re
from collections.abc import Callable, Iterable, Sequence

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
from bpnet.report.explanations.inline import (
    Inline,
    Writer,
    is_numeric,
    is_small,
    rounding_note,
    shape_of,
    steps,
)
from bpnet.report.explanations.notation import DIGITS, Latex


def markdown(title: str, sections: Sequence[Section], digits: int = DIGITS) -> str:
    """Write a page.

    Parameters
    ----------
    title : str
    sections : sequence of Section
    digits : int
        Significant digits of numbers.
    """
    page = _Page(Latex(digits))
    parts = [f"# {title}"]
    for number, section in enumerate(sections, start=1):
        parts.append(f"## {number}. {section.title}" if len(sections) > 1 else f"## {section.title}")
        parts.extend(page.block(block) for block in section.blocks)
    return "\n\n".join([*parts, rounding_note(digits)]) + "\n"


_LONGEST_LINE = 60
"""Characters of a formula on a line."""


class _Page(Writer[str]):
    """Makes Markdown of each kind of block."""

    def __init__(self, notation: Latex) -> None:
        self._notation = notation
        self._inline = Inline(notation, _escaped, lambda formula: f"${formula}$")

    def say(self, parts: tuple[Part, ...]) -> str:
        return self._inline.sentence(parts)

    def ask(self, question: str, answer: tuple[Part, ...]) -> str:
        return f"**{_escaped(question)}** {self._inline.sentence(answer)}"

    def matrix_line(self, line: MatrixLine) -> str:
        return f"$$\n{matrix_line(line, self._notation)}\n$$"

    def proofs(self, checks: tuple[Check, ...]) -> str:
        return "\n".join(f"- {self._inline.part(each.quantity)}: {self._proof(each)}" for each in checks)

    def equation(self, equation: Equation) -> str:
        text = f"$$\n{aligned(equation, self._notation)}\n$$"
        return text if equation.check is None else f"{text}\n\n{self._proof(equation.check)}"

    def _proof(self, check: Check) -> str:
        return f"{'✓' if check.ok else '✗'} by complex step {self._inline.part(check.numeric)}"

    def grid(self, grid: Grid) -> str:
        numeric = [is_numeric(grid, k) for k in range(len(grid.columns))]
        lines = [
            _row(self._inline.part(name) for name in grid.columns),
            _row("---:" if right else "---" for right in numeric),
        ]
        for position, row in enumerate(grid.rows):
            cells = [self._inline.cell(cell) for cell in row]
            lines.append(_row(f"**{cell}**" if position == grid.marked and cell else cell for cell in cells))
        return "\n".join(lines)

    def bars(self, bars: Bars) -> str:
        rows = [(self._inline.part(row), evaluate(row)) for row in bars.rows]
        lines = [_row(("contribution", "")), _row(("---", "---:"))]
        total = (f"**{self._inline.part(bars.total)}**", bars.total.value)
        lines += [_row((name, self._inline.part(float(value)))) for name, value in (*rows, total)]
        return "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    return text.replace("|", r"\|").replace("*", r"\*").replace("_", r"\_").replace("$", r"\$")


def aligned(equation: Equation, notation: Latex) -> str:
    """An equation with a line for each of its steps, and for what of it does not fit on one."""
    left, *others = notation.formula(equation.left), *steps(equation, notation)
    lines = []
    for position, step in enumerate(others):
        first, *more = _broken(step)
        lines.append(f"{'' if position else left + ' '}&= {first}")
        lines.extend(rf"&\quad {text}" for text in more)
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def _broken(formula: str) -> list[str]:
    """A formula in lines that fit a page, broken before the signs of its outermost sum."""
    lines, line = [], ""
    for term in _split(formula, ("+", "-")):
        parts = [term] if _length(term) <= _LONGEST_LINE else _split(term, (r"\cdot",))
        for part in parts:
            if line and _length(line) + _length(part) > _LONGEST_LINE:
                lines.append(line)
                line = ""
            line = f"{line} {part}".strip()
    return [*lines, line]


def _split(formula: str, signs: tuple[str, ...]) -> list[str]:
    """A formula cut before some signs, where no bracket is open."""
    parts, depth = [""], 0
    for word in formula.split(" "):
        if word in signs and depth == 0 and parts[-1]:
            parts.append("")
        depth += word.count("{") + word.count("(") + word.count("[")
        depth -= word.count("}") + word.count(")") + word.count("]")
        parts[-1] = f"{parts[-1]} {word}".strip()
    return parts


def _length(formula: str) -> int:
    """About how many characters wide a formula is on the page."""
    shown = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", lambda m: max(m[1], m[2], key=len), formula)
    return len(re.sub(r"\\[a-z]+|[{}^_\\ ]", "", shown))


def matrix_line(line: MatrixLine, notation: Latex) -> str:
    """A product of matrices by their names, and with their numbers if they are small."""
    matrices = [line.result, *(part for part in line.parts if isinstance(part, Matrix))]
    signs = {"·": r"\cdot", "⊙": r"\odot", "−": "-"}

    def product(write: Callable[[Matrix], str]) -> str:
        return " ".join(
            write(part) if isinstance(part, Matrix) else signs.get(str(part), notation.words(f" {part} "))
            for part in line.parts
        )

    names = f"{notation.matrix(line.result)} &= {product(notation.matrix)}"
    if is_small(*matrices):
        second = f"{_brackets(line.result, notation)} &= {product(lambda each: _brackets(each, notation))}"
    else:
        shapes = ", ".join(rf"{notation.matrix(each)}: {shape_of(each.values)}" for each in matrices)
        second = rf"&\text{{with shapes }} {shapes}".replace("×", r"\times")
    return f"\\begin{{aligned}}\n{names} \\\\\n{second}\n\\end{{aligned}}"


def _brackets(matrix: Matrix, notation: Latex) -> str:
    rows = matrix.values.reshape(-1, 1) if matrix.values.ndim == 1 else matrix.values
    lines = [" & ".join(notation.number(float(value)) for value in row) for row in rows]
    return r"\begin{bmatrix} " + r" \\ ".join(lines) + r" \end{bmatrix}"
