"""A trained model: the network together with all it takes to read data and to name its answers."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np

from bpnet.core.activations import ACTIVATIONS
from bpnet.core.arrays import Array
from bpnet.core.losses import LOSSES, Loss, PartneredLoss
from bpnet.core.metrics import Accuracy, Metric, Regression
from bpnet.core.network import Layer, Network, from_arrays
from bpnet.core.registry import Named, Registry, describe
from bpnet.data import Columns, FileSource, Inputs, Source, read_with_targets
from bpnet.errors import DataError, ModelError, ShapeError
from bpnet.training.evaluation import Samples, evaluate, predict
from bpnet.training.files import load_tensors, save_tensors
from bpnet.training.run_folder import CHECKPOINT, MODEL

_FORMAT = 1

T = TypeVar("T", bound=Named)


@dataclasses.dataclass(frozen=True)
class Model:
    """A network with its columns; predicts on its own.

    Attributes
    ----------
    network : Network
    loss : Loss
        What it was trained on, and is scored by.
    columns : Columns
        How files become inputs, and outputs become answers; learnt from the training rows.
    class_weights : tuple of float or None
        Factor on the loss of each class's samples.
    """

    network: Network
    loss: Loss
    columns: Columns
    class_weights: tuple[float, ...] | None = None

    def outputs(self, data: Inputs, warn: Callable[[str], None] = lambda _: None) -> Array:
        """Activations of the output layer, of shape (N, n_L): a probability a class, for softmax.

        Parameters
        ----------
        data : Source, path, data frame, mapping of names to columns, or ndarray of shape (N, features)
            Raw rows, as they stand in a file: columns are found by name, those of an array by position.
        warn : callable
            Told what a person should know of the data.

        Raises
        ------
        DataError
            If the data do not have the columns that the model was trained on, or are so far from what it
            was trained on that an output is no finite number.
        """
        outputs = predict(self.network, self.columns.encode_inputs(data, self.network.parameters.dtype, warn))
        finite = np.isfinite(outputs).all(axis=1)
        if not finite.all():
            raise DataError(
                f"Row {int(finite.argmin()) + 1} (the first is 1) gives outputs that are not finite: "
                "its numbers are too large."
            )
        return outputs

    def predict(self, data: Inputs) -> Array:
        """Answers, of shape (N,) or (N, targets): class names, or numbers in the target's own unit.

        Parameters and errors are those of :meth:`outputs`.
        """
        return self.columns.target.decode(self.outputs(data))

    def answers(self, data: Inputs, warn: Callable[[str], None] = lambda _: None) -> dict[str, Array]:
        """Answers with what they rest on, as named columns of shape (N,).

        ``prediction`` for a class, followed by each output as ``probability_<class>`` (or
        ``output_<class>`` where the loss does not make it a probability); for yes/no questions each
        answer under the target's name, then the probability of each yes; for numbers each target.

        Parameters and errors are those of :meth:`outputs`.
        """
        outputs, target = self.outputs(data, warn), self.columns.target
        answers = target.decode(outputs)
        kind = "probability" if isinstance(self.loss, PartneredLoss) else "output"
        if target.kind == "classification":
            classes = target.classes[0][-target.units :]  # a single output is the second class's
            columns, shares = {"prediction": answers}, classes
        else:
            columns = dict(zip(target.names, answers.reshape(len(answers), -1).T, strict=True))
            shares = target.names if target.kind == "labels" else ()
        return columns | {f"{kind}_{name}": outputs[:, k] for k, name in enumerate(shares)}

    def score(self, source: Source | Path | str) -> dict[str, float]:
        """Mean loss and metrics on rows whose targets are known.

        Raises
        ------
        DataError
            If the data do not have the columns, targets included, that the model was trained on.
        """
        if isinstance(source, str | Path):
            source = FileSource(Path(source))
        inputs, targets = read_with_targets(source)
        dtype = self.network.parameters.dtype
        X, Y = self.columns.encode_or_leave(inputs, dtype), self.columns.target.encode(targets, dtype)
        score = evaluate(self.network, self.loss, self.metric, self.samples(X, Y))
        return {"loss": score.loss, **score.metrics}

    def metric(self) -> Metric:
        """An empty metric that suits the targets."""
        target = self.columns.target
        if target.kind == "regression":
            return Regression(unit=np.array(target.unit))
        return Accuracy(exclusive=target.kind == "classification")

    def samples(self, X: Array, Y: Array) -> Samples:
        """Encoded rows, weighted by class."""
        if self.class_weights is None:
            return Samples(X, Y)
        weights = np.array(self.class_weights, dtype=X.dtype)
        if Y.shape[1] == 1:
            return Samples(X, Y, weights[(Y[:, 0] > 0.5).astype(int)])  # noqa: PLR2004 - between no and yes
        return Samples(X, Y, weights[Y.argmax(axis=1)])

    def save(self, path: Path, info: Mapping[str, Any]) -> None:
        """Write the model as one safetensors file.

        Parameters
        ----------
        path : Path
        info : mapping
            Where it comes from: name, epoch, versions. Kept, not needed.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        network = self.network
        tensors = {f"{name}{l}": array for l in network.layers for name, array in _tensors(network, l)}
        metadata = {
            "model": _FORMAT,
            "layers": [
                {
                    "n_in": x.n_in,
                    "n_out": x.n_out,
                    "dropout": x.dropout,
                    "activation": describe(x.activation),
                }
                for x in network.layers.values()
            ],
            "loss": describe(self.loss),
            "columns": self.columns.to_json(),
            "class_weights": self.class_weights,
            "info": dict(info),
        }
        save_tensors(path, tensors, metadata)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a model file, or the one of a run folder.

        Raises
        ------
        ModelError
            If there is none, or it is damaged or of another kind.
        """
        if path.is_dir():
            if (path / CHECKPOINT).is_file() and not (path / MODEL).is_file():
                raise ModelError(
                    f"{path} is unfinished.", advice=f"Go on with it: bpnet train --resume {path}"
                )
            path = path / MODEL
        tensors, metadata = load_tensors(path)
        if metadata.get("model") != _FORMAT:
            raise ModelError(f"{path} holds no model of this version of bpnet.")
        try:
            return cls._from_file(tensors, metadata)
        except (AttributeError, LookupError, TypeError, ValueError, ShapeError) as error:
            raise ModelError(f"{path} describes a network that cannot be built: {error}") from error

    @classmethod
    def _from_file(cls, tensors: Mapping[str, Array], metadata: Mapping[str, Any]) -> Self:
        layers = [
            Layer(x["n_in"], x["n_out"], _create(ACTIVATIONS, x["activation"]), x["dropout"])
            for x in metadata["layers"]
        ]
        W, b = ([tensors[f"{kind}{l}"] for l in range(2, len(layers) + 2)] for kind in ("W", "b"))
        network, columns = from_arrays(layers, W, b, W[0].dtype), Columns.from_json(metadata["columns"])
        if W[0].dtype.kind != "f" or W[0].dtype.itemsize < 4:  # noqa: PLR2004 - float32 or float64
            raise TypeError(f"its weights are {W[0].dtype}")
        ends, wanted = (network.sizes[0], network.sizes[-1]), (len(columns.input_names), columns.target.units)
        if ends != wanted:
            raise ShapeError(f"its columns need {wanted} inputs and outputs, and it has {ends}")
        weights = metadata["class_weights"]
        loss = _create(LOSSES, metadata["loss"])
        return cls(network, loss, columns, None if weights is None else tuple(weights))


def _tensors(network: Network, l: int) -> tuple[tuple[str, Array], tuple[str, Array]]:
    return ("W", network.W[l]), ("b", network.b[l])


def _create(registry: Registry[T], description: Mapping[str, Any]) -> T:
    hyperparameters = dict(description)
    return registry.create(hyperparameters.pop("name"), **hyperparameters)
