from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bpnet.core.arrays import Array
from bpnet.core.losses import Quadratic
from bpnet.inspection import foreign, tensors
from bpnet.inspection.foreign import check_foreign
from bpnet.inspection.mistakes import tensors_of
from bpnet.inspection.point import Point
from bpnet.inspection.records import GradientCheck, TensorCheck
from bpnet.inspection.self_test import look_at
from tests.inspection.making import COMBINATIONS, make_point, overflowing, point_of

Given = dict[tuple[str, int], Array]
POINT = make_point((3, 4, 2), n_samples=6)


def right(point: Point = POINT) -> Given:
    return {key: array.copy() for key, array in tensors_of(point.backward(point.forward())).items()}


def checked(given: Given, point: Point = POINT, **options: Any) -> GradientCheck:
    return check_foreign(point, given, rate=0.5, **options)


def tensor(check: GradientCheck, name: str, l: int) -> TensorCheck:
    return next(each for each in check.layers if (each.tensor, each.layer) == (name, l))


@pytest.mark.parametrize(("hidden", "output", "loss"), COMBINATIONS)
def test_right_gradients_pass(hidden: str, output: str, loss: str) -> None:
    point = make_point(
        (3, 4, 2), hidden, output, loss, dropout=0.3, weighted=True, weight_decay=0.1, n_samples=6
    )
    check = checked(right(point), point)
    assert (check.verdict, check.diagnosis) == ("pass", ())
    assert all(note.startswith("This network and batch cannot show: ") for note in check.notes)
    assert [(each.tensor, each.layer) for each in check.layers] == [("W", 3), ("b", 3), ("W", 2), ("b", 2)]
    assert check.self_test.caught == 18
    assert tuple(check.points) == ("here",)
    assert check.threshold == 1e-6


@pytest.mark.parametrize("digits", [7, 9, 12])
def test_numbers_of_so_many_digits_pass(digits: int) -> None:
    rounded = {
        key: np.array([float(f"{value:.{digits}g}") for value in array.ravel()]).reshape(array.shape)
        for key, array in right().items()
    }
    assert checked(rounded).verdict == "pass"


def test_single_precision_passes() -> None:
    for seed in range(5):
        point = make_point((20, 30, 10, 3), "tanh", "softmax", "cross_entropy", seed=seed)
        single = replace(
            point.at(point.network.parameters.astype(np.float32)),
            X=point.X.astype(np.float32),
            Y=point.Y.astype(np.float32),
        )
        given = {key: array.astype(np.float64) for key, array in right(single).items()}
        assert given["W", 2].tolist() == given["W", 2].astype(np.float32).tolist()
        check = checked(given, point)
        assert check.verdict == "pass", check.diagnosis


@pytest.mark.parametrize("factor", [1 + 1e-5, 1.001, 2.0, -1.0])
def test_a_wrong_tensor_fails_with_a_diagnosis(factor: float) -> None:
    check = checked(right() | {("W", 2): factor * right()["W", 2]})
    assert check.verdict == "fail"
    assert [(each.tensor, each.layer) for each in check.layers if each.verdict != "pass"] == [("W", 2)]
    assert check.diagnosis
    assert "∇W²" in " ".join(check.diagnosis)
    worst = tensor(check, "W", 2).worst
    assert worst is not None
    assert worst.analytic == pytest.approx(factor * worst.numeric, rel=1e-9)


def test_what_is_not_given_is_not_checked() -> None:
    given = {key: array for key, array in right().items() if key[0] == "W"}
    check = checked(given, absent=["b2", "b3"])
    assert check.verdict == "pass"
    assert [(each.tensor, each.layer) for each in check.layers] == [("W", 3), ("W", 2)]
    assert check.notes == ("Not given, and not checked: b2, b3.",)
    check = checked(given | {("W", 3): 2 * given["W", 3]}, absent=["b2", "b3"])
    assert check.verdict == "fail"
    assert "2 times" in check.diagnosis[0]


def test_transposed_tensors_are_not_right_whatever_they_hold() -> None:
    check = checked(right() | {("W", 2): right()["W", 2].T})
    assert check.verdict == "fail"
    found = tensor(check, "W", 2)
    assert (found.verdict, found.note) == ("fail", "transposed: a row for each input")
    assert "transposed" in check.diagnosis[0]
    assert tensor(check, "W", 3).verdict == "pass"


def test_a_square_matrix_may_be_transposed_too() -> None:
    point = make_point((3, 3, 2))
    check = checked(right(point) | {("W", 2): right(point)["W", 2].T}, point)
    assert check.verdict == "fail"
    assert "transposed" in check.diagnosis[0]


@pytest.mark.parametrize("unseen", [True, False])
def test_elements_that_time_did_not_allow_to_sample_are_compared_too(unseen: bool) -> None:  # noqa: FBT001 - a case
    point = make_point((50, 300, 4))
    sampled = tensors.choose(point, 0.0)["W", 2]
    others = np.setdiff1d(np.arange(15_000), sampled)
    assert checked(right(point), point, budget=0.0).verdict == "pass"
    given = right(point)
    element = int((others if unseen else sampled)[5])
    given["W", 2].reshape(-1)[element] += 1e-3 * np.abs(given["W", 2]).max()
    check = checked(given, point, budget=0.0)
    assert check.verdict == "fail"
    found = tensor(check, "W", 2)
    assert (found.verdict, found.checked) == ("fail", 16)
    assert found.worst is not None
    assert found.worst.index == np.unravel_index(element, (300, 50))
    assert found.max_relative_error is not None
    assert found.max_relative_error > 1e-6


def flat() -> Point:
    """Where every true derivative is 0: a softmax answers no error that all its outputs share."""
    point = make_point((60, 8, 3), "tanh", "softmax", "mean_absolute_error", n_samples=5)
    return replace(point, Y=-np.ones((5, 3)))


def test_rounding_of_a_true_0_passes_in_sampled_tensors_too() -> None:
    looked = look_at(flat(), 0.0)
    given = {key: 3 * array for key, array in right(flat()).items()}
    assert np.abs(given["W", 2]).max() > 0
    layers = foreign._compare(flat(), given, right(flat()), looked.numeric)
    assert {each.verdict for each in layers} == {"pass"}


@pytest.mark.parametrize("factor", [1, 3, -1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_where_every_true_derivative_is_0_nothing_can_be_said(factor: float, dtype: type) -> None:
    given = {key: (factor * array).astype(dtype).astype(float) for key, array in right(flat()).items()}
    check = checked(given, flat())
    assert check.verdict == "inconclusive"
    assert {each.verdict for each in check.layers} == {"inconclusive"}
    assert check.notes[0].startswith("Every true derivative is 0 here, but for rounding")
    assert {each.note for each in check.layers} == {""}


@pytest.mark.parametrize(("scale", "factor"), [(1e7, -1.0), (1e5, 1.01), (1e5, 0.0)])
def test_small_columns_cannot_hide_behind_the_rounding_of_large_ones(scale: float, factor: float) -> None:
    """As of inputs that nobody has scaled, in single precision."""
    point = make_point((3, 4, 2), n_samples=6)
    point = replace(point, X=point.X * [scale, 1, 1])
    point.network.W[2][:, 0] /= scale
    single = replace(
        point.at(point.network.parameters.astype(np.float32)),
        X=point.X.astype(np.float32),
        Y=point.Y.astype(np.float32),
    )
    given = {key: array.astype(float) for key, array in right(single).items()}
    assert checked(given, point).verdict == "pass"
    given["W", 2][:, 1:] *= factor
    assert checked(given, point).verdict == "fail"


def trained() -> Point:
    """Where targets are nearly met: single precision leaves no digit of the gradient."""
    point = make_point((3, 4, 2), "tanh", "identity", n_samples=6)
    return replace(point, Y=point.forward().outputs * (1 + 1e-9))


def test_a_gradient_that_drowns_in_rounding_of_single_precision_is_no_evidence() -> None:
    point = trained()
    assert checked(right(point), point).verdict == "pass", "in double precision there are digits left"
    rng = np.random.default_rng(0)
    noise = {key: (1e-9 * rng.standard_normal(a.shape)).astype(np.float32) for key, a in right(point).items()}
    check = checked({key: array.astype(float) for key, array in noise.items()}, point)
    assert check.verdict == "inconclusive"
    assert "too near to 0 to be told from rounding" in {each.note for each in check.layers}


def written(gradient: Given, digits: int) -> Given:
    """As a program prints it with so many digits."""
    return {
        key: np.array([float(f"{value:.{digits}g}") for value in array.ravel()]).reshape(array.shape)
        for key, array in gradient.items()
    }


@pytest.mark.parametrize("digits", [3, 5, 6])
def test_few_digits_are_not_a_mistake(digits: int) -> None:
    check = checked(written(right(), digits))
    assert (check.verdict, check.diagnosis) == ("inconclusive", ())
    assert check.notes == ("These numbers are written with few digits: write nine or more, and check again.",)
    told = [each.note for each in check.layers if each.verdict == "inconclusive"]
    assert all(note.startswith("right to about ") for note in told)


@pytest.mark.parametrize("digits", [5, 6])
def test_a_mistake_is_told_in_few_digits_too(digits: int) -> None:
    doubled = checked(written({key: 2 * array for key, array in right().items()}, digits))
    assert doubled.verdict == "fail"
    assert "2 times the right size" in doubled.diagnosis[0]
    assert doubled.diagnosis[-1].startswith("Your numbers agree with that only roughly")


def test_few_places_are_not_a_mistake_either() -> None:
    rounded = {key: array.round(5) for key, array in right().items()}
    assert checked(rounded).verdict == "inconclusive"


def test_half_precision_is_not_a_mistake() -> None:
    half = {key: array.astype(np.float16).astype(float) for key, array in right().items()}
    assert checked(half).verdict == "inconclusive"


def test_right_numbers_that_happen_to_be_short_pass() -> None:
    point = point_of([[[0.5]]], [[0.25]], [[1.0], [2.0]], [[1], [0.5]], activations=["identity"])
    assert checked(right(point), point).verdict == "pass"


def test_what_cannot_be_seen_here_is_told() -> None:
    one = make_point((2, 4, 3), n_samples=1)
    bare = one.at(one.network.parameters.copy())
    for b in bare.network.b.values():
        b[...] = 0
    (note,) = checked(right(bare), bare).notes
    assert note == (
        "This network and batch cannot show: a forward pass without biases (all are 0); a mean over the "
        "batch left out (there is one sample)."
    )
    symmetric = make_point((3, 4, 4, 4), n_samples=6)
    W = symmetric.network.W
    for l in (3, 4):
        W[l][...] = (W[l] + W[l].T) / 2
    (note,) = checked(right(symmetric), symmetric).notes
    assert note == "This network and batch cannot show: no transpose."
    bent = make_point((3, 4, 2), "relu", "identity", n_samples=6)
    for b in bent.network.b.values():
        b[...] = 30
    (note,) = checked(right(bent), bent).notes
    assert "no σ′ at a hidden layer" in note
    square = make_point((2, 4, 3), n_samples=3)
    (note,) = checked(right(square), square).notes
    assert note.endswith("a length of the wrong axis (there are 3 samples, and layers of 3 units).")
    dead = point_of(
        [[[-1.0]], [[1.0]]],
        [[-1], [0.5]],
        [[1.0], [2], [3]],
        np.ones((3, 1)),
        activations=["relu", "identity"],
    )
    (note,) = checked(right(dead), dead).notes
    assert "any mistake in ∇W³, ∇W² and ∇b² (0 here)" in note


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_told_with_their_place(value: float) -> None:
    given = right()
    given["W", 2][1, 2] = given["W", 2][3, 0] = given["b", 3][1] = value
    check = checked(given)
    assert check.verdict == "inconclusive"
    W2, b3 = tensor(check, "W", 2), tensor(check, "b", 3)
    assert (W2.verdict, W2.max_relative_error, W2.worst) == ("inconclusive", None, None)
    assert W2.note == f"{value} at 2, 3, and 1 more of {W2.total} are not finite"
    assert b3.note == f"{value} at 2"
    assert tensor(check, "W", 3).verdict == tensor(check, "b", 2).verdict == "pass"
    assert check.notes == (
        "Numbers are not finite from layer 3 back: look there for an overflow, a logarithm of 0 or 0/0.",
    )
    assert check.diagnosis == ()


def test_what_is_finite_is_diagnosed_all_the_same() -> None:
    given = {key: 2 * array for key, array in right().items()}
    given["W", 2][1, 2] = np.nan
    check = checked(given)
    assert check.verdict == "fail"
    assert "2 times" in check.diagnosis[0]


def test_a_number_that_is_not_finite_is_seen_where_it_is_not_sampled() -> None:
    point = make_point((50, 300, 4))
    given = right(point)
    seen = look_at(point, 0).numeric.elements["W", 2]
    place = int(np.setdiff1d(np.arange(given["W", 2].size), seen)[0])
    given["W", 2].reshape(-1)[place] = np.nan
    check = checked(given, point, budget=0)
    assert check.verdict == tensor(check, "W", 2).verdict == "inconclusive"


def test_nothing_can_be_said_of_a_file_of_nan() -> None:
    check = checked({key: np.full_like(array, np.nan) for key, array in right().items()})
    assert (check.verdict, check.max_relative_error) == ("inconclusive", None)


def test_nothing_is_said_where_our_own_gradient_is_not_certain() -> None:
    point = overflowing()
    check = checked({("W", 2): np.ones((1, 1)), ("b", 2): np.ones(1)}, point)
    assert check.verdict == "inconclusive"
    assert check.diagnosis == ()
    assert "nothing can be said of another" in check.notes[-1]


def test_nor_where_our_own_gradient_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    given = right()
    monkeypatch.setattr(Quadratic, "gradient", lambda self, a, y: 2 * (a - y))
    assert checked(given).verdict == "inconclusive"


def test_a_check_that_is_blind_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensors, "relative_errors", lambda analytic, numeric: np.zeros_like(analytic))
    check = checked(right())
    assert check.self_test.caught < check.self_test.planted


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda key, array: 2 * array, "2 times"),
        (lambda key, array: 6 * array, "6 samples"),
        (lambda key, array: -array, "sign"),
        (lambda key, array: 0 * array if key[0] == "b" else array, "biases"),
    ],
)
def test_mistakes_of_bookkeeping_are_named(
    spoil: Callable[[tuple[str, int], Array], Array], word: str
) -> None:
    check = checked({key: spoil(key, array) for key, array in right().items()})
    assert check.verdict == "fail"
    assert word in " ".join(check.diagnosis)


def test_what_is_given_is_left_alone() -> None:
    given = right()
    before = {key: array.tobytes() for key, array in given.items()}
    checked(given)
    assert {key: array.tobytes() for key, array in given.items()} == before


def test_the_threshold_is_looser_than_our_own_for_a_reason() -> None:
    assert foreign.THRESHOLD == 1e-6
    off = {key: array * (1 + 1e-7) for key, array in right().items()}
    assert checked(off).verdict == "pass"
