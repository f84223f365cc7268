import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from bpnet.core.arrays import BLOCK, Array
from bpnet.core.optimizers import OPTIMIZERS, Optimizer
from tests.tolerances import ROUNDING, ROUNDING_32

N_WEIGHTS, N, STEPS = 4, 6, 7
RATES = [0.1, 0.1, 0.05, 0.2, 0.1, 0.1, 0.01]

Numbers = list[float]
Steps = Sequence[Numbers]


def start() -> Array:
    return np.random.default_rng(1).normal(size=N)


def gradients() -> Array:
    return np.random.default_rng(2).normal(size=(STEPS, N))


# The rules once more, for one list of numbers, after PyTorch's documentation.


def sgd(theta: Numbers, steps: Steps, momentum: float = 0.0, *, nesterov: bool = False) -> Numbers:
    buffer: Numbers = []
    for g, rate in zip(steps, RATES, strict=True):
        buffer = [momentum * b + each for b, each in zip(buffer, g, strict=True)] if buffer else list(g)
        ahead = [each + momentum * b for each, b in zip(g, buffer, strict=True)] if nesterov else buffer
        theta = [t - rate * move for t, move in zip(theta, ahead, strict=True)]
    return theta


def rmsprop(theta: Numbers, steps: Steps, alpha: float = 0.9, eps: float = 1e-8) -> Numbers:
    average = [0.0] * N
    for g, rate in zip(steps, RATES, strict=True):
        average = [alpha * v + (1 - alpha) * each**2 for v, each in zip(average, g, strict=True)]
        theta = [t - rate * each / (math.sqrt(v) + eps) for t, each, v in zip(theta, g, average, strict=True)]
    return theta


def adam(
    theta: Numbers,
    steps: Steps,
    beta1: float = 0.9,
    beta2: float = 0.999,
    *,
    eps: float = 1e-8,
    decay: float = 0.0,
) -> Numbers:
    first, second = [0.0] * N, [0.0] * N
    for t, (g, rate) in enumerate(zip(steps, RATES, strict=True), start=1):
        theta = [x - rate * decay * x if i < N_WEIGHTS else x for i, x in enumerate(theta)]
        first = [beta1 * m + (1 - beta1) * each for m, each in zip(first, g, strict=True)]
        second = [beta2 * v + (1 - beta2) * each**2 for v, each in zip(second, g, strict=True)]
        m_hat = [m / (1 - beta1**t) for m in first]
        v_hat = [v / (1 - beta2**t) for v in second]
        theta = [x - rate * m / (math.sqrt(v) + eps) for x, m, v in zip(theta, m_hat, v_hat, strict=True)]
    return theta


Rule = Callable[[Numbers, Steps], Numbers]
CASES: list[tuple[str, dict[str, Any], Rule]] = [
    ("sgd", {}, sgd),
    ("sgd", {"momentum": 0.9}, lambda theta, g: sgd(theta, g, 0.9)),
    ("sgd", {"momentum": 0.8, "nesterov": True}, lambda theta, g: sgd(theta, g, 0.8, nesterov=True)),
    ("rmsprop", {}, rmsprop),
    ("rmsprop", {"rho": 0.5, "eps": 0.1}, lambda theta, g: rmsprop(theta, g, 0.5, 0.1)),
    ("rmsprop", {"rho": 0.0}, lambda theta, g: rmsprop(theta, g, 0.0)),
    ("adam", {}, adam),
    ("adam", {"beta1": 0.5, "beta2": 0.7, "eps": 0.1}, lambda theta, g: adam(theta, g, 0.5, 0.7, eps=0.1)),
    ("adam", {"beta1": 0.0, "beta2": 0.0}, lambda theta, g: adam(theta, g, 0.0, 0.0)),
    ("adamw", {}, lambda theta, g: adam(theta, g, decay=0.01)),
    ("adamw", {"weight_decay": 0.5}, lambda theta, g: adam(theta, g, decay=0.5)),
    ("adamw", {"weight_decay": 0.0}, adam),
]
every_case = pytest.mark.parametrize(("name", "given", "rule"), CASES)
every_choice = pytest.mark.parametrize(("name", "given"), [case[:2] for case in CASES])


def run(optimizer: Optimizer, parameters: Array, steps: Array, state: dict[str, Array]) -> None:
    for gradient, rate in zip(steps.astype(parameters.dtype), RATES[-len(steps) :], strict=True):
        optimizer.step(parameters, gradient, rate, state, N_WEIGHTS)


def test_every_optimizer_has_a_case() -> None:
    assert {name for name, _, _ in CASES} == set(OPTIMIZERS)


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_every_class_says_what_it_is(name: str) -> None:
    assert OPTIMIZERS[name].name == name
    assert OPTIMIZERS[name].summary
    assert r"\theta" in OPTIMIZERS[name].latex


@every_case
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, ROUNDING), (np.float32, ROUNDING_32)])
def test_several_steps_by_the_textbook(
    name: str, given: dict[str, Any], rule: Rule, dtype: Any, tolerance: float
) -> None:
    optimizer = OPTIMIZERS.create(name, **given)
    parameters = start().astype(dtype)
    run(optimizer, parameters, gradients(), optimizer.start(parameters))
    np.testing.assert_allclose(
        parameters, rule(start().tolist(), gradients().tolist()), rtol=tolerance, atol=tolerance
    )


@every_choice
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_state_is_arrays_that_are_updated_in_place(name: str, given: dict[str, Any], dtype: Any) -> None:
    optimizer, parameters = OPTIMIZERS.create(name, **given), start().astype(dtype)
    state = optimizer.start(parameters)
    held = dict(state)
    assert not any(array.any() for array in state.values())
    run(optimizer, parameters, gradients(), state)
    assert parameters.dtype == dtype
    for key, array in state.items():
        assert array is held[key]
        assert array.any()
        assert not np.shares_memory(array, parameters)
        assert array.dtype == (np.int64 if key == "t" else dtype)


@every_choice
def test_a_stored_state_goes_on_with_the_same_bits(name: str, given: dict[str, Any]) -> None:
    optimizer, through = OPTIMIZERS.create(name, **given), start()
    run(optimizer, through, gradients(), optimizer.start(through))
    halted = start()
    state = optimizer.start(halted)
    for gradient, rate in zip(gradients()[:3], RATES[:3], strict=True):
        optimizer.step(halted, gradient, rate, state, N_WEIGHTS)
    stored = {key: array.copy() for key, array in state.items()}
    run(OPTIMIZERS.create(name, **given), halted, gradients()[3:], stored)
    np.testing.assert_array_equal(halted, through)


@every_case
def test_no_gradient_no_step(name: str, given: dict[str, Any], rule: Rule) -> None:
    optimizer, parameters = OPTIMIZERS.create(name, **given), start()
    run(optimizer, parameters, np.zeros((STEPS, N)), optimizer.start(parameters))
    decayed = rule(start().tolist(), np.zeros((STEPS, N)).tolist())
    np.testing.assert_allclose(parameters, decayed, rtol=ROUNDING)
    np.testing.assert_array_equal(parameters[N_WEIGHTS:], start()[N_WEIGHTS:])
    assert (name == "adamw" and given != {"weight_decay": 0.0}) == (parameters != start()).any()


def test_adam_begins_with_steps_of_the_learning_rate() -> None:
    optimizer, parameters = OPTIMIZERS.create("adam"), np.zeros(3)
    gradient = np.array([1e-3, -5.0, 1e4])
    optimizer.step(parameters, gradient, 0.1, optimizer.start(parameters), 3)
    np.testing.assert_allclose(parameters, [-0.1, 0.1, -0.1], rtol=1e-4)


def test_momentum_is_worth_its_geometric_series() -> None:
    optimizer, parameters = OPTIMIZERS.create("sgd", momentum=0.9), np.zeros(1)
    state = optimizer.start(parameters)
    for _ in range(400):
        before = parameters.copy()
        optimizer.step(parameters, np.ones(1), 0.01, state, 1)
    assert (before - parameters)[0] == pytest.approx(0.01 / (1 - 0.9), rel=1e-9)


def test_nesterov_without_momentum_is_refused() -> None:
    with pytest.raises(ValueError, match="nesterov: looks ahead along the momentum"):
        OPTIMIZERS.create("sgd", nesterov=True)


@every_choice
def test_many_parameters_move_by_the_same_bits_as_few(
    name: str, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def moved() -> list[Array]:
        rng, optimizer = np.random.default_rng(0), OPTIMIZERS.create(name, **given)
        parameters = rng.normal(size=2 * BLOCK + 3)
        state = optimizer.start(parameters)
        for _ in range(2):
            optimizer.step(parameters, rng.normal(size=parameters.size), 0.1, state, BLOCK + 1)
        return [parameters, *state.values()]

    in_blocks = moved()
    update = Optimizer.update
    monkeypatch.setattr(Optimizer, "update", lambda *given, **_: update(*given, block=3 * BLOCK))
    for found, expected in zip(in_blocks, moved(), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_next_to_nothing_is_forgotten_and_nothing_else(dtype: Any) -> None:
    optimizer, least = OPTIMIZERS.create("adam"), float(np.finfo(dtype).tiny)
    state = optimizer.start(np.zeros(BLOCK + 5, dtype))
    some = np.array(
        [1.0, -least, np.nan, np.inf, least / 2, -np.finfo(dtype).smallest_subnormal, -0.0], dtype
    )
    state["m"][-7:] = state["s"][:7] = some
    state["t"][:] = 3
    optimizer.settle(state)
    for kept in (state["m"][-7:], state["s"][:7]):
        assert kept[:4].tobytes() == some[:4].tobytes()
        assert not kept[4:].any()
    assert state["t"] == 3
