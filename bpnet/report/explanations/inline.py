"""What stands within a line or a table's cell, in any notation."""

from collections.abc import Callable

import numpy as np

from bpnet.core.arrays import Array
from bpnet.inspection.explanation.blocks import Cell, Equation, Matrix, Part
from bpnet.report.explanations.notation import Notation

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
            return self._formula(self.notation.number(part))
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
