"""The YAML language as frozen models: every key with its type, what it accepts, default and meaning."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, GetJsonSchemaHandler, PrivateAttr, model_validator
from pydantic_core import CoreSchema

from bpnet.config.accepts import LayerSize, Number, OneOf, OrNull, Text, TrueOrFalse
from bpnet.config.choices import Choice, ClassWeights, Named
from bpnet.config.lists import Matrix, Names, Vector
from bpnet.config.places import Document, KeyPath, read_path
from bpnet.config.sources import FilePair, FilePath, Part, Section, Source
from bpnet.core.activations import ACTIVATIONS
from bpnet.core.initializers import INITIALIZERS
from bpnet.core.losses import LOSSES
from bpnet.core.optimizers import OPTIMIZERS
from bpnet.core.schedules import SCHEDULES

Task: TypeAlias = Literal["auto", "classification", "regression"]
Missing: TypeAlias = Literal["error", "mean", "most_frequent", "indicator"]
Scale: TypeAlias = Literal["none", "minmax", "standard"]
Rows: TypeAlias = tuple[tuple[float, ...], ...]

QUANTITIES = ("loss", "accuracy", "r2", "mae")
MONITORED = tuple(prefix + name for name in QUANTITIES for prefix in ("", "validation_"))
_SCALES = OneOf("none", "minmax", "standard")


@dataclass(frozen=True)
class Means:
    """What a list or mapping of the language accepts, in words that follow "expected"."""

    phrase: str


def _key(meaning: str, default: Any = ...) -> Any:  # noqa: ANN401 - as Field, it stands for any type
    """Declare a key; its default is what YAML would hold, and is read like it."""
    return Field(default, description=meaning)


class DataConfig(Section):
    """What to learn from: data files, or numbers written in the config itself."""

    folder: Annotated[Path, FilePath()] = _key(
        "where relative data paths start; itself relative to the config file", "."
    )
    train: Annotated[Path | FilePair | None, OrNull(Source())] = _key(
        "the training data: a table, an NPZ file with X and y, or a pair of IDX or NPY files", None
    )
    obtain: Annotated[str | None, OrNull(Text())] = _key(
        "how to get the data; shown when a data file is missing", None
    )
    target: Annotated[tuple[str, ...], Names(alone=True)] = _key(
        "the column or columns to predict; required for tables, and only for them", None
    )
    features: Annotated[tuple[str, ...] | None, OrNull(Names())] = _key(
        "the columns to learn from; null is every column that is not a target", None
    )
    drop: Annotated[tuple[str, ...], Names(empty=True)] = _key("columns to leave out", [])
    categorical: Annotated[tuple[str, ...], Names(empty=True)] = _key(
        "columns whose numbers are names of categories", []
    )
    task: Annotated[Task, OneOf("auto", "classification", "regression")] = _key(
        "what the targets are; auto asks the loss and the data", "auto"
    )
    validation: Annotated[float | Path | FilePair | None, OrNull(Part())] = _key(
        "data to judge each epoch by", None
    )
    test: Annotated[float | Path | FilePair | None, OrNull(Part())] = _key(
        "data for the final score, never seen in training", None
    )
    missing: Annotated[Missing, OneOf("error", "mean", "most_frequent", "indicator")] = _key(
        "what to do with blank cells among the features", "error"
    )
    scale: Annotated[Scale, _SCALES] = _key("how to scale the features", "none")
    scale_target: Annotated[Scale, _SCALES] = _key("how to scale the targets", "none")
    inputs: Annotated[Rows | None, OrNull(Matrix())] = _key("inline data: one row of features a sample", None)
    targets: Annotated[Rows | None, OrNull(Matrix())] = _key("inline data: one row of targets a sample", None)


class LayerConfig(Section):
    """One entry of ``layers``; a number alone is its size."""

    size: Annotated[int | Literal["auto"], LayerSize()] = _key(
        "units of the layer; auto, for the first and the last, asks the data"
    )
    activation: Annotated[Choice | None, OrNull(Named(ACTIVATIONS))] = _key(
        "of a hidden layer; null is network.activation", None
    )
    dropout: Annotated[float, Number(float, minimum=0, below=1)] = _key(
        "share of a hidden layer's units silenced at each training step", 0.0
    )

    @model_validator(mode="before")
    @classmethod
    def _size_alone(cls, value: object) -> object:
        return value if isinstance(value, dict) else {"size": value}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        mapping = handler.resolve_ref_schema(handler(core))
        return {"anyOf": [mapping["properties"]["size"], mapping]}


class LayerParameters(Section):
    """The starting weights and biases of one layer."""

    W: Annotated[Rows, Matrix()] = _key("weights: a row for each unit of the layer")
    b: Annotated[tuple[float, ...], Vector()] = _key("biases: one for each unit of the layer")


class NetworkConfig(Section):
    """The network: its layers, what their units do and how they start."""

    layers: Annotated[
        tuple[LayerConfig, ...],
        Field(strict=False, json_schema_extra={"minItems": 2}),
        Means("a list of sizes from input to output, each a number, auto, or {size, activation, dropout}"),
    ] = _key("units of every layer, from input to output")
    activation: Annotated[Choice, Named(ACTIVATIONS)] = _key("of the hidden layers", "sigmoid")
    output_activation: Annotated[Choice, Named(ACTIVATIONS, auto=True)] = _key(
        "of the output layer; auto is the one that goes with the loss", "auto"
    )
    initializer: Annotated[Choice, Named(INITIALIZERS)] = _key("how the weights start", "glorot_uniform")
    parameters: Annotated[
        tuple[LayerParameters, ...] | None,
        Field(strict=False),
        Means("a list with {W: [[...]], b: [...]} for each layer after the first, or null"),
    ] = _key("the start itself, instead of an initializer", None)

    def activations(self) -> tuple[Choice, ...]:
        """Activation of each layer after the input, the last one's being ``output_activation``."""
        hidden = (layer.activation or self.activation for layer in self.layers[1:-1])
        return (*hidden, self.output_activation)


class EarlyStopping(Section):
    """When to stop before the last epoch."""

    patience: Annotated[int, Number(int, minimum=1)] = _key(
        "epochs without improvement before training stops"
    )
    min_delta: Annotated[float, Number(float, minimum=0)] = _key(
        "an improvement must be larger than this", 0.0
    )


class TrainingConfig(Section):
    """How to train."""

    loss: Annotated[Choice, Named(LOSSES)] = _key("what training makes small")
    optimizer: Annotated[Choice, Named(OPTIMIZERS)] = _key("how a gradient becomes a step", "sgd")
    learning_rate: Annotated[float, Number(float, above=0)] = _key("eta, the size of the steps")
    schedule: Annotated[Choice, Named(SCHEDULES)] = _key(
        "how the learning rate changes from epoch to epoch", "constant"
    )
    epochs: Annotated[int, Number(int, minimum=1)] = _key("passes over the training data")
    batch_size: Annotated[int, Number(int, minimum=1)] = _key("samples a step", 32)
    weight_decay: Annotated[float, Number(float, minimum=0)] = _key(
        "lambda of the penalty on the weights", 0.0
    )
    clip_norm: Annotated[float | None, OrNull(Number(float, above=0))] = _key(
        "a gradient longer than this is shortened to it", None
    )
    class_weights: Annotated[Literal["balanced"] | dict[str, float] | None, OrNull(ClassWeights())] = _key(
        "how much a sample of each class counts; one that is left out counts 1", None
    )
    early_stopping: Annotated[EarlyStopping | None, Means("a mapping with patience, or null")] = _key(
        "stop when the monitored quantity no longer improves", None
    )
    monitor: Annotated[str, OneOf("auto", *MONITORED)] = _key(
        'what "best" means; auto is validation_loss, or loss without validation', "auto"
    )
    train_biases: Annotated[bool, TrueOrFalse()] = _key("false keeps the biases as they start", default=True)
    dtype: Annotated[Literal["float32", "float64"], OneOf("float32", "float64")] = _key(
        "precision of training; grad-check always uses float64", "float32"
    )
    backend: Annotated[Literal["auto", "numpy", "numba"], OneOf("auto", "numpy", "numba")] = _key(
        "what steps: numba is the same step compiled; auto compiles where that saves time", "auto"
    )


class ExperimentConfig(Section):
    """A validated experiment with every default filled in; attributes mirror the YAML."""

    name: Annotated[
        str,
        Text(
            "letters, digits, dots, _ and -, starting with a letter or digit",
            r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}",
        ),
    ] = _key("the run folder's name; by default the file's own", None)
    seed: Annotated[int, Number(int, minimum=0)] = _key("the same seed gives the same run", 0)
    data: DataConfig = _key("what to learn from")
    network: NetworkConfig = _key("what learns")
    training: TrainingConfig = _key("how it learns")

    _document: Document | None = PrivateAttr(default=None)

    def locate(self, path: str) -> str:
        """Where a key such as ``network.layers[1]`` is written, or the nearest key that holds it.

        Returns
        -------
        str
            ``file:line:column``, or the ``--set`` option.
        """
        keys: KeyPath = read_path(path) or ()
        return self._document.written(keys).value.text if self._document else "config"

    def __eq__(self, other: object) -> bool:
        """Tell whether both say the same, wherever it is written."""
        return isinstance(other, ExperimentConfig) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]  # the parts hold dicts
