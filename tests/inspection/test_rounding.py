import numpy as np
import pytest

from bpnet.core.activations import ACTIVATIONS
from bpnet.inspection import scalar
from bpnet.inspection.complex_step import STEP
from bpnet.inspection.gradient_check import check_gradients
from bpnet.inspection.rounding import UNDERFLOW, largest, nudges, rounding_of_cost, shaken
from bpnet.inspection.stages import check_cost
from tests.core.nets import PAIRS
from tests.inspection.making import COMBINATIONS, make_point, point_of


def test_the_largest_of_nothing_is_0() -> None:
    assert largest(np.array([1.0, -3.0])) == 3
    assert largest(np.array([])) == 0


def test_nudges_move_every_parameter_by_one_rounding() -> None:
    point = make_point()
    moved = list(nudges(point))
    assert len(moved) == 3
    for nudged, trace in moved:
        change = np.abs(nudged.network.parameters / point.network.parameters - 1)
        assert change.max() < 4.5e-16
        assert change.min() > 0
        assert np.array_equal(trace.z[2], nudged.forward().z[2])


def test_nudges_stay_on_their_side_of_a_corner() -> None:
    point = point_of([[[0.1, 0.3]]], [[-0.4]], [[1, 1]], [[1]], activations=["relu"])
    assert point.forward().z[2][0, 0] == 0
    for _, trace in nudges(point):
        assert trace.z[2][0, 0] <= 0


@pytest.mark.parametrize(("hidden", "output", "loss"), COMBINATIONS)
def test_a_slope_s_rounding_is_next_to_nothing_where_no_unit_is_saturated(
    hidden: str, output: str, loss: str
) -> None:
    point = make_point((3, 4, 4, 2), hidden, output, loss, dropout=0.3, weighted=True, weight_decay=0.1)
    right = point.backward(point.forward())
    seen = 0.0
    for here, there in shaken(point):
        assert np.allclose(here.flat, right.flat, rtol=1e-12, atol=1e-16)
        seen = max(seen, largest(there.flat - here.flat))
    assert 0 < seen < 1e-13


@pytest.mark.parametrize("hidden", ["sigmoid", "tanh", "gelu", "silu", "elu", "softplus", "relu"])
@pytest.mark.parametrize(("output", "loss"), [PAIRS[k] for k in range(0, len(PAIRS), 7)])
@pytest.mark.parametrize("factor", [30.0, 200.0])
def test_no_false_alarm_where_units_are_saturated(hidden: str, output: str, loss: str, factor: float) -> None:
    point = make_point((2, 3, 3, 2), hidden, output, loss, seed=int(factor))
    check = check_gradients([point.at(factor * point.network.parameters)])
    assert check.verdict == "pass", (check.diagnosis, check.taylor, check.stages)
    assert check.self_test.caught == 18


@pytest.mark.parametrize("z", [40.0, 300.0])
def test_what_a_saturated_unit_has_lost_is_forgiven_and_no_more(z: float) -> None:
    """1 − a is 0 to the last digit, where the true slope is e⁻ᶻ; the weights behind make something of it."""
    point = point_of([[[z]], [[1e12]]], [[0.0], [0.0]], [[1.0]], [[0.0]], activations=["sigmoid", "identity"])
    assert point.backward(point.forward()).nabla_W[2][0, 0] == 0
    assert {each.verdict for each in check_gradients([point]).layers} == {"pass"}


def test_derivatives_below_the_complex_step_s_reach_are_no_faults() -> None:
    assert np.finfo(float).tiny / STEP == UNDERFLOW
    point = point_of(
        [[[-700.0]], [[1.0]]], [[0.0], [0.5]], [[1.0]], [[0.0]], activations=["silu", "identity"]
    )
    assert 0 < abs(point.backward(point.forward()).nabla_W[3][0, 0]) < 1e-295
    assert {each.verdict for each in check_gradients([point]).layers} == {"pass"}


def test_the_cost_s_rounding_is_next_to_nothing_unless_it_cancels() -> None:
    assert rounding_of_cost(make_point()) < 1e-14
    large = point_of([[[3e14]]], [[0.25]], [[1.0]], [[3e14]], activations=["identity"])
    assert large.cost(large.forward()) == pytest.approx(0.03125)
    assert rounding_of_cost(large) > 1e-3


@pytest.mark.parametrize("loss", ["huber", "mean_absolute_error", "quadratic"])
def test_a_cost_that_is_all_rounding_is_not_taken_for_a_wrong_one(loss: str) -> None:
    rng = np.random.default_rng(0)
    W, X = 1e14 * rng.standard_normal((2, 9)), rng.standard_normal((5, 9))
    point = point_of([W], [[0.0, 0.0]], X, X @ W.T, activations=["identity"], loss=loss)
    exact, C = scalar.cost(point), point.cost(point.forward())
    assert abs(exact - C) > 1e-6
    found = check_cost(point, point.forward())
    assert found is not None
    assert (found.stage, found.verdict, found.max_relative_error) == ("cost", "pass", 0)


def test_every_activation_is_known_here() -> None:
    assert {hidden for hidden, _, _ in COMBINATIONS} == set(ACTIVATIONS)
