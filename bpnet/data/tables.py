"""Tables: CSV, TSV and Parquet, read by polars as text and turned into numbers column by column."""

import gzip
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bpnet.core.arrays import Array
from bpnet.data.memory import refuse_if_too_large
from bpnet.data.rows import refuse_infinite, write_number
from bpnet.data.text_table import line_of, read_header, refuse_ragged
from bpnet.errors import DataError

if TYPE_CHECKING:
    import polars as pl

BLANKS = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "-nan", "null", "NULL", "None", "<NA>")
"""Cells that count as missing, blanks around them aside."""

_BYTES_A_CELL = 16 + 8 + 8
"""Memory of a cell while a file is read: polars' text view, the number, the encoded input."""

_SAMPLE = 2**20


@dataclass(frozen=True)
class Table:
    """Rows of a table.

    Attributes
    ----------
    frame : polars.DataFrame
        Columns of texts (null where blank), numbers or booleans.
    path : Path
    separator : str or None
        Of a text table; None for Parquet.
    content : bytes or None
        The unpacked file, if it was gzipped.
    origin : ndarray of shape (N,)
        Row numbers in the file, from 0.
    """

    frame: "pl.DataFrame"
    path: Path
    separator: str | None
    content: bytes | None
    origin: Array

    @property
    def source(self) -> str:
        return str(self.path)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.frame.columns)

    @property
    def named(self) -> bool:
        return True

    def __len__(self) -> int:
        return self.frame.height

    def take(self, rows: Array) -> "Table":
        return Table(self.frame[rows], self.path, self.separator, self.content, self.origin[rows])

    def place(self, row: int) -> str:
        number = int(self.origin[row])
        if self.separator is None:
            return f"{self.path}, row {number + 1} (the first is 1)"
        return f"{self.path}:{line_of(self.path, self.content, self.separator, number)}"

    def kind(self, name: str) -> str:
        column = self.frame[name]
        if column.dtype.is_numeric() or str(column.dtype) == "Boolean":
            return "number"
        filled = len(column) - column.null_count()
        numbers = len(column) - self._to_numbers(name).null_count()
        return "number" if numbers == filled else "mixed" if numbers else "text"

    def _to_numbers(self, name: str) -> "pl.Series":
        import polars as pl

        return self.frame[name].cast(pl.Float64, strict=False)

    def numbers(self, names: Sequence[str]) -> Array:
        values = np.empty((len(self), len(names)))
        for k, name in enumerate(names):
            column = self._to_numbers(name)
            bad = (column.is_null() & self.frame[name].is_not_null()).to_numpy()
            if bad.any():
                row = int(np.flatnonzero(bad)[0])
                raise DataError(
                    f"{self.place(row)}: column {name!r} is {self.frame[name][row]!r}, which is no number, "
                    "as other cells of it are.",
                    advice="Correct the cell; or say that the values are names: data.categorical "
                    "for a feature, data.task: classification for the target.",
                )
            values[:, k] = column.to_numpy()
        refuse_infinite(self, values, names)
        return values

    def texts(self, name: str) -> Array:
        import polars as pl

        column = self.frame[name]
        if column.dtype.is_float():
            cells = [None if x is None or x != x else write_number(x) for x in column]  # noqa: PLR0124 - nan
            return np.array([*cells, None], dtype=object)[:-1]
        return np.array([*column.cast(pl.String).to_list(), None], dtype=object)[:-1]


def read_table(path: Path) -> Table:
    """Read a CSV, TSV or Parquet file, gzipped or not, by its name's ending.

    Raises
    ------
    DataError
        If it cannot be read, has no rows or columns, or is not what its ending says.
    """
    import polars as pl

    name = path.name.lower()
    content = _unpack(path) if name.endswith(".gz") else None
    try:
        if name.removesuffix(".gz").endswith(".parquet"):
            table = _read_parquet(path, content)
        else:
            table = _read_text(path, content, "\t" if name.removesuffix(".gz").endswith(".tsv") else ",")
    except (pl.exceptions.PolarsError, MemoryError) as error:
        raise DataError(f"{path} cannot be read: {error}.") from error
    if not len(table):
        raise DataError(f"{path} has column names, but no rows below them.")
    return table


def _unpack(path: Path) -> bytes:
    """Unpack a gzipped file, but never more than fits into memory."""
    parts, size = [], 0
    try:
        with gzip.open(path) as file:
            while part := file.read(_SAMPLE):
                parts.append(part)
                size += len(part)
                refuse_if_too_large(f"{path}, unpacked,", 2 * size)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is no gzip file, or is damaged ({error}).") from error
    return b"".join(parts)


def _read_text(path: Path, content: bytes | None, separator: str) -> Table:
    import polars as pl

    names = read_header(path, content, separator)
    _refuse_large_text(path, content, separator)
    try:
        frame = pl.read_csv(
            path if content is None else io.BytesIO(content), separator=separator, infer_schema=False
        )
    except pl.exceptions.PolarsError as error:
        refuse_ragged(path, content, separator)
        raise DataError(
            f"{path} cannot be read: {str(error).splitlines()[0]}.",
            advice="Are its lines ended by a line feed, and its quotes closed?",
        ) from error
    filled = frame.select(pl.any_horizontal((pl.all() != "").fill_null(value=False))).to_series()
    frame = frame.filter(filled)
    if frame.height and frame[frame.columns[-1]].null_count():  # a short row leaves its last cells null
        refuse_ragged(path, content, separator)
    frame.columns = list(names)
    cells = pl.all().str.strip_chars()
    frame = frame.select(pl.when(~cells.is_in(BLANKS)).then(cells))
    return Table(frame, path, separator, content, np.arange(frame.height))


def _refuse_large_text(path: Path, content: bytes | None, separator: str) -> None:
    with path.open("rb") as file:
        sample = file.read(_SAMPLE) if content is None else content[:_SAMPLE]
    size = path.stat().st_size if content is None else len(content)
    cells = sample.count(separator.encode()) + sample.count(b"\n") + 1
    refuse_if_too_large(path, round(size + _BYTES_A_CELL * cells * size / len(sample)))


def _read_parquet(path: Path, content: bytes | None) -> Table:
    import polars as pl

    source = path if content is None else io.BytesIO(content)
    try:
        rows = pl.scan_parquet(source).select(pl.len()).collect().item()
        schema = pl.read_parquet_schema(source)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(
            f"{path} is no Parquet file, or is damaged ({str(error).splitlines()[0]})."
        ) from error
    refuse_if_too_large(path, rows * len(schema) * _BYTES_A_CELL)
    frame = pl.read_parquet(source)
    columns = []
    for column in frame:
        kind = column.dtype
        if kind.is_float():
            columns.append(column.fill_nan(None))
        elif kind.is_numeric() or kind == pl.Boolean:
            columns.append(column)
        elif kind in (pl.String, pl.Categorical, pl.Enum):
            text = column.cast(pl.String).str.strip_chars()
            columns.append(text.set(text.is_in(BLANKS), None))
        else:
            raise DataError(
                f"{path}: column {column.name!r} holds {kind}, which is neither number nor text.",
                advice="Turn it into numbers or text first.",
            )
    return Table(pl.DataFrame(columns), path, None, None, np.arange(frame.height))
