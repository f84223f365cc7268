"""Metrics that a person reads beside the loss, summed up part by part so that data may be of any size."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from bpnet.core.arrays import Array


class Metric(ABC):
    """A tally over samples.

    Attributes
    ----------
    names : tuple of str
        What :meth:`result` reports.
    """

    names: ClassVar[tuple[str, ...]]

    @abstractmethod
    def add(self, outputs: Array, targets: Array) -> None:
        """Count samples in: outputs and targets of shape (N, n)."""

    @abstractmethod
    def result(self) -> dict[str, float]:
        """Each name's value over all samples so far; empty if there were none."""


class Accuracy(Metric):
    """Share of right answers: of samples for exclusive classes, of labels for yes/no outputs."""

    names = ("accuracy",)

    def __init__(self, *, exclusive: bool) -> None:
        self._exclusive = exclusive
        self._right = 0
        self._answers = 0

    def add(self, outputs: Array, targets: Array) -> None:
        if self._exclusive and outputs.shape[1] > 1:
            right = outputs.argmax(axis=1) == targets.argmax(axis=1)
        else:
            right = (outputs > 0.5) == (targets > 0.5)  # noqa: PLR2004 - the middle between no and yes
        self._right += int(np.count_nonzero(right))
        self._answers += right.size

    def result(self) -> dict[str, float]:
        return {"accuracy": self._right / self._answers} if self._answers else {}


class Regression(Metric):
    """R² and mean absolute error, in the unit of the targets, averaged over the outputs.

    R² = 1 − Σ(y − a)² / Σ(y − ȳ)²; where the targets do not vary it is 1 for a perfect fit and 0 otherwise.

    Parameters
    ----------
    unit : ndarray of shape (n,)
        Size of one encoded unit of each target in the target's own unit.
    """

    names = ("r2", "mae")

    def __init__(self, unit: Array) -> None:
        self._unit = unit.astype(np.float64)
        n = len(unit)
        self._count = 0
        self._origin, self._mean, self._spread = np.zeros(n), np.zeros(n), np.zeros(n)
        self._squares, self._absolutes = np.zeros(n), np.zeros(n)

    def add(self, outputs: Array, targets: Array) -> None:
        if not len(targets):
            return
        y = targets.astype(np.float64)
        residual = outputs - y
        self._squares += (residual * residual).sum(axis=0)
        self._absolutes += np.abs(residual).sum(axis=0)
        # Counted from the first sample, targets that never vary are exactly 0, and so is their spread.
        if not self._count:
            self._origin = y[0]
        y = y - self._origin
        # Chan's pairwise update: the spread about the mean, without the cancellation of Σy² − nȳ².
        count = self._count + len(y)
        shift = y.mean(axis=0) - self._mean
        self._spread += ((y - y.mean(axis=0)) ** 2).sum(axis=0) + shift**2 * self._count * len(y) / count
        self._mean += shift * len(y) / count
        self._count = count

    def result(self) -> dict[str, float]:
        if not self._count:
            return {}
        varies = self._spread > 0
        unexplained = np.where(varies, self._squares, self._squares > 0) / np.where(varies, self._spread, 1)
        mae = (self._absolutes * self._unit).mean() / self._count
        return {"r2": float(1 - unexplained.mean()), "mae": float(mae)}
