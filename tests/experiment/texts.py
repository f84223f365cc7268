"""Small experiments for the tests: a table of two classes and a number, and a config around it."""

from pathlib import Path
from typing import Any

import numpy as np

from bpnet.config import parse_config
from bpnet.config.models import ExperimentConfig
from bpnet.training.events import EpochEnded, Event

CLASSES = """\
name: small
seed: 3
data:
  train: rows.csv
  target: kind
  drop: [size]
  validation: 0.25
  test: 0.2
  scale: standard
network:
  layers: [3, {size: 5, dropout: 0.2}, 3]
  activation: tanh
training:
  loss: cross_entropy
  optimizer: adam
  learning_rate: 0.02
  epochs: 6
  batch_size: 7
"""

NUMBER = """\
name: number
data:
  train: rows.csv
  target: size
  drop: [kind]
  scale: standard
  scale_target: standard
network:
  layers: [auto, 4, auto]
  activation: tanh
training:
  loss: quadratic
  learning_rate: 0.05
  epochs: 3
"""

INLINE = """\
name: inline
data:
  inputs: [[0, 0], [0, 1], [1, 0], [1, 1]]
  targets: [[0], [1], [1], [0]]
network:
  layers: [2, 3, 1]
training:
  loss: binary_cross_entropy
  learning_rate: 0.5
  epochs: 2
"""


def write_rows(folder: Path, rows: int = 60) -> Path:
    """Three number columns, a class that depends on them (four a to two b to one c) and a number."""
    rng = np.random.default_rng(5)
    lines = ["x,y,z,kind,size"]
    for k in range(rows):
        kind = "aaaabbc"[k % 7]
        x, y, z = rng.normal(size=3) + {"a": 0.0, "b": 1.5, "c": -2.0}[kind]
        lines.append(f"{x:.4f},{y:.4f},{z:.4f},{kind},{100 + 20 * x - 5 * y:.3f}")
    (folder / "rows.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "rows.csv"


def load(folder: Path, text: str = CLASSES, *overrides: str) -> ExperimentConfig:
    return parse_config(text, source="c.yaml", folder=folder, overrides=overrides)


class Watcher:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.warnings: list[str] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    @property
    def epochs(self) -> list[EpochEnded]:
        return [event for event in self.events if isinstance(event, EpochEnded)]


class StopAfter:
    """Asks to stop once so many steps have begun."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


def without_times(summary: dict[str, Any]) -> dict[str, Any]:
    """What two runs of the same bits share."""
    return {key: value for key, value in summary.items() if key not in ("run", "seconds")}
