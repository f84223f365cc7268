from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from bpnet.core.activations import ACTIVATIONS, Tanh
from bpnet.core.arrays import Array
from bpnet.core.backprop import Gradients, cost, gradient_buffers
from bpnet.core.losses import LOSSES, PartneredLoss, Quadratic
from bpnet.core.network import Layer, Network, draw_masks
from bpnet.core.optimizers import OPTIMIZERS, Adam, AdamW, Optimizer, RmsProp, Sgd, State
from bpnet.inspection import scalar, stages
from bpnet.inspection.point import Point
from bpnet.inspection.probe import draw_network
from bpnet.inspection.records import NOT_FINITE, Stage
from bpnet.inspection.stages import (
    StepTaken,
    check_cost,
    check_dropout,
    check_equations,
    check_optimizer,
    check_step,
)
from bpnet.inspection.tensors import Numeric, choose
from tests.inspection.making import COMBINATIONS, make_point, overflowing
from tests.tolerances import GRADIENT

LONG = 1e9
"""Seconds enough for all."""

# The cost


@pytest.mark.parametrize(("hidden", "output", "loss"), COMBINATIONS)
def test_the_cost_is_plain_python_s(hidden: str, output: str, loss: str) -> None:
    point = make_point((3, 4, 3, 2), hidden, output, loss, dropout=0.4, weighted=True, weight_decay=0.3)
    found = check_cost(point, point.forward())
    assert found is not None
    assert (found.stage, found.layer, found.verdict, found.point) == ("cost", None, "pass", "here")
    assert found.max_relative_error is not None
    assert found.max_relative_error < GRADIENT


@pytest.mark.parametrize("change", [{"weight_decay": 0.31}, {"sample_weight": np.ones(3)}, {"masks": {}}])
def test_a_wrong_cost_is_seen(change: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    point = make_point(dropout=0.4, weighted=True, weight_decay=0.3)
    other = replace(point, **change)
    monkeypatch.setattr(Point, "cost", lambda *_: float(cost_of(other)))
    found = check_cost(point, point.forward())
    assert found is not None
    assert found.verdict == "fail"
    assert found.note.startswith("C = ")
    assert "in plain Python" in found.note


def cost_of(point: Point) -> Array:
    return cost(
        point.network,
        point.forward(),
        point.Y,
        point.loss,
        sample_weight=point.sample_weight,
        weight_decay=point.weight_decay,
    )


def test_a_wrong_formula_in_the_arrays_code_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    point = make_point(hidden="tanh")
    monkeypatch.setattr(Tanh, "value", lambda self, z, out=None: np.tanh(1.0001 * z))
    found = check_cost(point, point.forward())
    assert found is not None
    assert found.verdict == "fail"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_cost_that_is_not_finite_is_inconclusive(value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    point = make_point()
    monkeypatch.setattr(Point, "cost", lambda *_: value)
    assert check_cost(point, point.forward()) == Stage("cost", None, None, "inconclusive", "here", NOT_FINITE)


@pytest.mark.parametrize("hidden", ["identity", "gelu", "softmax"])
def test_a_cost_that_overflows_in_plain_python_is_inconclusive(hidden: str) -> None:
    point = overflowing()
    layers = [Layer(1, 1, ACTIVATIONS.create(hidden)), *point.network.layers.values()]
    network = draw_network(layers, np.random.default_rng(0))
    network.W[2][...], network.W[3][...] = 1e200, 1e200
    point = replace(point, network=network)
    with np.errstate(all="ignore"):
        found = check_cost(point, point.forward())
    assert found is not None
    assert (found.verdict, found.max_relative_error) == ("inconclusive", None)


@dataclass(frozen=True)
class Strange(Tanh):
    name = "strange"


@dataclass(frozen=True)
class Odd(Quadratic):
    name = "odd"


def test_formulas_that_plain_python_does_not_know_are_left_out() -> None:
    point = make_point()
    assert check_cost(replace(point, loss=Odd()), point.forward()) is None
    layers = [replace(layer, activation=Strange()) for layer in point.network.layers.values()]
    strange = replace(point, network=draw_network(layers, np.random.default_rng(0)))
    assert check_cost(strange, strange.forward()) is None


def test_large_networks_are_left_out() -> None:
    assert check_cost(make_point((69, 70, 1)), make_point((69, 70, 1)).forward()) is not None
    assert check_cost(make_point((70, 71, 1)), make_point((70, 71, 1)).forward()) is None


# BP1 to BP4


def broken(point: Point, equation: str, at: int, spoil: Callable[[Array], Array]) -> Gradients:
    """A backward pass once more, with one equation wrong at one layer."""
    trace, network = point.forward(), point.network
    nabla_W, nabla_b, flat = gradient_buffers(network)
    delta: dict[int, Array] = {}

    def made(name: str, l: int, array: Array) -> Array:
        return spoil(array) if (name, l) == (equation, at) else array

    for l in range(network.L, 1, -1):
        activation, z, a = network.layers[l].activation, trace.z[l], trace.a[l]
        if l == network.L:
            start = point.loss.output_delta(activation, z, a, point.Y) / len(point.X)
            delta[l] = made(
                "BP1", l, start if point.sample_weight is None else start * point.sample_weight[:, None]
            )
        else:
            upstream = (delta[l + 1] @ network.W[l + 1]) * point.masks.get(l, 1.0)
            delta[l] = made("BP2", l, activation.pullback(upstream, z, a))
        nabla_b[l][...] = made("BP3", l, delta[l].sum(axis=0))
        nabla_W[l][...] = made("BP4", l, delta[l].T @ trace.passed[l - 1] + point.weight_decay * network.W[l])
    return Gradients(delta, nabla_W, nabla_b, flat)


def stages_of(
    point: Point, gradients: Gradients, bare: Gradients | None = None, seconds: float = LONG
) -> list[Stage]:
    return list(check_equations(point, point.forward(), gradients, bare or gradients, seconds))


def without_penalty(point: Point) -> Point:
    return replace(point, weight_decay=0.0)


@pytest.mark.parametrize(("hidden", "output", "loss"), COMBINATIONS)
def test_right_equations_pass(hidden: str, output: str, loss: str) -> None:
    point = make_point((3, 4, 3, 2), hidden, output, loss, dropout=0.4, weighted=True, weight_decay=0.3)
    trace = point.forward()
    found = stages_of(point, point.backward(trace), without_penalty(point).backward(trace))
    cancels = [("∇ₐC", None)] if isinstance(point.loss, PartneredLoss) else []
    assert [(each.stage, each.layer) for each in found] == [
        ("BP1", 4),
        *cancels,
        ("BP3", 4),
        ("BP4", 4),
        ("penalty", 4),
        ("BP2", 3),
        ("BP3", 3),
        ("BP4", 3),
        ("penalty", 3),
        ("BP2", 2),
        ("BP3", 2),
        ("BP4", 2),
        ("penalty", 2),
    ]
    assert {each.verdict for each in found} == {"pass"}


EQUATIONS = [("BP1", 4), ("BP2", 3), ("BP2", 2), *((name, l) for name in ("BP3", "BP4") for l in (4, 3, 2))]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda array: 1.001 * array,
        lambda array: -array,
        lambda array: array + 1e-6 * np.abs(array).max(),
        lambda array: array[..., ::-1].copy(),
    ],
    ids=["one in a thousand", "sign", "a millionth", "order"],
)
@pytest.mark.parametrize(("equation", "at"), EQUATIONS)
def test_the_first_equation_that_is_wrong_is_named(
    equation: str, at: int, spoil: Callable[[Array], Array]
) -> None:
    point = make_point(dropout=0.4, weighted=True, weight_decay=0.3)
    right = broken(point, "none", 0, spoil)
    assert np.allclose(right.flat, point.backward(point.forward()).flat, rtol=1e-12, atol=0)
    spoilt, bare = (broken(each, equation, at, spoil) for each in (point, without_penalty(point)))
    wrong = [each for each in stages_of(point, spoilt, bare) if each.verdict != "pass"]
    assert (wrong[0].stage, wrong[0].layer, wrong[0].verdict) == (equation, at, "fail")
    if equation == "BP3":
        assert len(wrong) == 1
    if equation == "BP4":
        assert [(each.stage, each.layer) for each in wrong] == [("BP4", at), ("penalty", at)]


@pytest.mark.parametrize("at", [4, 3, 2])
@pytest.mark.parametrize("factor", [0.0, 1.001, 2.0, -1.0])
def test_a_wrong_penalty_is_not_blamed_on_bp4(factor: float, at: int) -> None:
    point = make_point(dropout=0.4, weighted=True, weight_decay=0.3)
    trace = point.forward()
    bare, wrong = (without_penalty(point).backward(trace) for _ in range(2))
    for l, W in point.network.W.items():
        wrong.nabla_W[l][...] += (factor if l == at else 1.0) * 0.3 * W
    failed = [each for each in stages_of(point, wrong, bare) if each.verdict != "pass"]
    assert [(each.stage, each.layer, each.verdict) for each in failed] == [("penalty", at, "fail")]


@pytest.mark.parametrize(
    ("output", "loss"), [("softmax", "cross_entropy"), ("sigmoid", "binary_cross_entropy")]
)
def test_the_long_way_to_a_minus_y_is_checked_too(
    output: str, loss: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step back takes the short way, so that a wrong ∇ₐC would spoil explanations only."""
    point = make_point((3, 4, 5), "tanh", output, loss, weighted=True)
    right = type(point.loss).gradient
    gradients = point.backward(point.forward())
    monkeypatch.setattr(type(point.loss), "gradient", lambda self, a, y: 1.001 * right(self, a, y))
    (wrong,) = [each for each in stages_of(point, gradients) if each.verdict != "pass"]
    assert (wrong.stage, wrong.layer, wrong.verdict) == ("∇ₐC", None, "fail")


def test_a_long_way_to_nowhere_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    point = make_point((3, 4, 5), "tanh", "softmax", "cross_entropy")
    gradients = point.backward(point.forward())
    monkeypatch.setattr(type(point.loss), "gradient", lambda self, a, y: np.full_like(a, np.nan))
    (wrong,) = [each for each in stages_of(point, gradients) if each.verdict != "pass"]
    assert (wrong.stage, wrong.verdict, wrong.note) == ("∇ₐC", "inconclusive", NOT_FINITE)


def test_where_the_long_way_has_no_value_nothing_is_said_of_it() -> None:
    point = make_point((3, 4, 5), "tanh", "softmax", "cross_entropy")
    far = point.at(1000 * point.network.parameters)
    with np.errstate(all="ignore"):
        assert not np.isfinite(far.loss.gradient(far.forward().outputs, far.Y)).all()
        assert {each.verdict for each in stages_of(far, far.backward(far.forward()))} == {"pass"}


@pytest.mark.parametrize(("equation", "at"), EQUATIONS)
def test_what_is_not_finite_is_inconclusive(equation: str, at: int) -> None:
    point = make_point()
    wrong = stages_of(point, broken(point, equation, at, lambda array: array * np.nan))
    first = next(each for each in wrong if each.verdict != "pass")
    assert (first.stage, first.layer, first.verdict, first.note) == (equation, at, "inconclusive", NOT_FINITE)
    assert "fail" not in {each.verdict for each in wrong}


def test_a_true_delta_of_0_is_told_from_its_rounding() -> None:
    point = make_point((3, 4, 3), "tanh", "softmax", "mean_absolute_error")
    below = replace(point, Y=-np.ones((3, 3)))
    gradients = below.backward(below.forward())
    assert 0 < np.abs(gradients.delta[2]).max() < 1e-15
    assert {each.verdict for each in stages_of(below, gradients)} == {"pass"}
    wrong = broken(below, "BP2", 2, lambda array: array + 1e-9)
    assert "fail" in {each.verdict for each in stages_of(below, wrong)}


def test_of_wide_layers_some_units_are_looked_at() -> None:
    point = make_point((20, 200, 3))
    for seconds in (0.0, 0.05, LONG, np.inf):
        found = stages_of(point, broken(point, "BP2", 2, lambda array: array * 2), seconds=seconds)
        assert {each.stage for each in found if each.verdict == "fail"} == {"BP2", "BP3", "BP4"}
    one = broken(point, "BP2", 2, lambda array: array * np.where(np.arange(200) == 77, 2, 1))
    assert "fail" not in {each.verdict for each in stages_of(point, one, seconds=0.0)}
    for seconds in (LONG, np.inf):
        assert "fail" in {each.verdict for each in stages_of(point, one, seconds=seconds)}


# The step


def step_of(point: Point, after: Array, rate: float = 0.5, moved: str = "all") -> Stage:
    step = StepTaken(point, after, rate, moved)
    return check_step(step, Numeric(point, point.forward(), choose(point, LONG)))


@pytest.mark.parametrize("rate", [1e-6, 0.5, 30.0])
@pytest.mark.parametrize("hidden", ["tanh", "relu", "softmax"])
def test_a_right_step_passes(hidden: str, rate: float) -> None:
    point = make_point(hidden=hidden, weighted=True, weight_decay=0.1)
    after = point.network.parameters - rate * point.backward(point.forward()).flat
    found = step_of(point, after, rate)
    assert (found.stage, found.layer, found.verdict, found.point) == ("step", None, "pass", "here")


@pytest.mark.parametrize("factor", [-1.0, 0.0, 1.001, 2.0])
@pytest.mark.parametrize("kind", ["W", "b"])
@pytest.mark.parametrize("l", [2, 3, 4])
def test_a_wrong_step_of_any_tensor_is_seen(factor: float, kind: str, l: int) -> None:
    point = make_point()
    step = point.network.with_parameters(0.5 * point.backward(point.forward()).flat)
    (step.W if kind == "W" else step.b)[l][...] *= factor
    assert step_of(point, point.network.parameters - step.parameters).verdict == "fail"


def test_where_biases_rest_they_must_not_move() -> None:
    point = make_point()
    step = 0.5 * point.backward(point.forward()).flat
    moved = point.network.parameters - step
    assert step_of(point, moved, moved="weights").verdict == "fail"
    step[point.network.n_weights :] = 0
    resting = point.network.parameters - step
    assert step_of(point, resting, moved="weights").verdict == "pass"
    assert step_of(point, resting).verdict == "fail"


@pytest.mark.parametrize("place", [0, -1])
@pytest.mark.parametrize("moved", ["all", "weights"])
def test_a_step_to_nowhere_is_inconclusive(place: int, moved: str) -> None:
    point = make_point()
    after = point.network.parameters - 0.5 * point.backward(point.forward()).flat
    if moved == "weights":
        after[point.network.n_weights :] = point.network.parameters[point.network.n_weights :]
    after[place] = np.nan
    found = step_of(point, after, moved=moved)
    assert (found.verdict, found.max_relative_error, found.note) == ("inconclusive", None, NOT_FINITE)


def test_a_step_whose_true_gradient_is_0_is_told_from_rounding() -> None:
    point = make_point((3, 4, 3), "tanh", "softmax", "mean_absolute_error")
    below = replace(point, Y=-np.ones((3, 3)))
    rate = 1e14
    after = below.network.parameters - rate * below.backward(below.forward()).flat
    assert step_of(below, after, rate).verdict == "pass"
    assert step_of(below, after + 1e-3 * rate, rate).verdict == "fail"


# The optimizer

SETTINGS = [
    Sgd(),
    Sgd(momentum=0.9),
    Sgd(momentum=0.8, nesterov=True),
    RmsProp(),
    RmsProp(rho=0.5, eps=1e-3),
    Adam(),
    Adam(beta1=0.5, beta2=0.9, eps=1e-3),
    AdamW(),
    AdamW(weight_decay=0.3),
]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        (Adam(eps=1e-7), Adam()),
        (Adam(eps=1e-9), Adam()),
        (AdamW(eps=1e-7), AdamW()),
        (RmsProp(eps=1e-7), RmsProp()),
    ],
)
def test_what_is_added_to_a_divisor_shows_on_small_gradients(wrong: Optimizer, right: Optimizer) -> None:
    found = check_optimizer(wrong, right)
    assert found is not None
    assert found.verdict == "fail"


def test_every_registered_optimizer_is_tried_here() -> None:
    assert {each.name for each in SETTINGS} == set(OPTIMIZERS) == set(scalar.OPTIMIZERS)


@pytest.mark.parametrize("optimizer", SETTINGS, ids=repr)
def test_right_steps_of_an_optimizer_pass(optimizer: Optimizer) -> None:
    found = check_optimizer(optimizer)
    assert found is not None
    assert (found.stage, found.layer, found.verdict) == ("optimizer", None, "pass")
    assert found.note == f"{optimizer.name}, 20 steps"


@pytest.mark.parametrize("wrong", SETTINGS, ids=repr)
@pytest.mark.parametrize("right", SETTINGS, ids=repr)
def test_another_optimizer_s_steps_fail(right: Optimizer, wrong: Optimizer) -> None:
    found = check_optimizer(wrong, right)
    assert found is not None
    assert (found.verdict == "pass") is (wrong == right)


# Dropout


def dropping() -> Network:
    return make_point((3, 6, 5, 2), dropout=0.3).network


def test_masks_that_are_missing_or_the_same_for_two_layers_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    network = make_point((3, 6, 6, 2), dropout=0.3).network

    def same(*arguments: Any) -> dict[int, Array]:
        masks = draw_masks(*arguments)
        return dict.fromkeys(masks, masks[2])

    for wrong in (same, lambda *_: {}):
        monkeypatch.setattr(stages, "draw_masks", wrong)
        found = check_dropout(network)
        assert found is not None
        assert found.verdict == "fail"


@pytest.mark.parametrize("seed", range(5))
def test_no_false_alarm_of_masks(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn(network: Network, rows: int, _: Any) -> dict[int, Array]:
        return draw_masks(network, rows, np.random.default_rng(seed))

    monkeypatch.setattr(stages, "draw_masks", drawn)
    for sizes in ((2, 1, 1, 1), (3, 40, 30, 20, 2)):
        found = check_dropout(make_point(sizes, dropout=0.5).network)
        assert found is not None
        assert found.verdict == "pass"


def test_masks_as_training_draws_them_pass() -> None:
    found = check_dropout(dropping())
    assert found is not None
    assert (found.stage, found.layer, found.verdict) == ("dropout", None, "pass")
    assert check_dropout(make_point().network) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda mask: mask * (1 - 0.3 / 2),
        lambda mask: (mask > 0).astype(float),
        lambda mask: np.where(np.arange(mask.size).reshape(mask.shape) % 10, 1 / 0.7, 0.0),
        lambda mask: np.full_like(mask, 1 / 0.7),
        np.zeros_like,
        lambda mask: np.repeat(mask[:, :1], mask.shape[1], axis=1),
        lambda mask: mask[:, ::-1][:, : mask.shape[1] - 1],
    ],
)
def test_wrong_masks_are_seen(spoil: Callable[[Array], Array], monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*arguments: Any) -> dict[int, Array]:
        return {l: spoil(mask) for l, mask in draw_masks(*arguments).items()}

    monkeypatch.setattr(stages, "draw_masks", wrong)
    found = check_dropout(dropping())
    assert found is not None
    assert found.verdict == "fail"


class SpoiltSgd(Sgd):
    def step(
        self, parameters: Array, gradient: Array, learning_rate: float, state: State, n_weights: int
    ) -> None:
        super().step(parameters, gradient, learning_rate, state, n_weights)
        state["v"] *= 1.0001


class SpoiltRmsProp(RmsProp):
    def step(
        self, parameters: Array, gradient: Array, learning_rate: float, state: State, n_weights: int
    ) -> None:
        super().step(parameters, gradient, learning_rate, state, n_weights)
        state["s"][-1] = 0


class SpoiltAdam(Adam):
    def step(
        self, parameters: Array, gradient: Array, learning_rate: float, state: State, n_weights: int
    ) -> None:
        state["t"] += 1
        super().step(parameters, gradient, learning_rate, state, n_weights)


class SpoiltAdamW(AdamW):
    def step(
        self, parameters: Array, gradient: Array, learning_rate: float, state: State, n_weights: int
    ) -> None:
        super().step(parameters, gradient, learning_rate, state, n_weights + 1)


class Nowhere(Sgd):
    def step(
        self, parameters: Array, gradient: Array, learning_rate: float, state: State, n_weights: int
    ) -> None:
        parameters[:] = np.inf


@pytest.mark.parametrize(
    "optimizer", [SpoiltSgd(momentum=0.9), SpoiltRmsProp(), SpoiltAdam(), SpoiltAdamW()], ids=repr
)
def test_wrong_steps_of_an_optimizer_fail(optimizer: Optimizer) -> None:
    found = check_optimizer(optimizer)
    assert found is not None
    assert found.verdict == "fail"


def test_steps_to_nowhere_are_inconclusive() -> None:
    found = check_optimizer(Nowhere())
    assert found is not None
    assert (found.verdict, found.max_relative_error) == ("inconclusive", None)


def test_an_optimizer_that_plain_python_does_not_know_is_left_out() -> None:
    class Unknown(Sgd):
        name = "unknown"

    assert check_optimizer(Unknown()) is None


def test_every_loss_is_known_there() -> None:
    assert set(scalar.LOSSES) == set(LOSSES)
