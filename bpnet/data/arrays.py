"""Files of bare arrays: NumPy's NPZ and NPY, and the IDX format of MNIST."""

import gzip
import math
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np

from bpnet.core.arrays import Array
from bpnet.data.memory import refuse_if_too_large
from bpnet.data.rows import MappedMatrix, Matrix
from bpnet.data.sources import is_npy
from bpnet.errors import DataError

_IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_IDX_LIMIT = 2**31
"""Numbers in a gzipped IDX file; anything beyond is a damaged header."""

_IDX_DIMENSIONS = 8
"""Likewise."""


def read_npz(path: Path) -> tuple[Matrix, Matrix | None]:
    """Arrays ``X`` of shape (N, ...) and, if it is there, ``y`` of shape (N,) or (N, k).

    Raises
    ------
    DataError
        If the file is damaged, larger than memory, holds objects, or has no X of numbers.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {info.filename: info.file_size for info in archive.infolist()}
        members = {name: f"{name}.npy" for name in ("X", "y") if f"{name}.npy" in sizes}
        refuse_if_too_large(path, 2 * sum(sizes[member] for member in members.values()))
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: np.asarray(arrays[member]) for name, member in members.items()}
    except (OSError, DataError):
        raise
    except Exception as error:  # whatever damaged files make zipfile and NumPy raise
        raise DataError(
            f"{path} is no NPZ file, or is damaged ({error}).",
            advice="An NPZ file is made with numpy.savez(path, X=..., y=...), of numbers and texts only.",
        ) from error
    if "X" not in found:
        names = ", ".join(name.removesuffix(".npy") for name in sizes) or "nothing"
        raise DataError(
            f"{path} holds {names}, but no array X.", advice="Make it with numpy.savez(path, X=..., y=...)."
        )
    X, y = found["X"], found.get("y")
    if X.ndim < 2 or X.dtype.kind not in "fiub" or not X.size:  # noqa: PLR2004 - rows and columns
        raise DataError(
            f"{path}: X has shape {X.shape} of {X.dtype}, expected numbers of shape (N, columns)."
        )
    inputs = Matrix(X.reshape(len(X), -1), f"{path}: X", "x")
    return inputs, None if y is None else _targets(y, len(X), f"{path}: y")


def _targets(y: Array, rows: int, source: str) -> Matrix:
    if y.ndim not in (1, 2) or len(y) != rows or y.dtype.kind not in "fiubU" or not y.size:
        raise DataError(
            f"{source} has shape {y.shape} of {y.dtype}, "
            f"expected numbers or texts of shape ({rows},) or ({rows}, columns)."
        )
    return Matrix(y.reshape(rows, -1), source, "y")


def read_pair(features: Path, target: Path) -> tuple[Matrix, Matrix]:
    """Inputs as rows of numbers, and what is to be learnt of each.

    Raises
    ------
    DataError
        If a file is damaged or of another form, or they do not have as many entries.
    """
    X, y = read_rows(features), read_array(target)
    if not is_npy(target) and y.ndim != 1:
        raise DataError(f"{target} has shape {y.shape}, expected one label an image.")
    if len(X) != len(y):
        raise DataError(f"{features} has {len(X)} rows, but {target} has {len(y)}.")
    return X, _targets(np.array(y), len(X), str(target))


def read_rows(path: Path) -> Matrix:
    """One row of numbers an entry, whatever the entry's own shape."""
    array = read_array(path)
    if array.ndim < 2 or array.dtype.kind not in "fiub":  # noqa: PLR2004 - rows and columns
        raise DataError(f"{path} has shape {array.shape} of {array.dtype}, expected rows of numbers.")
    rows = array.reshape(len(array), -1)
    return MappedMatrix(rows, str(path), "x") if isinstance(rows, np.memmap) else Matrix(rows, str(path), "x")


def read_array(path: Path) -> Array:
    """The array of an NPY or IDX file; one that is not packed is read from the disk where it is looked at.

    Raises
    ------
    DataError
        If the file is not of this form, or packed and larger than memory.
    """
    return _map_npy(path) if is_npy(path) else _read_idx_file(path)


def _map_npy(path: Path) -> Array:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote: they are read all the same
            array = np.lib.format.open_memmap(path, mode="r")
    except (OSError, MemoryError):
        raise
    except Exception as error:  # whatever damaged headers make NumPy raise
        raise DataError(
            f"{path} is no NPY file, or is damaged ({error}).",
            advice="An NPY file is made with numpy.save(path, array), of numbers or texts.",
        ) from error
    if not array.ndim or not array.size:
        raise DataError(f"{path} holds a single number, or nothing, expected an array of several.")
    return array


def _read_idx_file(path: Path) -> Array:
    """Two zero bytes, the type, the number of dimensions, their sizes, the numbers."""
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            return _read_idx(file, path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is no gzip file, or is damaged ({error}).") from error


def _read_idx(file: IO[bytes] | gzip.GzipFile, path: Path) -> Array:
    start = file.read(4)
    if start[:2] == b"\x1f\x8b":
        raise DataError(f"{path} is gzipped.", advice="Unpack it, or let its name end in .gz.")
    dimensions = start[3] if len(start) == 4 else 0  # noqa: PLR2004 - bytes
    if start[:2] != b"\0\0" or not 1 <= dimensions <= _IDX_DIMENSIONS or start[2] not in _IDX_TYPES:
        raise DataError(f"{path} is no IDX file: it begins with {start.hex(' ') or 'nothing'}.")
    header = file.read(4 * dimensions)
    dtype = np.dtype(_IDX_TYPES[start[2]])
    if len(header) < 4 * dimensions:
        raise DataError(f"{path} is cut short within its header.")
    shape = tuple(int(size) for size in np.frombuffer(header, ">u4"))
    count = math.prod(shape)
    packed = isinstance(file, gzip.GzipFile)
    if not count or (packed and count > _IDX_LIMIT):
        raise DataError(f"{path} says that it holds {count:,} numbers: it is empty or damaged.")
    if not packed:
        found = path.stat().st_size - file.tell()
        if found != count * dtype.itemsize:
            raise _other_length(path, shape, dtype, longer=found > count * dtype.itemsize)
        return np.memmap(path, dtype, "r", file.tell(), shape)
    refuse_if_too_large(path, 2 * count * dtype.itemsize)
    content = file.read(count * dtype.itemsize)
    if len(content) < count * dtype.itemsize or file.read(1):
        raise _other_length(path, shape, dtype, longer=len(content) == count * dtype.itemsize)
    return np.frombuffer(content, dtype).reshape(shape)


def _other_length(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], *, longer: bool) -> DataError:
    return DataError(
        f"{path} is {'longer' if longer else 'shorter'} than its header says: "
        f"{shape} of {dtype.itemsize} bytes each."
    )
