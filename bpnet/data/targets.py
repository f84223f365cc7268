"""Targets: classes as 0 and 1, one output each, or numbers; and outputs back into answers."""

import dataclasses
import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bpnet.core.arrays import Array
from bpnet.data.rows import Rows, is_blank, is_nan, narrow
from bpnet.data.scaling import Scaling, learn_scaling
from bpnet.errors import DataError

_TOLERANCE = 1e-6
"""How far a one-hot row written in another precision may be from 0 and 1."""

_SHOWN = 10

_FEW_CLASSES = 20
"""So many classes are no surprise, however few rows there are."""

_WHOLE = re.compile("0|-?[1-9][0-9]{0,17}")
"""Class names that are whole numbers of 64 bits."""


@dataclass(frozen=True)
class Target:
    """What the outputs stand for.

    Attributes
    ----------
    kind : str
        ``classification``: one of several classes. ``labels``: several yes/no questions at once.
        ``regression``: numbers.
    names : tuple of str
        The target columns.
    classes : tuple of tuple of str
        Classification: one tuple, in the order of the outputs (with one output, the second is its yes).
        Labels: no and yes of each column. Regression: empty.
    units : int
        Outputs of the network.
    scaling : Scaling
        Of a regression's targets.
    """

    kind: str
    names: tuple[str, ...]
    classes: tuple[tuple[str, ...], ...]
    units: int
    scaling: Scaling

    @property
    def unit(self) -> tuple[float, ...]:
        """Size of one encoded unit of each target in the target's own unit."""
        return tuple(1 / factor for factor in self.scaling.factor)

    def encode(self, rows: Rows, dtype: npt.DTypeLike) -> Array:
        """Targets of shape (N, units), found by name, or by position in an array.

        Raises
        ------
        DataError
            If a cell is blank, a class was not seen in training, or the columns are not there.
        """
        names = self.names if rows.named or len(rows.names) != len(self.names) else rows.names
        refuse_absent(rows, names)
        if self.kind == "regression":
            return narrow(rows, self.scaling.apply(_numbers(rows, names)), dtype, names)
        if self.kind == "labels":
            columns = zip(names, self.classes, strict=True)
            return np.stack([class_codes(rows, *column) for column in columns], axis=1).astype(dtype)
        (classes,) = self.classes
        if len(names) > 1:
            return _one_hot_rows(rows, names).astype(dtype)
        codes = class_codes(rows, names[0], classes)
        if self.units == 1:
            return codes.reshape(-1, 1).astype(dtype)
        encoded = np.zeros((len(rows), self.units), dtype)
        encoded[np.arange(len(rows)), codes] = 1
        return encoded

    def decode(self, outputs: Array) -> Array:
        """Answers from outputs of shape (N, units): of shape (N,), or (N, targets) if there are several.

        Class names that are whole numbers come back as integers.
        """
        if self.kind == "regression":
            answers: Array = self.scaling.undo(outputs.astype(np.float64))
            return answers[:, 0] if answers.shape[1] == 1 else answers
        if self.kind == "labels":
            yes = (outputs > 0.5).astype(int)  # noqa: PLR2004 - the middle between no and yes
            columns = [_as_names(c)[yes[:, k]] for k, c in enumerate(self.classes)]
            return np.stack(columns, axis=1)
        (classes,) = self.classes
        code = outputs.argmax(axis=1) if self.units > 1 else (outputs[:, 0] > 0.5).astype(int)  # noqa: PLR2004 - as above
        answer: Array = _as_names(classes)[code]
        return answer

    def to_json(self) -> dict[str, Any]:
        """The target as plain values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Target":
        """Read what :meth:`to_json` wrote."""
        return cls(
            values["kind"],
            tuple(values["names"]),
            tuple(map(tuple, values["classes"])),
            values["units"],
            Scaling.from_json(values["scaling"]),
        )


def _as_names(classes: Sequence[str]) -> Array:
    if all(_WHOLE.fullmatch(name) for name in classes):
        return np.array([int(name) for name in classes])
    return np.array(classes)


def refuse_absent(rows: Rows, names: Sequence[str]) -> None:
    """Stop if a column is missing.

    Raises
    ------
    DataError
        Naming every one, and the nearest name that is there.
    """
    known = {name: name.casefold() for name in rows.names}
    absent = [name for name in names if name not in known]
    if not absent:
        return
    original = {folded: name for name, folded in known.items()}
    lines = []
    for name in absent[:_SHOWN]:
        near = difflib.get_close_matches(name.casefold(), original, n=1)
        lines.append(f"{name!r}" + (f" (did you mean {original[near[0]]!r}?)" if near else ""))
    more = f" and {len(absent) - _SHOWN} more" if len(absent) > _SHOWN else ""
    shown = ", ".join(list(known)[:_SHOWN]) + (", ..." if len(known) > _SHOWN else ".")
    raise DataError(
        f"{rows.source} has no column {', '.join(lines)}{more}.",
        advice=f"It has {shown}",
    )


def _numbers(rows: Rows, names: Sequence[str]) -> Array:
    values = rows.numbers(names)
    blank = is_nan(values)
    if blank.any():
        row, column = np.argwhere(blank)[0]
        raise _blank(rows, int(row), names[column])
    return values


def _blank(rows: Rows, row: int, name: str) -> DataError:
    return DataError(
        f"{rows.place(row)}: the target {name!r} is blank.", advice="Fill it in, or take the row out."
    )


def _texts(rows: Rows, name: str) -> Array:
    texts = rows.texts(name)
    blank = is_blank(texts)
    if blank.any():
        raise _blank(rows, int(np.flatnonzero(blank)[0]), name)
    return texts


def class_codes(rows: Rows, name: str, classes: Sequence[str]) -> Array:
    """Number of each row's class, of shape (N,).

    Raises
    ------
    DataError
        If a cell is blank, or not one of the classes.
    """
    position = {text: k for k, text in enumerate(classes)}
    texts = _texts(rows, name)
    codes = np.array([position.get(text, -1) for text in texts])
    if (codes < 0).any():
        row = int(np.flatnonzero(codes < 0)[0])
        raise DataError(
            f"{rows.place(row)}: the target {name!r} is {texts[row]!r}, "
            f"a class that the training rows do not have.",
            advice=f"They have {_list(classes)}.",
        )
    return codes


def _list(classes: Sequence[str]) -> str:
    shown = ", ".join(classes[:_SHOWN])
    return shown + (f" and {len(classes) - _SHOWN} more" if len(classes) > _SHOWN else "")


def _one_hot_rows(rows: Rows, names: Sequence[str]) -> Array:
    values = _numbers(rows, names)
    right = (np.abs(values - values.round()) <= _TOLERANCE).all(axis=1) & (values.min(axis=1) >= -_TOLERANCE)
    right &= np.abs(values.sum(axis=1) - 1) <= _TOLERANCE
    if not right.all():
        row = int(np.flatnonzero(~right)[0])
        found = ", ".join(f"{value:g}" for value in values[row])
        raise DataError(
            f"{rows.place(row)}: the targets are {found}, expected one 1 and otherwise 0 (one class).",
            advice="Yes/no questions that do not exclude each other need loss: binary_cross_entropy.",
        )
    return values.round()


def learn_target(
    rows: Rows,
    names: Sequence[str],
    *,
    task: str,
    classes_by_loss: bool | None,
    output_units: int | None,
    scale: str,
) -> Target:
    """Find out what the targets are.

    Parameters
    ----------
    rows : Rows
        Rows to train on.
    names : sequence of str
        The target columns.
    task : str
        ``auto``, ``classification`` or ``regression``.
    classes_by_loss : bool or None
        Whether the loss is for classes; None if it is for 0/1 labels.
    output_units : int or None
        Size of the output layer, if the config says it.
    scale : str
        ``none``, ``minmax`` or ``standard``, for regression.

    Raises
    ------
    DataError
        If there is nothing to tell apart, or texts where numbers are needed.
    """
    refuse_absent(rows, names)
    text = next((name for name in names if rows.kind(name) == "text"), None)
    several = len(names) > 1
    if classes_by_loss is None and task == "auto" and several:
        classes = tuple(_classes(rows, name, binary=True) for name in names)
        return Target("labels", tuple(names), classes, len(names), Scaling.none(0))
    if task == "auto" and classes_by_loss is False:
        # One column into several outputs can only be the name of a class.
        as_classes = not several and (text is not None or (output_units or 1) > 1)
    else:
        as_classes = task != "regression"
    if not as_classes:
        if text is not None:
            raise DataError(f"{rows.place(0)}: the target {text!r} is text, but the task is regression.")
        scaling = learn_scaling([_numbers(rows, names)], len(names), scale)
        return Target("regression", tuple(names), (), len(names), scaling)
    if several:
        _one_hot_rows(rows, names)
        return Target("classification", tuple(names), (tuple(names),), len(names), Scaling.none(0))
    classes_of = _classes(rows, names[0], binary=classes_by_loss is None and output_units == 1)
    two_as_one = len(classes_of) == 2 and not classes_by_loss and output_units in (None, 1)  # noqa: PLR2004 - yes and no
    units = 1 if two_as_one else len(classes_of)
    return Target("classification", tuple(names), (classes_of,), units, Scaling.none(0))


def _classes(rows: Rows, name: str, *, binary: bool) -> tuple[str, ...]:
    """Classes of a column, whole numbers by size and anything else by the alphabet."""
    found = sorted(set(_texts(rows, name)))
    if binary and set(found) < {"0", "1"}:
        return "0", "1"  # all yes or all no, which says little but is no mistake among several labels
    if len(found) < 2:  # noqa: PLR2004 - nothing to tell apart
        raise DataError(
            f"{rows.source}: the target {name!r} has one class only, {found[0]!r}: there is nothing to learn."
        )
    if binary and len(found) > 2:  # noqa: PLR2004 - yes and no
        raise DataError(
            f"{rows.source}: the target {name!r} has {len(found)} classes ({_list(found)}), but its one "
            "output can only say yes or no.",
            advice="Use loss: cross_entropy, or loss: quadratic for a number.",
        )
    if len(found) > max(_FEW_CLASSES, len(rows) / 2):
        raise DataError(
            f"{rows.source}: the target {name!r} has {len(found):,} different values in {len(rows):,} rows, "
            "too many to be classes.",
            advice="For a number, use loss: quadratic (or huber, or mean_absolute_error).",
        )
    if (codes := _as_names(found)).dtype.kind == "i":
        found = [found[k] for k in codes.argsort(kind="stable")]
    return tuple(found)
