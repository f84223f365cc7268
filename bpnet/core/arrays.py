"""What the core calls an array."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
"""A NumPy array of any floating or complex dtype: the passes are generic in it."""

_EXP_LIMIT = {np.dtype(np.float32): 88.0, np.dtype(np.float64): 709.0}
"""Largest whole x with a finite exp(x)."""


def is_complex(array: Array) -> bool:
    """Whether the entries are complex numbers, as they are in a complex-step derivative."""
    return array.dtype.kind == "c"


def bounded_exp(x: Array, out: Array | None = None) -> Array:
    """exp(x), with x held below the point where it would overflow.

    A complex x is held by its real part, so that the complex-step derivative passes through.
    """
    if is_complex(x):
        limit = _EXP_LIMIT[x.real.dtype]
        return np.exp(np.where(x.real < limit, x, limit))
    held: Array = np.minimum(x, _EXP_LIMIT[x.dtype], out=out)
    return np.exp(held, out=held)
