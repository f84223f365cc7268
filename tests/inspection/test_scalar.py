"""The plain Python that the arrays' code is checked against, checked against known numbers."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from bpnet.core.activations import ACTIVATIONS, Elu, LeakyRelu, Tanh
from bpnet.core.losses import LOSSES, Huber
from bpnet.core.optimizers import OPTIMIZERS, Adam, AdamW, RmsProp, Sgd
from bpnet.inspection import scalar
from tests.core.nets import sigmoid_net
from tests.inspection.making import make_point, point_of
from tests.tolerances import WORKED


def test_everything_registered_is_known() -> None:
    assert {*scalar.ACTIVATIONS, "softmax"} == set(ACTIVATIONS)
    assert set(scalar.LOSSES) == set(LOSSES)
    assert set(scalar.OPTIMIZERS) == set(OPTIMIZERS)
    assert all(scalar.knows(ACTIVATIONS.create(name)) for name in ACTIVATIONS)


def test_what_is_not_registered_there_is_not_known() -> None:
    @dataclass(frozen=True)
    class Strange(Tanh):
        name = "strange"

    assert not scalar.knows(Strange())


@pytest.mark.parametrize(
    ("activation", "z", "a"),
    [
        ("identity", -2.5, -2.5),
        ("sigmoid", 1.0, 0.731058578630),
        ("sigmoid", -1.0, 0.268941421370),
        ("tanh", 0.5, 0.462117157260),
        ("relu", 2.0, 2.0),
        ("relu", -2.0, 0.0),
        ("leaky_relu", 3.0, 3.0),
        ("leaky_relu", -3.0, -0.03),
        (LeakyRelu(0.25), -3.0, -0.75),
        ("elu", 2.0, 2.0),
        ("elu", -1.0, -0.632120558829),
        (Elu(2.0), -1.0, -1.264241117657),
        ("gelu", 1.0, 0.841191990608),
        ("silu", 1.0, 0.731058578630),
        ("softplus", 0.0, 0.693147180560),
    ],
)
def test_known_values(activation: Any, z: float, a: float) -> None:
    made = ACTIVATIONS.create(activation) if isinstance(activation, str) else activation
    assert scalar.activate(made, [z, z]) == pytest.approx([a, a], abs=WORKED)


def test_softmax_takes_the_whole_row() -> None:
    found = scalar.activate(ACTIVATIONS.create("softmax"), [0.0, math.log(2), math.log(5)])
    assert found == pytest.approx([1 / 8, 2 / 8, 5 / 8], abs=WORKED)


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"gelu"}))
@pytest.mark.parametrize("z", [-1e4, 1e4])
def test_far_out_nothing_overflows(name: str, z: float) -> None:
    found = scalar.activate(ACTIVATIONS.create(name), [z, 0.0])
    assert all(math.isfinite(each) for each in found)


@pytest.mark.parametrize(
    ("loss", "z", "a", "y", "value"),
    [
        ("quadratic", [0, 0], [0.5, 2.0], [1.0, 0.0], 0.125 + 2),
        ("huber", [0, 0], [0.5, 3.0], [0.0, 0.0], 0.125 + 2.5),
        (Huber(0.25), [0, 0], [0.25, -1.0], [0.0, 0.0], 0.03125 + 0.25 * 0.875),
        ("mean_absolute_error", [0, 0], [0.5, -3.0], [0.0, 0.0], 1.75),
        ("cross_entropy", [0.0, math.log(3)], [0.25, 0.75], [0, 1], -math.log(0.75)),
        ("cross_entropy", [0.0, 5000.0], [0.0, 1.0], [1, 0], 5000),
        ("binary_cross_entropy", [math.log(3), -math.log(3)], [0.75, 0.25], [1, 1], -math.log(0.75 * 0.25)),
        ("binary_cross_entropy", [5000.0, -5000.0], [1.0, 0.0], [0, 0], 5000),
    ],
)
def test_known_losses(loss: Any, z: list[float], a: list[float], y: list[float], value: float) -> None:
    made = LOSSES.create(loss) if isinstance(loss, str) else loss
    assert scalar.sample_loss(made, z, a, y) == pytest.approx(value, rel=1e-12)


def test_the_worked_example() -> None:
    net = sigmoid_net([[[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]], [[0.35] * 2, [0.60] * 2])
    point = point_of(
        [*net.W.values()],
        [*net.b.values()],
        [[0.05, 0.10]],
        [[0.01, 0.99]],
        activations=["sigmoid", "sigmoid"],
    )
    (z2, z3), (a2, a3) = scalar.forward(point, 0)
    assert z2 == pytest.approx([0.3775, 0.3925], abs=WORKED)
    assert a2 == pytest.approx([0.593269992107, 0.596884378260], abs=WORKED)
    assert z3 == pytest.approx([1.105905967060, 1.224921404096], abs=WORKED)
    assert a3 == pytest.approx([0.751365069552, 0.772928465321], abs=WORKED)
    assert scalar.cost(point) == pytest.approx(0.298371108760, abs=WORKED)


def test_weights_of_samples_masks_and_the_penalty_count() -> None:
    W, linear = [[[2.0], [1.0]], [[1.0, 3.0]]], ["identity", "identity"]
    given = point_of(
        W,
        [[0, 0], [0]],
        [[1.0], [2.0]],
        [[0], [0]],
        sample_weight=np.array([1.0, 0.5]),
        weight_decay=0.1,
        masks={2: np.array([[2.0, 0.0], [0.0, 2.0]])},
        activations=linear,
    )
    # Outputs 2·2·1 = 4 and 3·2·2 = 12, C = (8 + 0.5·72)/2 + 0.05·(4 + 1 + 1 + 9).
    assert scalar.cost(given) == pytest.approx(22 + 0.75, rel=1e-15)
    plain = point_of(W, [[0, 0], [0]], [[1.0], [2.0]], [[0], [0]], activations=linear)
    assert scalar.cost(plain) == pytest.approx((12.5 + 50) / 2, rel=1e-15)


def test_nothing_of_the_arrays_code_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    point = make_point(dropout=0.3, weighted=True, weight_decay=0.1)
    expected = scalar.cost(point)
    monkeypatch.setattr("bpnet.inspection.point.forward", None)
    monkeypatch.setattr("bpnet.inspection.point.cost", None)
    monkeypatch.setattr(Tanh, "value", None)
    assert scalar.cost(point) == expected


@pytest.mark.parametrize(
    ("optimizer", "after"),
    [
        (Sgd(), 1 - 0.1 * 2 - 0.1 * 4),
        (Sgd(momentum=0.5), 1 - 0.1 * 2 - 0.1 * (1 + 4)),
        (Sgd(momentum=0.5, nesterov=True), 1 - 0.1 * (2 + 1) - 0.1 * (4 + 2.5)),
        (RmsProp(rho=0.5, eps=1.0), 1 - 0.1 * 2 / (math.sqrt(2) + 1) - 0.1 * 4 / (3 + 1)),
        (
            Adam(beta1=0.5, beta2=0.5, eps=1.0),
            1 - 0.1 * 2 / (2 + 1) - 0.1 * (2.5 / 0.75) / (math.sqrt(9 / 0.75) + 1),
        ),
    ],
    ids=repr,
)
def test_two_steps_by_hand(optimizer: Any, after: float) -> None:
    for n_weights in (0, 1):
        found = scalar.descend(optimizer, [1.0], [[2.0], [4.0]], 0.1, n_weights)
        assert found == pytest.approx([after], rel=1e-14)


def test_adamw_shrinks_weights_alone() -> None:
    shrunk = scalar.descend(AdamW(weight_decay=0.5, eps=1.0), [1.0, 1.0], [[2.0, 2.0]], 0.1, 1)
    assert shrunk == pytest.approx([0.95 - 0.1 * 2 / 3, 1 - 0.1 * 2 / 3], rel=1e-14)


def test_an_unknown_rule_is_refused() -> None:
    class Unknown(Sgd):
        name = "unknown"

    with pytest.raises(KeyError, match="unknown"):
        scalar.descend(Unknown(), [1.0], [[2.0]], 0.1, 1)
