"""Rows that are encoded when they are asked for, since all of them do not fit into memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bpnet.core.arrays import Array

_SLICE_ROWS = 1024


@dataclass(frozen=True)
class OnDemand:
    """Stands in for an array of inputs wherever rows are taken from it; it is never there as a whole.

    Attributes
    ----------
    encode : callable
        From row numbers of shape (N,) to inputs of shape (N, inputs).
    shape : tuple of int
    dtype : dtype
    """

    encode: Callable[[Array], Array]
    shape: tuple[int, int]
    dtype: npt.DTypeLike

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Array | slice) -> Array:
        """Inputs of these rows."""
        if isinstance(rows, slice):
            return self.encode(np.arange(*rows.indices(len(self))))
        order = np.argsort(rows)  # in the order of the file, for the disk's sake
        inputs = np.empty((len(rows), self.shape[1]), self.dtype)
        inputs[order] = self.encode(rows[order])
        return inputs

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:  # noqa: ANN401 - NumPy's protocol
        raise MemoryError("these rows do not fit into memory; take them slice by slice")


def slices(inputs: Array) -> Iterator[Array]:
    """All rows, slice by slice; for what looks at them once, wherever they are."""
    for start in range(0, len(inputs), _SLICE_ROWS):
        yield inputs[start : start + _SLICE_ROWS]
