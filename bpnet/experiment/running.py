"""A run from start to end: its folder, the training itself, the final score, and going on later."""

import math
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bpnet import __version__
from bpnet.core.registry import describe
from bpnet.errors import DivergenceError, ModelError
from bpnet.experiment.preparing import Experiment, prepare
from bpnet.training.checkpoint import restore_checkpoint, save_checkpoint
from bpnet.training.evaluation import Samples, evaluate
from bpnet.training.events import EpochEnded, Event, TrainingEnded, TrainingStarted
from bpnet.training.files import fingerprint, write_atomically
from bpnet.training.model import Model
from bpnet.training.run_folder import (
    CHECKPOINT,
    CONFIG,
    HISTORY,
    MODEL,
    History,
    create_run_folder,
    held,
    saved_epochs,
    write_summary,
)
from bpnet.training.threads import blas_threads
from bpnet.training.trainer import Trainer, TrainingState

if TYPE_CHECKING:
    from bpnet.config import ExperimentConfig

SECONDS_BETWEEN_CHECKPOINTS = 1.0
_REST = 50
"""Checkpoints may take one part in so many of the time."""


@dataclass(frozen=True)
class TrainingResult:
    """A finished run.

    Attributes
    ----------
    folder : Path
    summary : dict
        What ``summary.json`` holds.
    model : Model
        With the best weights; those of the start if no epoch was finished.
    """

    folder: Path
    summary: dict[str, Any]
    model: Model


def run_experiment(
    config: "ExperimentConfig",
    parent: Path,
    watch: Callable[[Event], None],
    *,
    warn: Callable[[str], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> TrainingResult:
    """Train from the start, into a new run folder.

    Parameters
    ----------
    config : ExperimentConfig
    parent : Path
        The run folder is made in here, once the data are read.
    watch : callable
        Told every event.
    warn : callable
        Told what a person should know before training starts.
    stop : callable
        Asked before every step, or every few dozens of compiled ones; true ends training there, and what
        is done is saved.

    Raises
    ------
    DataError, ConfigError
        As :func:`prepare`; no folder is made.
    DivergenceError
        If training diverged; the best weights before that are saved.
    OutputError
        If something could not be written.
    """
    experiment = prepare(config, to_train=True)
    state = fresh_state(experiment)
    marks = _marks(experiment)
    folder = create_run_folder(parent, config.name)
    return _Run(experiment, state, folder, marks, watch=watch, stop=stop, fresh=True).train(warn)


def resume_experiment(
    config: "ExperimentConfig",
    folder: Path,
    watch: Callable[[Event], None],
    *,
    warn: Callable[[str], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> TrainingResult:
    """Go on with a run from its last checkpoint, to the same bits as if it had never stopped.

    Parameters
    ----------
    config : ExperimentConfig
        The run's own, perhaps with more epochs.
    folder : Path
    watch, warn, stop
        As for :func:`run_experiment`.

    Raises
    ------
    ModelError
        If there is no checkpoint, or it does not fit the config or the data.
    """
    if not (folder / CHECKPOINT).is_file():
        raise ModelError(f"{folder} has no checkpoint to go on from.", advice="Start a new run.")
    experiment = prepare(config, to_train=True)
    state = fresh_state(experiment)
    marks = _marks(experiment)
    restore_checkpoint(folder / CHECKPOINT, state, *marks)
    _refuse_finished(experiment, state, folder)
    return _Run(experiment, state, folder, marks, watch=watch, stop=stop).train(warn)


def _refuse_finished(experiment: Experiment, state: TrainingState, folder: Path) -> None:
    """Stop where there is nothing to go on with; a run whose end could not be saved has that to do."""
    recipe = experiment.recipe
    if saved_epochs(folder) != state.epoch:
        return
    if state.epoch >= recipe.epochs:
        raise ModelError(
            f"{folder} has {state.epoch} epochs already, and the config asks for {recipe.epochs}.",
            advice=f"To go on, ask for more: --set training.epochs={2 * state.epoch}.",
        )
    if recipe.is_out_of_patience(state):
        raise ModelError(
            f"{folder} stopped early: nothing had improved for {recipe.patience} epochs.",
            advice="To go on all the same: --set training.early_stopping=null.",
        )


def fresh_state(experiment: Experiment) -> TrainingState:
    """The state before the first epoch; the experiment's own network is left as it is."""
    network = experiment.model.network
    started = network.with_parameters(network.parameters.copy())
    return TrainingState(started, experiment.recipe.optimizer.start(started.parameters), experiment.rng)


def _marks(experiment: Experiment) -> tuple[str, str]:
    """What a checkpoint's data and best epoch rest on."""
    parts, recipe = (experiment.dataset.train, experiment.dataset.validation), experiment.recipe
    data = fingerprint(array for part in parts if part is not None for array in (part.X, part.Y))
    loss, *numbers = (f"{key} {value}" for key, value in describe(recipe.loss).items())
    weights = experiment.model.class_weights
    said = [loss.removeprefix("name "), *numbers, *([] if weights is None else [f"class weights {weights}"])]
    return data, f"the {recipe.monitor} of {', '.join(said)}"


class _Run:
    """One training and its folder."""

    def __init__(
        self,
        experiment: Experiment,
        state: TrainingState,
        folder: Path,
        marks: tuple[str, str],
        *,
        watch: Callable[[Event], None],
        stop: Callable[[], bool],
        fresh: bool = False,
    ) -> None:
        self._fresh = fresh
        self.experiment, self.state, self.folder = experiment, state, folder
        self.watch, self.stop = watch, stop
        self.marks = marks
        numbers = tuple(state.network.layers)
        self.history = History(folder / HISTORY, experiment.model.metric().names, numbers)

    def train(self, warn: Callable[[str], None]) -> TrainingResult:
        """Train to the end, to the stop, or to where it diverges; whatever was reached is saved."""
        from bpnet.config import dump_config

        with held(self.folder):
            return self._train(warn, dump_config(self.experiment.config))

    def _train(self, warn: Callable[[str], None], config_text: str) -> TrainingResult:
        config = self.experiment.config
        write_atomically(self.folder / CONFIG, config_text.encode())
        making = False
        try:
            with self.history.open(keep_epochs=self.state.epoch):
                for warning in self.experiment.warnings:
                    warn(warning)
                self.watch(self._started())
                making = self._fresh
                trainer = self._trainer()  # which may load a library whose threads are to be held, too
                making = False
                with blas_threads(self.state.network, config.training.batch_size):
                    reason = self._follow(trainer.run())
        except DivergenceError as error:
            self._save("diverged")
            saved = f"The run so far is in {self.folder}"
            raise DivergenceError(error.message, advice=f"{error.advice}\n{saved}.") from error
        except BaseException:
            if making:  # by Ctrl-C in a compiler, say: a new run of which there is nothing to keep
                shutil.rmtree(self.folder, ignore_errors=True)
            raise
        return self._save(reason)

    def _trainer(self) -> Trainer:
        experiment = self.experiment
        return Trainer(
            self.state,
            experiment.recipe,
            experiment.train_samples,
            experiment.samples(experiment.dataset.validation),
            experiment.model.metric,
            stop=self.stop,
        )

    def _started(self) -> TrainingStarted:
        experiment, network = self.experiment, self.state.network
        dataset, recipe = experiment.dataset, experiment.recipe
        names = ("", *(layer.activation.name for layer in network.layers.values()))
        parts = (dataset.train, dataset.validation, dataset.test)
        rows = [0 if part is None else len(part.X) for part in parts]
        return TrainingStarted(
            name=experiment.config.name,
            layers=tuple(zip(network.sizes, names, strict=True)),
            parameters=network.parameters.size,
            epochs=recipe.epochs,
            epochs_done=self.state.epoch,
            train_rows=rows[0],
            validation_rows=rows[1],
            test_rows=rows[2],
            metrics=experiment.model.metric().names,
            monitor=recipe.monitor,
            backend=recipe.backend,
        )

    def _follow(self, events: Iterator[Event]) -> str:
        """Pass the events on, and keep what must outlive the program; returns why training ended."""
        reason, due = "completed", -math.inf
        for event in events:
            if isinstance(event, EpochEnded):
                self.history.add(event)
                if (now := time.monotonic()) >= due:
                    self._save_checkpoint()
                    spent = time.monotonic() - now
                    due = now + max(SECONDS_BETWEEN_CHECKPOINTS, _REST * spent)
            elif isinstance(event, TrainingEnded):
                reason = event.reason
            self.watch(event)
        return reason

    def _save_checkpoint(self) -> None:
        save_checkpoint(self.folder / CHECKPOINT, self.state, *self.marks)

    def _save(self, reason: str) -> TrainingResult:
        """Write the checkpoint, the model with the best weights, and the summary."""
        self._save_checkpoint()
        state, model = self.state, self.experiment.model
        if state.best_epoch:
            model = replace(model, network=model.network.with_parameters(state.best_parameters))
        config = self.experiment.config
        info = {
            "name": config.name,
            "epoch": state.best_epoch,
            "versions": {"bpnet": __version__, "numpy": np.__version__},
        }
        model.save(self.folder / MODEL, info)
        summary = {
            "run": str(self.folder),
            "name": config.name,
            "epochs": state.epoch,
            "best_epoch": state.best_epoch,
            "monitor": config.training.monitor,
            "stopped": reason,
            "parameters": model.network.parameters.size,
            "seconds": round(state.seconds, 6),
            **self._scores(model),
        }
        write_summary(self.folder, summary)
        return TrainingResult(self.folder, summary, model)

    def _scores(self, model: Model) -> dict[str, dict[str, float | None] | None]:
        """Loss and metrics of the model that is kept, on each part."""
        dataset = self.experiment.dataset
        parts = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
        return {
            name: None if samples is None else _score(model, samples)
            for name, samples in ((name, self.experiment.samples(part)) for name, part in parts.items())
        }


def _score(model: Model, samples: Samples) -> dict[str, float | None]:
    """Loss and metrics; None for what is no finite number, as JSON has none."""
    score = evaluate(model.network, model.loss, model.metric, samples)
    values = {"loss": score.loss, **score.metrics}
    return {name: value if math.isfinite(value) else None for name, value in values.items()}
