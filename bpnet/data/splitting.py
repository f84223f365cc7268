"""Splitting rows into training, validation and test parts, every class in its proportion."""

from dataclasses import dataclass

import numpy as np

from bpnet.core.arrays import Array
from bpnet.errors import DataError


@dataclass(frozen=True)
class Split:
    """Row numbers of each part, in the order of the file; a part that is not asked for is None."""

    train: Array
    validation: Array | None
    test: Array | None


def evenly_spaced(rows: int, most: int) -> Array:
    """At most so many row numbers, from the first to the last."""
    return np.linspace(0, rows - 1, min(rows, most)).astype(int)


def split_rows(
    classes: Array, validation: float | None, test: float | None, rng: np.random.Generator
) -> Split:
    """Deal rows out at random.

    Every class gives a part its share of rows, to the nearest whole row, and keeps at least one
    for training.

    Parameters
    ----------
    classes : ndarray of int, shape (N,)
        Class of each row; all 0 where there are none.
    validation, test : float or None
        Share of all rows.
    rng : Generator

    Raises
    ------
    DataError
        If a part would be left without a row.
    """
    n_classes = int(classes.max()) + 1
    members = [rng.permutation(np.flatnonzero(classes == k)) for k in range(n_classes)]
    parts: dict[str, Array | None] = {"validation": None, "test": None}
    for name, share in (("test", test), ("validation", validation)):
        if share is None:
            continue
        counts = _counts(np.bincount(classes), [len(rows) for rows in members], share)
        taken = [rows[:count] for rows, count in zip(members, counts, strict=True)]
        members = [rows[count:] for rows, count in zip(members, counts, strict=True)]
        parts[name] = np.sort(np.concatenate(taken))
        if not sum(counts):
            why = (
                f" (every class keeps a row for training, and there are {n_classes})" if n_classes > 1 else ""
            )
            raise DataError(
                f"data.{name}: {share:g} of {len(classes)} rows leaves no row for the {name} part{why}.",
                advice=f"Take a larger share, or set data.{name} to null.",
            )
    return Split(np.sort(np.concatenate(members)), parts["validation"], parts["test"])


def _counts(sizes: Array, left: list[int], share: float) -> list[int]:
    """Rows that each class gives, the largest remainders being rounded up so that the total is right."""
    wanted = sizes * share
    counts = np.floor(wanted).astype(int)
    missing = round(share * int(sizes.sum())) - int(counts.sum())
    for k in np.argsort(counts - wanted, kind="stable")[: max(missing, 0)]:
        counts[k] += 1
    return [min(int(count), max(rows - 1, 0)) for count, rows in zip(counts, left, strict=True)]
