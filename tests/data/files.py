"""Data files for the tests, and what is said of those that cannot be used."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpnet.core.arrays import Array
from bpnet.data import DataRequest, Dataset, FileSource, load_dataset
from bpnet.data.columns import Columns, learn_columns
from bpnet.data.rows import Rows
from bpnet.data.scaling import Scaling
from bpnet.data.small_table import SmallTable
from bpnet.data.tables import Table, read_table
from bpnet.data.targets import Target
from bpnet.errors import DataError

IDX_TYPES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}

NO_TARGET = Target("regression", (), (), 0, Scaling.none(0))


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def table(folder: Path, content: str | bytes, name: str = "t.csv") -> Table | SmallTable:
    return read_table(write(folder / name, content))


def cells(rows: Table | SmallTable) -> list[tuple[Any, ...]]:
    return rows.frame.rows() if isinstance(rows, Table) else [tuple(row) for row in rows.cells[rows.codes]]


def refusal(read: Callable[..., object], *arguments: Any, **options: Any) -> str:
    """What is said of data that cannot be used, on one line; data that can be used fail the test."""
    with pytest.raises(DataError) as caught:
        read(*arguments, **options)
    assert caught.value.exit_code == 2
    return str(caught.value).replace("\n", " | ")


def columns_of(rows: Rows, *features: str, **options: Any) -> Columns:
    options = {"missing": "error", "scale": "none"} | options
    return learn_columns(rows, features or rows.names, NO_TARGET, **options)


def load(path: Path, *target: str, seed: int = 0, **options: Any) -> Dataset:
    request = DataRequest(FileSource(path), target=target, **{"dtype": np.float64} | options)
    return load_dataset(request, np.random.default_rng(seed))


def idx(array: Array, kind: str = "u1") -> bytes:
    """An IDX file as its format says: zeros, type, dimensions, sizes, numbers, all big-endian."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, IDX_TYPES[kind], array.ndim, *array.shape)
    return header + array.astype(f">{kind}").tobytes()


def idx_header(*sizes: int, kind: int = 0x08) -> bytes:
    return struct.pack(f">BBBB{len(sizes)}I", 0, 0, kind, len(sizes), *sizes)


def gz(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)
