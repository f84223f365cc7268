"""Gradient cases: a network and a batch in a file for any program, and what that program made of them."""

import codecs
import dataclasses
import json
import math
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np

from bpnet.core.activations import ACTIVATIONS, Activation
from bpnet.core.arrays import Array
from bpnet.core.losses import LOSSES, refusal
from bpnet.core.network import Layer, from_arrays
from bpnet.core.registry import Registry, T, parameters_of
from bpnet.errors import DataError, ShapeError
from bpnet.inspection.point import Point
from bpnet.inspection.words import Key

_FORMAT = "bpnet gradient case 1"
_LARGEST = 200_000_000
"""Bytes of a file of gradients; anything larger is a mistake."""

_REAL = "fiu"
"""Kinds of dtypes that hold real numbers."""

_OF_A_LAYER = {"layer", "activation", "dropout_mask", "W", "b"}
"""Keys of a layer in a case; any other is a hyperparameter of its activation."""

_NAMES_TOLD = 6
_SAME_COST = 1e-9


def write_case(point: Point, rate: float) -> str:
    """Describe a point as JSON text.

    Parameters
    ----------
    point : Point
    rate : float
        The learning rate, for programs that also take the step.
    """
    network, C = point.network, point.cost(point.forward())
    layers = [
        {
            "layer": l,
            "activation": layer.activation.name,
            **dataclasses.asdict(layer.activation),  # type: ignore[call-overload]  # every activation is a dataclass
            **({"dropout_mask": point.masks[l].tolist()} if l in point.masks else {}),
            "W": network.W[l].tolist(),
            "b": network.b[l].tolist(),
        }
        for l, layer in network.layers.items()
    ]
    case = {
        "format": _FORMAT,
        "loss": point.loss.name,
        **dataclasses.asdict(point.loss),  # type: ignore[call-overload]  # so is every loss
        "weight_decay": point.weight_decay,
        "learning_rate": rate,
        "inputs": point.X.tolist(),
        "targets": point.Y.tolist(),
        "sample_weight": None if point.sample_weight is None else point.sample_weight.tolist(),
        "layers": layers,
        "cost": C if math.isfinite(C) else None,
    }
    lines = [f"  {json.dumps(key)}: {_json(value)}" for key, value in case.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _json(value: object) -> str:
    """A list of mappings with a line each, anything else on one line."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n    " + ",\n    ".join(json.dumps(item) for item in value) + "\n  ]"
    return json.dumps(value)


def read_case(path: Path) -> tuple[Point, float]:
    """Read a case; returns the point and the learning rate.

    Raises
    ------
    DataError
        If the file is no case, or does not fit together.
    """
    case = _load_json(path)
    if not isinstance(case, dict) or case.get("format") != _FORMAT:
        raise DataError(f"{path} is no gradient case: its format is not {_FORMAT!r}.")
    try:
        point, rate = _point(case), float(_numbers(case["learning_rate"], (), "learning_rate"))
        _refuse_nonsense(point, rate, case["cost"])
    except KeyError as error:
        raise DataError(f"{path} does not fit together: {error} is missing.") from error
    except (AttributeError, OverflowError, TypeError, ValueError, ShapeError) as error:
        raise DataError(f"{path} does not fit together: {error}.") from error
    return point, rate


def _refuse_nonsense(point: Point, rate: float, cost: object) -> None:
    """What a config would not accept either, or somebody has changed."""
    if point.weight_decay < 0:
        raise ValueError("weight_decay should be 0 or more")
    if rate <= 0:
        raise ValueError("learning_rate should be above 0")
    if point.sample_weight is not None and (point.sample_weight < 0).any():
        raise ValueError("sample_weight should be 0 or more")
    if point.loss.classifies and not np.allclose(point.Y.sum(axis=1), 1):
        raise ValueError(f"each row of targets should sum to 1, as {point.loss.name} needs it")
    if point.loss.classifies is None and not ((point.Y >= 0) & (point.Y <= 1)).all():
        raise ValueError(f"targets should be from 0 to 1, as {point.loss.name} needs it")
    for l, mask in point.masks.items():
        if (mask < 0).any() or np.unique(mask[mask != 0]).size > 1:
            raise ValueError(f"dropout_mask of layer {l} should hold 0 and one number above it")
    C = point.cost(point.forward())
    if cost is not None and not math.isclose(float(_numbers(cost, (), "cost")), C, rel_tol=_SAME_COST):
        raise ValueError(f"cost is {cost}, but the network's is {C!r}: one of them has been changed")


def _point(case: Mapping[str, Any]) -> Point:
    entries = case["layers"]
    if not entries or not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise ValueError("layers should be a list with an object for each layer")
    X = _numbers(case["inputs"], (None, None), "inputs")
    W = [_numbers(each["W"], (None, None), f"W of layer {l}") for l, each in enumerate(entries, start=2)]
    b = [_numbers(each["b"], (None,), f"b of layer {l}") for l, each in enumerate(entries, start=2)]
    masks = {
        l: _numbers(each["dropout_mask"], (len(X), len(biases)), f"dropout_mask of layer {l}")
        for l, (each, biases) in enumerate(zip(entries, b, strict=True), start=2)
        if "dropout_mask" in each
    }
    layers = [
        Layer(weights.shape[1], weights.shape[0], _activation(each, l), 0.5 if l in masks else 0.0)
        for l, (each, weights) in enumerate(zip(entries, W, strict=True), start=2)
    ]
    network = from_arrays(layers, W, b)
    if X.shape[1] != network.sizes[0]:
        raise ShapeError(f"inputs have {X.shape[1]} columns, W of layer 2 has {network.sizes[0]}")
    loss = _create(LOSSES, case["loss"], {name: case[name] for name in _fields(LOSSES, case["loss"])})
    if refused := refusal(loss.name, layers[-1].activation.name):
        raise ValueError(refused)
    weight = case["sample_weight"]
    return Point(
        name="the case",
        network=network,
        X=X,
        Y=_numbers(case["targets"], (len(X), network.sizes[-1]), "targets"),
        loss=loss,
        sample_weight=None if weight is None else _numbers(weight, (len(X),), "sample_weight"),
        weight_decay=float(_numbers(case["weight_decay"], (), "weight_decay")),
        masks=masks,
    )


def _numbers(value: object, shape: tuple[int | None, ...], what: str) -> Array:
    """An array of finite numbers of a shape in which None stands for any size but 0."""
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):  # lists of different lengths
        array = np.asarray(None)
    fits = len(shape) == array.ndim and all(
        found and expected in (None, found) for expected, found in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype.kind not in _REAL:
        expected = " × ".join("n" if size is None else str(size) for size in shape)
        raise ValueError(f"{what} should be {f'{expected} numbers' if shape else 'a number'}")
    if not np.isfinite(array).all():
        raise ValueError(f"{what} holds numbers that are not finite")
    return array.astype(np.float64)


def _activation(entry: Mapping[str, Any], l: int) -> Activation:
    if entry["layer"] != l:
        raise ValueError(f"layers should be numbered from 2, but {entry['layer']!r} stands where {l} should")
    given = {name: value for name, value in entry.items() if name not in _OF_A_LAYER}
    return _create(ACTIVATIONS, entry["activation"], given)


def _fields(registry: Registry[T], name: object) -> list[str]:
    known = isinstance(name, str) and name in registry
    return [each.name for each in parameters_of(registry[str(name)])] if known else []


def _create(registry: Registry[T], name: object, numbers: Mapping[str, object]) -> T:
    """Build a registered thing, its numbers checked as those of a config are."""
    from bpnet.config.accepts import Mistakes
    from bpnet.config.choices import Named

    try:
        return Named(registry).read({"name": name, **numbers}, Path()).create(registry)
    except Mistakes as error:
        told = (f"{'.'.join(map(str, (registry.kind, *path)))}: {text}" for path, text in error.mistakes)
        raise ValueError("; ".join(told)) from error


def read_gradients(source: Path | Mapping[str, object], point: Point) -> tuple[dict[Key, Array], list[str]]:
    """Read what another program computed.

    Parameters
    ----------
    source : Path or mapping of str to array
        JSON, ``{"gradients": [{"layer": 2, "W": [[...]], "b": [...]}, ...]}``, or NPZ with arrays
        ``W2``, ``b2``, ``W3``, ...; or these arrays by their names.
    point : Point
        What they should be the gradients of.

    Returns
    -------
    tensors : dict of (str, int) to ndarray
        A W may be transposed; numbers may be infinite or NaN.
    absent : list of str
        Tensors that the file leaves out, such as ``b2``.

    Raises
    ------
    DataError
        If the file cannot be read, or a tensor has another shape or holds what is no number.
    """
    if isinstance(source, Path):
        arrays, where = _load(source), str(source)
    elif isinstance(source, Mapping):
        arrays, where = dict(source), "The mapping"
    else:
        raise DataError(
            f"Gradients come as a path or a mapping, found {type(source).__name__}.", advice=_FORM
        )
    tensors: dict[Key, Array] = {}
    absent = []
    for l, layer in point.network.layers.items():
        for name, shape in (("W", (layer.n_out, layer.n_in)), ("b", (layer.n_out,))):
            if f"{name}{l}" not in arrays:
                absent.append(f"{name}{l}")
                continue
            tensors[name, l] = _checked(arrays.pop(f"{name}{l}"), name, l, shape, where)
    if arrays:
        names = [*map(str, arrays)]
        told = ", ".join(names if len(names) <= _NAMES_TOLD else (*names[:_NAMES_TOLD], "..."))
        raise DataError(f"{where} holds {told}, but the layers with parameters are 2 to {point.network.L}.")
    if not tensors:
        raise DataError(f"{where} holds no gradient.", advice=_FORM)
    return tensors, absent


_FORM = (
    'Expected: {"gradients": [{"layer": 2, "W": [[...]], "b": [...]}, ...]}, or NPZ arrays W2, b2, W3, ...'
)


def _checked(given: object, name: str, l: int, shape: tuple[int, ...], where: str) -> Array:
    if given is None:
        raise DataError(
            f"{where}: {name} of layer {l} is nothing at all: no gradient has come to it.",
            advice="If it is not to be checked, leave it out.",
        )
    try:
        array = np.asarray(given)
        if array.dtype.kind == "O" and all(type(each) in (int, float, NoneType) for each in array.flat):
            array = array.astype(np.float64)  # None, as JSON.stringify writes NaN, becomes NaN again
    except (OverflowError, TypeError, ValueError) as error:
        raise DataError(f"{where}: {name} of layer {l} is no array of numbers.", advice=_FORM) from error
    if array.dtype.kind not in _REAL:
        raise DataError(f"{where}: {name} of layer {l} is no array of numbers.", advice=_FORM)
    if array.size == np.prod(shape) and array.ndim > len(shape) == 1:
        array = array.ravel()  # a column of biases
    if array.shape not in (shape, shape[::-1]):
        raise DataError(f"{where}: {name} of layer {l} has shape {array.shape}, expected {shape}.")
    return array.astype(np.float64)


def _load(path: Path) -> dict[str, object]:
    return _load_npz(path) if path.suffix.lower() == ".npz" else _from_json(_load_json(path), path)


def _from_json(content: object, path: Path) -> dict[str, object]:
    entries = content.get("gradients") if isinstance(content, dict) else content
    if not isinstance(entries, Sequence) or not all(isinstance(each, dict) for each in entries):
        raise DataError(f"{path} holds no list of gradients.", advice=_FORM)
    found: dict[str, object] = {}
    for position, each in enumerate(entries):
        l = each.get("layer", position + 2)
        if unknown := [key for key in each if key not in ("layer", "W", "b")]:
            raise DataError(f"{path} holds {unknown[0]!r} for layer {l}, expected W and b.", advice=_FORM)
        for name in each.keys() & {"W", "b"}:
            if f"{name}{l}" in found:
                raise DataError(f"{path} holds {name} of layer {l} twice.")
            found[f"{name}{l}"] = each[name]
    return found


def _load_npz(path: Path) -> dict[str, object]:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(info.file_size for info in archive.infolist())
        _refuse_if_huge(size, path)
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except DataError:
        raise
    except Exception as error:  # whatever damaged files make zipfile and NumPy raise
        raise DataError(f"{path} cannot be read: {_why(error)}.") from error


def _load_json(path: Path) -> Any:  # noqa: ANN401 - whatever JSON holds
    try:
        _refuse_if_huge(path.stat().st_size, path)
        content = path.read_bytes()
        return json.loads(content.decode(_encoding(content)))
    except (OSError, ValueError, RecursionError) as error:
        advice = "" if path.suffix.lower() == ".json" else "It should be JSON; gradients may be .npz too."
        raise DataError(f"{path} cannot be read: {_why(error)}.", advice=advice) from error


def _encoding(content: bytes) -> str:
    """UTF-8, or what a byte order mark says, as some shells write one."""
    return "utf-16" if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


def _refuse_if_huge(size: int, path: Path) -> None:
    if size > _LARGEST:
        raise DataError(f"{path} holds {size:,} bytes, far more than gradients can be.")


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
