from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpnet.core.optimizers import OPTIMIZERS
from bpnet.core.schedules import SCHEDULES
from bpnet.errors import ModelError
from bpnet.training.checkpoint import restore_checkpoint, save_checkpoint
from bpnet.training.events import TrainingEnded
from bpnet.training.files import load_tensors, save_tensors
from bpnet.training.trainer import Recipe, TrainingState
from tests.core.nets import make_network
from tests.training.making import epochs, everything, make_recipe, make_samples, make_state, run

MOMENTUM = {"sgd": {"momentum": 0.9, "nesterov": True}}


def recipe_of(optimizer: str, **changes: Any) -> Recipe:
    made = OPTIMIZERS.create(optimizer, **MOMENTUM.get(optimizer, {}))
    return make_recipe(optimizer=made, learning_rate=0.01, epochs=6, monitor="validation_loss", **changes)


def carried_over(path: Path, state: TrainingState, fresh: TrainingState) -> TrainingState:
    """What a new process has after reading what the old one wrote."""
    save_checkpoint(path, state, "data", "loss")
    restore_checkpoint(path, fresh, "data", "loss")
    return fresh


@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("done", [0, 1, 4])
def test_going_on_gives_the_bits_of_never_having_stopped(
    tmp_path: Path, optimizer: str, dtype: Any, done: int
) -> None:
    schedule = SCHEDULES.create("plateau", patience=1)
    recipe = recipe_of(optimizer, schedule=schedule, weight_decay=0.01, clip_norm=1.0)
    validation = make_samples(9, seed=4, dtype=dtype)

    def fresh(seed: int = 0) -> TrainingState:
        return make_state(recipe, seed=seed, dropout=0.3, dtype=dtype)

    whole_events, whole = run(recipe, fresh(), validation=validation)
    part_events, part = run(replace(recipe, epochs=done), fresh(), validation=validation)
    resumed = carried_over(tmp_path / "c", part, fresh(seed=99))
    assert everything(resumed) == everything(part)
    assert resumed.seconds == part.seconds
    rest_events, resumed = run(recipe, resumed, validation=validation)
    assert everything(resumed) == everything(whole)
    told = [replace(event, seconds=0, epochs=6) for event in (*epochs(part_events), *epochs(rest_events))]
    expected = [replace(event, seconds=0) for event in epochs(whole_events)]
    assert told == expected


def test_patience_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """One epoch that improves, then none: the two sessions must stop when one session does."""
    recipe = recipe_of("sgd", min_delta=1e9, patience=4)
    validation = make_samples(9, seed=4)
    events, _ = run(recipe, validation=validation)
    assert events[-1] == TrainingEnded("early_stopping", 5, 1)
    _, part = run(replace(recipe, epochs=3), validation=validation)
    resumed = carried_over(tmp_path / "c", part, make_state(recipe))
    assert run(recipe, resumed, validation=validation)[0][-1] == TrainingEnded("early_stopping", 5, 1)


def test_writing_a_checkpoint_changes_nothing(tmp_path: Path) -> None:
    _, state = run(make_recipe(optimizer=OPTIMIZERS.create("adam")))
    before = everything(state)
    save_checkpoint(tmp_path / "c", state, "data", "loss")
    assert everything(state) == before


# What does not fit


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A checkpoint of two epochs of momentum on 3-5-2 in float64."""
    _, state = run(make_recipe(epochs=2, optimizer=OPTIMIZERS.create("sgd", momentum=0.9)))
    save_checkpoint(tmp_path / "c.safetensors", state, "data", "loss")
    return tmp_path / "c.safetensors"


def momentum_state(**changes: Any) -> TrainingState:
    return make_state(make_recipe(optimizer=OPTIMIZERS.create("sgd", momentum=0.9)), **changes)


def with_network(sizes: tuple[int, ...], hidden: str = "tanh") -> TrainingState:
    state = momentum_state()
    network = make_network(sizes, hidden, "identity")
    return TrainingState(network, {"v": np.zeros_like(network.parameters)}, state.rng)


def refused(path: Path, state: TrainingState, data: str = "data", judged_by: str = "loss") -> str:
    with pytest.raises(ModelError) as caught:
        restore_checkpoint(path, state, data, judged_by)
    assert str(path) in caught.value.message
    return caught.value.message


def test_the_state_that_the_checkpoint_is_of_fits(saved: Path) -> None:
    state = momentum_state()
    restore_checkpoint(saved, state, "data", "loss")
    assert state.epoch == 2


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(with_network((3, 6, 2)), id="another size"),
        pytest.param(with_network((3, 5, 4, 2)), id="another layer"),
        pytest.param(with_network((7, 4)), id="as many parameters"),
        pytest.param(with_network((3, 5, 2), "sigmoid"), id="another activation"),
        pytest.param(momentum_state(dtype=np.float32), id="another dtype"),
        pytest.param(make_state(make_recipe()), id="another optimizer"),
        pytest.param(make_state(make_recipe(optimizer=OPTIMIZERS.create("adam"))), id="more to remember"),
    ],
)
def test_another_network_optimizer_or_dtype(saved: Path, state: TrainingState) -> None:
    message = refused(saved, state, "other data, which another dtype makes of the same file")
    assert message.endswith("does not fit the config: its network, optimizer or dtype is another.")


def test_as_many_parameters_are_as_many() -> None:
    assert with_network((7, 4)).network.parameters.size == momentum_state().network.parameters.size


def test_other_data(saved: Path) -> None:
    message = refused(saved, momentum_state(), "other")
    assert message.endswith(
        "was trained on other rows: the data changed since, or the seed that deals them out."
    )


def test_another_judge(saved: Path) -> None:
    message = refused(saved, momentum_state(), judged_by="accuracy")
    assert "was judged by loss, and the config judges by accuracy" in message


def test_a_model_is_no_checkpoint(tmp_path: Path) -> None:
    save_tensors(tmp_path / "m", {"W2": np.ones(3)}, {"model": 1})
    assert refused(tmp_path / "m", momentum_state()).endswith("is no checkpoint of this version of bpnet.")


@pytest.mark.parametrize(
    "changes",
    [
        {"epoch": None},
        {"data": None},
        {"judged_by": None},
        {"layers": None},
        {"best_epoch": None},
        {"generator": {"bit_generator": "MT19937"}},
        {"generator": 5},
        {"badness": 5},
    ],
)
def test_metadata_that_are_missing_or_of_another_kind(saved: Path, changes: dict[str, Any]) -> None:
    tensors, metadata = load_tensors(saved)
    kept = {k: v for k, v in (metadata | changes).items() if v is not None}
    save_tensors(saved, tensors, kept)
    assert "describes a state that cannot be gone on from" in refused(saved, momentum_state())


def test_best_weights_that_are_missing(saved: Path) -> None:
    tensors, metadata = load_tensors(saved)
    del tensors["best_parameters"]
    save_tensors(saved, tensors, metadata)
    assert "does not fit the config" in refused(saved, momentum_state())


def test_a_damaged_checkpoint(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:-1])
    assert "is not a model file, or is damaged" in refused(saved, momentum_state())
