"""scikit-learn's multi-layer perceptron, epoch by epoch through ``partial_fit``.

It has no quadratic loss behind sigmoid outputs: there its regressor stands in, whose outputs are linear,
which is less work.
"""

import time
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier, MLPRegressor
from workloads import Workload, read_data

_ACTIVATIONS = {"sigmoid": "logistic", "relu": "relu"}


def version() -> str:
    """What is measured."""
    return f"scikit-learn {sklearn.__version__}"


class Peer:
    """Goes on training each time."""

    def __init__(self, workload: Workload, folder: Path) -> None:
        warnings.simplefilter("ignore")  # of partial_fit, on numbers that grow large: only speed is looked at
        self._workload = workload
        data = read_data(folder)
        classifies = workload.loss == "cross_entropy"
        make = MLPClassifier if classifies else MLPRegressor
        self._model = make(
            hidden_layer_sizes=workload.sizes[1:-1],
            activation=_ACTIVATIONS[workload.activation],
            solver=workload.optimizer,
            alpha=0.0,
            batch_size=workload.batch_size,
            learning_rate_init=workload.learning_rate if classifies else 0.1,
            momentum=0.0,
            random_state=0,
        )
        self._classes = workload.sizes[-1]
        self._X, self._targets = data.X, data.labels if classifies else data.one_hot(self._classes)
        self._validation_X, self._validation_labels = data.validation_X, data.validation_labels
        self._epoch()

    def _epoch(self) -> float:
        if isinstance(self._model, MLPClassifier):
            self._model.partial_fit(self._X, self._targets, classes=np.arange(self._classes))
            self._model.score(self._validation_X, self._validation_labels)
        else:
            self._model.partial_fit(self._X, self._targets)
            self._model.predict(self._validation_X).argmax(axis=1)
        return float(self._model.loss_)

    def run(self) -> tuple[float, float]:
        """Train; returns the seconds of the timed epochs and the last one's loss."""
        began = time.perf_counter()
        for _ in range(self._workload.epochs):
            loss = self._epoch()
        return time.perf_counter() - began, loss
