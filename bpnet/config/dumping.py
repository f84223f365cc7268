"""A config as YAML text that reads back to an equal config."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bpnet.config.choices import Choice
from bpnet.config.models import ExperimentConfig, LayerConfig
from bpnet.config.scalars import resolve
from bpnet.config.sources import Section

_PLAIN = re.compile(r"[A-Za-z_/.][A-Za-z0-9_./+-]*( [A-Za-z0-9_./+-]+)*")
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_LONGEST_KEY = 1000
"""Characters; YAML wants a mark before a key of more than 1024."""
_EITHER_OR = ("train", "target", "inputs", "targets")
"""Keys of ``data`` that shut each other out: only those that are given are written."""


def dump(config: ExperimentConfig) -> str:
    """Write a config as YAML; see :func:`bpnet.config.dump_config`."""
    return "\n".join(_lines(config)) + "\n"


def _lines(config: ExperimentConfig) -> Iterator[str]:
    for name in type(config).model_fields:
        value = getattr(config, name)
        if not isinstance(value, Section):
            yield f"{name}: {flow(value)}"
            continue
        yield f"{name}:"
        for key in type(value).model_fields:
            item = _plain(getattr(value, key))
            if key in _EITHER_OR and item in (None, []):
                continue
            if isinstance(item, list) and item and all(isinstance(part, list | dict) for part in item):
                yield f"  {key}:"
                yield from (f"    - {flow(part)}" for part in item)
            else:
                yield f"  {key}: {flow(item)}"


def _plain(value: object) -> object:
    """Turn a config's value into what YAML holds: dicts, lists and scalars."""
    if isinstance(value, Choice):
        return {"name": value.name, **value.parameters} if value.parameters else value.name
    if isinstance(value, LayerConfig) and value.activation is None and not value.dropout:
        return value.size
    if isinstance(value, Section):
        return {key: _plain(getattr(value, key)) for key in type(value).model_fields}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def flow(value: Any) -> str:  # noqa: ANN401 - any YAML value
    """Write a value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return repr(value)


def _key(text: str) -> str:
    written = _text(text)
    return written if len(written) <= _LONGEST_KEY else f"? {written}"


def _text(text: str) -> str:
    """Quote text only where YAML would read it as something else."""
    if _PLAIN.fullmatch(text) and isinstance(resolve(text), str):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _ESCAPED.sub(lambda character: f"\\u{ord(character[0]):04x}", quoted)
