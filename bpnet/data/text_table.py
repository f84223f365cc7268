"""A slow second look at a CSV or TSV file, to say in which line a mistake stands."""

import csv
import io
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from bpnet.errors import DataError

SPACES = "".join(c for c in map(chr, range(0x3001)) if c.isspace() and c not in "\x1c\x1d\x1e\x1f")
"""What polars strips from both ends of a cell; a line of nothing else is left out."""

BLANKS = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "-nan", "null", "NULL", "None", "<NA>")
"""Cells that count as missing, blanks around them aside."""

_LONGEST_CELL = 2**30

_FOREIGN = {
    b"PK\x03\x04": ("a zip or Excel file", "Save the table as CSV."),
    b"\x1f\x8b": ("gzipped", "Let its name end in .gz."),
    b"PAR1": ("a Parquet file", "Let its name end in .parquet."),
    b"\xff\xfe": ("UTF-16 text", "Save it as UTF-8 text."),
    b"\xfe\xff": ("UTF-16 text", "Save it as UTF-8 text."),
}
"""By its first bytes: what a file is that is no UTF-8 text, and what to do with it."""


def read_header(path: Path, content: bytes | None, separator: str) -> tuple[str, ...]:
    """Column names of a CSV or TSV file, without blanks around them or line breaks in them.

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
    _refuse_foreign(path, content)
    first = next(_records(path, content, separator), None)
    if first is None:
        raise DataError(f"{path} is empty.", advice="The first line must hold the column names.")
    line, cells = first
    names: dict[str, int] = {}
    for number, cell in enumerate(cells, start=1):
        name, where = " ".join(cell.split()), f"{path}:{line}: column {number}"
        if not name:
            raise DataError(
                f"{where} has no name.", advice="Name it (and data.drop it, if it only numbers the rows)."
            )
        if not name.isprintable():
            raise DataError(
                f"{path} does not look like a text table: its first line is no text.",
                advice="Save the table as CSV, in UTF-8.",
            )
        if name in names:
            raise DataError(
                f"{where} is called {name!r}, as column {names[name]} is.",
                advice="Give every column a name of its own, in the first line.",
            )
        names[name] = number
    _refuse_other_separator(cells, f"{path}:{line}")
    return tuple(names)


def _refuse_foreign(path: Path, content: bytes | None) -> None:
    with _open(path, content) as file:
        start = file.read(4)
    for signature, (kind, advice) in _FOREIGN.items():
        if start.startswith(signature):
            raise DataError(f"{path} is no text table: it is {kind}.", advice=advice)


def _refuse_other_separator(cells: list[str], where: str) -> None:
    if len(cells) == 1 and (other := next((mark for mark in ";\t,|" if mark in cells[0]), None)):
        raise DataError(
            f"{where}: found one column, {cells[0]!r}.",
            advice=f"Is it separated by {other!r}? A .csv file needs commas, a .tsv file tabs.",
        )


def line_of(path: Path, content: bytes | None, separator: str, row: int) -> int:
    """Line in which a row begins; the first row after the header is 0, and blank lines do not count."""
    line, _ = next(itertools.islice(_records(path, content, separator), row + 1, None))
    return line


def even_rows(path: Path, content: bytes | None, separator: str) -> Iterator[list[str]]:
    """Cells of every row, the header first, as Python's own reader finds them.

    Raises
    ------
    DataError
        At the first row that has not one cell a column, or whose quotes are out of place; names the line.
    """
    width = 0
    for line, cells in _records(path, content, separator):
        width = width or len(cells)
        if len(cells) != width:
            raise DataError(
                f"{path}:{line}: found {_count(cells)}, expected {width} as in the first line.",
                advice="A cell that holds the separator must stand in double quotes.",
            )
        yield cells


def _count(cells: list[str]) -> str:
    return "1 cell" if len(cells) == 1 else f"{len(cells)} cells"


def has_empty_rows(path: Path, content: bytes | None, separator: str) -> bool:
    """Whether some line holds nothing but separators: a row of blank cells, where an empty line is none."""
    mark = separator.encode()
    with _open(path, content) as file:
        return any(mark in line and not line.strip(b' \t\r\n"' + mark) for line in file)


def _records(path: Path, content: bytes | None, separator: str) -> Iterator[tuple[int, list[str]]]:
    """First lines and cells of the rows, the header first.

    Empty lines are no rows; in a table of one column they are rows with a blank cell, but for the last ones.
    """
    width, blanks = 0, list[tuple[int, list[str]]]()
    for line, cells in _all_records(path, content, separator):
        filled = any(cell.strip(SPACES) for cell in cells)
        if filled or (width > 1 and len(cells) > 1):
            yield from blanks
            yield line, cells
            width, blanks = width or len(cells), []
        elif width == 1:
            blanks.append((line, ["", *cells[1:]]))


def _all_records(path: Path, content: bytes | None, separator: str) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(_LONGEST_CELL)
    with _open(path, content) as file:
        reader = csv.reader(_lines(file, path), delimiter=separator, strict=True)
        line = 1
        try:
            for cells in reader:
                yield line, cells
                line = reader.line_num + 1
        except csv.Error as error:
            if "new-line" in str(error):
                raise DataError(
                    f"{path}:{line}: a carriage return stands within the line.",
                    advice="Lines must end with a line feed, or a carriage return and a line feed.",
                ) from error
            raise DataError(
                f"{path}:{line}: a double quote is out of place in the row that begins here ({error}).",
                advice="Quotes go around a whole cell; one inside it is doubled.",
            ) from error


def _lines(file: IO[bytes], path: Path) -> Iterator[str]:
    for number, line in enumerate(file, start=1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path}:{number}: byte 0x{line[error.start]:02x} is not UTF-8.",
                advice="Save the file as UTF-8 text.",
            ) from error


def _open(path: Path, content: bytes | None) -> IO[bytes]:
    return path.open("rb") if content is None else io.BytesIO(content)
