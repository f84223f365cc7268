"""Matrix products in compiled code, by the library that NumPy itself brings."""

import ctypes
import importlib
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

from bpnet.core.arrays import Array

_LETTERS = {"float32": "s", "float64": "d"}

_SYMBOLS = ("scipy_cblas_{}64_", "cblas_{}64_")
"""What functions are called in the OpenBLAS of NumPy's wheels, which counts in 64 bits."""

_DECLARATION = """
whole, size, address, zero = numba.int32, numba.int64, numba.intp, number(0)
gemm = numba.types.ExternalFunction(
    "bpnet_{letter}gemm",
    numba.void(
        whole, whole, whole, size, size, size,
        numba.{dtype}, address, size, address, size, numba.{dtype}, address, size,
    ),
)
dot = numba.types.ExternalFunction("bpnet_{letter}dot", numba.{dtype}(size, address, size, address, size))
"""

_ROW_MAJOR, _AS_IT_IS, _TRANSPOSED = 101, 111, 112
"""Numbers of BLAS's C interface."""


def declare_products(dtype: np.dtype[Any]) -> str:
    """Make NumPy's own products known to compiled code.

    Numba's are those of SciPy, which brings another library with threads of its own. The threads of one
    wait for work at full speed for a while, and those of the other have no processor meanwhile.

    Parameters
    ----------
    dtype : dtype
        float32 or float64.

    Returns
    -------
    str
        Source that declares ``gemm`` and ``dot``, for lines of :func:`write_gemm` and :func:`write_squares`;
        empty where NumPy has another library than the OpenBLAS of its wheels.
    """
    letter, folder = _LETTERS[dtype.name], Path(np.__file__).resolve().parent
    places = (folder.with_name("numpy.libs"), folder / ".dylibs")
    for library in threadpool_info():
        path = Path(library["filepath"]).resolve()
        if library["internal_api"] == "openblas" and path.parent in places:
            found = [_find(ctypes.CDLL(str(path)), letter + name) for name in ("gemm", "dot")]
            if None not in found:
                binding = importlib.import_module("llvmlite.binding")
                for name, function in zip(("gemm", "dot"), found, strict=True):
                    binding.add_symbol(f"bpnet_{letter}{name}", function)
                return _DECLARATION.format(letter=letter, dtype=dtype)
    return ""


def _find(library: ctypes.CDLL, name: str) -> int | None:
    """Address of a function."""
    for symbol in _SYMBOLS:
        function = getattr(library, symbol.format(name), None)
        if function is not None:
            return ctypes.cast(function, ctypes.c_void_p).value
    return None


def write_gemm(one: tuple[str, Array], other: tuple[str, Array], product: tuple[str, Array]) -> str:
    """Write ``product = one @ other``: C-contiguous matrices, or transposed ones whose names end in .T."""
    transposed, operands = [], list[object]()
    for name, array in (one, other):
        turned = name.endswith(".T")
        transposed.append(_TRANSPOSED if turned else _AS_IT_IS)
        operands += [_address(name.removesuffix(".T")), array.shape[0 if turned else 1]]
    result, C = product
    sizes = (*C.shape, one[1].shape[1])
    arguments = (_ROW_MAJOR, *transposed, *sizes, "one", *operands, "zero", _address(result), C.shape[1])
    return f"gemm({', '.join(map(str, arguments))})"


def write_squares(name: str, array: Array) -> str:
    """Write the sum of a C-contiguous array's squares."""
    return f"dot({array.size}, {_address(name)}, 1, {_address(name)}, 1)"


def _address(name: str) -> str:
    return f"{name}.ctypes.data"
