"""Raw rows: what a source held before anything was learnt from it, each cell still with its place."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NoReturn, Protocol, Self

import numpy as np
import numpy.typing as npt

from bpnet.core.arrays import Array
from bpnet.data.text_table import line_of
from bpnet.errors import DataError

_LARGEST = 1e100
"""A number beyond this is a mistake; sums and squares of smaller ones do not overflow."""

_SHOWN = 60
"""Characters of a cell that a message shows."""


class Rows(Protocol):
    """Rows of named columns, a sample each."""

    @property
    def source(self) -> str:
        """The file, for messages."""

    @property
    def names(self) -> tuple[str, ...]:
        """Column names; made up (``x1``, ``x2``, ...) where ``named`` is false."""

    @property
    def named(self) -> bool:
        """Whether the source itself names its columns."""

    @property
    def on_disk(self) -> bool:
        """Whether the rows stay in their file until they are looked at."""

    def __len__(self) -> int: ...

    def take(self, rows: Array) -> Self:
        """Return these rows, in this order."""

    def place(self, row: int) -> str:
        """Where a row stands, for messages: ``iris.csv:18``."""

    def kind(self, name: str) -> str:
        """``number``, ``text``, or ``mixed`` where some cells are numbers; blanks do not count."""

    def numbers(self, names: Sequence[str]) -> Array:
        """Columns as a float64 array of shape (N, len(names)), nan where a cell is blank.

        Raises
        ------
        DataError
            If a cell is neither blank nor a number of sensible size.
        """

    def texts(self, name: str) -> Array:
        """One column as an object array of shape (N,): str, or None where a cell is blank."""


@dataclass(frozen=True)
class FileRows:
    """What rows of a table know of their file.

    Attributes
    ----------
    path : Path
    separator : str or None
        Of a text table; None for Parquet.
    content : bytes or None
        The unpacked file, if it was gzipped.
    origin : ndarray of shape (N,)
        Row numbers in the file, from 0.
    """

    path: Path
    separator: str | None
    content: bytes | None
    origin: Array

    @property
    def source(self) -> str:
        return str(self.path)

    @property
    def named(self) -> bool:
        return True

    @property
    def on_disk(self) -> bool:
        return False

    def __len__(self) -> int:
        return len(self.origin)

    def place(self, row: int) -> str:
        number = int(self.origin[row])
        if self.separator is None:
            return f"{self.path}, row {number + 1} (the first is 1)"
        return f"{self.path}:{line_of(self.path, self.content, self.separator, number)}"


@dataclass(frozen=True)
class Matrix:
    """Rows of an array: all numbers, or all texts.

    Attributes
    ----------
    values : ndarray of shape (N, n)
    source : str
        The file, for messages.
    letter : str
        Names are made of it: ``x1``, ``x2``.
    origin : ndarray of shape (N,), optional
        Row numbers in the source, from 0.
    """

    values: Array
    source: str
    letter: str
    origin: Array | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return _numbered(self.letter, self.values.shape[1])

    @property
    def named(self) -> bool:
        return False

    @property
    def on_disk(self) -> bool:
        return False

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: Array) -> "Matrix":
        origin = rows if self.origin is None else self.origin[rows]
        return Matrix(self.values[rows], self.source, self.letter, origin)

    def place(self, row: int) -> str:
        number = row if self.origin is None else int(self.origin[row])
        return f"{self.source}, row {number + 1} (the first is 1)"

    def kind(self, name: str) -> str:
        return "text" if self.values.dtype.kind == "U" else "number"

    def numbers(self, names: Sequence[str]) -> Array:
        if self.values.dtype.kind == "U":
            raise DataError(f"{self.place(0)}: found {str(self.values[0, 0])!r}, expected a number.")
        picked = self.values
        if tuple(names) != self.names:
            positions = {name: k for k, name in enumerate(self.names)}
            picked = picked[:, [positions[name] for name in names]]
        if picked.dtype.kind == "f":
            refuse_huge(self, picked, names)
        return picked

    def texts(self, name: str) -> Array:
        column = self.values[:, self.names.index(name)]
        different, positions = np.unique(column, return_inverse=True)
        write = str if column.dtype.kind == "U" else write_number
        texts = [write(cell) for cell in different]
        return np.array([None if text in ("nan", "") else text for text in texts], dtype=object)[positions]


@cache
def _numbered(letter: str, n: int) -> tuple[str, ...]:
    return (letter,) if n == 1 else tuple(f"{letter}{k}" for k in range(1, n + 1))


class MappedMatrix(Matrix):
    """Rows of numbers that stay in their file: those of ``values`` that ``origin`` names."""

    @property
    def on_disk(self) -> bool:
        return True

    def __len__(self) -> int:
        return len(self.values if self.origin is None else self.origin)

    def take(self, rows: Array) -> "MappedMatrix":
        origin = rows if self.origin is None else self.origin[rows]
        return MappedMatrix(self.values, self.source, self.letter, origin)

    def numbers(self, names: Sequence[str]) -> Array:
        return self._read().numbers(names)

    def texts(self, name: str) -> Array:
        return self._read().texts(name)

    def _read(self) -> Matrix:
        values = np.asarray(self.values)
        return Matrix(
            values if self.origin is None else values[self.origin], self.source, self.letter, self.origin
        )


def is_nan(values: Array) -> Array:
    """Which numbers are nan, of the same shape; whole numbers never are."""
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, dtype=bool)


def is_blank(texts: Array) -> Array:
    """Which cells of a text column are blank, of shape (N,)."""
    return np.array([text is None for text in texts], dtype=bool)


def write_number(value: float) -> str:
    """A number as a class name: ``3`` for 3.0."""
    number = float(value)
    return str(int(number)) if number.is_integer() else repr(number)


def refuse_text(rows: Rows, row: int, name: str, cell: str) -> NoReturn:
    """Tell of a cell where a number should be.

    Raises
    ------
    DataError
    """
    shown = cell if len(cell) <= _SHOWN else cell[:_SHOWN] + "..."
    raise DataError(
        f"{rows.place(row)}: column {name!r} is {shown!r}, expected a number.",
        advice="Correct the cell; or say that the values are names: data.categorical "
        "for a feature, data.task: classification for the target.",
    )


def refuse_huge(rows: Rows, values: Array, names: Sequence[str]) -> None:
    """Stop at the first number that is infinite or too large to calculate with.

    Raises
    ------
    DataError
        Naming its row and column.
    """
    limit = min(_LARGEST, float(np.finfo(values.dtype).max))
    huge = (values > limit) | (values < -limit)
    if huge.any():
        row, column = np.argwhere(huge)[0]
        value = values[row, column]
        raise DataError(
            f"{rows.place(int(row))}: column {names[column]!r} is {value:g}, "
            f"which is {'no finite' if np.isinf(value) else 'too large a'} number.",
            advice="Correct the cell, or leave it blank and set data.missing.",
        )


def narrow(rows: Rows, scaled: Array, dtype: npt.DTypeLike, names: Sequence[str]) -> Array:
    """Scaled numbers of some columns in the dtype of training.

    Raises
    ------
    DataError
        If one of them is too large for it; names its row and column.
    """
    with np.errstate(over="ignore"):
        narrowed: Array = scaled.astype(dtype)
    if not np.isfinite(narrowed).all():
        row, column = np.argwhere(~np.isfinite(narrowed))[0]
        raise DataError(
            f"{rows.place(int(row))}: column {names[column]!r} is {scaled[row, column]:g} after scaling, "
            f"which is too large for {np.dtype(dtype)}.",
            advice="Correct the cell; or set data.scale (data.scale_target for a target) to standard.",
        )
    return narrowed
