"""Tables: CSV, TSV and Parquet, read by polars as text and turned into numbers column by column."""

import collections
import gzip
import io
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bpnet.core.arrays import Array
from bpnet.data.memory import refuse_if_too_large
from bpnet.data.rows import FileRows, refuse_huge, refuse_text, write_number
from bpnet.data.small_table import SmallTable, read_small_table
from bpnet.data.text_table import BLANKS, even_rows, has_empty_rows, read_header
from bpnet.errors import DataError

if TYPE_CHECKING:
    import polars as pl

_BYTES_A_CELL = 16 + 8 + 8
"""Memory of a cell while a file is read: polars' text view, the number, the encoded input."""

_BYTES_A_CELL_SLOWLY = 100
"""Memory of a cell that is a Python object."""

_SAMPLE = 2**20

_SMALL = 2**20
"""Bytes of a text table, unpacked, that are read before polars is loaded."""


@dataclass(frozen=True)
class Table(FileRows):
    """Rows of a table.

    Attributes
    ----------
    frame : polars.DataFrame
        Columns of texts (null where blank), numbers, booleans, or kinds that nobody can learn from.
    """

    frame: "pl.DataFrame"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.frame.columns)

    def take(self, rows: Array) -> "Table":
        return Table(self.path, self.separator, self.content, self.origin[rows], self.frame[rows])

    def kind(self, name: str) -> str:
        column = self._column(name)
        filled = len(column) - column.null_count()
        numbers = len(column) - self._to_numbers(name).null_count()
        return "number" if numbers == filled else "mixed" if numbers else "text"

    def _column(self, name: str) -> "pl.Series":
        import polars as pl

        column = self.frame[name]
        if not column.dtype.is_numeric() and column.dtype not in (pl.String, pl.Boolean):
            raise DataError(
                f"{self.path}: column {name!r} holds {column.dtype}, which is neither number nor text.",
                advice=f"Turn it into numbers or text first, or leave it out: data.drop: [{name}].",
            )
        return column

    def _to_numbers(self, name: str) -> "pl.Series":
        """A column as float64, yes and no as 1 and 0, null where that cannot be done."""
        import polars as pl

        column = self._column(name)
        numbers = column.cast(pl.Float64, strict=False)
        if numbers.null_count() == column.null_count():
            return numbers
        binary = column.str.to_lowercase().replace({"true": "1", "false": "0"})
        return binary.cast(pl.Float64, strict=False)

    def numbers(self, names: Sequence[str]) -> Array:
        values = np.empty((len(self), len(names)))
        for k, name in enumerate(names):
            column = self._to_numbers(name)
            bad = (column.is_null() & self.frame[name].is_not_null()).to_numpy()
            if bad.any():
                row = int(np.flatnonzero(bad)[0])
                refuse_text(self, row, name, self.frame[name][row])
            values[:, k] = column.to_numpy()
        refuse_huge(self, values, names)
        return values

    def texts(self, name: str) -> Array:
        import polars as pl

        column = self._column(name)
        if column.dtype.is_float():
            cells = [None if x is None or x != x else write_number(x) for x in column]  # noqa: PLR0124 - nan
        else:  # 3.0 is the same class as 3, whichever of them a program writes
            cells = column.cast(pl.String).str.replace(r"^(-?\d+)\.0*$", "${1}").to_list()
        return np.array([*cells, None], dtype=object)[:-1]


def read_table(path: Path) -> Table | SmallTable:
    """Read a CSV, TSV or Parquet file, gzipped or not, by its name's ending.

    Raises
    ------
    DataError
        If it cannot be read, has no rows or columns, or is not what its ending says.
    """
    name = path.name.lower()
    content = _unpack(path) if name.endswith(".gz") else None
    name = name.removesuffix(".gz")
    table: Table | SmallTable
    if name.endswith(".parquet"):
        table = _read_parquet(path, content)
    else:
        separator = "\t" if name.endswith(".tsv") else ","
        if (path.stat().st_size if content is None else len(content)) <= _SMALL:
            _refuse_large_text(path, content, separator, _BYTES_A_CELL_SLOWLY)
            table = read_small_table(path, content, separator)
        else:
            table = _read_text(path, content, separator)
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
    frame = _read_cells(path, content, separator, names)
    frame = frame.select(pl.all().str.strip_chars())
    filled = frame.select(pl.any_horizontal((pl.all() != "").fill_null(value=False))).to_series().to_numpy()
    first, last = np.flatnonzero(filled)[[0, -1]]  # the first filled row is the header
    if filled[first:].all():
        frame = frame[first + 1 :]
    elif len(names) == 1:
        frame = frame[first + 1 : last + 1]
    elif has_empty_rows(path, content, separator):
        schema = dict.fromkeys(names, pl.String)
        frame = pl.DataFrame(list(even_rows(path, content, separator))[1:], schema, orient="row")
        frame = frame.select(pl.all().str.strip_chars())
    else:
        frame = frame.filter(filled)[1:]
    if frame[names[-1]].null_count():  # a short row leaves its last cells null
        collections.deque(even_rows(path, content, separator), maxlen=0)
    frame = frame.select(pl.when(~pl.all().is_in(BLANKS)).then(pl.all()))
    return Table(path, separator, content, np.arange(frame.height), frame)


def _read_cells(path: Path, content: bytes | None, separator: str, names: Sequence[str]) -> "pl.DataFrame":
    """Every line's cells, those of the header and of blank lines too."""
    import polars as pl

    _refuse_large_text(path, content, separator, _BYTES_A_CELL)
    schema = dict.fromkeys(names, pl.String)
    source = path if content is None else io.BytesIO(content)
    try:
        return pl.read_csv(source, separator=separator, has_header=False, schema=schema, glob=False)
    except pl.exceptions.PolarsError:  # a mistake; or a quote within a cell, which only it takes for one
        _refuse_large_text(path, content, separator, _BYTES_A_CELL_SLOWLY)
        return pl.DataFrame(list(even_rows(path, content, separator)), schema, orient="row")


def _refuse_large_text(path: Path, content: bytes | None, separator: str, bytes_a_cell: int) -> None:
    with path.open("rb") as file:
        sample = file.read(_SAMPLE) if content is None else content[:_SAMPLE]
    size = path.stat().st_size if content is None else len(content)
    cells = sample.count(separator.encode()) + sample.count(b"\n") + 1
    refuse_if_too_large(path, round(size + bytes_a_cell * cells * size / max(1, len(sample))))


def _read_parquet(path: Path, content: bytes | None) -> Table:
    import polars as pl

    path.open("rb").close()  # what the system says about a file that cannot be opened is plainer than polars
    source = path if content is None else io.BytesIO(content)
    try:
        scan = pl.scan_parquet(source, glob=False)
        rows = scan.select(pl.len()).collect().item()
        refuse_if_too_large(path, rows * len(scan.collect_schema()) * _BYTES_A_CELL)
        frame = scan.collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        reason = next(iter(str(error).splitlines()), "no reason given")
        raise DataError(f"{path} is no Parquet file, or is damaged ({reason}).") from error
    columns = [_with_nulls(column) for column in frame]
    return Table(path, None, None, np.arange(frame.height), pl.DataFrame(columns))


def table_of_frame(columns: Mapping[str, Any]) -> Table:
    """Take the columns of a data frame, or of anything else that holds them by name.

    Raises
    ------
    DataError
        If they are not of one length, or hold what no column can.
    """
    import polars as pl

    try:
        frame = pl.DataFrame([pl.Series(str(name), list(columns[name]), strict=False) for name in columns])
    except (pl.exceptions.PolarsError, TypeError) as error:
        raise DataError(f"The data frame cannot be read: {error}.") from error
    frame = pl.DataFrame([_with_nulls(column) for column in frame])
    return Table(Path("the data frame"), None, None, np.arange(frame.height), frame)


def _with_nulls(column: "pl.Series") -> "pl.Series":
    """A column whose blank cells are null, texts being texts."""
    import polars as pl

    kind = column.dtype
    if kind == pl.Null:
        return column.cast(pl.Float64)
    if kind.is_float():
        return column.fill_nan(None)
    if kind in (pl.String, pl.Categorical, pl.Enum):
        text = column.cast(pl.String).str.strip_chars()
        return text.set(text.is_in(BLANKS), None)
    return column
