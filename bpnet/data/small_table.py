"""Small text tables, read by Python's own means in less time than it takes to load polars."""

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
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
    """Rows of a text table.

    Attributes
    ----------
    names : tuple of str
    cells : ndarray of shape (N, columns)
        Texts without blanks around them; None for a blank cell.
    values : ndarray of shape (N, columns)
        The cells as numbers, yes and no as 1 and 0; nan where they are none.
    unread : ndarray of shape (N, columns)
        Whether a cell is neither blank nor a number.
    """

    names: tuple[str, ...]
    cells: Array
    values: Array
    unread: Array

    def take(self, rows: Array) -> "SmallTable":
        return SmallTable(
            self.path,
            self.separator,
            self.content,
            self.origin[rows],
            self.names,
            self.cells[rows],
            self.values[rows],
            self.unread[rows],
        )

    def kind(self, name: str) -> str:
        k = self.names.index(name)
        filled = np.count_nonzero(self.cells[:, k] != None)  # noqa: E711 - element by element
        unread = np.count_nonzero(self.unread[:, k])
        return "number" if not unread else "text" if unread == filled else "mixed"

    def numbers(self, names: Sequence[str]) -> Array:
        columns = [self.names.index(name) for name in names]
        unread = self.unread[:, columns]
        if unread.any():
            k = int(unread.any(axis=0).argmax())
            row = int(unread[:, k].argmax())
            refuse_text(self, row, names[k], self.cells[row, columns[k]])
        values = np.ascontiguousarray(self.values[:, columns])
        refuse_huge(self, values, names)
        return values

    def texts(self, name: str) -> Array:
        column = self.cells[:, self.names.index(name)]
        whole = {cell: _WHOLE.fullmatch(cell) for cell in set(column) - {None}}
        # 3.0 is the same class as 3, whichever of them a program writes
        texts = {cell: cell if found is None else found[1] for cell, found in whole.items()}
        return np.array([*(texts.get(cell) for cell in column), None], dtype=object)[:-1]


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
    rows = list(even_rows(path, content, separator))[1:]
    cells, values, unread = (
        np.empty((len(rows), len(names)), dtype) for dtype in (object, np.float64, np.bool_)
    )
    for k, column in enumerate(zip(*rows, strict=True)):
        different = {cell: code for code, cell in enumerate(dict.fromkeys(column))}  # many are alike
        codes = np.fromiter(map(different.__getitem__, column), np.intp, len(rows))
        texts, numbers, mistakes = zip(*map(_read, different), strict=True)
        cells[:, k] = np.array(texts, dtype=object)[codes]
        values[:, k] = np.array(numbers)[codes]
        unread[:, k] = np.array(mistakes)[codes]
    return SmallTable(path, separator, content, np.arange(len(rows)), names, cells, values, unread)


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
