import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpnet.core.activations import Elu, LeakyRelu
from bpnet.core.losses import LOSSES
from bpnet.inspection import differences
from bpnet.inspection.comparison import FLOOR
from bpnet.inspection.complex_step import by_parameters
from bpnet.inspection.differences import (
    Difference,
    Taylor,
    difference,
    on_corners,
    regions,
    same_regions,
    taylor,
)
from bpnet.inspection.mistakes import tensors_of
from bpnet.inspection.point import Point
from tests.core.nets import PAIRS
from tests.inspection.making import SMOOTH, goodfellow_xor, make_point, point_of

SMOOTH_PAIRS = [
    (output, loss) for output, loss in PAIRS if output in SMOOTH and not LOSSES.create(loss).kinks
]


def all_differences(point: Point, factor: float = 1.0) -> list[Difference]:
    trace = point.forward()
    return [
        difference(
            point,
            trace,
            l,
            name,
            element,
            analytic=factor * float(value),
            floor=FLOOR * float(np.abs(array).max()),
        )
        for (name, l), array in tensors_of(point.backward(trace)).items()
        for element, value in enumerate(array.ravel())
    ]


def all_orders(point: Point, factor: float = 1.0, seed: int = 1) -> list[Taylor]:
    trace, rng = point.forward(), np.random.default_rng(seed)
    gradient = factor * point.backward(trace).flat
    return [taylor(point, trace, gradient, l, rng) for l in (None, *point.network.layers)]


any_smooth_point = st.builds(
    lambda sizes, hidden, pair, seed: make_point(sizes, hidden, *pair, seed=seed, weight_decay=0.01),
    st.lists(st.integers(1, 4), min_size=2, max_size=6),
    st.sampled_from(SMOOTH),
    st.sampled_from(SMOOTH_PAIRS),
    st.integers(0, 2**31),
)


@settings(max_examples=50, deadline=None)
@given(any_smooth_point)
def test_no_false_alarm_on_smooth_networks(point: Point) -> None:
    found = all_differences(point)
    # A threshold of Huber's loss is no corner, but a step over it shows in the estimate.
    assert {each.verdict for each in found} == {"pass"}
    assert {each.verdict for each in all_orders(point)} == {"pass"}


@settings(max_examples=50, deadline=None)
@given(any_smooth_point)
def test_the_error_estimate_holds(point: Point) -> None:
    trace = point.forward()
    for each in all_differences(point):
        tensor = tensors_of(point.backward(trace))[each.tensor, each.layer]
        element = np.array([np.ravel_multi_index(each.index, tensor.shape)])
        exact = by_parameters(point, trace, each.layer, each.tensor, element)[0]
        assert abs(each.numeric - exact) <= differences._ESTIMATES * each.estimate


def test_a_record_says_which_element() -> None:
    point = make_point((3, 2))
    found = all_differences(point)
    assert [(each.layer, each.tensor, each.index) for each in found] == [
        (2, "W", (j, k)) for j in range(2) for k in range(3)
    ] + [(2, "b", (j,)) for j in range(2)]
    assert all(each.slopes is None for each in found)
    W = point.backward(point.forward()).nabla_W[2].ravel()
    assert [each.analytic for each in found[:6]] == W.tolist()


@pytest.mark.parametrize("factor", [1.001, 0.999, -1.0, 1 + 1e-5])
def test_a_wrong_gradient_is_seen_by_differences(factor: float) -> None:
    found = all_differences(make_point(), factor)
    assert {each.verdict for each in found} == {"fail"}


def test_the_parameters_come_back() -> None:
    point = make_point()
    before = point.network.parameters.tobytes()
    all_differences(point)
    all_orders(point)
    assert point.network.parameters.tobytes() == before


# Corners


def one_unit(activation: Any, z: float, loss: str = "quadratic", y: float = -1.0) -> Point:
    return point_of([[[z]]], [[0.0]], [[1.0]], [[y]], activations=[activation], loss=loss)


@pytest.mark.parametrize(
    ("activation", "left", "right"),
    [("relu", 0.0, 1.0), ("leaky_relu", 0.01, 1.0), (LeakyRelu(0.3), 0.3, 1.0), (Elu(2.0), 2.0, 1.0)],
)
@pytest.mark.parametrize("z", [0.0, 1e-12, -1e-12])
def test_a_corner_within_the_step_is_a_kink_with_both_slopes(
    activation: Any, left: float, right: float, z: float
) -> None:
    # C = ½(a + 1)², so that ∂C/∂z is σ′(z) near z = 0.
    for each in all_differences(one_unit(activation, z)):
        assert each.verdict == "kink"
        assert each.slopes is not None
        assert each.slopes == pytest.approx((left, right), abs=1e-4)
        assert each.numeric == pytest.approx((left + right) / 2, abs=1e-4)
        assert each.estimate == math.inf
        assert min(abs(each.analytic - slope) for slope in each.slopes) < 1e-4


def test_a_smaller_step_stays_clear_of_a_corner_that_is_not_that_near() -> None:
    W, b = all_differences(one_unit("relu", 5e-4))
    assert (W.verdict, b.verdict) == ("pass", "pass")
    assert W.numeric == pytest.approx(1.0005, rel=1e-9)


def test_a_wrong_gradient_near_a_corner_is_left_to_the_complex_step() -> None:
    assert {each.verdict for each in all_differences(one_unit("relu", 1e-12), 1.5)} == {"kink"}


@pytest.mark.parametrize("residual", [0.0, 1e-12])
def test_a_corner_of_the_loss_is_a_kink_too(residual: float) -> None:
    for each in all_differences(one_unit("identity", 0.25 + residual, "mean_absolute_error", y=0.25)):
        assert each.verdict == "kink"
        assert each.slopes == pytest.approx((-1, 1), abs=1e-4)


def test_the_xor_network_lies_on_three_corners() -> None:
    point = goodfellow_xor((1, 0, 0, 1))
    trace = point.forward()
    assert on_corners(point, trace) == {2: 3}
    assert on_corners(make_point(hidden="relu"), make_point(hidden="relu").forward()) == {}
    found = all_differences(point)
    kinks = [each for each in found if each.verdict == "kink"]
    assert {(each.layer, each.tensor) for each in kinks} == {(2, "W"), (2, "b")}
    assert {each.verdict for each in found} == {"kink", "pass"}
    for each in kinks:
        assert each.slopes is not None
        assert each.slopes[0] != pytest.approx(each.slopes[1], abs=1e-3)
    # b¹ at (0, 0): a = 0 below, b¹ above, and only from above does the cost feel it.
    first = next(each for each in kinks if each.tensor == "b" and each.index == (0,))
    rows = [(0 - 1) * 1.0, (1 - 0) * 1.0, (1 - 0) * 1.0, (0 - 1) * 1.0]
    assert first.slopes == pytest.approx((sum(rows[1:]) / 4, sum(rows) / 4), abs=1e-6)


def test_regions_tell_the_sides_of_every_corner() -> None:
    point = one_unit("relu", 1e-3, "mean_absolute_error", y=1e-3)
    here = regions(point, point.forward())
    assert [side.tolist() for side in here] == [[[True]], [[False]]]
    moved = point.at(point.network.parameters + 1e-6)
    assert not same_regions(here, regions(moved, moved.forward()))
    assert same_regions(here, regions(point, point.forward()))


def test_a_cost_that_overflows_at_every_step_is_inconclusive() -> None:
    almost = math.sqrt(np.finfo(float).max) * (1 - 1e-6)
    point = one_unit("identity", almost, y=0.0)
    trace = point.forward()
    assert math.isfinite(point.cost(trace))
    with np.errstate(all="ignore"):
        found = difference(point, trace, 2, "W", 0, analytic=almost, floor=0.0)
    assert found.verdict == "inconclusive"


# Taylor


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("hidden", SMOOTH)
def test_the_order_is_2_for_a_right_gradient_and_1_for_a_wrong_one(hidden: str, seed: int) -> None:
    point = make_point(hidden=hidden, seed=seed)
    right, wrong = all_orders(point), all_orders(point, 1.001)
    assert [each.layer for each in right] == [None, 2, 3, 4]
    for each in right:
        assert each.verdict == "pass"
        assert each.order is None or each.order == pytest.approx(2, abs=0.1)
    for each in wrong:
        assert each.order is not None
        assert each.order == pytest.approx(1, abs=0.1)
        assert each.verdict == "fail"


def test_a_wrong_layer_is_seen_where_it_is() -> None:
    point = make_point()
    trace, rng = point.forward(), np.random.default_rng(1)
    spoilt = point.network.with_parameters(point.backward(trace).flat)
    spoilt.W[3][...] *= 1.001
    orders = {l: taylor(point, trace, spoilt.parameters, l, rng) for l in (None, 2, 3, 4)}
    assert {l for l, each in orders.items() if each.verdict == "fail"} == {None, 3}


def test_a_straight_cost_has_no_order() -> None:
    point = one_unit("identity", 3.0, "mean_absolute_error")
    assert all_orders(point) == [Taylor(l, None, "open", "below rounding") for l in (None, 2)]
    assert {each.verdict for each in all_orders(point, 1.001)} == {"fail"}


def test_parameters_that_are_all_0_are_moved_too() -> None:
    point = one_unit("sigmoid", 0.0)
    wrong = all_orders(point, 1.01)
    assert {each.verdict for each in wrong} == {"fail"}


def test_remainders_beyond_a_corner_say_nothing() -> None:
    point = one_unit("relu", 1e-3)
    assert {each.verdict for each in all_orders(point)} == {"pass"}
    assert {each.verdict for each in all_orders(point, 1.1)} == {"fail"}


@pytest.mark.parametrize(
    ("remainders", "order", "verdict"),
    [
        # a·t² + b·t³ of opposite signs, until rounding: the orders come to 2 from below.
        ([t**2 - 1.2 * t**3 for t in (0.5, 0.25, 0.125, 0.0625)], 2.0, "pass"),
        ([t + t**2 for t in (2.0**-k for k in range(12))], 1.0, "fail"),
        # Large weights: one plateau of a saturated unit after another, and then nothing, or order 2.
        ([1.0, 0.5, 0.25, 0.125, 1e-17, 0.0], None, "open"),
        ([1.0, 0.5, 0.25, 0.125, 1e-14, 1e-17, 0.0, 0.0], None, "open"),
        ([2e-13 * 2.0**-k for k in range(4)] + [2e-14 / 4.0**k for k in range(1, 6)], None, "open"),
        ([2.5e-13 * 2.0**-k for k in range(12)], 1.0, "fail"),
        ([1e-3 * 2.0 ** (-1.7 * k) for k in range(12)], None, "open"),
        ([1.0, 0.25, 0.0625], None, "open"),
        ([1.0, 0.25, 0.0625, 0.03], None, "open"),
        ([0.0, 1.0, 0.25, 0.0625, 0.015625], 2.0, "pass"),
        ([], None, "open"),
    ],
)
def test_where_the_orders_settle(
    remainders: list[float], order: float | None, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(differences, "_remainders", lambda *_: iter([(each, 1.0) for each in remainders]))
    found = all_orders(make_point())[0]
    assert found.verdict == verdict
    assert found.order == (None if order is None else pytest.approx(order, abs=0.1))


def test_why_there_is_no_order_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for remainders, reason in (
        ([], "a corner too near"),
        ([1.0, 0.25, 0.0625], "a corner too near"),
        ([1.0, 0.5, 0.25, 1e-17, 0.0], "below rounding"),
        ([1e-3 * 2.0 ** (-1.7 * k) for k in range(12)], "not settled"),
    ):
        seen = [(each, 1.0) for each in remainders]
        monkeypatch.setattr(differences, "_remainders", lambda *_, seen=seen: iter(seen))
        assert all_orders(make_point())[0] == Taylor(None, None, "open", reason)


def test_remainders_in_the_rounding_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    small = [(4.0**-k * 1e-3, 1e12) for k in range(10)]
    monkeypatch.setattr(differences, "_remainders", lambda *_: iter(small))
    assert all_orders(make_point())[0] == Taylor(None, None, "open", "below rounding")


def test_a_loss_that_has_rounded_to_0_says_nothing() -> None:
    point = point_of(
        [[[60.0], [0.0]]], [[0.0, 0.0]], [[1.0]], [[1, 0]], activations=["softmax"], loss="cross_entropy"
    )
    assert point.cost(point.forward()) == 0
    assert np.abs(point.backward(point.forward()).nabla_W[2]).max() > 1e-27
    assert {each.verdict for each in all_differences(point)} == {"pass"}
    assert {each.verdict for each in all_orders(point)} == {"open"}
