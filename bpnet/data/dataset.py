"""From what the config asks for to encoded training, validation and test parts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from bpnet.core.arrays import Array
from bpnet.data.columns import Columns, learn_columns
from bpnet.data.reading import read_with_targets
from bpnet.data.rows import Rows
from bpnet.data.sources import PairSource, Source
from bpnet.data.splitting import Split, evenly_spaced, split_rows
from bpnet.data.targets import Target, class_codes, learn_target, refuse_absent
from bpnet.errors import DataError

_SHOWN = 5


@dataclass(frozen=True)
class DataRequest:
    """What to read and how, as the config's ``data`` section says it.

    Attributes
    ----------
    train : Source
    validation, test : Source, float or None
        Data of their own, or a share of the training source's rows.
    target : tuple of str
        Target columns; empty where the source itself keeps targets apart.
    features : tuple of str or None
        None is every column that is neither target nor dropped.
    drop, categorical : tuple of str
    missing, scale, scale_target, task : str
    classes_by_loss : bool or None
        Whether the loss is for classes; None if it is for 0/1 labels.
    output_units : int or None
        Size of the output layer, if the config says it.
    dtype : dtype
        Of the encoded arrays.
    most_rows : int or None
        Encode no more than so many training rows, evenly spaced, and no other part.
    """

    train: Source
    validation: Source | float | None = None
    test: Source | float | None = None
    target: tuple[str, ...] = ()
    features: tuple[str, ...] | None = None
    drop: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    missing: str = "error"
    scale: str = "none"
    scale_target: str = "none"
    task: str = "auto"
    classes_by_loss: bool | None = False
    output_units: int | None = None
    dtype: npt.DTypeLike = np.float32
    most_rows: int | None = None


@dataclass(frozen=True)
class Part:
    """Encoded rows: X of shape (N, inputs), or on demand; Y of shape (N, outputs)."""

    X: Array
    Y: Array


@dataclass(frozen=True)
class Dataset:
    """All parts, and what was learnt from the training part.

    Attributes
    ----------
    columns : Columns
    train : Part
    validation, test : Part or None
    warnings : tuple of str
        What a person should know of the data.
    """

    columns: Columns
    train: Part
    validation: Part | None
    test: Part | None
    warnings: tuple[str, ...] = field(default=())


def load_dataset(request: DataRequest, rng: np.random.Generator) -> Dataset:
    """Read, split, learn from the training rows, and encode.

    Parameters
    ----------
    request : DataRequest
    rng : Generator
        Deals the rows out to the parts.

    Raises
    ------
    DataError
        If the data cannot be read, or are not what the request says.
    """
    inputs, targets = read_with_targets(request.train)
    names = request.target or targets.names
    learn = partial(
        learn_target,
        names=names,
        task=request.task,
        classes_by_loss=request.classes_by_loss,
        output_units=request.output_units,
    )
    # Learnt of all rows only to deal them out by class; what is kept is learnt of the training rows.
    parts = _parts(request, inputs, targets, learn(targets, scale="none"), rng)
    train_inputs, train_targets = parts["train"]
    target = learn(train_targets, scale=request.scale_target)
    columns = learn_columns(
        train_inputs,
        _features(request, inputs, names),
        target,
        missing=request.missing,
        scale=request.scale,
        as_one=isinstance(request.train, PairSource) and request.train.alike,
        categorical=request.categorical,
    )
    if request.most_rows is not None:
        parts = {"train": _thinned(*parts["train"], request.most_rows)}
    encoded = {
        name: Part(columns.encode_or_leave(X, request.dtype), target.encode(Y, request.dtype))
        for name, (X, Y) in parts.items()
    }
    warnings = [*_constant(columns, encoded["train"]), *_unknown(columns, parts)]
    return Dataset(columns, encoded["train"], encoded.get("validation"), encoded.get("test"), tuple(warnings))


def _parts(
    request: DataRequest, inputs: Rows, targets: Rows, target: Target, rng: np.random.Generator
) -> dict[str, tuple[Rows, Rows]]:
    """Inputs and targets of every part that is asked for."""
    validation, test = (
        part if isinstance(part, float) else None for part in (request.validation, request.test)
    )
    split = _split(targets, target, validation, test, rng)
    parts: dict[str, tuple[Rows, Rows]] = {}
    for name, rows in (("train", split.train), ("validation", split.validation), ("test", split.test)):
        given = None if name == "train" else getattr(request, name)
        if rows is not None:
            whole = len(rows) == len(inputs)
            parts[name] = (inputs, targets) if whole else (inputs.take(rows), targets.take(rows))
        elif given is not None and request.most_rows is None:
            parts[name] = read_with_targets(given)
    return parts


def _thinned(inputs: Rows, targets: Rows, most: int) -> tuple[Rows, Rows]:
    """Rows from the first to the last, evenly spaced."""
    rows = evenly_spaced(len(inputs), most)
    return inputs.take(rows), targets.take(rows)


def _split(
    targets: Rows,
    target: Target,
    validation: float | None,
    test: float | None,
    rng: np.random.Generator,
) -> Split:
    classes = np.zeros(len(targets), int)
    if (validation or test) and target.kind == "classification":
        if len(target.names) == 1:
            classes = class_codes(targets, target.names[0], target.classes[0])
        else:
            classes = target.encode(targets, np.float64).argmax(axis=1)
    return split_rows(classes, validation, test, rng)


def _features(request: DataRequest, inputs: Rows, targets: Sequence[str]) -> tuple[str, ...]:
    """Feature columns in the order of the request, or of the file."""
    refuse_absent(inputs, [*(request.features or ()), *request.drop, *request.categorical])
    if request.features is not None:
        return request.features
    taken = {*request.drop, *(targets if inputs.named else ())}
    features = tuple(name for name in inputs.names if name not in taken)
    if not features:
        raise DataError(f"{request.train} has no column left to learn from: all are targets or dropped.")
    return features


def _constant(columns: Columns, train: Part) -> list[str]:
    """Say which columns never vary; in images many do not, and nobody minds."""
    if not columns.named or len(train.X) < 2:  # noqa: PLR2004 - one row cannot vary
        return []
    still = dict(zip(columns.input_names, np.ptp(train.X, axis=0) == 0, strict=True))
    alone = {name: name for name in columns.numbers}
    alone |= {name: f"{name}={texts[0]}" for name, texts in columns.categories.items() if len(texts) == 1}
    names = [name for name in columns.features if name in alone and still[alone[name]]]
    names = [name for name in names if name not in columns.indicators]
    if not names:
        return []
    return [f"{_names(names)} the same value in every training row, and cannot help."]


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:_SHOWN])) + (
        f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    )
    return f"Column {shown} has" if len(names) == 1 else f"Columns {shown} have"


def _unknown(columns: Columns, parts: dict[str, tuple[Rows, Rows]]) -> list[str]:
    return [note for part, (rows, _) in parts.items() for note in columns.unknown(rows, f"the {part} rows")]
