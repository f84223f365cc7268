"""What stands within a line or a table's cell, in any notation."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np

from bpnet.core.arrays import Array
from bpnet.inspection.explanation.blocks import (
    Ask,
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
from bpnet.report.explanations.notation import Notation

T = TypeVar("T")

_LONGEST = 4
"""Numbers of an array that stand in a table's cell."""

_MOST_ROWS = 2
"""Rows of a matrix that stand in a table's cell."""

LARGEST_MATRIX = 6
"""Rows and columns of a matrix that is shown with its numbers."""


class Inline:
    """Writes parts of sentences and cells.

    Parameters
    ----------
    notation : Notation
    text : callable
        What becomes of words: escaping, for instance.
    formula : callable
        What becomes of formulas and numbers: dollars around them, for instance.
    """

    def __init__(
        self, notation: Notation, text: Callable[[str], str] = str, formula: Callable[[str], str] = str
    ) -> None:
        self.notation, self._text, self._formula = notation, text, formula

    def sentence(self, parts: tuple[Part, ...]) -> str:
        """Parts, one after the other."""
        return "".join(map(self.part, parts))

    def part(self, part: Part) -> str:
        """Words, a number, a formula or a matrix by its name."""
        if isinstance(part, str):
            return self._text(part)
        if isinstance(part, float):
            return self._formula(self.notation.number(part)) if math.isfinite(part) else "–"
        if isinstance(part, Matrix):
            return self._formula(self.notation.matrix(part))
        return self._formula(self.notation.formula(part))

    def cell(self, cell: Cell) -> str:
        """A cell of a table."""
        if cell is None:
            return ""
        if isinstance(cell, int):
            return self._text(f"{cell:,}")
        if isinstance(cell, np.ndarray):
            return self._array(cell)
        return self.part(cell)

    def _array(self, values: Array) -> str:
        if values.ndim > 1:
            few = len(values) <= _MOST_ROWS
            return "; ".join(map(self._array, values)) if few else self._text(f"{len(values)} rows")
        shown = ", ".join(self.part(float(value)) for value in values[:_LONGEST])
        return f"({shown}{', …' if len(values) > _LONGEST else ''})"


class Writer(ABC, Generic[T]):
    """Makes something of each kind of block: text, or what Rich prints."""

    def block(self, block: Block) -> T:  # noqa: PLR0911 - one a kind
        """What becomes of a block."""
        match block:
            case Say(parts):
                return self.say(parts)
            case Ask(question, answer):
                return self.ask(question, answer)
            case Equation():
                return self.equation(block)
            case MatrixLine():
                return self.matrix_line(block)
            case Grid():
                return self.grid(block)
            case Bars():
                return self.bars(block)
            case Proofs(checks):
                return self.proofs(checks)

    @abstractmethod
    def say(self, parts: tuple[Part, ...]) -> T: ...

    @abstractmethod
    def ask(self, question: str, answer: tuple[Part, ...]) -> T: ...

    @abstractmethod
    def equation(self, equation: Equation) -> T: ...

    @abstractmethod
    def matrix_line(self, line: MatrixLine) -> T: ...

    @abstractmethod
    def grid(self, grid: Grid) -> T: ...

    @abstractmethod
    def bars(self, bars: Bars) -> T: ...

    @abstractmethod
    def proofs(self, checks: tuple[Check, ...]) -> T: ...


def is_numeric(grid: Grid, column: int) -> bool:
    """Whether a column of a table holds numbers only."""
    return all(isinstance(row[column], int | float | None) for row in grid.rows)


def steps(equation: Equation, notation: Notation) -> list[str]:
    """What stands after each = of an equation: formulas, each followed by its numbers; the result last."""
    said = [notation.formula(equation.left)]
    for formula in equation.formulas:
        for text in (notation.formula(formula), notation.numbers(formula)):
            if text not in said:
                said.append(text)
    result = notation.numbers(equation.left)
    return [*(text for text in said[1:] if text != result), result]


def is_small(*matrices: Matrix) -> bool:
    """Whether all are small enough to be shown with their numbers."""
    return all(max(np.atleast_2d(each.values).shape) <= LARGEST_MATRIX for each in matrices)


def shape_of(values: Array) -> str:
    """``3 × 2``."""
    return " × ".join(map(str, values.shape))


def rounding_note(digits: int) -> str:
    """What is said of rounding."""
    return f"All numbers are computed in double precision, and shown with {digits} significant digits."
