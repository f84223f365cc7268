"""Careless formulas break far out, and conventions show on corners alone."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bpnet.core.activations import ACTIVATIONS, Elementwise, Softmax
from bpnet.core.arrays import Array
from bpnet.core.losses import Huber, MeanAbsoluteError, Quadratic
from bpnet.inspection.extremes import check_corners, check_far_out, narrowed
from bpnet.inspection.gradient_check import check_gradients
from bpnet.inspection.records import NOT_FINITE, Stage
from bpnet.inspection.stages import SCALAR_PARAMETERS, check_cost
from tests.inspection.making import COMBINATIONS, make_point, point_of

# Far out


@pytest.mark.parametrize(("hidden", "output", "loss"), COMBINATIONS)
def test_far_out_every_formula_keeps_its_digits(hidden: str, output: str, loss: str) -> None:
    with np.errstate(all="ignore"):
        found = check_far_out(make_point((3, 4, 3, 2), hidden, output, loss, dropout=0.4, weight_decay=0.3))
    assert (found.stage, found.layer, found.verdict, found.point) == (
        "far out",
        None,
        "pass",
        "here, far out",
    )


def test_far_out_an_exponential_that_overflows_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(_: Softmax, z: Array, out: Array | None = None) -> Array:
        exponentials = np.exp(z)
        shares: Array = exponentials / exponentials.sum(axis=1, keepdims=True)
        return shares

    point = make_point(output="softmax", hidden="identity")
    monkeypatch.setattr(Softmax, "value", careless)
    assert check_cost(point, point.forward()) is not None
    with np.errstate(all="ignore"):
        found = check_far_out(point)
    assert (found.verdict, found.note) == ("fail", NOT_FINITE)


def test_a_division_by_a_residual_of_0_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(_: MeanAbsoluteError, z: Array, a: Array, y: Array) -> Array:
        losses: Array = ((a - y) ** 2 / np.abs(a - y)).mean(axis=1)
        return losses

    point = make_point(output="identity", loss="mean_absolute_error")
    monkeypatch.setattr(MeanAbsoluteError, "per_sample", careless)
    with np.errstate(all="ignore"):
        assert check_far_out(point).verdict == "fail"


def test_of_a_network_too_large_for_plain_python_a_narrower_one_is_looked_at() -> None:
    point = make_point((60, 80, 10), "gelu", "softmax", "cross_entropy", dropout=0.3, weighted=True)
    narrow = narrowed(point)
    assert narrow.network.sizes == (12, 12, 10)
    assert [each.activation.name for each in narrow.network.layers.values()] == ["gelu", "softmax"]
    assert (narrow.loss, narrow.sample_weight is None) == (point.loss, False)
    assert narrow.masks.keys() == {2}
    found = check_far_out(narrow)
    assert (found.verdict, found.point) == ("pass", "a narrower network of the kind, far out")
    assert "in plain Python" in found.note
    assert narrowed(make_point()).network.sizes == make_point().network.sizes
    deep = narrowed(make_point((20,) * 41))
    assert len(deep.network.layers) == 40
    assert deep.network.parameters.size <= SCALAR_PARAMETERS


def test_far_out_a_single_sample_is_not_put_on_its_target_alone() -> None:
    """C would be nothing but rounding."""
    check = check_gradients([make_point((3, 4, 2), "gelu", "sigmoid", "mean_absolute_error", n_samples=1)])
    (stage,) = (each for each in check.stages if each.stage == "far out")
    assert (stage.verdict, stage.point) == ("pass", "a probe, far out")


def test_a_wrong_formula_is_seen_in_a_network_too_large_for_plain_python(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bpnet.core.activations._GELU_CUBE", 0.0447)
    check = check_gradients([make_point((60, 80, 10), "gelu")], budget=0.0)
    assert check.diagnosis[0].startswith("The cost itself is wrong: plain Python gets another number")


def test_far_out_of_formulas_that_plain_python_does_not_know_numbers_must_be_finite() -> None:
    point = make_point()
    unknown = replace(point, loss=Unknown())
    found = check_far_out(unknown)
    assert (found.stage, found.verdict, found.max_relative_error) == ("far out", "pass", None)
    assert found.note == "C is not compared"


class Unknown(Quadratic):
    name = "unknown"


# On corners


@pytest.mark.parametrize(("hidden", "output", "loss"), COMBINATIONS)
def test_every_convention_is_the_forward_pass_s_own(hidden: str, output: str, loss: str) -> None:
    point = make_point((4, 5, 2), hidden, output, loss)
    bent = point.loss.kinks or any(layer.activation.kinks for layer in point.network.layers.values())
    found = check_corners(point)
    assert (found is not None) == bool(bent)
    if found is not None:
        assert found == Stage("corners", None, 0.0, "pass", "every corner")


def test_a_smooth_network_has_no_corner() -> None:
    assert check_corners(make_point()) is None


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu"])
def test_another_side_on_the_way_back_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    activation = ACTIVATIONS.create(name, **({"alpha": 0.5} if name == "elu" else {}))
    assert isinstance(activation, Elementwise)
    kind = type(activation)
    right = kind.derivative

    def other_side(self: Any, z: Array, a: Array, out: Array | None = None) -> Array:
        return right(self, np.where(z == 0, 1.0, z), np.where(z == 0, 1.0, a), out=out)

    point = point_of([[[1.0]], [[1.0]]], [[0], [0]], [[1.0]], [[0]], activations=[activation, "identity"])
    assert activation.kinks == (0.0,)
    monkeypatch.setattr(kind, "derivative", other_side)
    found = check_corners(point)
    assert found is not None
    assert found.verdict == "fail"


def test_another_sign_of_a_residual_of_0_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    point = make_point((4, 5, 2), "tanh", "identity", "mean_absolute_error")
    monkeypatch.setattr(
        MeanAbsoluteError, "gradient", lambda self, a, y: np.where(a >= y, 1.0, -1.0) / a.shape[1]
    )
    found = check_corners(point)
    assert found is not None
    assert found.verdict == "fail"


def test_huber_bends_without_a_corner() -> None:
    assert Huber().kinks == ()
