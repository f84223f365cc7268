"""Small trainings for the tests: samples, a recipe, a state, and a run of the loop over them."""

from dataclasses import replace
from typing import Any

import numpy as np

from bpnet.core.arrays import Array
from bpnet.core.losses import LOSSES
from bpnet.core.metrics import Metric, Regression
from bpnet.core.optimizers import OPTIMIZERS
from bpnet.core.schedules import SCHEDULES
from bpnet.training.evaluation import Samples
from bpnet.training.events import EpochEnded, Event
from bpnet.training.trainer import Recipe, Trainer, TrainingState
from tests.core.nets import make_batch, make_network

ROWS = 23
"""Of the usual samples: no multiple of a batch size used here, so that the last batch is a small one."""

_RECIPE = Recipe(
    loss=LOSSES.create("quadratic"),
    optimizer=OPTIMIZERS.create("sgd"),
    schedule=SCHEDULES.create("constant"),
    learning_rate=0.1,
    epochs=3,
    batch_size=5,
)


def make_recipe(**changes: Any) -> Recipe:
    return replace(_RECIPE, **changes)


def make_samples(rows: int = ROWS, seed: int = 1, dtype: Any = np.float64) -> Samples:
    X, Y = make_batch("quadratic", rows, 3, 2, seed)
    return Samples(X.astype(dtype), Y.astype(dtype))


def make_state(
    recipe: Recipe, *, seed: int = 0, dropout: float = 0.0, dtype: Any = np.float64, output: str = "identity"
) -> TrainingState:
    network = make_network((3, 5, 2), "tanh", output, dropout=dropout)
    network = network.with_parameters(network.parameters.astype(dtype))
    return TrainingState(network, recipe.optimizer.start(network.parameters), np.random.default_rng(seed))


def make_metric() -> Metric:
    return Regression(unit=np.ones(2))


def make_trainer(state: TrainingState, recipe: Recipe, **given: Any) -> Trainer:
    """Take the usual samples, and no validation part, unless others are given."""
    dtype = state.network.parameters.dtype
    train = given.pop("train", None) or make_samples(dtype=dtype)
    metric = given.pop("metric", make_metric)
    return Trainer(state, recipe, train, given.pop("validation", None), metric, **given)


def run(
    recipe: Recipe, state: TrainingState | None = None, **given: Any
) -> tuple[list[Event], TrainingState]:
    """Events of a training, and the state it ends in."""
    state = state or make_state(recipe)
    return list(make_trainer(state, recipe, **given).run()), state


def epochs(events: list[Event]) -> list[EpochEnded]:
    return [event for event in events if isinstance(event, EpochEnded)]


def everything(state: TrainingState) -> dict[str, Any]:
    """All that a state holds, as bytes and plain values, the time taken left out."""
    return {
        "parameters": state.network.parameters.tobytes(),
        "optimizer": {name: array.tobytes() for name, array in state.optimizer_state.items()},
        "generator": state.rng.bit_generator.state,
        "epoch": state.epoch,
        "badness": list(state.badness),
        "best": (state.best_epoch, state.best_parameters.tobytes() if state.best_epoch else b""),
    }


def flat(state: TrainingState) -> Array:
    """Copy the parameters."""
    return state.network.parameters.copy()
