"""What the trainer tells while it works: frozen records of numbers, for whoever listens."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from bpnet.core.health import LayerHealth


@dataclass(frozen=True)
class Score:
    """How well a network does on some samples.

    Attributes
    ----------
    loss : float
        Mean loss a sample, without the penalty, so that parts and epochs compare.
    metrics : mapping of str to float
        ``accuracy``, or ``r2`` and ``mae``.
    """

    loss: float
    metrics: Mapping[str, float]

    def __getitem__(self, name: str) -> float:
        return self.loss if name == "loss" else self.metrics[name]


@dataclass(frozen=True)
class TrainingStarted:
    """What is about to be trained.

    Attributes
    ----------
    name : str
        The config's name.
    layers : tuple of (int, str)
        Units and activation of layers 1 to L; the input's activation is empty.
    parameters, epochs : int
    epochs_done : int
        Epochs that a resumed run has behind it.
    train_rows, validation_rows, test_rows : int
        0 where there is no such part.
    metrics : tuple of str
    monitor : str
        What makes an epoch the best.
    backend : str
        What steps through the batches: ``numpy`` or ``numba``.
    """

    name: str
    layers: tuple[tuple[int, str], ...]
    parameters: int
    epochs: int
    epochs_done: int
    train_rows: int
    validation_rows: int
    test_rows: int
    metrics: tuple[str, ...]
    monitor: str
    backend: str


@dataclass(frozen=True)
class Progress:
    """Part of an epoch is done."""

    epoch: int
    samples_done: int
    samples: int


@dataclass(frozen=True)
class EpochEnded:
    """An epoch is done and the layers are measured.

    Attributes
    ----------
    epoch, epochs : int
    train : Score
        Over the epoch's batches, each as it was when its turn came (with dropout, before its update).
    validation : Score or None
        Of the weights at the epoch's end.
    learning_rate : float
    seconds : float
        Since training began, earlier sessions of a resumed run included.
    layers : tuple of LayerHealth
        Layers 2 to L at the epoch's end, on the same probe samples in every epoch.
    monitored : float
        What ``training.monitor`` names, of the weights at the epoch's end.
    best : bool
        Whether these weights are the best so far.
    """

    epoch: int
    epochs: int
    train: Score
    validation: Score | None
    learning_rate: float
    seconds: float
    layers: tuple[LayerHealth, ...]
    monitored: float
    best: bool


@dataclass(frozen=True)
class TrainingEnded:
    """No more epochs follow.

    Attributes
    ----------
    reason : str
        ``completed``, ``early_stopping`` or ``interrupted``.
    epochs, best_epoch : int
        How many epochs were trained, and which of them was best; 0 for none.
    """

    reason: str
    epochs: int
    best_epoch: int


Event: TypeAlias = TrainingStarted | Progress | EpochEnded | TrainingEnded
