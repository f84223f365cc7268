"""From text to a config: read, override, validate, check across sections, fill in what was left to us."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bpnet.config.accepts import Bases, Mistakes, found
from bpnet.config.checks import cross_check, output_activation_for
from bpnet.config.choices import Choice
from bpnet.config.hints import KEYS, nearest
from bpnet.config.models import ExperimentConfig
from bpnet.config.overrides import apply_overrides
from bpnet.config.places import Document, KeyPath, Mistake, ancestors, read_path, write_path
from bpnet.config.reference import accepted_at, fields_at
from bpnet.config.yaml_text import read_yaml
from bpnet.core.activations import ACTIVATIONS


def read_config(text: bytes | str, source: str, folder: Path, overrides: Sequence[str]) -> ExperimentConfig:
    """Turn text into a config; see :func:`bpnet.config.parse_config`."""
    document = read_yaml(text, source)
    if not document.readable:
        raise document.error(document.mistakes)
    if not isinstance(document.value, dict):
        message = f"found {found(document.value)}, expected a mapping with data, network and training"
        raise document.error([*document.mistakes, Mistake((), message)])
    values: dict[str, Any] = document.value
    apply_overrides(document, overrides)
    try:
        named = {"name": _default_name(source)} | values
        config = ExperimentConfig.model_validate(named, context=Bases(folder, _typed(document)))
    except ValidationError as error:
        config = None
        document.mistakes += _without_repeats(list(_translate(error, values)), document.mistakes)
    document.mistakes += cross_check(values, document.mistakes)
    if config is None or document.mistakes:
        raise document.error(document.mistakes)
    return _resolved(config, document)


def _typed(document: Document) -> frozenset[str]:
    """Keys of ``data`` that come from the command line."""
    data = document.value.get("data") if isinstance(document.value, dict) else None
    keys = data if isinstance(data, dict) else ()
    return frozenset(key for key in keys if document.written(("data", key)).value.is_option)


def _default_name(source: str) -> str:
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(source).stem)[:100].lstrip("._-")
    return stem or "experiment"


def _resolved(config: ExperimentConfig, document: Document) -> ExperimentConfig:
    """Replace ``auto`` where the config itself holds the answer."""
    network, training = config.network, config.training
    if network.output_activation.name == "auto":
        choice = Choice.of(ACTIVATIONS, output_activation_for(training.loss.name))
        network = network.model_copy(update={"output_activation": choice})
    if training.monitor == "auto":
        monitor = "loss" if config.data.validation is None else "validation_loss"
        training = training.model_copy(update={"monitor": monitor})
    resolved = config.model_copy(update={"network": network, "training": training})
    resolved._document = document  # noqa: SLF001 - pydantic's way to fill a private attribute
    return resolved


def _without_repeats(new: list[Mistake], old: list[Mistake]) -> list[Mistake]:
    """Drop what only follows from another mistake: of a value already refused, or of a misspelt key."""
    refused = {mistake.path for mistake in old}
    no_keys = {mistake.path for mistake in old if mistake.at_key}

    def follows(mistake: Mistake) -> bool:
        if mistake.at_key:
            return mistake.path in no_keys
        return any(held in refused for held in ancestors(mistake.path) if held)

    return [mistake for mistake in new if not follows(mistake)]


def _translate(error: ValidationError, values: dict[str, Any]) -> Iterator[Mistake]:
    """Pydantic's errors in our words."""
    details = [(_known_path(values, detail["loc"]), detail) for detail in error.errors()]
    unknown = {path: _meant(path) for path, detail in details if detail["type"] == "extra_forbidden"}
    misspelt = {read_path(meant) for meant in unknown.values() if meant}
    for path, detail in details:
        cause = detail.get("ctx", {}).get("error")
        if isinstance(cause, Mistakes):
            yield from (Mistake((*path, *inner), message) for inner, message in cause.mistakes)
        elif detail["type"] == "extra_forbidden":
            meant = unknown[path]
            yield Mistake(path, _unknown_key(path, meant), at_key=True, meant=read_path(meant or "") or ())
        elif detail["type"] != "missing":
            yield Mistake(path, f"found {found(detail['input'])}, expected {accepted_at(path)}")
        elif path not in misspelt:
            yield Mistake(path, f"required, but missing: expected {accepted_at(path)}")


def _known_path(values: object, loc: KeyPath) -> KeyPath:
    """Keep the part of pydantic's location that a person wrote, and the missing key after it."""
    taken: list[str | int] = []
    for step in loc:
        if isinstance(values, dict):
            values = values.get(step)
        elif isinstance(values, list) and isinstance(step, int):
            values = values[step]
        else:
            break
        taken.append(step)
    return tuple(taken)


def _meant(path: KeyPath) -> str | None:
    """Path of the key that was probably meant by an unknown one, with how to write it."""
    section, key = path[:-1], str(path[-1])
    normal = key.lower().replace("-", "_")
    near = nearest(key, fields_at(section))
    if normal in KEYS and near != normal and len(section) <= 1:
        return KEYS[normal]
    if near:
        return write_path((*section, near))
    elsewhere = (f"{name}.{key}" for name in ("data", "network", "training") if key in fields_at((name,)))
    return next(elsewhere, key if key in fields_at(()) else None)


def _unknown_key(path: KeyPath, meant: str | None) -> str:
    if meant:
        here = f"{write_path(path[:-1])}."
        return f"unknown key; did you mean {meant.removeprefix(here)!r}?"
    return f"unknown key; accepted here: {', '.join(fields_at(path[:-1]))}"
