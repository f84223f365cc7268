"""What an explanation is of: the network, the sample, the weights of some epoch."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from bpnet.core.arrays import Array
from bpnet.core.network import Network
from bpnet.core.optimizers import Optimizer, Sgd
from bpnet.data.splitting import evenly_spaced
from bpnet.data.tables import table_of_frame
from bpnet.errors import BpnetError, DataError
from bpnet.experiment.opening import Opened, open_experiment, point_of
from bpnet.experiment.preparing import Experiment, prepare
from bpnet.experiment.running import fresh_state
from bpnet.inspection.explanation.view import Subject
from bpnet.training.evaluation import Samples
from bpnet.training.events import EpochEnded
from bpnet.training.threads import blas_threads
from bpnet.training.trainer import Trainer

_NAMES_SHOWN = 8
_PLANE = 2
_FEW_ROWS = 200
"""Training rows that are read where one is explained: the first of them, and those around it."""

_LAYERS = "2 (the first after the input) to {L} (the output)"


@dataclass(frozen=True)
class Question:
    """What a person asks to have explained; None where they leave it open.

    Attributes
    ----------
    layer : int
    sample : int or None
        Training row, from 1.
    inputs : sequence of str or None
        Cells of a row of their own, in the order of the features.
    targets : sequence of str or None
        The answer to it.
    batch : bool
        Whether gradients are means over the first batch of the training rows.
    neuron : int or None
        From 1.
    weight : (int, int) or None
        To unit j from unit k, from 1.
    epoch : int or None
        Train so many epochs from the seed first.
    """

    layer: int | None = None
    sample: int | None = None
    inputs: Sequence[str] | None = None
    targets: Sequence[str] | None = None
    batch: bool = False
    neuron: int | None = None
    weight: tuple[int, int] | None = None
    epoch: int | None = None


def open_subject(reference: str | None, overrides: Sequence[str], question: Question) -> Subject:
    """Find what a question is about.

    Parameters
    ----------
    reference : str or None
        As :func:`bpnet.experiment.opening.open_experiment` takes it.
    overrides : sequence of str
    question : Question
        Without a layer, the output is taken.

    Raises
    ------
    BpnetError
        If something is asked for that is not there, which names what is.
    """
    whole = question.batch or question.sample is not None
    opened = open_experiment(reference, overrides, most_rows=None if whole else _FEW_ROWS)
    experiment = opened.experiment
    network, what = experiment.model.network, opened.what
    layer = network.L if question.layer is None else question.layer
    _refuse_absent(question, layer, network)
    if question.epoch is not None:
        network, what = _replayed(opened, overrides, question.epoch)
    samples, sample = _sample(experiment, question)
    recipe = experiment.recipe
    batch = None
    if question.batch:
        rows = experiment.train_samples.take(slice(0, recipe.batch_size))
        batch = point_of(experiment, rows, "the batch", network)
    plain = recipe.optimizer == Sgd() and recipe.clip_norm is None
    notes = [f"uses {_described(recipe.optimizer)}"] if recipe.optimizer != Sgd() else []
    notes += [] if recipe.clip_norm is None else [f"shortens gradients longer than {recipe.clip_norm:g}"]
    dropout = any(each.dropout for each in network.layers.values())
    return Subject(
        what=f"{what[0].upper()}{what[1:]}",
        sample=sample + ("; dropout is off" if dropout else ""),
        point=point_of(experiment, samples, "the sample", network),
        batch=batch,
        layer=layer,
        unit=question.neuron,
        weight=question.weight,
        learning_rate=recipe.learning_rate,
        train_biases=recipe.train_biases,
        training="" if plain else " and ".join(notes),
        number=question.sample or 1,
        around=_around(experiment) if network.sizes[0] == _PLANE else None,
    )


def _described(optimizer: Optimizer) -> str:
    momentum = optimizer.momentum if isinstance(optimizer, Sgd) else 0
    return f"{optimizer.name} with momentum {momentum:g}" if momentum else optimizer.name


def _around(experiment: Experiment) -> tuple[Array, Array]:
    samples = experiment.train_samples
    few = samples.take(evenly_spaced(len(samples), _FEW_ROWS))
    return few.X, few.Y


def _refuse_absent(question: Question, layer: int, network: Network) -> None:
    """Name what there is, where something is asked for that is not there."""
    L, sizes = network.L, network.sizes
    if layer == 1:
        raise BpnetError(
            "Layer 1 is the input: nothing is computed there, so it has no δ.",
            advice=f"Layers {_LAYERS.format(L=L)} have one.",
        )
    if not 1 < layer <= L:
        raise BpnetError(f"There is no layer {layer}: layers {_LAYERS.format(L=L)} have a δ.")
    n, n_in = sizes[layer - 1], sizes[layer - 2]
    j, k = question.weight or (1, 1)
    if not 1 <= j <= n or not 1 <= k <= n_in:
        raise BpnetError(
            f"There is no weight {j},{k} in layer {layer}: they go to units 1 to {n} from units 1 to {n_in}."
        )
    unit = question.neuron
    if unit is not None and not 1 <= unit <= n:
        raise BpnetError(f"There is no neuron {unit} in layer {layer}: it has neurons 1 to {n}.")
    if unit is not None and question.weight is not None and unit != j:
        raise BpnetError(f"The weight {j},{k} leads to neuron {j}, not to neuron {unit}.")


def _replayed(opened: Opened, overrides: Sequence[str], epoch: int) -> tuple[Network, str]:
    """Weights after so many epochs of the very training, in double precision."""
    epochs = opened.experiment.recipe.epochs
    if not 0 <= epoch <= epochs:
        raise BpnetError(
            f"There is no epoch {epoch}: the config trains for epochs 1 to {epochs}; 0 is the start."
        )
    from bpnet.config import load_config

    experiment = prepare(load_config(opened.source, overrides))
    state, recipe = fresh_state(experiment), experiment.recipe
    trained = state.network
    if epoch:
        trainer = Trainer(
            state, recipe, experiment.train_samples, experiment.samples(experiment.dataset.validation),
            experiment.model.metric,
        )  # fmt: skip
        with blas_threads(trained, recipe.batch_size):
            ended = 0
            for event in trainer.run():
                ended = event.epoch if isinstance(event, EpochEnded) else ended
                if ended == epoch:
                    break
        if ended < epoch:
            raise BpnetError(f"There is no epoch {epoch}: training stops after epoch {ended}.")
    parameters = trained.parameters.astype(np.float64)
    after = f"after {epoch} epoch{'s' * (epoch != 1)} of training"
    return opened.experiment.model.network.with_parameters(parameters), f"{opened.name}, {after}"


def _sample(experiment: Experiment, question: Question) -> tuple[Samples, str]:
    """The sample, and what it is in words."""
    samples = experiment.train_samples
    if question.inputs is not None:
        return _own_sample(experiment, question)
    if question.targets is not None:
        raise BpnetError("--target is the answer to --input: give both.")
    number = 1 if question.sample is None else question.sample
    if not 1 <= number <= len(samples):
        raise BpnetError(f"There is no training row {number}: there are rows 1 to {len(samples)}.")
    row = samples.take(slice(number - 1, number))
    place = (
        "The first training row" if question.sample is None else f"Training row {number} of {len(samples):,}"
    )
    return row, f"{place}, whose answer is {_answer(experiment, row.Y)}"


def _answer(experiment: Experiment, Y: Array) -> str:
    """The answer to a row: a class by its name, or numbers as they are in the data."""
    answer = experiment.model.columns.target.decode(Y)[0]
    return ", ".join(
        f"{value:g}" if isinstance(value, float) else str(value) for value in np.atleast_1d(answer)
    )


def _own_sample(experiment: Experiment, question: Question) -> tuple[Samples, str]:
    """A row that a person has given, with their answer or that of the first training row."""
    columns = experiment.model.columns
    target, inputs = columns.target, question.inputs or ()
    row = _row(inputs, columns.features, columns.numbers, "--input")
    with _as_of("--input"):
        X = columns.encode_inputs(row, np.float64)
    if question.targets is None:
        Y, whose = experiment.train_samples.Y[:1], "the first training row's answer"
    else:
        numbers = target.names if target.kind == "regression" else ()
        answer = _row(question.targets, target.names, numbers, "--target")
        with _as_of("--target"):
            Y = target.encode(table_of_frame(answer), np.float64)
        whose = "the answer"
    return experiment.model.samples(X, Y), f"The row that was given, with {whose} {_answer(experiment, Y)}"


def _row(
    cells: Sequence[str], names: Sequence[str], numbers: Sequence[str], option: str
) -> dict[str, list[float | str]]:
    """Cells by the names of their columns."""
    if len(cells) != len(names):
        shown = ", ".join(names[:_NAMES_SHOWN]) + (", ..." if len(names) > _NAMES_SHOWN else "")
        raise BpnetError(f"{option} has {len(cells)} values, but there are {len(names)} columns: {shown}.")
    row: dict[str, list[float | str]] = {}
    for name, cell in zip(names, cells, strict=True):
        row[name] = [_number(cell, name, option) if name in numbers else cell]
    return row


def _number(cell: str, name: str, option: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BpnetError(f"{option}: column {name} takes a number, found {cell!r}.")
    return value


@contextmanager
def _as_of(option: str) -> Iterator[None]:
    """Tell a mistake in a row that was given as an option as one of that option."""
    try:
        yield
    except DataError as error:
        said = error.message.replace("the data frame, row 1", "the row").replace("the data frame", "the row")
        raise BpnetError(f"{option}: {said}") from error
