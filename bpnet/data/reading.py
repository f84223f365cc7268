"""From a source to raw rows, whatever its format."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np

from bpnet.core.arrays import Array
from bpnet.data.arrays import read_npz, read_pair, read_rows
from bpnet.data.rows import Matrix, Rows
from bpnet.data.sources import FileSource, InlineSource, PairSource, Source, is_npy
from bpnet.errors import DataError, MissingDataError

T = TypeVar("T")

_IDX = re.compile(r"[-.]idx\d-ubyte(\.gz)?$", re.IGNORECASE)
"""How the names of IDX files end."""

Inputs: TypeAlias = Source | Path | str | Mapping[str, Any] | Array | Any
"""What a model can answer for: a file, a data frame of any library, columns by name, or an array."""


def read_with_targets(source: Source) -> tuple[Rows, Rows]:
    """Inputs and targets; for a table both are the table.

    Raises
    ------
    DataError
        If the source cannot be read, or has no targets.
    """
    if isinstance(source, InlineSource):
        inputs = Matrix(np.array(source.inputs), "data.inputs", "x")
        return inputs, Matrix(np.array(source.targets), "data.targets", "y")
    if isinstance(source, PairSource):
        return _guarded(source.features, lambda: read_pair(source.features, source.target))
    if _is_array(source.path):
        raise DataError(
            f"{source.path} holds inputs alone.",
            advice="Name the file of the targets, too: --targets FILE, "
            "or in a config data.train: {features: FILE, target: FILE}.",
        )
    if not _is_npz(source.path):
        table = read_inputs(source)
        return table, table
    X, y = _guarded(source.path, lambda: read_npz(source.path))
    if y is None:
        raise DataError(f"{source.path} holds no array y, which is what there is to learn.")
    return X, y


def read_inputs(source: Inputs) -> Rows:  # noqa: PLR0911 - one way out a kind of source
    """Inputs alone, for predicting: the targets need not be there.

    Parameters
    ----------
    source : Source, path, data frame, mapping of column names to values, or ndarray of shape (N, columns)

    Raises
    ------
    DataError
        If the source cannot be read.
    """
    if isinstance(source, str | Path):
        source = FileSource(Path(source))
    if isinstance(source, InlineSource):
        return Matrix(np.array(source.inputs), "data.inputs", "x")
    if isinstance(source, PairSource):
        return _guarded(source.features, lambda: read_rows(source.features))
    if isinstance(source, FileSource):
        if _is_npz(source.path):
            return _guarded(source.path, lambda: read_npz(source.path)[0])
        if _is_array(source.path):
            return _guarded(source.path, lambda: read_rows(source.path))
        from bpnet.data.tables import read_table

        return _guarded(source.path, lambda: read_table(source.path))
    if isinstance(source, Mapping) or hasattr(source, "columns"):
        from bpnet.data.tables import table_of_frame

        return table_of_frame(
            source if isinstance(source, Mapping) else {k: source[k] for k in source.columns}
        )
    values = np.asarray(source)
    if values.ndim != 2 or values.dtype.kind not in "fiub":  # noqa: PLR2004 - rows and columns
        raise DataError(
            f"Inputs of shape {values.shape} and type {values.dtype} given, expected rows of numbers."
        )
    return Matrix(values, "the inputs", "x")


def _is_array(path: Path) -> bool:
    return is_npy(path) or bool(_IDX.search(path.name))


def _is_npz(path: Path) -> bool:
    return path.suffix.lower() == ".npz"


def _guarded(path: Path, read: Callable[[], T]) -> T:
    """Tell what the system says about a file in our words."""
    try:
        return read()
    except FileNotFoundError as error:
        raise MissingDataError(f"{error.filename or path} does not exist.") from error
    except IsADirectoryError as error:
        raise DataError(f"{error.filename or path} is a folder, not a file.") from error
    except OSError as error:
        raise DataError(f"{error.filename or path} cannot be read: {error.strerror or error}.") from error
    except MemoryError as error:
        raise DataError(
            f"{path} does not fit into memory.",
            advice="Train on part of the rows, or leave out columns before reading.",
        ) from error
