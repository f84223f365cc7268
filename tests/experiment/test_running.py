import csv
import errno
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import threadpoolctl

from bpnet import __version__
from bpnet.config import load_config
from bpnet.core.network import forward
from bpnet.core.optimizers import OPTIMIZERS
from bpnet.errors import BpnetError, ConfigError, DivergenceError, ModelError, OutputError
from bpnet.experiment import TrainingResult, prepare, resume_experiment, run_experiment, running
from bpnet.training.events import EpochEnded, Event, Progress, TrainingEnded, TrainingStarted
from bpnet.training.files import load_tensors
from bpnet.training.model import Model
from bpnet.training.run_folder import CHECKPOINT, CONFIG, HISTORY, MODEL, SUMMARY, held
from tests.experiment.texts import (
    CLASSES,
    INLINE,
    NUMBER,
    StopAfter,
    Watcher,
    load,
    without_times,
    write_rows,
)

STEPS = 5
"""Of an epoch of CLASSES: 33 training rows, 7 a batch."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_rows(tmp_path)
    return tmp_path


def run(folder: Path, text: str = CLASSES, *overrides: str, **given: Any) -> tuple[TrainingResult, Watcher]:
    watcher = Watcher()
    config = load(folder, text, *overrides)
    return run_experiment(config, folder / "runs", watcher, warn=watcher.warnings.append, **given), watcher


def resume(result: TrainingResult, *overrides: str, **given: Any) -> tuple[TrainingResult, Watcher]:
    """Go on as the command line does: from the config that the run itself keeps."""
    watcher = Watcher()
    config = load_config(result.folder / CONFIG, overrides)
    return resume_experiment(config, result.folder, watcher, **given), watcher


def history(folder: Path) -> list[dict[str, str]]:
    with (folder / HISTORY).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def kept(result: TrainingResult) -> dict[str, Any]:
    """All that a run leaves, the times left out: two runs of the same bits have the same."""
    tensors, metadata = load_tensors(result.folder / CHECKPOINT)
    model, described = load_tensors(result.folder / MODEL)
    return {
        "checkpoint": {name: array.tobytes() for name, array in tensors.items()},
        "state": {key: value for key, value in metadata.items() if key != "seconds"},
        "model": ({name: array.tobytes() for name, array in model.items()}, described),
        "history": [
            {key: cell for key, cell in row.items() if key != "seconds"} for row in history(result.folder)
        ],
        "summary": without_times(json.loads((result.folder / SUMMARY).read_text(encoding="utf-8"))),
    }


# What a run tells and leaves


def test_what_is_told(folder: Path) -> None:
    result, watcher = run(folder)
    assert watcher.events[0] == TrainingStarted(
        name="small",
        layers=((3, ""), (5, "tanh"), (3, "softmax")),
        parameters=38,
        epochs=6,
        epochs_done=0,
        train_rows=33,
        validation_rows=15,
        test_rows=12,
        metrics=("accuracy",),
        monitor="validation_loss",
        backend="numpy",
    )
    kinds = [type(event) for event in watcher.events[1:]]
    assert kinds == [*[Progress, EpochEnded] * 6, TrainingEnded]
    assert watcher.events[-1] == TrainingEnded("completed", 6, result.summary["best_epoch"])
    assert watcher.warnings == []


def test_parts_that_are_not_there_have_no_rows(folder: Path) -> None:
    started = run(folder, INLINE)[1].events[0]
    assert isinstance(started, TrainingStarted)
    assert (started.train_rows, started.validation_rows, started.test_rows) == (4, 0, 0)


def test_warnings_come_before_the_first_event(folder: Path) -> None:
    told: list[object] = []
    config = load(folder, NUMBER, "data.scale_target=none", "network.output_activation=tanh")
    run_experiment(config, folder / "runs", told.append, warn=told.append)
    assert isinstance(told[0], str)
    assert "tanh outputs lie between -1 and 1" in told[0]
    assert isinstance(told[1], TrainingStarted)


def test_the_folder(folder: Path) -> None:
    result, _ = run(folder)
    assert result.folder == folder / "runs" / "small-1"
    files = {str(path.relative_to(result.folder)) for path in result.folder.rglob("*") if path.is_file()}
    assert files == {
        "config.yaml",
        "history.csv",
        "model.safetensors",
        "summary.json",
        "checkpoints/last.safetensors",
    }


def test_the_kept_config_is_the_resolved_one(folder: Path) -> None:
    result, _ = run(folder, CLASSES, "training.epochs=2")
    config = load_config(result.folder / CONFIG)
    assert config == prepare(load(folder, CLASSES, "training.epochs=2")).config
    assert config.training.backend == "numpy"
    assert config.training.monitor == "validation_loss"
    assert config.data.train == folder / "rows.csv"


def test_a_row_an_epoch(folder: Path) -> None:
    result, watcher = run(folder)
    rows = history(result.folder)
    assert list(rows[0]) == [
        "epoch",
        "loss",
        "validation_loss",
        "accuracy",
        "validation_accuracy",
        "learning_rate",
        "seconds",
        "delta_2",
        "delta_3",
        "nabla_2",
        "nabla_3",
    ]
    for row, event in zip(rows, watcher.epochs, strict=True):
        assert event.validation is not None
        assert [float(cell) for cell in row.values()] == [
            event.epoch,
            event.train.loss,
            event.validation.loss,
            event.train.metrics["accuracy"],
            event.validation.metrics["accuracy"],
            0.02,
            round(event.seconds, 6),
            *(layer.delta for layer in event.layers),
            *(layer.nabla for layer in event.layers),
        ]


def test_columns_of_a_regression(folder: Path) -> None:
    rows = history(run(folder, NUMBER)[0].folder)
    assert list(rows[0])[:7] == [
        "epoch",
        "loss",
        "validation_loss",
        "r2",
        "validation_r2",
        "mae",
        "validation_mae",
    ]
    assert {row["validation_r2"] for row in rows} == {""}


def test_the_summary(folder: Path) -> None:
    result, watcher = run(folder)
    summary = json.loads((result.folder / SUMMARY).read_text(encoding="utf-8"))
    assert summary == result.summary
    assert list(summary) == [
        "run",
        "name",
        "epochs",
        "best_epoch",
        "monitor",
        "stopped",
        "parameters",
        "seconds",
        "train",
        "validation",
        "test",
    ]
    best = min(watcher.epochs, key=lambda event: event.monitored)
    assert best.validation is not None
    assert summary["validation"] == {"loss": best.validation.loss, **best.validation.metrics}
    assert summary | {"train": 0, "validation": 0, "test": 0} == {
        "run": str(result.folder),
        "name": "small",
        "epochs": 6,
        "best_epoch": best.epoch,
        "monitor": "validation_loss",
        "stopped": "completed",
        "parameters": 38,
        "seconds": round(watcher.epochs[-1].seconds, 6),
        "train": 0,
        "validation": 0,
        "test": 0,
    }


def test_the_summary_has_null_for_parts_that_are_not_there(folder: Path) -> None:
    summary = run(folder, INLINE)[0].summary
    assert (summary["validation"], summary["test"]) == (None, None)
    assert list(summary["train"]) == ["loss", "accuracy"]


def test_the_summary_has_null_for_a_loss_that_is_no_number(folder: Path) -> None:
    """Test rows that overflow do not stop a training that never sees them."""
    text = NUMBER.replace("  scale: standard\n", "  test: held.csv\n  scale: none\n")
    (folder / "held.csv").write_text("x,y,z,size\n1,2,3,1e30\n", encoding="utf-8")
    summary = run(folder, text)[0].summary
    assert summary["test"]["loss"] is None
    assert summary["train"]["loss"] is not None
    stored = (folder / "runs" / "number-1" / SUMMARY).read_text(encoding="utf-8")
    assert json.loads(stored) == summary
    assert "NaN" not in stored
    assert "Infinity" not in stored


def test_the_model_has_the_best_weights_and_says_whence(folder: Path) -> None:
    best = []
    config = load(folder, CLASSES, "training.learning_rate=0.3", "training.epochs=12")

    def watch(event: Event) -> None:
        if isinstance(event, EpochEnded) and event.best:
            best.append(event.epoch)

    result = run_experiment(config, folder / "runs", watch)
    assert result.summary["best_epoch"] == best[-1] < 12
    loaded = Model.load(result.folder)
    assert loaded.network.parameters.tobytes() == result.model.network.parameters.tobytes()
    checkpoint = load_tensors(result.folder / CHECKPOINT)[0]
    assert loaded.network.parameters.tobytes() == checkpoint["best_parameters"].tobytes()
    assert (checkpoint["parameters"] != checkpoint["best_parameters"]).any()
    info = load_tensors(result.folder / MODEL)[1]["info"]
    assert info == {
        "name": "small",
        "epoch": result.summary["best_epoch"],
        "versions": {"bpnet": __version__, "numpy": np.__version__},
    }


def test_a_kept_model_answers_as_the_one_in_memory(folder: Path) -> None:
    result, _ = run(folder)
    rows = folder / "rows.csv"
    assert Model.load(result.folder).outputs(rows).tobytes() == result.model.outputs(rows).tobytes()
    experiment = prepare(load(folder))
    assert experiment.dataset.test is not None
    outputs = forward(result.model.network, experiment.dataset.test.X).outputs
    right = (outputs.argmax(axis=1) == experiment.dataset.test.Y.argmax(axis=1)).mean()
    assert result.summary["test"]["accuracy"] == right


@pytest.mark.parametrize("text", [CLASSES, NUMBER])
def test_a_kept_model_scores_a_file_as_the_run_did(folder: Path, text: str) -> None:
    path = folder / "held.csv"
    shutil.copy(folder / "rows.csv", path)
    result, _ = run(folder, text, f"data.test={path}")
    assert Model.load(result.folder).score(path) == result.summary["test"]


def test_small_layers_are_trained_on_one_thread(folder: Path) -> None:
    seen = []

    def watch(_: Event) -> None:
        pools = threadpoolctl.threadpool_info()
        seen.append({pool["num_threads"] for pool in pools if pool["user_api"] == "blas"})

    run_experiment(load(folder), folder / "runs", watch)
    assert seen[1:] == [{1}] * (len(seen) - 1)  # the first event comes before the training


# Bits


def test_the_same_config_leaves_the_same_bits(folder: Path) -> None:
    (first, _), (second, _), (other, _) = run(folder), run(folder), run(folder, CLASSES, "seed=4")
    assert first.folder != second.folder
    assert kept(first) == kept(second)
    assert kept(first)["checkpoint"] != kept(other)["checkpoint"]


def test_runs_at_once_do_not_disturb_each_other(folder: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: run(folder)[0], range(4)))
    assert {result.folder.name for result in results} == {f"small-{n}" for n in range(1, 5)}
    first, *rest = map(kept, results)
    assert all(each == first for each in rest)


# Interruption and going on

HARD = [
    "training.schedule={name: plateau, patience: 1}",
    "training.early_stopping={patience: 3, min_delta: 0.01}",
    "training.clip_norm=0.5",
    "training.weight_decay=0.01",
    "training.class_weights=balanced",
]


def test_an_interrupted_run_keeps_what_is_done(folder: Path) -> None:
    result, watcher = run(folder, stop=StopAfter(2 * STEPS + 3))
    assert watcher.events[-1] == TrainingEnded("interrupted", 2, result.summary["best_epoch"])
    assert (result.summary["stopped"], result.summary["epochs"]) == ("interrupted", 2)
    assert [row["epoch"] for row in history(result.folder)] == ["1", "2"]
    short, _ = run(folder, CLASSES, "training.epochs=2")
    assert kept(result)["checkpoint"] == kept(short)["checkpoint"]


def test_a_run_that_is_stopped_at_once_keeps_its_start(folder: Path) -> None:
    result, _ = run(folder, stop=lambda: True)
    assert (result.summary["epochs"], result.summary["best_epoch"]) == (0, 0)
    start = prepare(load(folder)).model.network.parameters
    assert Model.load(result.folder).network.parameters.tobytes() == start.tobytes()
    assert history(result.folder) == []
    resumed, _ = resume(result)
    assert kept(resumed)["checkpoint"] == kept(run(folder)[0])["checkpoint"]


@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
def test_a_resumed_run_is_an_uninterrupted_one(folder: Path, optimizer: str) -> None:
    overrides = [*HARD, f"training.optimizer={optimizer}", "training.epochs=8"]
    if optimizer == "adamw":
        overrides.remove("training.weight_decay=0.01")
    whole = kept(run(folder, CLASSES, *overrides)[0])
    result, _ = run(folder, CLASSES, *overrides, stop=StopAfter(STEPS + 2))
    result, first = resume(result, stop=StopAfter(3 * STEPS))
    result, second = resume(result)
    for watcher, done in ((first, 1), (second, 4)):
        started = watcher.events[0]
        assert isinstance(started, TrainingStarted)
        assert started.epochs_done == done
    assert kept(result) == whole


def test_early_stopping_counts_across_sessions(folder: Path) -> None:
    overrides = ["training.early_stopping={patience: 3, min_delta: 1000}", "training.epochs=9"]
    whole, _ = run(folder, CLASSES, *overrides)
    assert (whole.summary["stopped"], whole.summary["epochs"]) == ("early_stopping", 4)
    part, _ = run(folder, CLASSES, *overrides, stop=StopAfter(2 * STEPS))
    assert kept(resume(part)[0]) == kept(whole)


def test_more_epochs_after_the_end(folder: Path) -> None:
    whole, _ = run(folder, CLASSES, "training.epochs=9")
    result, _ = run(folder)
    result, _ = resume(result, "training.epochs=9")
    assert kept(result) == kept(whole)
    assert load_config(result.folder / CONFIG).training.epochs == 9
    with pytest.raises(ModelError, match="has 9 epochs already, and the config asks for 9") as caught:
        resume(result)
    assert "--set training.epochs=18" in caught.value.advice
    assert kept(result) == kept(whole)


def test_a_run_that_stopped_early_says_how_to_go_on(folder: Path) -> None:
    result, _ = run(folder, CLASSES, "training.early_stopping={patience: 1, min_delta: 9}")
    assert result.summary["stopped"] == "early_stopping"
    with pytest.raises(ModelError, match="stopped early: nothing had improved for 1 epochs") as caught:
        resume(result)
    assert "--set training.early_stopping=null" in caught.value.advice
    assert resume(result, "training.early_stopping=null")[0].summary["epochs"] == 6


class KilledError(Exception):
    """Stands for a process that dies between two events."""


def killed_at(epoch: int, folder: Path, *overrides: str) -> Path:
    def watch(event: Event) -> None:
        if isinstance(event, EpochEnded) and event.epoch == epoch:
            raise KilledError

    with pytest.raises(KilledError):
        run_experiment(load(folder, CLASSES, *overrides), folder / "runs", watch)
    return max((folder / "runs").iterdir(), key=lambda path: int(path.name.rpartition("-")[2]))


@pytest.mark.parametrize("every", [0.0, 1e9])
def test_a_run_that_was_killed(folder: Path, monkeypatch: pytest.MonkeyPatch, every: float) -> None:
    """It goes on from the last checkpoint in time, whatever the history says beyond it."""
    monkeypatch.setattr(running, "SECONDS_BETWEEN_CHECKPOINTS", every)
    died = killed_at(4, folder)
    assert len(history(died)) == 4
    assert not (died / SUMMARY).exists()
    config = load_config(died / CONFIG)
    with pytest.raises(ModelError, match=r"small-1 is unfinished\.\nGo on with it: bpnet train --resume"):
        Model.load(died)
    result = resume_experiment(config, died, Watcher())
    assert kept(result) == kept(run(folder)[0])


def test_checkpoints_are_spaced_in_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(1000))  # the clock moves a second each time it is looked at
    monkeypatch.setattr(running, "SECONDS_BETWEEN_CHECKPOINTS", 2.5)
    monkeypatch.setattr(running, "_REST", 1)
    monkeypatch.setattr("bpnet.experiment.running.time.monotonic", lambda: next(seconds))
    saved = []
    monkeypatch.setattr(running, "save_checkpoint", lambda _path, state, *_marks: saved.append(state.epoch))
    run(folder)
    assert saved == [1, 3, 5, 6]  # the first epoch, then every 2.5 s or more, and at the end


def test_a_checkpoint_that_takes_long_is_written_seldom(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter(range(1000))
    monkeypatch.setattr("bpnet.experiment.running.time.monotonic", lambda: next(seconds))
    saved = []
    monkeypatch.setattr(running, "save_checkpoint", lambda _path, state, *_marks: saved.append(state.epoch))
    run(folder)
    assert saved == [1, 6]  # the first took a second, so the next comes 50 s later; and at the end


def test_two_processes_never_train_into_one_folder(folder: Path) -> None:
    result, _ = run(folder, stop=StopAfter(2 * STEPS))
    with held(result.folder), pytest.raises(OutputError, match="Another process is training into"):
        resume(result)
    assert resume(result)[0].summary["epochs"] == 6


def test_a_run_judged_by_other_numbers_of_its_loss_is_not_gone_on_with(folder: Path) -> None:
    result, _ = run(folder, NUMBER, "training.loss=huber", stop=StopAfter(4))
    with pytest.raises(
        ModelError, match=r"huber, threshold 1\.0, and the config judges by .* threshold 0\.5"
    ):
        resume(result, "training.loss={name: huber, threshold: 0.5}")


def test_history_rows_beyond_the_checkpoint_are_made_anew(folder: Path) -> None:
    result, _ = run(folder, stop=StopAfter(3 * STEPS))
    with (result.folder / HISTORY).open("a", encoding="utf-8") as file:
        file.write("4,9,9,9,9,9,9,9,9,9,9\n5,9")
    result, _ = resume(result)
    assert kept(result) == kept(run(folder)[0])


def test_a_history_that_is_gone(folder: Path) -> None:
    result, _ = run(folder)
    (result.folder / HISTORY).unlink()
    with pytest.raises(ModelError, match="does not hold the 6 epochs of the checkpoint"):
        resume(result, "training.epochs=9")


def test_no_checkpoint(folder: Path) -> None:
    result, _ = run(folder)
    shutil.rmtree(result.folder / CHECKPOINT.parent)
    with pytest.raises(ModelError, match=r"has no checkpoint to go on from\.\nStart a new run\."):
        resume(result)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("training.dtype=float64", "its network, optimizer or dtype is another"),
        ("network.layers=[3, 6, 3]", "its network, optimizer or dtype is another"),
        ("network.activation=relu", "its network, optimizer or dtype is another"),
        ("training.optimizer=sgd", "its network, optimizer or dtype is another"),
        ("seed=9", "the data changed since, or the seed that deals them out"),
        ("data.scale=none", "the data changed since, or the seed that deals them out"),
        ("data.validation=0.3", "the data changed since, or the seed that deals them out"),
        ("training.monitor=accuracy", "by the validation_loss of cross_entropy, .* by the accuracy of"),
        (
            "training.loss=quadratic",
            "by the validation_loss of cross_entropy, .* validation_loss of quadratic",
        ),
    ],
)
def test_a_config_that_the_checkpoint_does_not_fit(folder: Path, override: str, expected: str) -> None:
    result, _ = run(folder)
    before = kept(result)
    with pytest.raises(ModelError, match=expected):
        resume(result, override)
    assert kept(result) == before
    assert load_config(result.folder / CONFIG) == prepare(load(folder)).config


@pytest.mark.parametrize("part", ["train", "validation"])
def test_rows_that_changed_since(folder: Path, part: str) -> None:
    shutil.copy(folder / "rows.csv", folder / "held.csv")
    result, _ = run(folder, CLASSES, f"data.validation={folder / 'held.csv'}")
    path = folder / ("rows.csv" if part == "train" else "held.csv")
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines[:-1], f"9{lines[-1]}"]), encoding="utf-8")
    with pytest.raises(ModelError, match="was trained on other rows"):
        resume(result)


def test_a_damaged_checkpoint(folder: Path) -> None:
    result, _ = run(folder)
    content = bytearray((result.folder / CHECKPOINT).read_bytes())
    content[-5] ^= 4
    (result.folder / CHECKPOINT).write_bytes(content)
    with pytest.raises(ModelError, match="its checksum does not fit"):
        resume(result)


# Divergence


def test_what_is_reached_before_a_divergence_is_saved(folder: Path) -> None:
    overrides = [
        "training.learning_rate=0.01",
        "training.schedule={name: warmup, epochs: 20}",  # epoch by epoch a larger rate
        "training.optimizer={name: sgd, momentum: 0.9}",
        "training.epochs=40",
        "training.batch_size=10",
    ]
    path = folder / "rows.csv"
    text = NUMBER.replace("  scale_target: standard\n", "").replace("tanh", "relu")
    config = load(folder, text, *overrides)
    watcher = Watcher()
    with pytest.raises(DivergenceError) as caught:
        run_experiment(config, folder / "runs", watcher)
    done = len(watcher.epochs)
    result = folder / "runs" / "number-1"
    assert 0 < done < 40
    assert f"Training diverged in epoch {done + 1}: " in caught.value.message
    assert "data.scale_target: standard (a target is as large as" in caught.value.advice
    assert caught.value.advice.endswith(f"\nThe run so far is in {result}.")
    summary = json.loads((result / SUMMARY).read_text(encoding="utf-8"))
    assert (summary["stopped"], summary["epochs"]) == ("diverged", done)
    assert 1 <= summary["best_epoch"] <= done
    assert len(history(result)) == done
    assert np.isfinite(Model.load(result).predict(path)).all()
    # Going on from there with a smaller rate works.
    config = load_config(result / CONFIG, ["training.learning_rate=1e-9", f"training.epochs={done + 1}"])
    assert resume_experiment(config, result, Watcher()).summary["epochs"] == done + 1


def test_a_divergence_in_the_first_epoch_keeps_the_start(folder: Path) -> None:
    config = load(folder, NUMBER, "training.learning_rate=1e38", "network.activation=relu")
    with pytest.raises(DivergenceError, match="in epoch 1: "):
        run_experiment(config, folder / "runs", Watcher())
    model = Model.load(folder / "runs" / "number-1")
    start = prepare(config).model.network.parameters
    assert model.network.parameters.tobytes() == start.tobytes()


# Mistakes and mishaps


def test_a_config_that_does_not_fit_the_data_makes_no_folder(folder: Path) -> None:
    with pytest.raises(ConfigError):
        run(folder, CLASSES, "network.layers=[9, 3]")
    assert not (folder / "runs").exists()


def test_a_place_where_no_run_can_be(folder: Path) -> None:
    (folder / "runs").write_bytes(b"")
    with pytest.raises(OutputError, match="No run folder could be made in") as caught:
        run(folder)
    assert caught.value.exit_code == 6


@pytest.mark.parametrize("call", range(6))
def test_a_disk_that_is_full_from_some_file_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    """Config, history, checkpoint, model, summary: whichever comes first to fail, the rest is whole."""
    left, real = [call], os.fsync

    def sync(descriptor: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    with pytest.raises(OutputError, match="could not be written: No space left on device"):
        run(folder)
    order = [CONFIG, HISTORY, str(CHECKPOINT), str(CHECKPOINT), MODEL, SUMMARY]
    result = folder / "runs" / "small-1"
    files = {str(path.relative_to(result)) for path in result.rglob("*") if path.is_file()}
    assert files == set(order[:call])
    monkeypatch.undo()
    if call > order.index(str(CHECKPOINT)):
        resumed = resume_experiment(load_config(result / CONFIG), result, Watcher())
        assert kept(resumed) == kept(run(folder)[0])


def test_a_mistake_of_a_watcher_is_not_swallowed(folder: Path) -> None:
    def watch(event: Event) -> None:
        raise BpnetError("the terminal is gone")

    with pytest.raises(BpnetError, match="the terminal is gone"):
        run_experiment(load(folder), folder / "runs", watch)


def test_what_was_prepared_is_not_changed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load(folder)
    experiment = prepare(config)
    start = experiment.model.network.parameters.tobytes()
    monkeypatch.setattr(running, "prepare", lambda _, **__: experiment)
    result = run_experiment(config, folder / "runs", Watcher())
    assert config == load(folder)
    assert experiment.model.network.parameters.tobytes() == start
    assert result.model.network.parameters.tobytes() != start


def test_a_new_run_that_never_begins_leaves_no_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(running._Run, "_trainer", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_experiment(load(folder), folder / "runs", lambda _: None)
    assert list((folder / "runs").iterdir()) == []
