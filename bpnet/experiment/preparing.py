"""From a config to everything that training needs: data, network, loss, optimizer."""

import difflib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bpnet.core.activations import ACTIVATIONS
from bpnet.core.initializers import INITIALIZERS
from bpnet.core.losses import LOSSES
from bpnet.core.network import Layer, Network, from_arrays, initialise
from bpnet.core.optimizers import OPTIMIZERS
from bpnet.core.schedules import SCHEDULES
from bpnet.data import DataRequest, Dataset, FileSource, InlineSource, PairSource, Part, Source, load_dataset
from bpnet.data.memory import available_memory
from bpnet.errors import ConfigError, MissingDataError, Problem
from bpnet.experiment.backend import settle_backend
from bpnet.training.evaluation import Samples
from bpnet.training.model import Model
from bpnet.training.trainer import Recipe

_BYTES_A_PARAMETER = 24
"""The float64 draw, the parameter, its gradient, and the copies for undoing and for the best epoch."""

_BYTES_A_UNIT = 20
"""z, a, δ and scratch of a sample."""

if TYPE_CHECKING:
    from bpnet.config import ExperimentConfig, FilePair


@dataclass(frozen=True)
class Experiment:
    """Everything a config stands for, ready to train.

    Attributes
    ----------
    config : ExperimentConfig
    dataset : Dataset
    model : Model
        With the starting weights.
    recipe : Recipe
    rng : Generator
        For the order of samples and the dropout masks.
    warnings : tuple of str
        What a person should know before training starts.
    """

    config: "ExperimentConfig"
    dataset: Dataset
    model: Model
    recipe: Recipe
    rng: np.random.Generator
    warnings: tuple[str, ...]

    def samples(self, part: Part | None) -> Samples | None:
        """Rows of one part of the dataset, weighted by class; None if there is no such part."""
        return None if part is None else self.model.samples(part.X, part.Y)

    @property
    def train_samples(self) -> Samples:
        """Rows of the training part, weighted by class."""
        return self.model.samples(self.dataset.train.X, self.dataset.train.Y)


def prepare(
    config: "ExperimentConfig", *, most_rows: int | None = None, to_train: bool = False
) -> Experiment:
    """Read the data and build the network, as the config says.

    The seed's first child deals rows out, its second draws the weights, its third orders the samples:
    a change of one does not shift the others.

    Parameters
    ----------
    config : ExperimentConfig
    most_rows : int, optional
        Encode no more than so many training rows, evenly spaced, and no others: for looking at a few.
    to_train : bool
        Whether a run is about to be made, and what cannot be trained is to be refused.

    Raises
    ------
    DataError
        If the data cannot be read, or are not what the config says.
    ConfigError
        If the network does not fit the data.
    """
    split_rng, weights_rng, training_rng = (
        np.random.default_rng(seed) for seed in np.random.SeedSequence(config.seed).spawn(3)
    )
    dataset = _read(config, split_rng, most_rows)
    network = _build_network(config, dataset, weights_rng)
    recipe = _recipe(config)
    model = Model(network, recipe.loss, dataset.columns, _class_weights(config, dataset))
    _check_monitor(config, model)
    warnings = (*dataset.warnings, *_beyond_reach(dataset, network))
    experiment = Experiment(config, dataset, model, recipe, training_rng, warnings)
    return settle_backend(experiment, to_train=to_train)


def _recipe(config: "ExperimentConfig") -> Recipe:
    training = config.training
    stopping = training.early_stopping
    return Recipe(
        loss=training.loss.create(LOSSES),
        optimizer=training.optimizer.create(OPTIMIZERS),
        schedule=training.schedule.create(SCHEDULES),
        learning_rate=training.learning_rate,
        epochs=training.epochs,
        batch_size=training.batch_size,
        monitor=training.monitor,
        weight_decay=training.weight_decay,
        clip_norm=training.clip_norm,
        train_biases=training.train_biases,
        patience=None if stopping is None else stopping.patience,
        min_delta=0.0 if stopping is None else stopping.min_delta,
    )


def _problem(config: "ExperimentConfig", path: str, message: str) -> ConfigError:
    return ConfigError((Problem(config.locate(path), path, message),))


def _read(config: "ExperimentConfig", rng: np.random.Generator, most_rows: int | None) -> Dataset:
    data, size = config.data, config.network.layers[-1].size
    request = DataRequest(
        train=InlineSource(data.inputs or (), data.targets or ())
        if data.train is None
        else _source(data.train),
        validation=_part(data.validation),
        test=_part(data.test),
        target=data.target,
        features=data.features,
        drop=data.drop,
        categorical=data.categorical,
        missing=data.missing,
        scale=data.scale,
        scale_target=data.scale_target,
        task=data.task,
        classes_by_loss=LOSSES[config.training.loss.name].classifies,
        output_units=None if size == "auto" else size,
        dtype=config.training.dtype,
        most_rows=most_rows,
    )
    try:
        return load_dataset(request, rng)
    except MissingDataError as error:
        raise MissingDataError(error.message, advice=data.obtain or "") from error


def _source(source: "Path | FilePair") -> Source:
    return FileSource(source) if isinstance(source, Path) else PairSource(source.features, source.target)


def _part(part: "float | Path | FilePair | None") -> Source | float | None:
    return part if part is None or isinstance(part, float) else _source(part)


def _build_network(config: "ExperimentConfig", dataset: Dataset, rng: np.random.Generator) -> Network:
    sizes = _sizes(config, dataset)
    dropouts = [layer.dropout for layer in config.network.layers[1:]]
    activations = config.network.activations()
    layers = [
        Layer(n_in, n_out, choice.create(ACTIVATIONS), dropout)
        for n_in, n_out, choice, dropout in zip(sizes, sizes[1:], activations, dropouts, strict=False)
    ]
    _refuse_too_large(config, sizes)
    given, dtype = config.network.parameters, config.training.dtype
    if given is None:
        return initialise(layers, config.network.initializer.create(INITIALIZERS), rng, dtype)
    for index, (layer, each) in enumerate(zip(layers, given, strict=True)):
        wanted, found = (layer.n_out, layer.n_in), (len(each.W), len(each.W[0]))
        if wanted != found or len(each.b) != layer.n_out:
            raise _problem(
                config,
                f"network.parameters[{index}]",
                f"found W of {found[0]} × {found[1]} and b of {len(each.b)}, "
                f"expected {wanted[0]} × {wanted[1]} and {wanted[0]} by the data and the layers",
            )
    return from_arrays(
        layers, [np.array(each.W) for each in given], [np.array(each.b) for each in given], dtype
    )


def _refuse_too_large(config: "ExperimentConfig", sizes: Sequence[int]) -> None:
    """Stop before weights and a batch's arrays ask for more memory than there is."""
    parameters = sum((n_in + 1) * n_out for n_in, n_out in itertools.pairwise(sizes))
    needed = parameters * _BYTES_A_PARAMETER + config.training.batch_size * sum(sizes) * _BYTES_A_UNIT
    free = available_memory()
    if free is not None and needed > free:
        raise _problem(
            config,
            "network.layers",
            f"found {parameters:,} parameters, which take about {needed / 1e9:,.1f} GB of memory, "
            f"and {free / 1e9:,.1f} GB are free",
        )


def _sizes(config: "ExperimentConfig", dataset: Dataset) -> list[int]:
    """Units of every layer; the data have the last word on the first and the last."""
    columns, target = dataset.columns, dataset.columns.target
    layers = config.network.layers
    inputs, outputs = len(columns.input_names), target.units
    sizes = [inputs, *(int(layer.size) for layer in layers[1:-1]), outputs]
    if layers[0].size not in ("auto", inputs):
        what = f"the data have {inputs} inputs"
        if inputs != len(columns.features):
            what += f" ({len(columns.features)} columns, texts being one input a category)"
        raise _problem(
            config, "network.layers[0]", f"found {layers[0].size}, but {what}; auto takes them all"
        )
    if layers[-1].size not in ("auto", outputs):
        last = f"network.layers[{len(layers) - 1}]"
        raise _problem(config, last, f"found {layers[-1].size}, but {_outputs(dataset)}; auto fits")
    return sizes


def _outputs(dataset: Dataset) -> str:
    target = dataset.columns.target
    if target.kind != "classification":
        return f"the data have {target.units} target column{'s' * (target.units > 1)}"
    names = ", ".join(target.classes[0][:12])
    return f"the target {target.names[0]!r} has {len(target.classes[0])} classes ({names})"


def _class_weights(config: "ExperimentConfig", dataset: Dataset) -> tuple[float, ...] | None:
    """Factor on the loss of each class, in the order of the classes."""
    given, target = config.training.class_weights, dataset.columns.target
    if given is None:
        return None
    path = "training.class_weights"
    if target.kind != "classification":
        raise _problem(config, path, f"class weights need one target of classes, and this is {target.kind}")
    classes = target.classes[0]
    if given == "balanced":
        Y = dataset.train.Y
        codes = Y[:, 0].round().astype(int) if target.units == 1 else Y.argmax(axis=1)
        counts = np.bincount(codes, minlength=len(classes))
        # A class without a row, as a yes/no column may have, gets a weight that is never asked for.
        return tuple((counts.sum() / (len(classes) * np.maximum(counts, 1))).tolist())
    assert isinstance(given, dict), "the config accepts nothing else"
    for name in given:
        if name not in classes:
            near = difflib.get_close_matches(name, classes, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; the classes are {', '.join(classes)}"
            message = f"the target has no class {name!r}{hint}"
            # A name such as "Iris setosa" is no step of a path: the mapping's own place is the nearest.
            where = config.locate(f"{path}.{name}" if name.isalnum() else path)
            raise ConfigError((Problem(where, f"{path}.{name}", message),))
    return tuple(given.get(name, 1.0) for name in classes)


def _check_monitor(config: "ExperimentConfig", model: Model) -> None:
    quantity = config.training.monitor.removeprefix("validation_")
    known = ("loss", *model.metric().names)
    if quantity not in known:
        raise _problem(
            config,
            "training.monitor",
            f"found {config.training.monitor}, but of this target are measured: {', '.join(known)}",
        )


def _beyond_reach(dataset: Dataset, network: Network) -> list[str]:
    """Say if targets lie where the output activation cannot come."""
    activation, Y = network.layers[network.L].activation, dataset.train.Y
    lowest, highest = float(Y.min()), float(Y.max())
    if lowest >= activation.lowest and highest <= activation.highest:
        return []
    return [
        (
            f"Targets go from {lowest:.4g} to {highest:.4g}, but {activation.name} outputs lie between "
            f"{activation.lowest:g} and {activation.highest:g}: set data.scale_target, or "
            "network.output_activation: identity."
        )
    ]
