"""What an explanation is made of: sentences, equations, tables and bars, which any format can show."""

from dataclasses import dataclass
from typing import TypeAlias

from bpnet.core.arrays import Array
from bpnet.inspection.formulas import Expression, Quantity


@dataclass(frozen=True)
class Check:
    """A derivative proved: by back-propagation, and by complex step.

    Attributes
    ----------
    quantity : Quantity
        Its name.
    analytic, numeric : float
    ok : bool
    """

    quantity: Quantity
    analytic: float
    numeric: float
    ok: bool


@dataclass(frozen=True)
class Matrix:
    """A matrix or vector by its name.

    Attributes
    ----------
    letter : str
    layer : int or None
    values : ndarray
    transposed : bool
        Whether it is shown transposed; ``values`` stand as they are shown.
    """

    letter: str
    layer: int | None
    values: Array
    transposed: bool = False


Part: TypeAlias = "str | float | Expression | Matrix"


@dataclass(frozen=True)
class Say:
    """A sentence or two; names, formulas and numbers stand in it as themselves."""

    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Ask:
    """A question and its answer."""

    question: str
    answer: tuple[Part, ...]


@dataclass(frozen=True)
class Equation:
    """A quantity, its formula, the same with numbers, and what it comes to.

    Attributes
    ----------
    left : Quantity
        What is computed; its value is the result, from the passes that train.
    formulas : tuple of Expression
        One after another: the first is general, the last has its numbers put in.
    check : Check or None
        Its independent derivative.
    """

    left: Quantity
    formulas: tuple[Expression, ...]
    check: Check | None = None


@dataclass(frozen=True)
class MatrixLine:
    """A product of matrices with all their numbers: ``result`` = the parts, with signs between them."""

    result: Matrix
    parts: tuple[Part, ...]


Cell: TypeAlias = "str | int | float | Expression | Array | None"


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes
    ----------
    columns : tuple of str or Expression
        Headings.
    rows : tuple of tuple of cells
        Numbers are shown rounded, arrays in brackets.
    marked : int or None
        A row to be marked.
    """

    columns: tuple[Part, ...]
    rows: tuple[tuple[Cell, ...], ...]
    marked: int | None = None


@dataclass(frozen=True)
class Bars:
    """Signed contributions and their sum.

    Attributes
    ----------
    rows : tuple of Expression
        Each with its formula; its value is the bar.
    total : Quantity
    """

    rows: tuple[Expression, ...]
    total: Quantity


@dataclass(frozen=True)
class Proofs:
    """Derivatives that no equation shows, proved in a list."""

    checks: tuple[Check, ...]


Block: TypeAlias = "Say | Ask | Equation | MatrixLine | Grid | Bars | Proofs"


@dataclass(frozen=True)
class Section:
    """A part of the explanation under its heading."""

    title: str
    blocks: tuple[Block, ...]


def say(*parts: Part) -> Say:
    """A sentence."""
    return Say(parts)
