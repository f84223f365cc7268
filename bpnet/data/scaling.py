"""Scaling: a straight line that brings a column of numbers to the size of 1."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpnet.core.arrays import Array


@dataclass(frozen=True)
class Scaling:
    """(x − offset)·factor, column by column.

    Attributes
    ----------
    offset, factor : tuple of float
        One of each a column.
    """

    offset: tuple[float, ...]
    factor: tuple[float, ...]

    @classmethod
    def none(cls, columns: int) -> "Scaling":
        """Leave every column as it is."""
        return cls((0.0,) * columns, (1.0,) * columns)

    def apply(self, values: Array) -> Array:
        """Scale an array of shape (N, columns), in float64."""
        scaled: Array = values - np.array(self.offset)
        scaled *= np.array(self.factor)
        return scaled

    def undo(self, scaled: Array) -> Array:
        """Turn scaled numbers back into the columns' own units."""
        values: Array = scaled / np.array(self.factor) + np.array(self.offset)
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Scaling":
        """Read the fields back."""
        return cls(tuple(values["offset"]), tuple(values["factor"]))


def learn_scaling(values: Array, scale: str, *, as_one: bool = False) -> Scaling:
    """Find the line for each column.

    Parameters
    ----------
    values : ndarray of shape (N, columns)
        Training rows; nan where a cell is blank. Each column has at least one number.
    scale : str
        ``none``; ``minmax``, to 0 for the smallest and 1 for the largest; ``standard``, to a mean of 0 and
        a standard deviation of 1. A column that does not vary becomes 0.
    as_one : bool
        Scale all columns alike, as for the pixels of an image.
    """
    columns = values.shape[1]
    if scale == "none" or not columns:
        return Scaling.none(columns)
    measured = values.reshape(-1, 1) if as_one else values
    if measured.dtype.kind == "f":  # NumPy takes a deviation in the precision of the numbers
        measured = measured.astype(np.float64, copy=False)
    if scale == "minmax":
        offset = np.nanmin(measured, axis=0).astype(np.float64)
        size = np.nanmax(measured, axis=0).astype(np.float64) - offset
    else:
        offset = np.nanmean(measured, axis=0, dtype=np.float64)
        size = np.nanstd(measured, axis=0, dtype=np.float64)
        # Rounding leaves a column of equal numbers a spread of the order of its last digit.
        size[size <= 4 * np.finfo(np.float64).eps * np.abs(offset)] = 0
    factor = 1 / np.where(size >= np.finfo(np.float64).tiny, size, 1)  # the inverse of less is no number
    repeat = columns // len(offset)
    return Scaling(tuple(offset.tolist()) * repeat, tuple(factor.tolist()) * repeat)
