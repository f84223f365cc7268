"""A slow second look at a CSV or TSV file, to say in which line a mistake stands."""

import csv
import io
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from bpnet.errors import DataError

_LONGEST_CELL = 2**30


def read_header(path: Path, content: bytes | None, separator: str) -> tuple[str, ...]:
    """Column names of a CSV or TSV file, stripped of blanks around them.

    Parameters
    ----------
    path : Path
    content : bytes or None
        The file's bytes if they are at hand, unpacked.
    separator : str

    Raises
    ------
    DataError
        If there is no header, or a name is missing or given twice.
    """
    first = next(_records(path, content, separator), None)
    if first is None:
        raise DataError(f"{path} is empty.", advice="The first line must hold the column names.")
    line, cells = first
    names = tuple(cell.strip() for cell in cells)
    for number, name in enumerate(names, start=1):
        where = f"{path}:{line}: column {number}"
        if not name:
            raise DataError(
                f"{where} has no name.", advice="Name it (and data.drop it, if it only numbers the rows)."
            )
        if not name.isprintable():
            raise DataError(f"{path} does not look like a text table: its first line is no text.")
        if name in names[: number - 1]:
            raise DataError(f"{where} is called {name!r}, as column {names.index(name) + 1} is.")
    if len(names) == 1 and (other := next((mark for mark in ";\t,|" if mark in names[0]), None)):
        raise DataError(
            f"{path}:{line}: found one column, {names[0]!r}.",
            advice=f"Is it separated by {other!r}? A .csv file needs commas, a .tsv file tabs.",
        )
    return names


def line_of(path: Path, content: bytes | None, separator: str, row: int) -> int:
    """Line in which a row ends; the first row after the header is 0, and blank lines do not count."""
    line, _ = next(itertools.islice(_records(path, content, separator), row + 1, None))
    return line


def refuse_ragged(path: Path, content: bytes | None, separator: str) -> None:
    """Stop at the first row that has not one cell a column, or whose quotes do not close.

    Raises
    ------
    DataError
        Naming the line.
    """
    records = _records(path, content, separator)
    _, header = next(records)
    for line, cells in records:
        if len(cells) != len(header):
            raise DataError(
                f"{path}:{line}: found {_count(cells)}, expected {len(header)} as in the first line.",
                advice="A cell that holds the separator must stand in double quotes.",
            )


def _count(cells: list[str]) -> str:
    return "1 cell" if len(cells) == 1 else f"{len(cells)} cells"


def _records(path: Path, content: bytes | None, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and cells, the header included, lines without a cell left out."""
    csv.field_size_limit(_LONGEST_CELL)
    with _open(path, content) as file:
        reader = csv.reader(file, delimiter=separator, strict=True)
        try:
            for cells in reader:
                if any(cells):
                    yield reader.line_num, cells
        except csv.Error as error:
            raise DataError(
                f"{path}:{reader.line_num}: a double quote is out of place ({error}).",
                advice="Quotes go around a whole cell; one inside it is doubled.",
            ) from error
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path}:{reader.line_num + 1}: byte 0x{error.object[error.start]:02x} is not UTF-8.",
                advice="Save the file as UTF-8 text.",
            ) from error


def _open(path: Path, content: bytes | None) -> IO[str]:
    raw = path.open("rb") if content is None else io.BytesIO(content)
    return io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")
