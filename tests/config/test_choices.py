"""A thing that is registered is part of the language, with no edit elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given

from bpnet.config import dump_config, json_schema, key_table
from bpnet.config.choices import Choice, Named
from bpnet.config.yaml_text import read_yaml
from bpnet.core.activations import ACTIVATIONS, Activation
from bpnet.core.arrays import Array
from bpnet.core.initializers import INITIALIZERS, Initializer
from bpnet.core.losses import LOSSES, PartneredLoss, Quadratic
from bpnet.core.optimizers import OPTIMIZERS, Sgd
from bpnet.core.registry import Registry, parameter
from bpnet.core.schedules import SCHEDULES, Constant
from tests.config.strategies import named
from tests.config.texts import FOLDER, load, problem, problems, with_line


@contextmanager
def registered(registry: Registry[Any], cls: Any) -> Iterator[None]:
    registry.register(cls)
    try:
        yield
    finally:
        del registry._classes[cls.name]


@dataclass(frozen=True)
class Wiggle(Activation):
    name = "wiggle"
    summary = "a wave"
    latex = latex_derivative = ""

    pace: float = parameter(1.0, "how fast it waves", above=0.0, maximum=9.0)
    turns: int = parameter(3, "how often", minimum=1)
    mirrored: bool = parameter(default=False, text="whether it starts downwards")
    colour: str = parameter("red", "what it is called")

    def __post_init__(self) -> None:
        if self.turns == 13:
            raise ValueError("turns: 13 is unlucky")
        if self.colour == "black":
            raise ValueError("no such wave")

    def value(self, z: Array, out: Array | None = None) -> Array:
        return np.sin(z, out=out)

    def pullback(
        self, upstream: Array, z: Array, a: Array, *, out: Array | None = None, scratch: Array | None = None
    ) -> Array:
        return np.multiply(upstream, np.cos(z), out=out)


@dataclass(frozen=True)
class WiggleLoss(PartneredLoss):
    name = "wiggle_loss"
    summary = "a loss that goes with a wave"
    latex = latex_gradient = ""
    classifies = True
    partner = "wiggle"
    reason = "it reads the outputs as waves"

    def per_sample(self, z: Array, a: Array, y: Array) -> Array:
        return np.zeros(len(a))

    def gradient(self, a: Array, y: Array) -> Array:
        return np.zeros_like(a)


@dataclass(frozen=True)
class HalfQuadratic(Quadratic):
    name = "half_quadratic"
    share: float = parameter(0.5, "of the quadratic loss", above=0.0)


@dataclass(frozen=True)
class Jump(Sgd):
    name = "jump"
    height: float = parameter(1.0, "of a jump", minimum=0.0)


@dataclass(frozen=True)
class Sevens(Initializer):
    name = "sevens"
    summary = "all 7"

    def weights(self, n_in: int, n_out: int, rng: np.random.Generator) -> Array:
        return np.full((n_out, n_in), 7.0)


@dataclass(frozen=True)
class Nap(Constant):
    name = "nap"
    hours: int = parameter(8, "of sleep", minimum=1, maximum=12)


NEW: list[tuple[str, Registry[Any], type, str]] = [
    ("network.activation", ACTIVATIONS, Wiggle, "turns"),
    ("network.output_activation", ACTIVATIONS, Wiggle, "turns"),
    ("training.loss", LOSSES, HalfQuadratic, "share"),
    ("training.optimizer", OPTIMIZERS, Jump, "height"),
    ("training.schedule", SCHEDULES, Nap, "hours"),
]


def accepts_by_schema(text: str) -> bool:
    return jsonschema.Draft202012Validator(json_schema()).is_valid(read_yaml(text, "c.yaml").value)


@pytest.mark.parametrize(("path", "registry", "cls", "key"), NEW)
def test_a_new_thing_is_accepted_with_its_hyperparameters(
    path: str, registry: Registry[Any], cls: Any, key: str
) -> None:
    plain, full = with_line(f"{path}: {cls.name}"), with_line(f"{path}: {{name: {cls.name}, {key}: 5}}")
    assert not accepts_by_schema(plain)
    assert problem(plain).partition(": ")[2].startswith(f"{path}: found {cls.name!r}, expected ")
    with registered(registry, cls):
        section, _, field = path.partition(".")
        for text in (plain, full):
            config = load(text)
            choice = getattr(getattr(config, section), field)
            assert choice == Choice.of(registry, cls.name, **({key: 5} if text is full else {}))
            assert isinstance(choice.create(registry), cls)
            assert load(dump_config(config)) == config
            assert accepts_by_schema(text)
    assert not accepts_by_schema(full)


@pytest.mark.parametrize(("path", "registry", "cls", "key"), NEW)
def test_a_new_things_hyperparameters_are_checked(
    path: str, registry: Registry[Any], cls: Any, key: str
) -> None:
    with registered(registry, cls):
        for value in ("-1", "x", "null", ".inf", "[]"):
            text = with_line(f"{path}: {{name: {cls.name}, {key}: {value}}}")
            assert f"{path}.{key}: found " in problem(text)
            assert value == ".inf" or not accepts_by_schema(text)
        misspelt = with_line(f"{path}: {{name: {cls.name}, {key}x: 5}}")
        said = f"{path}.{key}x: unknown hyperparameter of {cls.name}; did you mean {key!r}?"
        assert problem(misspelt).endswith(said)
        assert not accepts_by_schema(misspelt)


@pytest.mark.parametrize(("path", "registry", "cls"), [case[:3] for case in NEW])
def test_a_new_thing_appears_in_messages_and_in_the_table(
    path: str, registry: Registry[Any], cls: Any
) -> None:
    def accepted() -> str:
        return next(known.accepts for known in key_table() if known.path == path)

    assert cls.name not in accepted()
    with registered(registry, cls):
        assert cls.name in accepted()
        assert problem(with_line(f"{path}: {cls.name}q")).endswith(f"; did you mean {cls.name!r}?")
        assert f"or {cls.name}" in problem(with_line(f"{path}: xyzzy"))


def test_a_new_thing_without_hyperparameters() -> None:
    with registered(INITIALIZERS, Sevens):
        assert load(with_line("network.initializer: sevens")).network.initializer == Choice("sevens")
        assert load(with_line("network.initializer: {name: sevens}")).network.initializer == Choice("sevens")
        said = problem(with_line("network.initializer: {name: sevens, gain: 2}"))
        assert said.endswith("network.initializer.gain: sevens takes no hyperparameters")


def test_a_new_loss_brings_its_output_activation() -> None:
    with registered(ACTIVATIONS, Wiggle), registered(LOSSES, WiggleLoss):
        assert load(with_line("training.loss: wiggle_loss")).network.output_activation.name == "wiggle"
        said = problem(with_line("training.loss: wiggle_loss", with_line("network.output_activation: tanh")))
        assert said.endswith(": wiggle_loss goes with wiggle, not with tanh: it reads the outputs as waves")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("pace: 0", ".pace: found 0, expected a number above 0 and at most 9"),
        ("pace: 9.1", ".pace: found 9.1, expected a number above 0 and at most 9"),
        ("turns: 2.0", ".turns: found 2.0, expected a whole number of at least 1 (write 2)"),
        ("mirrored: no", ".mirrored: found 'no', expected true or false"),
        ("colour: 5", ".colour: found 5, expected a name (put it in quotes)"),
        ("colour: ''", ".colour: found '', expected a name"),
        ("turns: 13", ".turns: 13 is unlucky"),
        ("colour: black", ": no such wave"),
        ("xyzzy: 1", ".xyzzy: unknown hyperparameter; wiggle takes pace, turns, mirrored, colour"),
    ],
)
def test_every_type_of_hyperparameter_is_checked(given: str, said: str) -> None:
    with registered(ACTIVATIONS, Wiggle):
        text = with_line(f"network.activation: {{name: wiggle, {given}}}")
        assert problem(text).partition(": ")[2] == f"network.activation{said}"


def test_all_wrong_hyperparameters_are_told() -> None:
    text = with_line("training.optimizer: {name: adam, beta1: 1, beta2: x, eps: 1e-8, bata: 1}")
    assert [said.split(": ")[1] for said in problems(text)] == [
        "training.optimizer.beta1",
        "training.optimizer.beta2",
        "training.optimizer.bata",
    ]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("{name: admm}", ".name: found 'admm', expected sgd, rmsprop, adam or adamw; did you mean 'adam'?"),
        ("{name: 5}", ".name: found 5, expected sgd, rmsprop, adam or adamw"),
        ("{}", ": the mapping has no name; expected name: sgd, rmsprop, adam or adamw"),
        ("[adam]", ": found a list, expected sgd, rmsprop, adam or adamw"),
        ("null", ": found nothing, expected sgd, rmsprop, adam or adamw"),
        ("momentum", ": found 'momentum', expected sgd, rmsprop, adam or adamw; did you mean 'sgd'?"),
    ],
)
def test_a_choice_that_is_none(value: str, said: str) -> None:
    assert (
        problem(with_line(f"training.optimizer: {value}")).partition(": ")[2] == f"training.optimizer{said}"
    )


@pytest.mark.parametrize(
    ("path", "word", "meant"),
    [
        ("training.loss", "squared_error", "quadratic"),
        ("training.loss", "BCE", "binary_cross_entropy"),
        ("training.loss", "Cross-Entropy", "cross_entropy"),
        ("network.activation", "ReLU", "relu"),
        ("network.activation", "linear", "identity"),
        ("network.activation", "LeakyReLU", "leaky_relu"),
        ("network.initializer", "xavier", "glorot_uniform"),
        ("data.scale", "zscore", "standard"),
    ],
)
def test_names_of_other_tools_are_understood(path: str, word: str, meant: str) -> None:
    assert f"; did you mean {meant!r}" in problem(with_line(f"{path}: {word}"))


def test_a_name_that_means_something_slightly_else_says_so() -> None:
    said = problem(with_line("training.loss: mse"))
    assert said.endswith("; did you mean 'quadratic', which is half the squared error?")


def test_a_class_checks_its_own_hyperparameters() -> None:
    assert load(with_line("training.schedule: {name: warmup, then: cosine}"))
    said = problem(with_line("training.schedule: {name: warmup, then: warmup}"))
    assert "training.schedule.then: found 'warmup', expected one of constant, step" in said


def test_auto_is_for_the_output_alone() -> None:
    assert "found 'auto'" in problem(with_line("network.activation: auto"))
    assert "found 'auto'" in problem(with_line("network.output_activation: {name: auto}"))


@given(named(OPTIMIZERS))
def test_a_choice_holds_every_hyperparameter(value: Any) -> None:
    choice = Named(OPTIMIZERS).read(value, FOLDER)
    asked = value if isinstance(value, dict) else {"name": value}
    assert {"name": choice.name, **choice.parameters} | asked == {"name": choice.name, **choice.parameters}
    thing = choice.create(OPTIMIZERS)
    assert isinstance(thing, OPTIMIZERS[choice.name])
    assert vars(thing) == choice.parameters


def test_the_tests_leave_no_trace() -> None:
    for _, registry, cls, _ in NEW:
        assert cls not in registry._classes.values()
