"""Configs for the tests: one that is right, and what is said of those that are not."""

from pathlib import Path

import pytest

from bpnet.config import parse_config
from bpnet.config.models import ExperimentConfig
from bpnet.errors import ConfigError

FOLDER = Path("/project")

TABLE = """\
data:
  train: table.csv
  target: kind
network:
  layers: [4, 3, 2]
training:
  loss: quadratic
  learning_rate: 0.1
  epochs: 5
"""

INLINE = """\
data:
  inputs: [[0, 1], [1, 0]]
  targets: [[1], [0]]
network:
  layers: [2, 3, 1]
  parameters: [{W: [[1, 2], [3, 4], [5, 6]], b: [0, 0, 0]}, {W: [[1, 2, 3]], b: [0]}]
training:
  loss: quadratic
  learning_rate: 0.1
  epochs: 5
"""


def with_line(line: str, text: str = TABLE) -> str:
    """Put ``section.key: value`` in place of the key's line, or first in the section."""
    path, _, value = line.partition(": ")
    section, _, key = path.rpartition(".")
    lines = text.splitlines()
    if not section:
        return "\n".join([line, *(old for old in lines if not old.startswith(f"{key}:"))]) + "\n"
    start = lines.index(f"{section}:") + 1
    lines = lines[:start] + [old for old in lines[start:] if not old.startswith(f"  {key}:")]
    return "\n".join([*lines[:start], f"  {key}: {value}", *lines[start:]]) + "\n"


def load(text: bytes | str, *overrides: str, source: str = "c.yaml") -> ExperimentConfig:
    return parse_config(text, source=source, folder=FOLDER, overrides=overrides)


def problems(text: bytes | str, *overrides: str) -> list[str]:
    """Lines of the error; a config that is accepted fails the test."""
    with pytest.raises(ConfigError) as caught:
        load(text, *overrides)
    assert str(caught.value).splitlines() == [str(problem) for problem in caught.value.problems]
    return [str(problem) for problem in caught.value.problems]


def problem(text: bytes | str, *overrides: str) -> str:
    """What is said of the only mistake."""
    said = problems(text, *overrides)
    assert len(said) == 1, said
    return said[0]
