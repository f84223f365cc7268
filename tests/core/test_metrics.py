from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpnet.core.arrays import Array
from bpnet.core.metrics import Accuracy, Regression
from tests.tolerances import ROUNDING

cuts = st.lists(st.integers(0, 30), max_size=5).map(lambda inner: [0, *sorted(inner), 30])
"""Where to cut 30 samples into parts, of which some may be empty."""


def test_the_names_are_those_of_the_results() -> None:
    accuracy, regression = Accuracy(exclusive=True), Regression(np.ones(1))
    accuracy.add(np.eye(2), np.eye(2))
    regression.add(np.ones((2, 1)), np.ones((2, 1)))
    assert tuple(accuracy.result()) == accuracy.names
    assert tuple(regression.result()) == regression.names


def test_no_samples_no_result() -> None:
    assert Accuracy(exclusive=True).result() == {}
    assert Regression(np.ones(2)).result() == {}


def test_exclusive_classes_count_samples() -> None:
    accuracy = Accuracy(exclusive=True)
    accuracy.add(np.array([[0.4, 0.35, 0.25], [0.1, 0.2, 0.7]]), np.array([[1.0, 0, 0], [0, 1, 0]]))
    assert accuracy.result() == {"accuracy": 0.5}
    accuracy.add(np.array([[0.0, 0.1, 0.2]]), np.array([[0.0, 0, 1]]))
    assert accuracy.result() == {"accuracy": 2 / 3}


def test_the_first_of_several_largest_outputs_is_the_answer() -> None:
    accuracy = Accuracy(exclusive=True)
    accuracy.add(np.full((2, 3), 1 / 3), np.array([[1.0, 0, 0], [0, 0, 1]]))
    assert accuracy.result() == {"accuracy": 0.5}


def test_classes_may_be_given_as_probabilities() -> None:
    accuracy = Accuracy(exclusive=True)
    targets = np.array([[0.5, 0.3, 0.2], [0.4, 0.4, 0.2], [0.4, 0.4, 0.2], [0.4, 0.4, 0.2]])
    accuracy.add(np.eye(3)[[1, 0, 1, 2]], targets)
    assert accuracy.result() == {"accuracy": 0.25}  # of two that are equally likely, the first


def test_labels_count_one_by_one() -> None:
    accuracy = Accuracy(exclusive=False)
    accuracy.add(np.array([[0.9, 0.6], [0.4, 0.5]]), np.array([[1.0, 0], [0, 0]]))
    assert accuracy.result() == {"accuracy": 3 / 4}


@pytest.mark.parametrize("exclusive", [True, False])
def test_one_output_is_a_yes_or_no(*, exclusive: bool) -> None:
    accuracy = Accuracy(exclusive=exclusive)
    accuracy.add(np.array([[0.9], [0.2], [0.6], [0.1]]), np.array([[1.0], [1], [0], [0]]))
    assert accuracy.result() == {"accuracy": 0.5}


@given(cuts, st.booleans())
def test_accuracy_in_parts_is_that_of_the_whole(at: list[int], exclusive: bool) -> None:  # noqa: FBT001 - a case
    rng = np.random.default_rng(0)
    outputs, targets = rng.random((30, 3)), np.eye(3)[rng.integers(3, size=30)]
    whole, parts = Accuracy(exclusive=exclusive), Accuracy(exclusive=exclusive)
    whole.add(outputs, targets)
    for start, stop in pairwise(at):
        parts.add(outputs[start:stop], targets[start:stop])
    assert parts.result() == whole.result()


def regression_samples(offset: float, dtype: type) -> tuple[Array, Array]:
    rng = np.random.default_rng(1)
    targets: Array = offset + rng.normal(size=(30, 2)) * [1, 3]
    return (targets + rng.normal(size=(30, 2))).astype(dtype), targets.astype(dtype)


@given(cuts, st.sampled_from([0.0, 1.0, -1e6]), st.sampled_from([np.float32, np.float64]))
def test_regression_in_parts_is_that_of_the_whole(at: list[int], offset: float, dtype: type) -> None:
    outputs, targets = regression_samples(offset, dtype)
    unit = np.array([2.0, 10.0])
    parts = Regression(unit)
    for start, stop in pairwise(at):
        parts.add(outputs[start:stop], targets[start:stop])
    a, y = outputs.astype(np.float64), targets.astype(np.float64)
    explained = 1 - ((a - y) ** 2).sum(axis=0) / ((y - y.mean(axis=0)) ** 2).sum(axis=0)
    assert parts.result() == pytest.approx(
        {"r2": explained.mean(), "mae": (np.abs(a - y).mean(axis=0) * unit).mean()}, rel=1e-9
    )


@pytest.mark.parametrize("constant", [0.1, 0.0, 3.0, -1e-9, 1 / 3])
@pytest.mark.parametrize("size", [1, 3, 30])
def test_targets_that_never_vary(constant: float, size: int) -> None:
    """Their mean may be off by a rounding, which must not pass for a spread."""
    targets = np.full((30, 1), constant)
    perfect, near = Regression(np.ones(1)), Regression(np.ones(1))
    for start in range(0, 30, size):
        part = targets[start : start + size]
        perfect.add(part, part)
        near.add(part + 0.5, part)
    assert perfect.result() == {"r2": 1.0, "mae": 0.0}
    assert near.result() == pytest.approx({"r2": 0.0, "mae": 0.5}, rel=ROUNDING)


def test_a_constant_target_beside_one_that_varies() -> None:
    targets = np.array([[0.1, 0.0], [0.1, 2.0], [0.1, 4.0]])
    regression = Regression(np.ones(2))
    regression.add(targets + 1, targets)
    assert regression.result() == pytest.approx({"r2": (0 + 1 - 3 / 8) / 2, "mae": 1.0}, rel=ROUNDING)


def test_the_mean_as_a_guess_explains_nothing() -> None:
    targets = np.array([[1.0], [2.0], [6.0]])
    regression = Regression(np.ones(1))
    regression.add(np.full((3, 1), 3.0), targets)
    assert regression.result()["r2"] == pytest.approx(0, abs=ROUNDING)
