"""Events, layers and consoles to try the reports on."""

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from bpnet.core.health import LayerHealth
from bpnet.errors import DivergenceError
from bpnet.report.watching import Watcher
from bpnet.training.events import EpochEnded, Event, Score, TrainingStarted

CONTROL_CODE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
"""Anything that is no text: escapes, carriage returns, tabs."""


def console(width: int = 80, *, terminal: bool = False, pipe: bool = False, height: int = 50) -> Console:
    """Colours and cursor as in a terminal, or lines that are not broken as in a pipe, or neither."""
    return Console(
        file=io.StringIO(),
        width=width,
        height=height,
        force_terminal=terminal,
        highlight=False,
        soft_wrap=pipe,
        _environ={},
    )


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def layer(layer_number: int = 2, delta: float = 1.0, **changes: Any) -> LayerHealth:
    values = {"units": 30, "nabla": 0.5, "weight": 1.0, "update_ratio": 0.001, "saturated": 0.0, "dead": 0}
    return LayerHealth(layer_number=layer_number, delta=delta, **{**values, **changes})


def started(
    layers: Sequence[tuple[int, str]] = ((4, ""), (30, "tanh"), (3, "softmax")), **changes: Any
) -> TrainingStarted:
    values: dict[str, Any] = {
        "name": "flowers",
        "parameters": 243,
        "epochs": 30,
        "epochs_done": 0,
        "train_rows": 1079,
        "validation_rows": 359,
        "test_rows": 0,
        "metrics": ("accuracy",),
        "monitor": "loss",
        "backend": "numpy",
    }
    return TrainingStarted(layers=tuple(layers), **{**values, **changes})


def ended(
    epoch: int = 1,
    epochs: int = 30,
    *,
    train: Mapping[str, float] | None = None,
    validation: Mapping[str, float] | None = None,
    layers: Sequence[LayerHealth] = (layer(2), layer(3)),
    monitored: float | None = None,
    best: bool = False,
) -> EpochEnded:
    """An epoch's end; scores are given as ``{"loss": 0.5, "accuracy": 0.9}``."""

    def score(values: Mapping[str, float]) -> Score:
        return Score(values["loss"], {name: value for name, value in values.items() if name != "loss"})

    return EpochEnded(
        epoch=epoch,
        epochs=epochs,
        train=score(train or {"loss": 0.5, "accuracy": 0.9}),
        validation=None if validation is None else score(validation),
        learning_rate=0.1,
        seconds=1.0,
        layers=tuple(layers),
        monitored=(validation or train or {"loss": 0.5})["loss"] if monitored is None else monitored,
        best=best,
    )


def diverge(watcher: Watcher, *events: Event) -> None:
    """Tell the events, then fail as training does."""
    with watcher:
        for event in events:
            watcher.tell(event)
        raise DivergenceError("it diverged")
