"""Gradient cases: a network and a batch in a file for any program, and what that program made of them."""

import dataclasses
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bpnet.core.activations import ACTIVATIONS
from bpnet.core.arrays import Array
from bpnet.core.losses import LOSSES
from bpnet.core.network import Layer, from_arrays
from bpnet.errors import DataError, ShapeError
from bpnet.inspection.point import Point
from bpnet.inspection.tensors import Key

_FORMAT = "bpnet gradient case 1"
_LARGEST = 200_000_000
"""Bytes of a file of gradients; anything larger is a mistake."""


def write_case(point: Point, rate: float) -> str:
    """Describe a point as JSON text.

    Parameters
    ----------
    point : Point
    rate : float
        The learning rate, for programs that also take the step.
    """
    network = point.network
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
        "cost": point.cost(point.forward()),
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
        return _point(case), float(case["learning_rate"])
    except (KeyError, TypeError, ValueError, ShapeError) as error:
        raise DataError(f"{path} does not fit together: {error}.") from error


def _point(case: Mapping[str, Any]) -> Point:
    entries = case["layers"]
    W = [np.array(each["W"], dtype=np.float64) for each in entries]
    b = [np.array(each["b"], dtype=np.float64) for each in entries]
    masks = {
        l: np.array(each["dropout_mask"], dtype=np.float64)
        for l, each in enumerate(entries, start=2)
        if "dropout_mask" in each
    }
    known = {"layer", "activation", "dropout_mask", "W", "b"}
    layers = [
        Layer(
            weights.shape[1],
            weights.shape[0],
            ACTIVATIONS.create(each["activation"], **{k: v for k, v in each.items() if k not in known}),
            0.5 if l in masks else 0.0,
        )
        for l, (each, weights) in enumerate(zip(entries, W, strict=True), start=2)
    ]
    cls = LOSSES[case["loss"]]
    numbers = {field.name: case[field.name] for field in dataclasses.fields(cls)}  # type: ignore[arg-type]  # a dataclass
    weight = case["sample_weight"]
    return Point(
        name="the case",
        network=from_arrays(layers, W, b),
        X=np.array(case["inputs"], dtype=np.float64),
        Y=np.array(case["targets"], dtype=np.float64),
        loss=LOSSES.create(case["loss"], **numbers),
        sample_weight=None if weight is None else np.array(weight, dtype=np.float64),
        weight_decay=float(case["weight_decay"]),
        masks=masks,
    )


def read_gradients(path: Path, point: Point) -> tuple[dict[Key, Array], list[str]]:
    """Read what another program computed.

    Parameters
    ----------
    path : Path
        JSON, ``{"gradients": [{"layer": 2, "W": [[...]], "b": [...]}, ...]}``, or NPZ with arrays
        ``W2``, ``b2``, ``W3``, ...
    point : Point
        What they should be the gradients of.

    Returns
    -------
    tensors : dict of (str, int) to ndarray
        A W may be transposed.
    absent : list of str
        Tensors that the file leaves out, such as ``b2``.

    Raises
    ------
    DataError
        If the file cannot be read, or a tensor has another shape or numbers that are not finite.
    """
    arrays = _load_npz(path) if path.suffix.lower() == ".npz" else _from_json(_load_json(path), path)
    tensors: dict[Key, Array] = {}
    absent = []
    for l, layer in point.network.layers.items():
        for name, shape in (("W", (layer.n_out, layer.n_in)), ("b", (layer.n_out,))):
            given = arrays.pop(f"{name}{l}", None)
            if given is None:
                absent.append(f"{name}{l}")
            else:
                tensors[name, l] = _checked(given, name, l, shape, path)
    if arrays:
        last = point.network.L
        raise DataError(f"{path} holds {', '.join(arrays)}, but the layers with parameters are 2 to {last}.")
    if not tensors:
        raise DataError(f"{path} holds no gradient.", advice=_FORM)
    return tensors, absent


_FORM = (
    'Expected: {"gradients": [{"layer": 2, "W": [[...]], "b": [...]}, ...]}, or NPZ arrays W2, b2, W3, ...'
)


def _checked(given: object, name: str, l: int, shape: tuple[int, ...], path: Path) -> Array:
    try:
        array = np.array(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: {name} of layer {l} is no array of numbers.", advice=_FORM) from error
    if array.size == np.prod(shape) and array.ndim > len(shape) == 1:
        array = array.ravel()  # a column of biases
    if array.shape not in (shape, shape[::-1]):
        raise DataError(f"{path}: {name} of layer {l} has shape {array.shape}, expected {shape}.")
    if not np.isfinite(array).all():
        raise DataError(f"{path}: {name} of layer {l} holds numbers that are not finite.")
    return array


def _from_json(content: object, path: Path) -> dict[str, object]:
    entries = content.get("gradients") if isinstance(content, dict) else content
    if not isinstance(entries, Sequence) or not all(isinstance(each, dict) for each in entries):
        raise DataError(f"{path} holds no list of gradients.", advice=_FORM)
    found: dict[str, object] = {}
    for position, each in enumerate(entries):
        l = each.get("layer", position + 2)
        for name in ("W", "b"):
            if each.get(name) is not None:
                found[f"{name}{l}"] = each[name]
    return found


def _load_npz(path: Path) -> dict[str, object]:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(info.file_size for info in archive.infolist())
        if size > _LARGEST:
            raise DataError(f"{path} holds {size:,} bytes, far more than gradients can be.")
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{path} cannot be read: {_why(error)}.") from error


def _load_json(path: Path) -> Any:  # noqa: ANN401 - whatever JSON holds
    try:
        if path.stat().st_size > _LARGEST:
            raise DataError(f"{path} is far too large for gradients.")
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read: {_why(error)}.") from error


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
