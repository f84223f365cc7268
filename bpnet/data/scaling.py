"""Scaling: a straight line that brings a column of numbers to the size of 1."""

import functools
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from bpnet.core.arrays import Array
from bpnet.data.rows import is_nan


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


def learn_scaling(values: Iterable[Array], columns: int, scale: str, *, as_one: bool = False) -> Scaling:
    """Find the line for each column.

    Parameters
    ----------
    values : iterable of ndarray of shape (N, columns)
        Training rows, at once or in slices; nan where a cell is blank. Each column has at least one number.
    columns : int
    scale : str
        ``none``; ``minmax``, to 0 for the smallest and 1 for the largest; ``standard``, to a mean of 0 and
        a standard deviation of 1. A column that does not vary becomes 0.
    as_one : bool
        Scale all columns alike, as for the pixels of an image.
    """
    if scale == "none" or not columns:
        return Scaling.none(columns)
    measured = (part.reshape(-1, 1) if as_one else part for part in values)
    if scale == "minmax":
        ends = [(np.fmin.reduce(part, axis=0), np.fmax.reduce(part, axis=0)) for part in measured]
        offset = np.fmin.reduce([low for low, _ in ends], axis=0).astype(np.float64)
        size = np.fmax.reduce([high for _, high in ends], axis=0).astype(np.float64) - offset
    else:
        moments = functools.reduce(_merge, map(_moments, measured))
        offset, size = moments.mean, np.sqrt(moments.variance)
        # Rounding leaves a column of equal numbers a spread of the order of its last digit.
        size[size <= 4 * np.finfo(np.float64).eps * np.abs(offset)] = 0
    factor = 1 / np.where(size >= np.finfo(np.float64).tiny, size, 1)  # the inverse of less is no number
    repeat = columns // len(offset)
    return Scaling(tuple(offset.tolist()) * repeat, tuple(factor.tolist()) * repeat)


def means(values: Iterable[Array]) -> Array:
    """Mean of each column, of shape (columns,); blank cells do not count."""
    return functools.reduce(_merge, map(_moments, values)).mean


class _Moments(NamedTuple):
    """Of a slice's columns, each of shape (columns,)."""

    n: Array
    mean: Array
    variance: Array


def _moments(values: Array) -> _Moments:
    if values.dtype.kind == "f":  # NumPy takes a deviation in the precision of the numbers
        values = values.astype(np.float64, copy=False)
    count = len(values) - np.count_nonzero(is_nan(values), axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of a slice without any number in a column
        mean = np.nanmean(values, axis=0, dtype=np.float64)
        variance = np.nanvar(values, axis=0, dtype=np.float64)
    return _Moments(count, np.where(count, mean, 0.0), np.where(count, variance, 0.0))


def _merge(one: _Moments, other: _Moments) -> _Moments:
    """Those of both slices together, by Chan's update."""
    count = one.n + other.n
    share = other.n / np.maximum(count, 1)
    shift = other.mean - one.mean
    within = one.variance * (1 - share) + other.variance * share
    return _Moments(count, one.mean + shift * share, within + shift**2 * share * (1 - share))
