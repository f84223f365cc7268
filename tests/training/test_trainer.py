from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from bpnet.core.backprop import backward
from bpnet.core.health import measure_layers
from bpnet.core.losses import LOSSES
from bpnet.core.network import forward
from bpnet.core.optimizers import OPTIMIZERS
from bpnet.core.schedules import SCHEDULES, Schedule
from bpnet.errors import DivergenceError
from bpnet.training import trainer
from bpnet.training.evaluation import Samples, evaluate
from bpnet.training.events import EpochEnded, Progress, Score, TrainingEnded
from bpnet.training.trainer import PROBE_ROWS, TrainingState
from tests.core.nets import make_network
from tests.tolerances import ROUNDING, ROUNDING_32
from tests.training.making import (
    ROWS,
    epochs,
    everything,
    flat,
    make_metric,
    make_recipe,
    make_samples,
    make_state,
    make_trainer,
    run,
)

HARD = {  # everything that draws, remembers or depends on what happened
    "optimizer": OPTIMIZERS.create("adam"),
    "schedule": SCHEDULES.create("plateau", patience=1, drop=0.5),
    "clip_norm": 0.5,
    "weight_decay": 0.01,
    "epochs": 5,
}


def scripted(monkeypatch: pytest.MonkeyPatch, scores: list[Score]) -> None:
    """Let the validation part give these scores, epoch by epoch."""
    given = iter(scores)
    monkeypatch.setattr(trainer, "evaluate", lambda *_: next(given))


def losses(*values: float) -> list[Score]:
    return [Score(value, {"r2": -value, "mae": value}) for value in values]


# Events


def test_events_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "_CHUNK_NUMBERS", 1)  # a chunk is one batch
    events, state = run(make_recipe(epochs=2))
    assert [type(event) for event in events] == [*[*[Progress] * 5, EpochEnded] * 2, TrainingEnded]
    assert [event for event in events if isinstance(event, Progress)] == [
        Progress(epoch, done, ROWS) for epoch in (1, 2) for done in (5, 10, 15, 20, 23)
    ]
    assert [(event.epoch, event.epochs) for event in epochs(events)] == [(1, 2), (2, 2)]
    assert events[-1] == TrainingEnded("completed", 2, state.best_epoch)


def test_chunks_do_not_change_a_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    events, whole = run(make_recipe(**HARD))
    assert sum(isinstance(event, Progress) for event in events) == 5
    monkeypatch.setattr(trainer, "_CHUNK_NUMBERS", 30)  # two batches of 5 × 3 inputs
    events, in_parts = run(make_recipe(**HARD))
    assert sum(isinstance(event, Progress) for event in events) == 15
    assert everything(whole) | {"badness": 0} == everything(in_parts) | {"badness": 0}
    assert whole.badness == pytest.approx(in_parts.badness, rel=ROUNDING)  # sums of another order


def test_nothing_is_left_to_do() -> None:
    state = make_state(make_recipe())
    state.epoch = 3
    before = everything(state)
    events, _ = run(make_recipe(epochs=3), state)
    assert events == [TrainingEnded("completed", 3, 0)]
    assert everything(state) == before


def test_an_epoch_against_a_plain_loop() -> None:
    """Momentum, a small last batch, weight decay, the penalty-free mean loss: all by the bare passes."""
    recipe = make_recipe(
        epochs=1, weight_decay=0.02, optimizer=OPTIMIZERS.create("sgd", momentum=0.5), learning_rate=0.3
    )
    events, state = run(recipe)
    start = make_state(recipe)
    network, rng, samples = start.network, start.rng, make_samples()
    order, v, total = rng.permutation(ROWS), np.zeros(network.parameters.size), 0.0
    for first in range(0, ROWS, 5):
        rows = order[first : first + 5]
        trace = forward(network, samples.X[rows])
        gradient = backward(network, trace, samples.Y[rows], recipe.loss).flat
        gradient[: network.n_weights] += 0.02 * network.parameters[: network.n_weights]
        total += float((0.5 * (trace.outputs - samples.Y[rows]) ** 2).sum())
        v = 0.5 * v + gradient
        network.parameters[:] = network.parameters - 0.3 * v
    np.testing.assert_allclose(state.network.parameters, network.parameters, rtol=0, atol=ROUNDING)
    assert epochs(events)[0].train.loss == pytest.approx(total / ROWS, rel=ROUNDING)
    assert state.rng.bit_generator.state == rng.bit_generator.state


def test_scores_of_both_parts() -> None:
    validation = make_samples(40, seed=7)
    events, state = run(make_recipe(epochs=1), validation=validation)
    score = evaluate(state.network, make_recipe().loss, make_metric, validation)
    event = epochs(events)[0]
    assert event.validation == score
    assert set(event.train.metrics) == {"r2", "mae"}
    assert event.train.loss != score.loss


def test_seconds_grow_and_go_on_from_an_earlier_session() -> None:
    state = make_state(make_recipe())
    state.seconds = 100.0
    events, _ = run(make_recipe(), state)
    seconds = [100.0, *(event.seconds for event in epochs(events))]
    assert all(a < b for a, b in pairwise(seconds))
    assert state.seconds == seconds[-1] < 110


# Bits


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_the_same_seed_gives_the_same_bits_and_another_does_not(dtype: Any, dropout: float) -> None:
    recipe = make_recipe(**HARD)

    def trained(seed: int) -> dict[str, Any]:
        state = run(recipe, make_state(recipe, seed=seed, dropout=dropout, dtype=dtype))[1]
        assert state.network.parameters.dtype == dtype
        return everything(state)

    assert trained(3) == trained(3)
    assert trained(3)["parameters"] != trained(4)["parameters"]


def test_dropout_silences_hidden_units_in_training_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def spy(network: Any, X: Any, **options: Any) -> Any:
        seen.append(bool(options["masks"]))
        return forward(network, X, **options)

    monkeypatch.setattr(trainer, "forward", spy)
    recipe = make_recipe(epochs=2)
    run(recipe, make_state(recipe, dropout=0.5))
    assert seen == [*[True] * 5, False] * 2  # the last of each epoch is the probe


# Order of the samples


def batches_seen(monkeypatch: pytest.MonkeyPatch, batch_size: int, rows: int = ROWS) -> list[list[int]]:
    """Row numbers of each batch of two epochs."""
    seen = []
    samples = make_samples(rows)
    number = {row.tobytes(): k for k, row in enumerate(samples.X)}
    step = trainer.Trainer._step

    def spy(self: Any, batch: Samples) -> Any:
        seen.append([number[row.tobytes()] for row in batch.X])
        return step(self, batch)

    monkeypatch.setattr(trainer.Trainer, "_step", spy)
    run(make_recipe(epochs=2, batch_size=batch_size), train=samples)
    return seen


@pytest.mark.parametrize(
    ("batch_size", "sizes"),
    [(5, [5, 5, 5, 5, 3]), (1, [1] * 23), (22, [22, 1]), (23, [23]), (24, [23]), (10**9, [23])],
)
def test_each_sample_comes_once_an_epoch(
    monkeypatch: pytest.MonkeyPatch, batch_size: int, sizes: list[int]
) -> None:
    seen = batches_seen(monkeypatch, batch_size)
    assert [len(batch) for batch in seen] == sizes * 2
    first = [row for batch in seen[: len(sizes)] for row in batch]
    second = [row for batch in seen[len(sizes) :] for row in batch]
    assert sorted(first) == sorted(second) == list(range(ROWS))
    assert first != second
    assert sorted(first) != first


def test_inputs_and_targets_stay_together() -> None:
    """Every sample has its own answer, so one that got another's could not be learnt."""
    samples = make_samples()
    samples = Samples(samples.X, samples.X[:, :2] * 2)
    events, _ = run(make_recipe(epochs=200, learning_rate=0.2), train=samples)
    assert epochs(events)[-1].train.metrics["r2"] > 0.99


# The probe


@pytest.mark.parametrize(("rows", "expected"), [(23, 23), (PROBE_ROWS, 128), (1000, 128)])
def test_the_probe_is_the_same_rows_in_every_epoch(
    monkeypatch: pytest.MonkeyPatch, rows: int, expected: int
) -> None:
    seen = []

    def spy(network: Any, trace: Any, *rest: Any) -> Any:
        seen.append(trace.a[1].copy())
        return measure_layers(network, trace, *rest)

    monkeypatch.setattr(trainer, "measure_layers", spy)
    samples = make_samples(rows)
    run(make_recipe(epochs=3, batch_size=64), train=samples)
    assert len(seen) == 3
    for probe in seen:
        np.testing.assert_array_equal(probe, seen[0])
    assert len(seen[0]) == expected
    np.testing.assert_array_equal(seen[0][[0, -1]], samples.X[[0, -1]])


def test_layers_are_measured_at_the_epochs_end_against_the_last_step() -> None:
    recipe = make_recipe(epochs=2, batch_size=12)
    states: list[np.ndarray[Any, Any]] = []

    def remember() -> bool:  # asked before every step
        states.append(flat(state))
        return False

    state = make_state(recipe)
    events, _ = run(recipe, state, stop=remember)
    network, samples = state.network, make_samples()
    trace = forward(network, samples.X)
    gradients = backward(network, trace, samples.Y, recipe.loss)
    before = network.with_parameters(states[-1])
    expected = measure_layers(network, trace, gradients, before)
    assert len(states) == 4
    for measured, wanted in zip(epochs(events)[-1].layers, expected, strict=True):
        assert measured.update_ratio is not None
        assert 0 < measured.update_ratio < 1
        assert measured == wanted


# Stopping


def stopped_after(steps: int, recipe: Any, state: TrainingState) -> list[Any]:
    """Train until the so-manyth step is done, and keep what the state was at each epoch's end."""
    left = [steps]

    def stop() -> bool:
        left[0] -= 1
        return left[0] < 0

    kept = [everything(state)]
    for event in make_trainer(state, recipe, stop=stop).run():
        if isinstance(event, EpochEnded):
            kept.append(everything(state))
    assert isinstance(event, TrainingEnded)
    return [event, kept]


@pytest.mark.parametrize("steps", [0, 1, 4, 5, 7, 14, 24])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_stop_undoes_the_unfinished_epoch_to_the_bit(steps: int, dtype: Any) -> None:
    recipe = make_recipe(**HARD)
    state = make_state(recipe, dropout=0.3, dtype=dtype)
    ended, kept = stopped_after(steps, recipe, state)
    done = steps // 5
    assert ended == TrainingEnded("interrupted", done, state.best_epoch)
    assert len(kept) == done + 1
    assert everything(state) == kept[-1]
    # What follows is what would have followed.
    run(recipe, state)
    whole = run(recipe, make_state(recipe, dropout=0.3, dtype=dtype))[1]
    assert everything(state) == everything(whole)


def test_stop_after_the_last_step_stops_nothing() -> None:
    recipe = make_recipe(**HARD)
    state = make_state(recipe)
    ended, _ = stopped_after(25, recipe, state)
    assert ended.reason == "completed"


def test_early_stopping_by_the_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, losses(5, 4, 4.5, 4, 1))
    recipe = make_recipe(epochs=9, monitor="validation_loss", patience=2)
    state, at = make_state(recipe), {}
    for event in make_trainer(state, recipe, validation=make_samples()).run():
        if isinstance(event, EpochEnded):
            at[event.epoch] = (event.best, flat(state))
    assert event == TrainingEnded("early_stopping", 4, 2)
    assert [best for best, _ in at.values()] == [True, True, False, False]
    np.testing.assert_array_equal(state.best_parameters, at[2][1])
    assert (state.network.parameters != state.best_parameters).any()


def test_early_stopping_by_a_metric_that_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    growing = [Score(k, {"r2": r2, "mae": 1.0}) for k, r2 in enumerate((0.1, 0.5, 0.4, 0.3, 0.9))]
    scripted(monkeypatch, growing)
    recipe = make_recipe(epochs=9, monitor="validation_r2", patience=2)
    events, state = run(recipe, validation=make_samples())
    assert events[-1] == TrainingEnded("early_stopping", 4, 2)
    assert state.badness == [-0.1, -0.5, -0.4, -0.3]


def test_without_validation_the_best_epoch_is_judged_by_the_weights_that_are_kept() -> None:
    """Not by the epoch's own loss, which is of the weights before each step: here they bounce."""
    samples = make_samples()
    recipe = make_recipe(epochs=12, learning_rate=30.0, batch_size=len(samples), monitor="loss")
    events, state = run(recipe, train=samples)
    kept = state.network.with_parameters(state.best_parameters)
    best = epochs(events)[state.best_epoch - 1]
    assert evaluate(kept, recipe.loss, make_metric, samples).loss == best.monitored
    assert best.monitored == min(event.monitored for event in epochs(events))


@pytest.mark.parametrize(
    "monitor", ["loss", "validation_loss", "mae", "validation_mae", "r2", "validation_r2"]
)
def test_what_every_monitor_remembers(monitor: str) -> None:
    events, state = run(make_recipe(monitor=monitor), validation=make_samples(9, seed=5))
    sign = -1 if monitor.endswith("r2") else 1
    assert state.badness == [sign * event.monitored for event in epochs(events)]
    quantity = monitor.removeprefix("validation_")
    if monitor != quantity:
        assert epochs(events)[0].validation[quantity] == epochs(events)[0].monitored  # type: ignore[index]  # given
    assert state.best_epoch == 1 + int(np.argmin(state.badness))
    assert [event.best for event in epochs(events)].count(True) >= 1


def test_an_improvement_must_be_larger_than_min_delta(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, losses(8, 7.5, 7.25, 7.25, 1))
    recipe = make_recipe(epochs=5, monitor="validation_loss", min_delta=0.5)
    events, _ = run(recipe, validation=make_samples())
    assert [event.best for event in epochs(events)] == [True, False, True, False, True]


def test_the_last_epoch_completes_even_out_of_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, losses(1, 2, 3))
    events, _ = run(make_recipe(monitor="validation_loss", patience=2), validation=make_samples())
    assert events[-1] == TrainingEnded("completed", 3, 1)


# Divergence


def diverge(recipe: Any, state: TrainingState, **given: Any) -> tuple[DivergenceError, list[dict[str, Any]]]:
    """The error, and the state at the end of each epoch before; nothing of the last epoch may be left."""
    kept = [everything(state)]
    events = make_trainer(state, recipe, **given).run()
    ends = (everything(state) for event in events if isinstance(event, EpochEnded))
    with pytest.raises(DivergenceError) as caught:
        kept.extend(ends)
    assert everything(state) == kept[-1]
    assert np.isfinite(state.network.parameters).all()
    return caught.value, kept


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_steps_that_grow_without_end(dtype: Any) -> None:
    recipe = make_recipe(learning_rate=10.0, epochs=400, optimizer=OPTIMIZERS.create("sgd", momentum=0.9))
    error, kept = diverge(recipe, make_state(recipe, dtype=dtype))
    assert len(kept) > 2
    assert error.message.startswith(f"Training diverged in epoch {len(kept)}: ")
    assert "layer 3" in error.message
    assert error.advice == "Try a smaller learning_rate (now 10; try 1), or clip_norm: 1.0."
    assert error.exit_code == 5


def test_the_update_that_a_non_finite_loss_asks_for_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = []
    optimizer = OPTIMIZERS.create("sgd")
    monkeypatch.setattr(type(optimizer), "step", lambda *_: steps.append(1))
    samples = make_samples()
    samples.Y[4] = np.nan
    recipe = make_recipe(optimizer=optimizer, batch_size=1)
    state = make_state(recipe)
    turn = state.rng.permutation(ROWS).tolist().index(4)
    error, _ = diverge(recipe, make_state(recipe), train=samples)
    assert len(steps) == turn
    assert "epoch 1: the loss at layer 3 became infinite or not a number" in error.message


def test_a_weight_that_is_no_number_is_found_in_its_layer() -> None:
    recipe = make_recipe()
    state = make_state(recipe)
    state.network.W[3][0, 0] = np.inf
    with pytest.raises(DivergenceError, match="a weight or bias in layer 3 became"):
        run(recipe, state)


@pytest.mark.parametrize("rate", [1e160, 1e300])
def test_the_last_update_of_an_epoch_is_judged_too(rate: float) -> None:
    """Its weights are finite, or not, but what they give is not; no later batch would find out."""
    recipe = make_recipe(epochs=1, batch_size=ROWS, learning_rate=rate)
    error, kept = diverge(recipe, make_state(recipe))
    assert len(kept) == 1
    assert kept[0]["best"] == (0, b"")
    assert "in epoch 1: " in error.message


def test_an_epoch_that_diverges_is_never_the_best() -> None:
    recipe = make_recipe(epochs=2, batch_size=ROWS, schedule=Jump())
    state = make_state(recipe)
    error, kept = diverge(recipe, state)
    assert len(kept) == 2
    assert state.best_epoch == state.epoch == 1
    np.testing.assert_array_equal(state.best_parameters, state.network.parameters)
    assert "now 1e+299; try 1e+298" in error.advice


class Jump(Schedule):
    """From the rate itself to 1e300 times it, in the second epoch."""

    name, summary, latex = "jump", "", ""

    def factor(self, epoch: int, epochs: int, badness: Any) -> float:
        return 1.0 if epoch == 1 else 1e300


def test_a_validation_part_that_overflows() -> None:
    validation = make_samples(seed=5, dtype=np.float32)
    validation.Y[3] = 1e30
    recipe = make_recipe()
    error, kept = diverge(recipe, make_state(recipe, dtype=np.float32), validation=validation)
    assert len(kept) == 1
    assert "the validation loss became infinite" in error.message


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_a_monitored_metric_that_is_no_number(monkeypatch: pytest.MonkeyPatch, value: float) -> None:
    scripted(monkeypatch, [Score(1.0, {"r2": 0.5}), Score(1.0, {"r2": value})])
    recipe = make_recipe(monitor="validation_r2")
    error, kept = diverge(recipe, make_state(recipe), validation=make_samples())
    assert "in epoch 2: the validation r2 became" in error.message
    assert len(kept) == 2


def far_inputs() -> tuple[Samples, dict[str, Any]]:
    """Gradients of float32 that are finite, but not the sum of their squares."""
    samples = make_samples(dtype=np.float32)
    samples.X[:] *= np.float32(1e25)
    return samples, {"loss": LOSSES.create("mean_absolute_error"), "batch_size": ROWS, "epochs": 1}


def test_an_optimizer_that_cannot_remember_the_gradient() -> None:
    samples, changes = far_inputs()
    recipe = make_recipe(**changes, optimizer=OPTIMIZERS.create("adam"))
    state = make_state(recipe, dtype=np.float32)
    state.network.W[2][:] *= 1e-25
    error, _ = diverge(recipe, state, train=samples)
    assert "the optimizer's memory of the gradient became infinite" in error.message
    assert "data.scale: standard (an input is as large as" in error.advice


@pytest.mark.parametrize("clip_norm", [None, 1e-3])
def test_a_gradient_whose_squares_overflow_is_no_divergence(clip_norm: float | None) -> None:
    samples, changes = far_inputs()
    rate = 1e-52 if clip_norm is None else 1e-24  # either leaves weights of the order of 1e-25
    recipe = make_recipe(**changes, clip_norm=clip_norm, learning_rate=rate)
    state = make_state(recipe, dtype=np.float32)
    state.network.W[2][:] *= 1e-25
    before = flat(state)
    events, _ = run(recipe, state, train=samples)
    assert isinstance(events[-1], TrainingEnded)
    moved = (flat(state) - before).astype(np.float64)
    if clip_norm is not None:
        assert np.linalg.norm(moved) / (1e-24 * clip_norm) == pytest.approx(1, rel=ROUNDING_32)


# Clipping, decay, weights, biases, rates


def one_step(**changes: Any) -> tuple[Any, Any]:
    """Move of all parameters in one full-batch step of rate 1, and the gradient behind it."""
    recipe = make_recipe(epochs=1, batch_size=ROWS, learning_rate=1.0, **changes)
    state, samples = make_state(recipe), make_samples()
    before = flat(state)
    gradient = backward(state.network, forward(state.network, samples.X), samples.Y, recipe.loss).flat.copy()
    run(recipe, state, train=samples)
    return flat(state) - before, gradient


@pytest.mark.parametrize("share", [1e-9, 0.01, 0.5, 0.999])
def test_a_long_gradient_is_shortened_and_keeps_its_direction(share: float) -> None:
    _, gradient = one_step()
    norm = float(np.linalg.norm(gradient))
    move, _ = one_step(clip_norm=share * norm)
    np.testing.assert_allclose(move, -share * gradient, rtol=0, atol=1e-12 * share + 1e-15)
    assert np.linalg.norm(move) == pytest.approx(share * norm, rel=1e-6)


@pytest.mark.parametrize("clip_norm", [100.0, 1e200])
def test_a_short_gradient_stays_as_it_is(clip_norm: float) -> None:
    np.testing.assert_array_equal(one_step(clip_norm=clip_norm)[0], one_step()[0])


def test_weight_decay_pulls_weights_and_no_biases() -> None:
    move, gradient = one_step(weight_decay=0.1)
    start = make_state(make_recipe()).network
    penalty = np.where(np.arange(len(move)) < start.n_weights, 0.1 * start.parameters, 0)
    assert (start.parameters[start.n_weights :] != 0).all()
    np.testing.assert_allclose(move, -gradient - penalty, rtol=0, atol=ROUNDING)


def test_weighted_samples_count_as_so_many() -> None:
    samples = make_samples()
    times = np.arange(ROWS) % 3 + 1
    copies = Samples(samples.X.repeat(times, axis=0), samples.Y.repeat(times, axis=0))
    recipe = make_recipe(batch_size=10**6, optimizer=OPTIMIZERS.create("sgd", momentum=0.9))
    # The mean over N rows of weighted losses is the mean over all copies, times (copies per row).
    per_row = len(copies) / ROWS
    scaled = replace(recipe, learning_rate=recipe.learning_rate * per_row)
    weighted_events, weighted = run(recipe, train=Samples(samples.X, samples.Y, times.astype(float)))
    copied_events, copied = run(scaled, train=copies)
    np.testing.assert_allclose(flat(weighted), flat(copied), rtol=0, atol=ROUNDING)
    for one, other in zip(epochs(weighted_events), epochs(copied_events), strict=True):
        assert one.train.loss == pytest.approx(other.train.loss * per_row, rel=ROUNDING)
    assert not np.allclose(flat(weighted), flat(run(recipe, train=samples)[1]))


@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
def test_biases_that_are_not_trained_keep_their_bits(optimizer: str) -> None:
    recipe = make_recipe(optimizer=OPTIMIZERS.create(optimizer), train_biases=False, weight_decay=0.1)
    state = make_state(recipe)
    n, before = state.network.n_weights, flat(state)
    run(recipe, state)
    assert flat(state)[n:].tobytes() == before[n:].tobytes()
    assert (flat(state)[:n] != before[:n]).all()


def test_untrained_biases_take_no_part_in_the_norm() -> None:
    _, gradient = one_step()
    n = make_state(make_recipe()).network.n_weights
    norm = float(np.linalg.norm(gradient[:n]))
    assert np.linalg.norm(gradient) > 1.001 * norm
    move, _ = one_step(train_biases=False, clip_norm=norm * 1.0001)
    np.testing.assert_allclose(move[:n], -gradient[:n], rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("name", list(SCHEDULES))
def test_the_schedules_rate_is_told_and_taken(name: str) -> None:
    given: dict[str, Any] = {"plateau": {"patience": 1}, "step": {"every": 2}, "warmup": {"epochs": 3}}
    schedule = SCHEDULES.create(name, **given.get(name, {}))
    recipe = make_recipe(epochs=6, schedule=schedule, batch_size=ROWS, learning_rate=0.5)
    state = make_state(recipe)
    samples, before = make_samples(), flat(state)
    badness: list[float] = []
    rates = []
    for event in make_trainer(state, recipe).run():
        if isinstance(event, EpochEnded):
            rates.append(event.learning_rate)
            assert event.learning_rate == 0.5 * schedule.factor(event.epoch, 6, badness)
            old = state.network.with_parameters(before)
            gradient = backward(old, forward(old, samples.X), samples.Y, recipe.loss).flat
            moved = flat(state) - before
            np.testing.assert_allclose(moved, -event.learning_rate * gradient, rtol=0, atol=ROUNDING)
            before, badness = flat(state), [*badness, event.train.loss]
    assert len(rates) == 6
    assert (len(set(rates)) == 1) is (name in ("constant", "plateau"))


def test_a_plateau_drops_the_rate_by_what_is_monitored(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, losses(3, 4, 4, 2, 2, 2))
    schedule = SCHEDULES.create("plateau", patience=2, drop=0.5)
    recipe = make_recipe(epochs=6, schedule=schedule, monitor="validation_loss", learning_rate=0.8)
    events, _ = run(recipe, validation=make_samples())
    assert [event.learning_rate for event in epochs(events)] == [0.8, 0.8, 0.8, 0.4, 0.4, 0.4]


def test_the_trainer_calls_the_one_backward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault planted where the trainer calls it shows in every parameter."""
    right = one_step()[0]

    def planted(*args: Any, **options: Any) -> Any:
        gradients = backward(*args, **options)
        gradients.flat[:] *= 1.001
        return gradients

    monkeypatch.setattr(trainer, "backward", planted)
    np.testing.assert_allclose(one_step()[0], 1.001 * right, rtol=1e-9)
    assert not np.allclose(one_step()[0], right, rtol=1e-4, atol=0)


# Compiled


@pytest.mark.parametrize("changes", [{}, {"weight_decay": 0.02, "optimizer": OPTIMIZERS.create("adamw")}])
def test_compiled_steps_train_as_numpys_do(changes: dict[str, Any]) -> None:
    """The small last batch, the scores, the measured layers and the optimizer's memory included."""
    plain = make_recipe(**changes)
    expected_events, expected = run(plain)
    events, state = run(replace(plain, backend="numba"))
    np.testing.assert_allclose(flat(state), flat(expected), rtol=ROUNDING, atol=ROUNDING)
    for name, array in expected.optimizer_state.items():
        np.testing.assert_allclose(state.optimizer_state[name], array, rtol=ROUNDING, atol=ROUNDING)
    for one, other in zip(epochs(events), epochs(expected_events), strict=True):
        assert one.train.loss == pytest.approx(other.train.loss, rel=ROUNDING)
        assert dict(one.train.metrics) == pytest.approx(dict(other.train.metrics), rel=1e-10)
        for here, there in zip(one.layers, other.layers, strict=True):
            assert here.delta == pytest.approx(there.delta, rel=1e-10)
            assert here.update_ratio == pytest.approx(there.update_ratio, rel=1e-8)
    assert state.rng.bit_generator.state == expected.rng.bit_generator.state


def test_the_last_step_of_whole_batches_is_measured_too() -> None:
    recipe = make_recipe(epochs=1, batch_size=ROWS, backend="numba")
    events, state = run(recipe)
    start = make_state(recipe)
    moved = np.sqrt(np.mean((state.network.W[2] - start.network.W[2]) ** 2))
    size = np.sqrt(np.mean(state.network.W[2] ** 2))
    assert epochs(events)[0].layers[0].update_ratio == pytest.approx(moved / size, rel=1e-10)


def test_compiled_training_stops_when_it_is_asked_to() -> None:
    recipe = make_recipe(backend="numba")
    state = make_state(recipe)
    before = everything(state)
    events, _ = run(recipe, state, stop=lambda: True)
    assert events == [TrainingEnded("interrupted", 0, 0)]
    assert everything(state) == before


def test_compiled_training_that_diverges_says_where() -> None:
    recipe = make_recipe(learning_rate=1e160, epochs=3, batch_size=5, backend="numba")
    state = make_state(recipe)
    error, _ = diverge(recipe, state)
    assert "epoch 1" in error.message
    np.testing.assert_array_equal(flat(state), flat(make_state(recipe)))


@pytest.mark.parametrize("name", ["adam", "rmsprop", "sgd"])
def test_no_memory_shrinks_below_full_precision(name: str) -> None:
    optimizer = OPTIMIZERS.create(name, **({"momentum": 0.9} if name == "sgd" else {}))
    recipe, samples = make_recipe(optimizer=optimizer, epochs=1, batch_size=1), make_samples(dtype=np.float32)
    _, state = run(recipe, make_state(recipe, dtype=np.float32), train=samples)
    silent = replace(samples, X=samples.X * np.array([0, 1, 1], np.float32))  # its weights' gradient is 0 now
    run(replace(recipe, epochs=1 + 1500 // ROWS), state, train=silent)
    memory = np.concatenate([array for key, array in state.optimizer_state.items() if key != "t"])
    smallest = np.abs(memory[memory != 0]).min()
    assert np.count_nonzero(memory == 0) >= 5
    assert smallest >= np.finfo(np.float32).tiny


def test_a_slow_step_is_not_handed_over_with_many_others() -> None:
    """Compiled steps ask ``stop`` only between two chunks."""
    recipe = make_recipe(batch_size=1)
    assert make_trainer(make_state(recipe), recipe)._chunk_steps() == trainer._CHUNK_STEPS
    wide = make_recipe(batch_size=300)
    assert make_trainer(make_state(wide), wide)._chunk_steps() == trainer._CHUNK_STEPS
    for units, expected in ((1000, 33), (2000, 8)):
        network = make_network((2, units, units, 2), "tanh", "identity")
        state = TrainingState(network, recipe.optimizer.start(network.parameters), np.random.default_rng(0))
        samples = Samples(np.zeros((3, 2)), np.zeros((3, 2)))
        assert make_trainer(state, recipe, train=samples)._chunk_steps() == expected
