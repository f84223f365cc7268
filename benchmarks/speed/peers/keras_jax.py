"""Keras on JAX, through ``model.fit``."""

import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"

import keras
from workloads import Array, Data, Workload, start

from peers import base


class Peer(base.Peer):
    """All epochs in one call."""

    def __init__(self, workload: Workload, data: Data) -> None:
        super().__init__(workload, data)
        activations = [*[workload.activation] * (len(workload.sizes) - 2), workload.output_activation]
        self._model = keras.Sequential(
            [keras.layers.Input((workload.sizes[0],))]
            + [
                keras.layers.Dense(n, activation=name)
                for n, name in zip(workload.sizes[1:], activations, strict=True)
            ]
        )
        self.restart()
        hot = keras.utils.to_categorical
        labels, judged = data.labels, data.validation_labels
        self._train = (data.X, labels if workload.classifies else hot(labels, workload.sizes[-1]))
        self._validation = (
            data.validation_X,
            judged if workload.classifies else hot(judged, workload.sizes[-1]),
        )

    def restart(self) -> None:
        workload, (W, b) = self.workload, start(self.workload)
        self._model.set_weights(
            [array for layer in zip((weights.T for weights in W), b, strict=True) for array in layer]
        )
        make = keras.optimizers.Adam if workload.optimizer == "adam" else keras.optimizers.SGD
        self._model.compile(
            make(learning_rate=workload.learning_rate),
            loss="sparse_categorical_crossentropy" if workload.classifies else "mean_squared_error",
            metrics=["accuracy"],
        )

    @staticmethod
    def version() -> str:
        return f"Keras {keras.__version__} on JAX"

    def _fit(self, epochs: int) -> tuple[float, float]:
        history = self._model.fit(
            *self._train,
            batch_size=self.workload.batch_size,
            epochs=epochs,
            validation_data=self._validation,
            verbose=0,
        ).history
        return float(history["loss"][-1]), float(history["val_accuracy"][-1])

    def epoch(self) -> tuple[float, float]:
        return self._fit(epochs=1)

    def train(self, epochs: int) -> float:
        return self._fit(epochs)[0]

    def outputs(self, X: Array) -> Array:
        answers: Array = self._model.predict(X, batch_size=len(X), verbose=0)
        return answers

    def save(self, path: Path) -> None:
        self._model.save(path.with_suffix(".keras"))
