import re

import numpy as np
import pytest

from bpnet.core.arrays import Array
from bpnet.inspection.comparison import FLOOR, THRESHOLD, agree, relative_errors
from bpnet.inspection.mistakes import Tensors, tensors_of
from bpnet.inspection.point import Point
from bpnet.inspection.records import NOT_FINITE, TensorCheck
from bpnet.inspection.tensors import (
    WORK_A_SECOND,
    Numeric,
    check_tensors,
    choose,
    coverage,
    keys,
    tensor,
)
from tests.inspection.making import (
    COMBINATIONS,
    deep_sigmoid,
    make_point,
    overflowing,
    point_of,
)
from tests.tolerances import GRADIENT

# How far apart


@pytest.mark.parametrize(
    ("analytic", "numeric", "errors"),
    [
        ([1.0, 0.0], [1.0, 0.0], [0, 0]),
        ([1.001], [1.0], [0.001 / 2.001]),
        ([1.0], [-1.0], [1]),
        ([1.0, 1e-9], [1.0, 2e-9], [0, 1e-9 / FLOOR]),
        ([0.0], [1e-300], [1]),
        ([np.nan, 1.0], [1.0, 1.0], [np.nan, 0]),
        ([1.0], [np.nan], [np.nan]),
        ([np.inf], [np.inf], [np.nan]),
        ([np.inf], [1.0], [np.nan]),
        ([1.0, 1.0], [np.inf, 1.0], [np.nan, np.nan]),
        ([1.2e308], [-1.2e308], [np.nan]),
    ],
)
def test_the_error_is_relative_with_a_floor_a_tensor(
    analytic: list[float], numeric: list[float], errors: list[float]
) -> None:
    found = relative_errors(np.array(analytic), np.array(numeric))
    np.testing.assert_allclose(found, errors, rtol=1e-12)


def test_what_is_not_finite_agrees_with_nothing() -> None:
    assert agree(np.ones(2), np.ones(2), 0)
    assert not agree(np.array([np.nan, 1]), np.array([np.nan, 1]), 1)
    assert not agree(np.array([np.inf]), np.array([np.inf]), 1)


# Which elements


def wide(width: int = 300) -> Point:
    return make_point((50, width, 4))


def test_all_are_chosen_where_there_is_time() -> None:
    point = wide()
    chosen = choose(point, 1e9)
    assert list(chosen) == keys(point.network) == [("W", 3), ("b", 3), ("W", 2), ("b", 2)]
    for key, elements in chosen.items():
        assert elements.tolist() == list(range(tensor(point.network, key).size))
    assert choose(point, np.inf).keys() == chosen.keys()


@pytest.mark.parametrize("seconds", [0.0, 1e-9])
def test_16_of_every_tensor_are_chosen_whatever_the_budget(seconds: float) -> None:
    point = wide()
    counts = {key: len(set(elements.tolist())) for key, elements in choose(point, seconds).items()}
    assert counts == {("W", 3): 16, ("b", 3): 4, ("W", 2): 16, ("b", 2): 16}


def test_a_larger_budget_allows_more_and_keeps_to_it() -> None:
    point = wide()
    # A parameter runs through its own layer, the units behind (each counts for 30) and their weights.
    of_layer_2, of_layer_3 = 50 + 30 * (300 + 4) + 300 * 4, 300 + 30 * 4
    for seconds in (0.02, 0.1, 0.2):
        counts = {key: len(elements) for key, elements in choose(point, seconds).items()}
        spent = 3 * (counts["W", 2] + counts["b", 2]) * of_layer_2
        spent += 3 * (counts["W", 3] + counts["b", 3]) * of_layer_3
        assert 0.9 < spent / (seconds * WORK_A_SECOND) <= 1
        assert counts["W", 2] > 16


def test_the_budget_that_is_told_is_enough() -> None:
    point = wide()
    sampled = Numeric(point, point.forward(), choose(point, 0.01))
    told = re.fullmatch(
        r"([\d,]+) of 16,504 parameters \(([\d.]+) %; --budget (\d+) for all\)", coverage(sampled, 0.5)
    )
    assert told is not None
    checked = sum(map(len, sampled.elements.values()))
    assert told[1] == f"{checked:,}"
    assert float(told[2]) == pytest.approx(100 * checked / 16_504, rel=0.05)
    assert coverage(Numeric(point, point.forward(), choose(point, 0.5 * int(told[3]))), 0.5) == ""


def test_the_same_elements_come_back_and_none_twice() -> None:
    first, again = choose(wide(), 0.1), choose(wide(), 0.1)
    for key, elements in first.items():
        assert elements.tolist() == again[key].tolist() == sorted(set(elements.tolist()))


def test_no_more_than_asked_for() -> None:
    counts = {key: len(elements) for key, elements in choose(wide(), 1e9, most=100).items()}
    assert counts == {("W", 3): 100, ("b", 3): 4, ("W", 2): 100, ("b", 2): 100}


# The verdict


def numeric_of(point: Point, seconds: float = 1e9) -> Numeric:
    return Numeric(point, point.forward(), choose(point, seconds))


def gradients_of(point: Point) -> dict[tuple[str, int], Array]:
    return tensors_of(point.backward(point.forward()))


def judged(point: Point, gradients: Tensors, seconds: float = 1e9) -> dict[tuple[str, int], TensorCheck]:
    checks = check_tensors(gradients, numeric_of(point, seconds))
    return {(each.tensor, each.layer): each for each in checks}


@pytest.mark.parametrize(("hidden", "output", "loss"), COMBINATIONS)
def test_right_gradients_pass(hidden: str, output: str, loss: str) -> None:
    point = make_point((3, 4, 3, 2), hidden, output, loss, dropout=0.3, weighted=True, weight_decay=0.1)
    checks = judged(point, gradients_of(point))
    assert {each.verdict for each in checks.values()} == {"pass"}
    assert max(each.max_relative_error or 0 for each in checks.values()) < GRADIENT


def test_the_worst_element_is_named() -> None:
    point = make_point()
    wrong = gradients_of(point)
    right = float(wrong["W", 3][2, 1])
    wrong["W", 3][2, 1] *= 1.001
    checks = judged(point, wrong)
    assert {key for key, each in checks.items() if each.verdict == "fail"} == {("W", 3)}
    found = checks["W", 3]
    assert found.worst is not None
    assert found.worst.index == (2, 1)
    assert found.worst.analytic == pytest.approx(1.001 * right)
    assert found.worst.numeric == pytest.approx(right)
    assert found.max_relative_error == pytest.approx(0.001 / 2.001)
    assert (found.shape, found.checked, found.total, found.point) == ((5, 4), 20, 20, "here")
    assert found.note == ""


def test_only_what_is_checked_counts() -> None:
    point = wide()
    elements = choose(point, 0.0)["W", 2]
    unseen = int(np.setdiff1d(np.arange(15_000), elements)[0])
    wrong = gradients_of(point)
    wrong["W", 2].reshape(-1)[unseen] = 7
    check = judged(point, wrong, 0.0)["W", 2]
    assert (check.verdict, check.checked, check.total) == ("pass", 16, 15_000)
    wrong["W", 2].reshape(-1)[elements[3]] += 1
    check = judged(point, wrong, 0.0)["W", 2]
    assert check.verdict == "fail"
    assert check.worst is not None
    assert check.worst.index == np.unravel_index(elements[3], (300, 50))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_inconclusive(value: float) -> None:
    point = make_point()
    wrong = gradients_of(point)
    wrong["b", 3][1] = value
    checks = judged(point, wrong)
    assert {key for key, each in checks.items() if each.verdict != "pass"} == {("b", 3)}
    found = checks["b", 3]
    assert (found.verdict, found.max_relative_error, found.worst, found.note) == (
        "inconclusive",
        None,
        None,
        NOT_FINITE,
    )


def test_an_overflowing_cost_is_inconclusive_even_if_both_sides_overflow_alike() -> None:
    point = overflowing()
    with np.errstate(all="ignore"):
        checks = judged(point, gradients_of(point))
    assert {each.verdict for each in checks.values()} == {"inconclusive"}


def test_a_true_0_is_told_from_its_rounding() -> None:
    """All outputs too large: a softmax answers no error that all its outputs share."""
    point = make_point((3, 4, 3), "tanh", "softmax", "mean_absolute_error", seed=5)
    below = point_of(
        [*point.network.W.values()],
        [*point.network.b.values()],
        point.X,
        -np.ones((3, 3)),
        activations=["tanh", "softmax"],
        loss="mean_absolute_error",
    )
    gradients = gradients_of(below)
    largest = max(float(np.abs(array).max()) for array in gradients.values())
    assert 0 < largest < 1e-15
    checks = judged(below, gradients)
    assert {each.verdict for each in checks.values()} == {"pass"}
    assert "its true value is 0: only rounding is left" in {each.note for each in checks.values()}
    wrong = {key: array + 1e-9 for key, array in gradients.items()}
    assert {each.verdict for each in judged(below, wrong).values()} == {"fail"}


def test_what_is_forgiven_to_rounding_is_next_to_nothing() -> None:
    for point in (make_point(), make_point(hidden="relu", dropout=0.3), deep_sigmoid()):
        numeric = numeric_of(point)
        for key, values in numeric.values.items():
            assert np.all(numeric.noise(key) < 1e-12 * np.abs(values).max())


# Deep networks


def torch_passes(analytic: Array, numeric: Array) -> bool:
    """The rule of torch.autograd.gradcheck: atol 1e-5 and rtol 1e-3, the same for every tensor."""
    return bool((np.abs(analytic - numeric) <= 1e-5 + 1e-3 * np.abs(numeric)).all())


@pytest.mark.parametrize("seed", range(4))
def test_first_layers_of_a_deep_network_cannot_hide_behind_the_last(seed: int) -> None:
    point = deep_sigmoid(seed)
    right = gradients_of(point)
    assert np.abs(right["W", 9]).max() > 1e3 * np.abs(right["W", 2]).max()
    assert {each.verdict for each in judged(point, right).values()} == {"pass"}
    first = {("W", 2), ("b", 2), ("W", 3), ("b", 3)}
    wrong = {key: -3 * array if key in first else array for key, array in right.items()}
    checks = judged(point, wrong)
    assert {key for key, each in checks.items() if each.verdict == "fail"} == first
    for key in first:
        assert checks[key].max_relative_error == pytest.approx(1)
    assert all(torch_passes(wrong[key], right[key]) for key in right)


@pytest.mark.parametrize("factor", [1 + 1e-6, 1.001, 0.0])
def test_small_faults_fail_in_every_tensor_of_a_deep_network(factor: float) -> None:
    point = deep_sigmoid()
    right = gradients_of(point)
    for spoilt in right:
        checks = judged(point, {**right, spoilt: factor * right[spoilt]})
        assert {key for key, each in checks.items() if each.verdict == "fail"} == {spoilt}
        assert (checks[spoilt].max_relative_error or 0) > THRESHOLD
