from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bpnet.core.activations import ACTIVATIONS, Elementwise
from bpnet.core.arrays import Array
from bpnet.core.losses import LOSSES, refusal
from bpnet.core.optimizers import OPTIMIZERS, Optimizer, Sgd, State
from bpnet.training.compiled.recording import NotRecordableError
from bpnet.training.compiled.source import write_steps
from tests.tolerances import ROUNDING, ROUNDING_32
from tests.training.compiled.making import (
    DECAY,
    RATE,
    SIZE,
    STEPS,
    in_numpy,
    interpreted,
    make_network,
    make_samples,
    some_loss,
)

PAIRS = [(output, loss) for loss in LOSSES for output in ACTIVATIONS if refusal(loss, output) is None]
CHOICES: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in OPTIMIZERS),
    ("sgd", {"momentum": 0.9}),
    ("sgd", {"momentum": 0.9, "nesterov": True}),
]


def compare(
    hidden: str,
    output: str,
    loss: Any,
    optimizer: Optimizer,
    *,
    weighted: bool = False,
    dtype: Any = np.float64,
) -> None:
    """Several steps by the written source must be those of NumPy, the optimizer's memory included."""
    samples = make_samples(weighted=weighted, dtype=dtype)
    expected, found = make_network(hidden, output, dtype), make_network(hidden, output, dtype)
    memory, kept = optimizer.start(expected.parameters), optimizer.start(found.parameters)
    batch = samples.take(slice(0, SIZE))
    source = write_steps(found, loss, optimizer, kept, batch, weight_decay=DECAY)
    np.testing.assert_array_equal(found.parameters, expected.parameters)
    outputs = in_numpy(expected, loss, optimizer, memory, samples)
    factors = np.array([optimizer.factors(RATE, kept) for _ in range(STEPS)], dtype)
    z, a = np.empty_like(outputs[0]), np.empty_like(outputs[1])
    weight = np.empty(0, dtype) if samples.weight is None else samples.weight
    with np.errstate(all="ignore"):
        done = interpreted(source)(samples.X, samples.Y, weight, z, a, factors, *source.arrays)
    assert done == STEPS
    tolerance = ROUNDING if dtype == np.float64 else ROUNDING_32
    for one, other in [(z, outputs[0]), (a, outputs[1]), (found.parameters, expected.parameters)]:
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)
    for name, array in memory.items():
        np.testing.assert_allclose(kept[name], array, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("hidden", list(ACTIVATIONS))
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_every_activation_of_a_hidden_layer(hidden: str, dtype: Any) -> None:
    compare(hidden, "sigmoid", LOSSES.create("quadratic"), Sgd(), dtype=dtype)


@pytest.mark.parametrize(("output", "loss"), PAIRS)
@pytest.mark.parametrize("weighted", [False, True])
def test_every_output_and_loss(output: str, loss: str, *, weighted: bool) -> None:
    compare("tanh", output, LOSSES.create(loss), Sgd(), weighted=weighted)


@pytest.mark.parametrize(("name", "given"), CHOICES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_every_optimizer(name: str, given: dict[str, Any], dtype: Any) -> None:
    compare("tanh", "softmax", LOSSES.create("cross_entropy"), OPTIMIZERS.create(name, **given), dtype=dtype)


def test_each_gradients_numbers_are_checked_before_the_update() -> None:
    network, samples = make_network("relu", "identity"), make_samples()
    source = write_steps(
        network, some_loss("identity"), Sgd(), {}, samples.take(slice(0, SIZE)), weight_decay=0.0
    )
    samples.X[SIZE + 1, 2] = np.inf
    z = np.zeros((len(samples), 3))
    factors = np.full((STEPS, 1), RATE)
    with np.errstate(all="ignore"):
        done = interpreted(source)(samples.X, samples.Y, np.empty(0), z, z.copy(), factors, *source.arrays)
    assert done == 1
    assert np.isfinite(network.parameters).all()
    once = make_network("relu", "identity")
    in_numpy(once, some_loss("identity"), Sgd(), {}, samples.take(slice(0, SIZE)), decay=0.0)
    np.testing.assert_allclose(network.parameters, once.parameters, rtol=ROUNDING)


def test_what_nothing_reads_is_not_stored() -> None:
    network, batch, adam = (
        make_network("relu", "softmax"),
        make_samples(count=SIZE),
        OPTIMIZERS.create("adam"),
    )
    source = write_steps(
        network, some_loss("softmax"), adam, adam.start(network.parameters), batch, weight_decay=0.0
    )
    update = source.text.partition("a[rows] = ")[2]
    assert update.count("[i] = ") == 3  # m, s and the parameters, no scratch paper


class Elsewhere(Elementwise):
    """An activation written in some other way that NumPy knows."""

    name = "elsewhere"
    summary = latex = latex_derivative = "x"

    def __init__(self, value: Callable[[Array], Array]) -> None:
        self._value = value

    def value(self, z: Array, out: Array | None = None) -> Array:
        return self._value(z)

    def derivative(self, z: Array, a: Array, out: Array | None = None) -> Array:
        return np.cosh(z)


def with_activation(monkeypatch: pytest.MonkeyPatch, value: Callable[[Array], Array]) -> None:
    create = ACTIVATIONS.create
    monkeypatch.setattr(
        ACTIVATIONS,
        "create",
        lambda name, **given: Elsewhere(value) if name == "elsewhere" else create(name, **given),
    )


@pytest.mark.parametrize(
    "value",
    [
        np.arctan,
        lambda z: z / (1 + np.abs(z)),
        lambda z: np.sqrt(1 + np.square(z)) - 1,
        lambda z: np.where((z > -1) & (z < 1), z, np.sin(z)),
        lambda z: z / z.max(axis=1, keepdims=True),
        lambda z: z - z.mean(axis=1, keepdims=True),
        lambda z: z * z.max(axis=0),
        lambda z: z + z.min(axis=0, keepdims=True),
        lambda z: np.clip(z, -0.5, 0.5),
        lambda z: (z.T * 2).T,
        lambda z: z**2,
        lambda z: z @ np.full((z.shape[1], z.shape[1]), 0.1),
    ],
)
def test_an_activation_of_ones_own_needs_nothing_more(
    value: Callable[[Array], Array], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_activation(monkeypatch, value)
    compare("elsewhere", "sigmoid", LOSSES.create("quadratic"), Sgd())


def by_the_largest(z: Array) -> Array:
    return z if z.max() > 1 else -z


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (by_the_largest, "depends on a number"),
        (lambda z: z * float(z[0, 0]), "depends on single elements"),
        (lambda z: z[[1, 0, 2, 3]] * 1.0, "depends on single elements"),
        (lambda z: np.cumsum(z, axis=1), "np.cumsum"),
        (np.add.accumulate, "add.accumulate"),
        (lambda z: z.astype(np.float32) * 1.0, "float32 among float64"),
        (lambda z: z[:, ::2].repeat(4, axis=1)[:, : z.shape[1]] * 1.0, "gaps"),
        (lambda z: np.add(z, 1, where=z > 0), "add with where"),
        (lambda z: np.stack([z, z]).sum(axis=0), "np.stack"),
        (lambda z: np.matmul(np.eye(z.shape[1]), z.T, out=np.empty(z.shape).T).T * 1.0, "by column"),
    ],
)
def test_what_a_list_of_operations_cannot_tell_is_refused(
    value: Callable[[Array], Array], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_activation(monkeypatch, value)
    network, optimizer = make_network("elsewhere", "sigmoid"), OPTIMIZERS.create("adam")
    before, state = network.parameters.copy(), optimizer.start(network.parameters)
    with pytest.raises(NotRecordableError, match=what):
        write_steps(
            network, some_loss("sigmoid"), optimizer, state, make_samples(count=SIZE), weight_decay=0.0
        )
    np.testing.assert_array_equal(network.parameters, before)
    assert not any(array.any() for array in state.values())


class Own(Sgd):
    name = "own"

    def step(
        self, parameters: Array, gradient: Array, learning_rate: float, state: State, n_weights: int
    ) -> None:
        parameters -= 1


class ByRate(Sgd):
    def move(self, parameters: Array, gradient: Array, state: State, factors: tuple[float, ...]) -> None:
        gradient *= 2 * factors[0]
        parameters -= gradient


@pytest.mark.parametrize(
    ("optimizer", "what"), [(Own(), "own, which steps"), (ByRate(), "depends on a number")]
)
def test_optimizers_that_are_refused(optimizer: Optimizer, what: str) -> None:
    network = make_network("tanh", "sigmoid")
    with pytest.raises(NotRecordableError, match=what):
        write_steps(network, some_loss("sigmoid"), optimizer, {}, make_samples(count=SIZE), weight_decay=0.0)
