"""An explanation as a LaTeX document of its own, for pdflatex and its like."""

from collections.abc import Iterable, Sequence

import numpy as np

from bpnet.inspection.explanation.blocks import (
    Bars,
    Cell,
    Check,
    Equation,
    Grid,
    MatrixLine,
    Part,
    Section,
)
from bpnet.inspection.formulas import evaluate
from bpnet.report.explanations.inline import Inline, Writer, rounding_note
from bpnet.report.explanations.markdown import aligned, matrix_line
from bpnet.report.explanations.notation import DIGITS, Latex

SIGNS = {
    "δ": r"\delta",
    "∂": r"\partial",
    "σ": r"\sigma",
    "η": r"\eta",
    "λ": r"\lambda",
    "θ": r"\theta",
    "α": r"\alpha",
    "Σ": r"\sum",
    "∇": r"\nabla",
    "′": "'",
    "ᵀ": r"^{\mathsf T}",
    "²": "^2",
    "¹": "^1",
    "⁰": "^0",
    "⁴": "^4",
    "⁵": "^5",
    "⁸": "^8",
    "⁻": "^-",
    "₀": "_0",
    "·": r"\cdot",
    "×": r"\times",
    "÷": r"\div",
    "±": r"\pm",
    "⊙": r"\odot",
    "−": "-",
    "‖": r"\|",
    "½": r"\tfrac12",
    "¼": r"\tfrac14",
    "…": r"\ldots",
    "✓": r"\checkmark",
    "✗": r"\times",
}
"""Unicode's signs that stand in the words, and what they are in mathematics."""

_HEAD = r"""\documentclass[11pt,a4paper,fleqn]{article}
\usepackage{amsmath,amssymb,array,booktabs,geometry}
\geometry{margin=2.2cm}
\setlength{\parindent}{0pt}
\setlength{\parskip}{0.6em}
\setlength{\mathindent}{1em}
\setlength{\tabcolsep}{4pt}
\renewcommand{\arraystretch}{1.15}
"""


def latex(title: str, sections: Sequence[Section], digits: int = DIGITS) -> str:
    """Write a document.

    Parameters
    ----------
    title : str
    sections : sequence of Section
    digits : int
        Significant digits of numbers.
    """
    page = _Page(Latex(digits))
    declared = [
        rf"\DeclareUnicodeCharacter{{{ord(sign):04X}}}{{\ensuremath{{{SIGNS[sign]}}}}}" for sign in SIGNS
    ]
    lines = [
        _HEAD + "\n".join(declared),
        rf"\title{{{escaped(title)}}}",
        r"\date{}",
        r"\begin{document}",
        r"\maketitle",
    ]
    for section in sections:
        lines.append(rf"\section{{{escaped(section.title)}}}")
        lines.extend(page.block(block) for block in section.blocks)
    return "\n\n".join([*lines, escaped(rounding_note(digits)), r"\end{document}"]) + "\n"


class _Page(Writer[str]):
    """Makes LaTeX of each kind of block."""

    def __init__(self, notation: Latex) -> None:
        self._notation = notation
        self._inline = Inline(notation, escaped, lambda formula: f"${formula}$")

    def say(self, parts: tuple[Part, ...]) -> str:
        return self._inline.sentence(parts)

    def ask(self, question: str, answer: tuple[Part, ...]) -> str:
        return rf"\textbf{{{escaped(question)}}} {self._inline.sentence(answer)}"

    def matrix_line(self, line: MatrixLine) -> str:
        return _displayed(matrix_line(line, self._notation))

    def proofs(self, checks: tuple[Check, ...]) -> str:
        return r"\\ ".join(f"{self._inline.part(each.quantity)}: {self._proof(each)}" for each in checks)

    def equation(self, equation: Equation) -> str:
        text = aligned(equation, self._notation)
        if equation.check is not None:
            proof = rf" \qquad \text{{{self._proof(equation.check)}}}"
            text = text.replace("\n\\end{aligned}", f"{proof}\n\\end{{aligned}}")
        return _displayed(text)

    def _proof(self, check: Check) -> str:
        return f"{'✓' if check.ok else '✗'} by complex step {self._inline.part(check.numeric)}"

    def grid(self, grid: Grid) -> str:
        kinds = [_kind([row[k] for row in grid.rows]) for k in range(len(grid.columns))]
        body = []
        for position, row in enumerate(grid.rows):
            cells = [self._inline.cell(cell) for cell in row]
            marked = position == grid.marked
            body.append(_row(rf"\textbf{{{cell}}}" if marked and cell else cell for cell in cells))
        head = (
            [_row(self._inline.part(name) for name in grid.columns), r"\midrule"] if any(grid.columns) else []
        )
        return _table("".join(kinds), [*head, *body])

    def bars(self, bars: Bars) -> str:
        rows = [_row((self._inline.part(row), self._inline.part(float(evaluate(row))))) for row in bars.rows]
        total = _row((self._inline.part(bars.total), self._inline.part(float(bars.total.value))))
        return _table("lr", [*rows, r"\midrule", total])


_LONG = 24
"""Characters of a cell from which its column is broken into lines."""


def _kind(cells: Sequence[Cell]) -> str:
    """How a column is set: numbers to the right, long words in lines of their own."""
    if all(isinstance(cell, int | float | None) for cell in cells):
        return "r"
    long = any(
        isinstance(cell, np.ndarray) or (isinstance(cell, str) and len(cell) > _LONG) for cell in cells
    )
    return r">{\raggedright\arraybackslash}p{0.23\textwidth}" if long else "l"


def _table(kinds: str, lines: Sequence[str]) -> str:
    body = "\n".join(lines)
    return f"\\begin{{tabular}}{{{kinds}}}\n\\toprule\n{body}\n\\bottomrule\n\\end{{tabular}}"


def _row(cells: Iterable[str]) -> str:
    return f"{' & '.join(cells)} \\\\"


def _displayed(text: str) -> str:
    return f"\\[\n{text}\n\\]"


def escaped(text: str) -> str:
    """Words for LaTeX: its special characters made ordinary."""
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(special.get(sign, f"\\{sign}" if sign in "&%$#_{}" else sign) for sign in text)
