"""Keras on JAX, through ``model.fit``."""

import os
import time
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"

import keras
from workloads import Workload, read_data


def version() -> str:
    """What is measured."""
    return f"Keras {keras.__version__} on JAX"


class Peer:
    """Goes on training each time."""

    def __init__(self, workload: Workload, folder: Path) -> None:
        self._workload = workload
        data = read_data(folder)
        activations = [*[workload.activation] * (len(workload.sizes) - 2), workload.output_activation]
        self._model = keras.Sequential(
            [keras.layers.Input((workload.sizes[0],))]
            + [
                keras.layers.Dense(n, activation=name)
                for n, name in zip(workload.sizes[1:], activations, strict=True)
            ]
        )
        classifies = workload.loss == "cross_entropy"
        make = keras.optimizers.Adam if workload.optimizer == "adam" else keras.optimizers.SGD
        self._model.compile(
            make(learning_rate=workload.learning_rate),
            loss="sparse_categorical_crossentropy" if classifies else "mean_squared_error",
            metrics=["accuracy"],
        )
        hot = keras.utils.to_categorical
        labels, judged = data.labels, data.validation_labels
        self._train = (data.X, labels if classifies else hot(labels, workload.sizes[-1]))
        self._validation = (data.validation_X, judged if classifies else hot(judged, workload.sizes[-1]))
        self._fit(epochs=1)

    def _fit(self, epochs: int) -> float:
        history = self._model.fit(
            *self._train,
            batch_size=self._workload.batch_size,
            epochs=epochs,
            validation_data=self._validation,
            verbose=0,
        )
        return float(history.history["loss"][-1])

    def run(self) -> tuple[float, float]:
        """Train; returns the seconds of the timed epochs and the last one's loss."""
        began = time.perf_counter()
        loss = self._fit(self._workload.epochs)
        return time.perf_counter() - began, loss
