"""Schedules: how the learning rate changes from epoch to epoch."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from bpnet.core.registry import Registry, parameter


class Schedule(ABC):
    """A factor on the learning rate that depends on the epoch and on what happened so far.

    Attributes
    ----------
    name, summary, latex : str
        As YAML writes it; one line of help; the factor, with e the epoch from 1 to E.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    latex: ClassVar[str]

    @abstractmethod
    def factor(self, epoch: int, epochs: int, badness: Sequence[float]) -> float:
        """What the learning rate is multiplied by in this epoch.

        Parameters
        ----------
        epoch, epochs : int
            The epoch about to begin, from 1, and how many there are to be.
        badness : sequence of float
            The monitored quantity of every epoch so far, smaller being better.
        """


SCHEDULES: Registry[Schedule] = Registry("schedule")


@SCHEDULES.register
@dataclass(frozen=True)
class Constant(Schedule):
    """The same rate throughout."""

    name = "constant"
    summary = "the same rate throughout"
    latex = r"1"

    def factor(self, epoch: int, epochs: int, badness: Sequence[float]) -> float:
        return 1.0


@SCHEDULES.register
@dataclass(frozen=True)
class Step(Schedule):
    """Times ``drop`` after every ``every`` epochs."""

    name = "step"
    summary = "times `drop` after every `every` epochs"
    latex = r"d^{\lfloor (e - 1) / n \rfloor}"

    every: int = parameter(10, "epochs between two drops", minimum=1)
    drop: float = parameter(0.5, "factor at each drop", above=0.0, maximum=1.0)

    def factor(self, epoch: int, epochs: int, badness: Sequence[float]) -> float:
        return self.drop ** ((epoch - 1) // self.every)


@SCHEDULES.register
@dataclass(frozen=True)
class Exponential(Schedule):
    """Times ``decay`` every epoch."""

    name = "exponential"
    summary = "times `decay` every epoch"
    latex = r"d^{e - 1}"

    decay: float = parameter(0.95, "factor an epoch", above=0.0, maximum=1.0)

    def factor(self, epoch: int, epochs: int, badness: Sequence[float]) -> float:
        return self.decay ** (epoch - 1)


@SCHEDULES.register
@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a cosine from 1 in the first epoch towards ``final``, where it would be one epoch after the last.

    References
    ----------
    Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, 2017, without the restarts.
    """

    name = "cosine"
    summary = "half a cosine from 1 down towards `final`"
    latex = r"f + (1 - f) \tfrac{1}{2} \left(1 + \cos \pi \tfrac{e - 1}{E}\right)"

    final: float = parameter(0.0, "factor that the last epochs come near to", minimum=0.0, maximum=1.0)

    def factor(self, epoch: int, epochs: int, badness: Sequence[float]) -> float:
        progress = (epoch - 1) / epochs
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * progress)) / 2


@SCHEDULES.register
@dataclass(frozen=True)
class Plateau(Schedule):
    """Times ``drop`` whenever the monitored quantity has not improved for ``patience`` epochs."""

    name = "plateau"
    summary = "times `drop` when nothing improved for `patience` epochs"
    latex = r"d^{\text{number of plateaus so far}}"

    patience: int = parameter(5, "epochs without improvement before a drop", minimum=1)
    drop: float = parameter(0.5, "factor at each drop", above=0.0, below=1.0)

    def factor(self, epoch: int, epochs: int, badness: Sequence[float]) -> float:
        best, waited, drops = math.inf, 0, 0
        for value in badness:
            waited = 0 if value < best else waited + 1
            best = min(best, value)
            if waited == self.patience:
                drops, waited = drops + 1, 0
        return self.drop**drops


@SCHEDULES.register
@dataclass(frozen=True)
class Warmup(Schedule):
    """A straight rise to the full rate over the first ``epochs``, and from there another schedule."""

    name = "warmup"
    summary = "a straight rise over the first `epochs`, then another schedule"
    latex = r"\min(e / n, 1) \text{, then another schedule}"

    epochs: int = parameter(5, "epochs until the full rate", minimum=1)
    then: str = parameter("constant", "name of the schedule that follows, with its defaults")

    def __post_init__(self) -> None:
        if self.then not in SCHEDULES or self.then == self.name:
            others = ", ".join(name for name in SCHEDULES if name != self.name)
            raise ValueError(f"then: found {self.then!r}, expected one of {others}")

    def factor(self, epoch: int, epochs: int, badness: Sequence[float]) -> float:
        if epoch <= self.epochs:
            return epoch / self.epochs
        following = SCHEDULES.create(self.then)
        return following.factor(epoch - self.epochs, epochs - self.epochs, badness[self.epochs :])
