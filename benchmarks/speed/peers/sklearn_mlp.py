"""scikit-learn's multi-layer perceptron, epoch by epoch through ``partial_fit``.

It has no quadratic loss behind sigmoid outputs: there its regressor stands in, whose outputs are linear,
which is less work.
"""

import pickle
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier, MLPRegressor
from workloads import Array, Data, Workload

from peers import base

_ACTIVATIONS = {"sigmoid": "logistic", "tanh": "tanh", "relu": "relu"}


class Peer(base.Peer):
    """One pass over the rows at a time."""

    def __init__(self, workload: Workload, data: Data) -> None:
        super().__init__(workload, data)
        warnings.simplefilter("ignore")  # of partial_fit, on numbers that grow large: only speed is looked at
        self.restart()
        self._classes = workload.sizes[-1]
        self._X, self._targets = data.X, data.labels if workload.classifies else data.one_hot(self._classes)
        self._validation_X, self._validation_labels = data.validation_X, data.validation_labels

    def restart(self) -> None:
        """With weights of its own, which are Glorot's, too."""
        workload = self.workload
        make = MLPClassifier if workload.classifies else MLPRegressor
        self._model = make(
            hidden_layer_sizes=workload.sizes[1:-1],
            activation=_ACTIVATIONS[workload.activation],
            solver=workload.optimizer,
            alpha=0.0,
            batch_size=workload.batch_size,
            learning_rate_init=workload.learning_rate if workload.classifies else 0.1,
            momentum=0.0,
            random_state=0,
        )

    @staticmethod
    def version() -> str:
        return f"scikit-learn {sklearn.__version__}"

    def epoch(self) -> tuple[float, float]:
        if isinstance(self._model, MLPClassifier):
            self._model.partial_fit(self._X, self._targets, classes=np.arange(self._classes))
            accuracy = self._model.score(self._validation_X, self._validation_labels)
        else:
            self._model.partial_fit(self._X, self._targets)
            answers = self._model.predict(self._validation_X).argmax(axis=1)
            accuracy = (answers == self._validation_labels).mean()
        return float(self._model.loss_), float(accuracy)

    def outputs(self, X: Array) -> Array:
        answers: Array = self._model.predict_proba(X)
        return answers

    def save(self, path: Path) -> None:
        path.write_bytes(pickle.dumps(self._model))
