"""Columns: what is learnt from training rows so that any later row becomes inputs in the same way."""

import collections
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from bpnet.core.arrays import Array
from bpnet.data.memory import is_too_large, refuse_if_too_large
from bpnet.data.on_demand import OnDemand, slices
from bpnet.data.reading import Inputs, read_inputs
from bpnet.data.rows import Rows, is_blank, is_nan, narrow
from bpnet.data.scaling import Scaling, learn_scaling, means
from bpnet.data.targets import Target, refuse_absent
from bpnet.errors import DataError

_SLICE_ROWS = 1024
"""Rows encoded at a time: float64 copies of them fit a processor's cache, and never exist as a whole."""

_MANY_NUMBERS = 2**24
"""Numbers of a file on the disk beyond which it is read in slices."""

_BYTES_A_NUMBER = 8

_SHOWN = 10

_TEXTS_SHOWN = 5

_MANY_TEXTS = 100
"""A column of more different texts than this, most of them once, holds names of rows, not categories."""


@dataclass(frozen=True)
class Columns:
    """How rows become inputs, and outputs answers.

    The inputs stand in this order: the number columns; a 0/1 input for each column of ``indicators``,
    1 where its cell is blank; and for each text column a 0/1 input a category. A category that the
    training rows did not have is 0 everywhere.

    Attributes
    ----------
    named : bool
        Whether columns are found by name; an array's are found by position.
    features : tuple of str
        In the order of the training file.
    numbers : tuple of str
        Those that hold numbers.
    scaling : Scaling
        Of the number columns.
    fill : tuple of float
        What a blank cell of each number column counts as, before scaling.
    indicators : tuple of str
    categories : dict of str to tuple of str
        By text column.
    fill_text : dict of str to (str or None)
        What a blank cell of each text column counts as; None for no category at all.
    missing : str
        ``error``, ``mean``, ``most_frequent`` or ``indicator``.
    target : Target
    """

    named: bool
    features: tuple[str, ...]
    numbers: tuple[str, ...]
    scaling: Scaling
    fill: tuple[float, ...]
    indicators: tuple[str, ...]
    categories: dict[str, tuple[str, ...]]
    fill_text: dict[str, str | None]
    missing: str
    target: Target

    @property
    def input_names(self) -> tuple[str, ...]:
        """What each input of the network stands for."""
        blank = (f"{name} is blank" for name in self.indicators)
        texts = (f"{name}={text}" for name, known in self.categories.items() for text in known)
        return (*self.numbers, *blank, *texts)

    def encode_inputs(
        self, data: Inputs, dtype: npt.DTypeLike, warn: Callable[[str], None] = lambda _: None
    ) -> Array:
        """Read a source (or take an array of raw numbers) and encode it, targets or not.

        Parameters
        ----------
        data : Inputs
            As :func:`bpnet.data.reading.read_inputs` takes it.
        dtype : dtype
        warn : callable
            Told of texts that training did not have.

        Returns
        -------
        ndarray of shape (N, inputs)
            Or what :meth:`encode_or_leave` puts in its place.

        Raises
        ------
        DataError
            If the columns are not those of the training data.
        """
        rows = read_inputs(data)
        X = self.encode_or_leave(rows, dtype)
        for note in self.unknown(rows, rows.source):
            warn(note)
        return X

    def encode(self, rows: Rows, dtype: npt.DTypeLike) -> Array:
        """Inputs of shape (N, inputs).

        Raises
        ------
        DataError
            If a column is missing, a cell is no number, or blank where blanks are an error; or if there is
            not enough memory.
        """
        names = self._find(rows)
        N, inputs = len(rows), len(self.input_names)
        refuse_if_too_large(f"{rows.source}, as {inputs} inputs,", N * inputs * np.dtype(dtype).itemsize)
        X = np.empty((N, inputs), dtype)
        for start in range(0, N, _SLICE_ROWS):
            stop = min(start + _SLICE_ROWS, N)
            part = rows if stop - start == N else rows.take(np.arange(start, stop))
            self._encode_slice(part, names, X[start:stop])
        return X

    def encode_or_leave(self, rows: Rows, dtype: npt.DTypeLike) -> Array:
        """As :meth:`encode`; of a file larger than memory, an :class:`OnDemand` in the array's place."""
        N, inputs = len(rows), len(self.input_names)
        if not (rows.on_disk and is_too_large(N * inputs * np.dtype(dtype).itemsize)):
            return self.encode(rows, dtype)
        left = OnDemand(lambda picked: self.encode(rows.take(picked), dtype), (N, inputs), np.dtype(dtype))
        inputs_left = cast("Array", left)
        for _ in slices(inputs_left):  # a mistake in any row is told before anything starts
            pass
        return inputs_left

    def _find(self, rows: Rows) -> dict[str, str]:
        """Where each feature stands: by its own name, or by position where either side has no names."""
        if self.named and rows.named:
            refuse_absent(rows, self.features)
            return {name: name for name in self.features}
        if len(rows.names) != len(self.features):
            shown = ", ".join(self.features[:_SHOWN]) + (", ..." if len(self.features) > _SHOWN else ".")
            raise DataError(
                f"{rows.source}: the number of columns is {len(rows.names)}, expected {len(self.features)}.",
                advice=f"In order: {shown}",
            )
        return dict(zip(self.features, rows.names, strict=True))

    def _encode_slice(self, rows: Rows, names: Mapping[str, str], X: Array) -> None:
        stop = len(self.numbers)
        blanks: dict[str, Array] = {}
        if self.numbers:
            values = rows.numbers([names[name] for name in self.numbers])
            blank = is_nan(values)
            if blank.any():
                self._refuse_blank(rows, blank, self.numbers)
                values = np.where(blank, np.array(self.fill), values)
            blanks = dict(zip(self.numbers, blank.T, strict=True))
            X[:, :stop] = narrow(rows, self.scaling.apply(values), X.dtype, self.numbers)
        texts = {name: rows.texts(names[name]) for name in self.categories}
        for name, cells in texts.items():
            blanks[name] = is_blank(cells)
            if blanks[name].any():
                self._refuse_blank(rows, blanks[name].reshape(-1, 1), (name,))
        for name in self.indicators:
            X[:, stop] = blanks[name]
            stop += 1
        for name, known in self.categories.items():
            positions: dict[str | None, int] = {text: k for k, text in enumerate(known)}
            positions[None] = positions.get(self.fill_text[name], -1)
            codes = np.array([positions.get(text, -1) for text in texts[name]])
            X[:, stop : stop + len(known)] = codes[:, np.newaxis] == np.arange(len(known))
            stop += len(known)

    def _refuse_blank(self, rows: Rows, blank: Array, names: Sequence[str]) -> None:
        if self.missing != "error":
            return
        row, column = np.argwhere(blank)[0]
        raise DataError(
            f"{rows.place(int(row))}: column {names[column]!r} is blank.",
            advice="Fill it in, or train with data.missing set to mean, most_frequent or indicator. "
            "Cells like NA, NaN and null count as blank.",
        )

    def unknown(self, rows: Rows, whose: str) -> list[str]:
        """Say of each column which of its texts the training rows did not have.

        Parameters
        ----------
        rows : Rows
            With the columns under their own names.
        whose : str
            What the rows are called.
        """
        notes = []
        for name, known in self.categories.items():
            new = sorted(set(rows.texts(name)) - {None, *known})
            if new:
                shown = ", ".join(map(repr, new[:_TEXTS_SHOWN])) + (
                    ", ..." if len(new) > _TEXTS_SHOWN else ""
                )
                notes.append(
                    f"Column {name!r} of {whose} holds {shown}, which the training rows do not have: "
                    "such a cell counts as none of the known categories."
                )
        return notes

    def to_json(self) -> dict[str, Any]:
        """The columns as plain values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Columns":
        """Read what :meth:`to_json` wrote."""
        return cls(
            named=values["named"],
            features=tuple(values["features"]),
            numbers=tuple(values["numbers"]),
            scaling=Scaling.from_json(values["scaling"]),
            fill=tuple(values["fill"]),
            indicators=tuple(values["indicators"]),
            categories={name: tuple(texts) for name, texts in values["categories"].items()},
            fill_text=dict(values["fill_text"]),
            missing=values["missing"],
            target=Target.from_json(values["target"]),
        )


def learn_columns(
    rows: Rows,
    features: Sequence[str],
    target: Target,
    *,
    missing: str,
    scale: str,
    as_one: bool = False,
    categorical: Sequence[str] = (),
) -> Columns:
    """Learn categories, means and scales from training rows.

    Parameters
    ----------
    rows : Rows
        Training rows and no others.
    features : sequence of str
    target : Target
    missing, scale : str
        As the config's ``data`` section says.
    as_one : bool
        Scale all columns alike.
    categorical : sequence of str
        Columns whose numbers are names.

    Raises
    ------
    DataError
        If a column has no value at all, mixes texts with numbers, or names its rows.
    """
    kinds = {name: "text" if name in categorical else rows.kind(name) for name in features}
    numbers = tuple(name for name in features if kinds[name] != "text")
    columns = _NumberColumns(rows, numbers)
    texts = {name: rows.texts(name) for name in features if kinds[name] == "text"}
    blank = sum(is_nan(part).sum(axis=0) for part in columns.slices())
    blanks = dict(zip(numbers, np.atleast_1d(blank).tolist(), strict=True))
    blanks |= {name: int(is_blank(cells).sum()) for name, cells in texts.items()}
    _refuse_empty(rows, [name for name, count in blanks.items() if count == len(rows)])
    counted = {name: _count(name, cells) for name, cells in texts.items()}
    return Columns(
        named=rows.named,
        features=tuple(features),
        numbers=numbers,
        scaling=learn_scaling(columns.slices(), len(numbers), scale, as_one=as_one),
        fill=_fill(columns, missing),
        indicators=tuple(name for name, count in blanks.items() if missing == "indicator" and count),
        categories={name: tuple(sorted(count)) for name, count in counted.items()},
        fill_text={
            name: None if missing in ("indicator", "error") else max(sorted(count), key=count.__getitem__)
            for name, count in counted.items()
        },
        missing=missing,
        target=target,
    )


class _NumberColumns:
    """Some columns of training rows, read at once; slice by slice, where they are many and stay on the disk.

    Which of both does not rest on the memory that is free: sums of slices are rounded in another way.
    """

    def __init__(self, rows: Rows, names: Sequence[str]) -> None:
        self._rows, self.names = rows, names
        many = rows.on_disk and len(rows) * len(names) > _MANY_NUMBERS
        self._whole = None if many else self._read(rows)

    def _read(self, rows: Rows) -> Array:
        return rows.numbers(self.names) if self.names else np.empty((len(rows), 0))

    def whole(self) -> Array:
        """All rows, of shape (N, columns)."""
        if self._whole is None and is_too_large(len(self._rows) * len(self.names) * _BYTES_A_NUMBER):
            raise DataError(
                f"{self._rows.source} is larger than memory, where data.missing: most_frequent has to count.",
                advice="Set it to mean or indicator.",
            )
        return self._read(self._rows) if self._whole is None else self._whole

    def slices(self) -> Iterator[Array]:
        """All rows, in as many pieces as it takes."""
        if self._whole is not None:
            yield self._whole
            return
        for start in range(0, len(self._rows), _SLICE_ROWS):
            rows = np.arange(start, min(start + _SLICE_ROWS, len(self._rows)))
            yield self._read(self._rows.take(rows))


def _count(name: str, cells: Array) -> dict[str, int]:
    """How often each text stands in a column."""
    counts = collections.Counter(cells[~is_blank(cells)].tolist())
    if len(counts) > _MANY_TEXTS and len(counts) > len(cells) / 2:
        raise DataError(
            f"Column {name!r} holds {len(counts):,} different texts in {len(cells):,} rows: "
            "it names rows, and tells nothing about new ones.",
            advice=f"Leave it out: data.drop: [{name}].",
        )
    return counts


def _refuse_empty(rows: Rows, names: list[str]) -> None:
    if names:
        raise DataError(
            f"Column {', '.join(map(repr, names))} has no value in any of the {len(rows)} training rows.",
            advice=f"Leave it out: data.drop: [{', '.join(names)}].",
        )


def _fill(columns: _NumberColumns, missing: str) -> tuple[float, ...]:
    """What blank cells of each number column count as."""
    if missing == "error":
        return (0.0,) * len(columns.names)
    if missing != "most_frequent":
        return tuple(means(columns.slices()).tolist())
    filled = []
    for column in columns.whole().T:
        numbers, counts = np.unique(column[~is_nan(column)], return_counts=True)
        filled.append(float(numbers[counts.argmax()]))
    return tuple(filled)
