"""The language described from its own models: for messages, for the README's table and for editors."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bpnet.config.models import ExperimentConfig
from bpnet.config.places import KeyPath


@dataclass(frozen=True)
class Key:
    """One key of the language.

    Attributes
    ----------
    path : str
        Such as ``training.epochs``; ``[]`` stands for any item of a list.
    accepts : str
    required : bool
        Whether it must be given where its section is.
    default : object
        As YAML would write it; None for null and for a required key.
    meaning : str
    """

    path: str
    accepts: str
    required: bool
    default: object
    meaning: str


def keys() -> list[Key]:
    """Every key of the language, sections before what they hold."""
    return list(_keys_of(ExperimentConfig, ""))


def _keys_of(model: type[BaseModel], prefix: str) -> Iterator[Key]:
    for name, info in model.model_fields.items():
        path = prefix + name
        default = None if info.is_required() else info.default
        yield Key(path, _accepted(info), info.is_required(), default, info.description or "")
        inner = _model_in(info.annotation)
        if inner is not None:
            is_list = info.annotation is not inner and "tuple" in str(info.annotation)
            yield from _keys_of(inner, f"{path}[]." if is_list else f"{path}.")


def _accepted(info: FieldInfo) -> str:
    phrases = (item.phrase for item in info.metadata if hasattr(item, "phrase"))
    inner = _model_in(info.annotation)
    names = ", ".join(inner.model_fields) if inner else "anything"
    return next(phrases, f"a mapping with keys among {names}")


def _model_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - a type expression has no type
    """Section that an annotation is, or holds in a tuple or beside None; not one that a value class reads."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation if annotation.__name__ != "FilePair" else None
    return next(filter(None, map(_model_in, get_args(annotation))), None)


def _model_at(path: KeyPath) -> type[BaseModel] | None:
    model: type[BaseModel] | None = ExperimentConfig
    for step in path:
        if isinstance(step, str):
            info = model.model_fields.get(step) if model else None
            model = _model_in(info.annotation) if info else None
    return model


def fields_at(path: KeyPath) -> tuple[str, ...]:
    """Keys that the section at ``path`` accepts; () if there is no section."""
    model = _model_at(path)
    if model is not None:
        return tuple(model.model_fields)
    return ("features", "target") if path and path[0] == "data" else ()


def accepted_at(path: KeyPath) -> str:
    """What the value at ``path`` may be, in words that follow "expected"."""
    if not path:
        return "a mapping with data, network and training"
    if isinstance(path[-1], int):
        model = _model_at(path)
        return f"a mapping with {', '.join(model.model_fields)}" if model else "another value"
    model = _model_at(path[:-1])
    info = model.model_fields.get(path[-1]) if model else None
    return _accepted(info) if info else "a path"


def schema() -> dict[str, object]:
    """JSON Schema of the language; see :func:`bpnet.config.json_schema`."""
    generated = ExperimentConfig.model_json_schema()
    data = generated["$defs"]["DataConfig"]
    data["anyOf"] = [{"required": ["train"]}, {"required": ["inputs", "targets"]}]
    generated["properties"]["name"].pop("default", None)  # it depends on the file
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **generated, "title": "bpnet config"}
