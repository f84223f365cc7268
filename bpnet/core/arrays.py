"""What the core calls an array."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
"""A NumPy array of any floating or complex dtype: the passes are generic in it."""

_EXP_LIMIT = {
    np.dtype(kind): kind(x) for kind, x in ((np.float32, 88), (np.float64, 709), (np.longdouble, 709))
}
"""Whole x with a finite exp(x), each in its own dtype: the largest, for the first two."""


def is_complex(array: Array) -> bool:
    """Whether the entries are complex numbers, as they are in a complex-step derivative."""
    return array.dtype.kind == "c"


def at_least(x: Array, lowest: float, out: Array | None = None) -> Array:
    """max(x, lowest), a complex x by its real part, so that the complex-step derivative passes through."""
    if is_complex(x):
        return np.where(x.real <= lowest, lowest, x)
    return np.maximum(x, lowest, out=out)


def at_most(x: Array, highest: float | np.floating[Any], out: Array | None = None) -> Array:
    """min(x, highest), a complex x by its real part."""
    if is_complex(x):
        return np.where(x.real >= highest, highest, x)
    return np.minimum(x, highest, out=out)


def bounded_exp(x: Array, out: Array | None = None) -> Array:
    """exp(x), with x held below the point where it would overflow."""
    held = at_most(x, _EXP_LIMIT[x.real.dtype], out=out)
    return np.exp(held, out=held)


BLOCK = 2**15
"""Numbers of a long vector taken at a time: few enough that a dozen passes find them in the cache."""


def row_sums(x: Array) -> Array:
    """Sum of each row, of shape (N, 1); as a product, since NumPy is slow at adding up short rows."""
    sums: Array = np.dot(x, np.ones((x.shape[1], 1), x.dtype))
    return sums


def row_maxima(x: Array) -> Array:
    """Largest of each row of real numbers, of shape (N, 1); column by column, as rows are often short."""
    largest: Array = np.maximum.reduce(x.T.copy(), axis=0)
    return largest[:, np.newaxis]
