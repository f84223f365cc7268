"""Small text tables, read by Python's own means in less time than it takes to load polars."""

import contextlib
import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bpnet.core.arrays import Array
from bpnet.data.rows import FileRows, refuse_huge, refuse_text
from bpnet.data.text_table import BLANKS, SPACES, even_rows, read_header

_IN_NUMBERS = frozenset("0123456789+-.eEinfINFtyTYaA")
"""Python reads more as a number than files mean by one: digits of any script, and underscores."""

_TRUTHS = {"true": 1.0, "false": 0.0}

_WHOLE = re.compile(r"(-?\d+)\.0*")


@dataclass(frozen=True)
class SmallTable(FileRows):
    """Rows of a text table, whose cells are numbered: many are alike.

    Attributes
    ----------
    names : tuple of str
    codes : ndarray of shape (N, columns)
        Number of every cell among the D different ones.
    cells : ndarray of shape (D,)
        Their texts without blanks around them; None for a blank cell.
    values : ndarray of shape (D,)
        The cells as numbers, yes and no as 1 and 0; nan where they are none.
    unread : ndarray of shape (D,)
        Whether a cell is neither blank nor a number.
    """

    names: tuple[str, ...]
    codes: Array
    cells: Array
    values: Array
    unread: Array

    def take(self, rows: Array) -> "SmallTable":
        return replace(self, origin=self.origin[rows], codes=self.codes[rows])

    def kind(self, name: str) -> str:
        codes = self.codes[:, self.names.index(name)]
        filled = np.count_nonzero(self.cells[codes] != None)  # noqa: E711 - element by element
        unread = np.count_nonzero(self.unread[codes])
        return "number" if not unread else "text" if unread == filled else "mixed"

    def numbers(self, names: Sequence[str]) -> Array:
        codes = self.codes.take([self.names.index(name) for name in names], axis=1)  # row by row in memory
        unread = self.unread[codes]
        if unread.any():
            k = int(unread.any(axis=0).argmax())
            row = int(unread[:, k].argmax())
            refuse_text(self, row, names[k], self.cells[codes[row, k]])
        values: Array = self.values[codes]
        refuse_huge(self, values, names)
        return values

    def texts(self, name: str) -> Array:
        codes, where = np.unique(self.codes[:, self.names.index(name)], return_inverse=True)
        return _texts(map(_as_class, self.cells[codes]))[where]


def _as_class(cell: str | None) -> str | None:
    """3.0 is the same class as 3, whichever of them a program writes."""
    whole = None if cell is None else _WHOLE.fullmatch(cell)
    return cell if whole is None else whole[1]


def read_small_table(path: Path, content: bytes | None, separator: str) -> SmallTable:
    """Read a whole text table.

    Parameters
    ----------
    path : Path
    content : bytes or None
        The file's bytes if they are at hand, unpacked.
    separator : str

    Raises
    ------
    DataError
        At the first line that is no row of the table.
    """
    names = read_header(path, content, separator)
    rows = itertools.islice(even_rows(path, content, separator), 1, None)
    numbers = defaultdict[str, int](itertools.count().__next__)  # a new cell gets the next number
    numbered = map(numbers.__getitem__, itertools.chain.from_iterable(rows))
    codes = np.fromiter(numbered, np.intp).reshape(-1, len(names))
    texts, values, unread = zip(*map(_read, numbers), strict=True) if numbers else ((), (), ())
    return SmallTable(
        path,
        separator,
        content,
        np.arange(len(codes)),
        names,
        codes,
        _texts(texts),
        np.array(values, dtype=np.float64),
        np.array(unread, dtype=np.bool_),
    )


def _texts(cells: Iterable[str | None]) -> Array:
    """Make an array of texts and None; the one that is cut off keeps NumPy from looking into them."""
    return np.array([*cells, None], dtype=object)[:-1]


def _read(cell: str) -> tuple[str | None, float, bool]:
    """The text without blanks around it, its number, and whether it is neither blank nor a number."""
    text = cell.strip(SPACES)
    if text in BLANKS:
        return None, np.nan, False
    number = _TRUTHS.get(text.lower())
    if number is None and _IN_NUMBERS.issuperset(text):
        with contextlib.suppress(ValueError):
            number = float(text)
    return text, np.nan if number is None else number, number is None
