import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from bpnet.core.activations import ACTIVATIONS
from bpnet.core.arrays import Array
from bpnet.inspection.mistakes import Ingredients, Mistake, structural_mistakes, tensors_of, updated_weights
from bpnet.inspection.point import Point
from bpnet.inspection.self_test import _BACKWARD, reference_point
from tests.core.nets import PAIRS
from tests.inspection.making import make_point, point_of
from tests.tolerances import ROUNDING, WORKED

RATE = 0.5
KINDS = {each.name: each for each in structural_mistakes(RATE)}

POINTS = [
    reference_point(),
    make_point((3, 4, 4, 4, 2), "tanh", "identity", dropout=0.4, weighted=True, weight_decay=0.1),
    make_point(
        (3, 4, 4, 4, 2), "relu", "softmax", "cross_entropy", dropout=0.4, weighted=True, weight_decay=0.1
    ),
    make_point((3, 4, 4, 4, 2), "gelu", "sigmoid", "binary_cross_entropy", n_samples=5),
    make_point((3, 4, 4, 4, 2), "softplus", "tanh", "mean_absolute_error"),
    make_point((4, 4, 4, 4, 4), "leaky_relu", "softmax", n_samples=1),
]


def made(name: str, point: Point, layers: Sequence[int]) -> dict[tuple[str, int], Array]:
    return tensors_of(KINDS[name].make(Ingredients.of(point, point.forward()), layers).gradients())


def right(point: Point) -> dict[tuple[str, int], Array]:
    return tensors_of(point.backward(point.forward()))


def differs(one: dict[tuple[str, int], Array], other: dict[tuple[str, int], Array]) -> set[tuple[str, int]]:
    return {key for key in one if not np.allclose(one[key], other[key], rtol=1e-6, atol=1e-12)}


@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_without_a_mistake_the_gradient_is_right(output: str, loss: str) -> None:
    point = make_point((3, 4, 2), "tanh", output, loss, dropout=0.4, weighted=True, weight_decay=0.1)
    found = tensors_of(Ingredients.of(point, point.forward()).gradients())
    for key, array in right(point).items():
        np.testing.assert_allclose(found[key], array, rtol=ROUNDING, atol=0)


def test_names_are_told_apart_and_the_self_test_s_are_among_them() -> None:
    kinds = structural_mistakes(RATE)
    assert len({each.name for each in kinds}) == len(kinds)
    assert len({each.says for each in kinds}) == len(kinds)
    assert set(_BACKWARD) <= KINDS.keys()


@pytest.mark.parametrize("name", KINDS)
def test_every_mistake_changes_some_gradient_and_leaves_the_point_alone(name: str) -> None:
    changed = set()
    for point in POINTS:
        expected, parameters = right(point), point.network.parameters.tobytes()
        for layers in KINDS[name].variants(point):
            changed |= differs(expected, made(name, point, layers))
        assert point.network.parameters.tobytes() == parameters
        assert not differs(expected, right(point))
    assert changed


@pytest.mark.parametrize("name", KINDS)
def test_it_is_made_where_it_can_be_everywhere_and_one_by_one(name: str) -> None:
    for point in POINTS:
        layers = tuple(KINDS[name].layers(point))
        assert set(layers) <= set(point.network.layers)
        variants = list(KINDS[name].variants(point))
        assert len(set(variants)) == len(variants)
        assert bool(variants) is bool(layers)
        assert not variants or variants[0] == layers
        assert {l for each in variants for l in each} == set(layers)


@pytest.mark.parametrize("name", KINDS)
def test_its_words_have_no_place_left_open(name: str) -> None:
    places = {"l": "²", "next": "³", "before": "¹", "n": "2", "after": "3"}
    for text in (KINDS[name].says, KINDS[name].rule):
        told = text.format(**places)
        assert told
        assert not set("{}") & set(told)
        assert not told.endswith(".")


def test_a_network_without_hidden_layers_has_no_way_back_to_get_wrong() -> None:
    point = make_point((3, 2), output="identity")
    for name in (
        "no σ′ at a hidden layer",
        "the share heuristic for BP2",
        "updated W in BP2",
        "no transpose",
    ):
        assert list(KINDS[name].variants(point)) == []


def test_of_several_layers_a_mistake_is_made_at_all_and_at_each_alone() -> None:
    kind = Mistake("", lambda given, l: given, lambda _: (2, 3), "", "")
    assert list(kind.variants(make_point((3, 2)))) == [(2, 3), (2,), (3,)]
    assert list(replace(kind, layers=lambda _: (3,)).variants(make_point((3, 2)))) == [(3,)]


# What each one makes, by hand: a 2-2-2 network and one sample

MAZUR = point_of(
    [[[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]],
    [[0.35, 0.35], [0.60, 0.60]],
    [[0.05, 0.10]],
    [[0.01, 0.99]],
    activations=["sigmoid", "sigmoid"],
)
TRACE = MAZUR.forward()
RIGHT = MAZUR.backward(TRACE)


def test_raw_errors_carried_back_are_those_of_the_worked_example() -> None:
    start = KINDS["no σ′ at the output"].make(Ingredients.of(MAZUR, TRACE), (3,))
    for name, expected in (
        ("no σ′ at a hidden layer", [0.188010260482, 0.214224937225]),
        ("the share heuristic for BP2", [0.245510282323, 0.278783252550]),
    ):
        found = KINDS[name].make(start, (2,)).gradients()
        np.testing.assert_allclose(found.nabla_b[3], [0.741365069552, -0.217071534679], atol=WORKED)
        np.testing.assert_allclose(found.nabla_b[2], expected, atol=WORKED)


def slope(a: Array) -> Array:
    s: Array = a * (1 - a)
    return s


def sigmoid(z: Array) -> Array:
    a: Array = 1 / (1 + np.exp(-z))
    return a


def test_one_slope_left_out() -> None:
    a2, a3 = TRACE.a[2], TRACE.a[3]
    found = made("no σ′ at the output", MAZUR, (3,))
    np.testing.assert_allclose(found["b", 3], (a3 - MAZUR.Y)[0], rtol=ROUNDING)
    np.testing.assert_allclose(
        found["b", 2], ((a3 - MAZUR.Y) @ MAZUR.network.W[3] * slope(a2))[0], rtol=ROUNDING
    )
    found = made("no σ′ at a hidden layer", MAZUR, (2,))
    np.testing.assert_allclose(found["b", 3], RIGHT.nabla_b[3], rtol=ROUNDING)
    np.testing.assert_allclose(found["b", 2], (RIGHT.delta[3] @ MAZUR.network.W[3])[0], rtol=ROUNDING)
    np.testing.assert_allclose(found["W", 2], np.outer(found["b", 2], MAZUR.X[0]), rtol=ROUNDING)


def test_the_way_back_through_other_weights() -> None:
    W, a2 = MAZUR.network.W[3], TRACE.a[2]
    for name, through in (
        ("no transpose", W.T),
        ("updated W in BP2", W - RATE * RIGHT.nabla_W[3]),
    ):
        found = made(name, MAZUR, (2,))
        expected = (RIGHT.delta[3] @ through * slope(a2))[0]
        np.testing.assert_allclose(found["b", 2], expected, rtol=ROUNDING)
        np.testing.assert_array_equal(found["W", 3], RIGHT.nabla_W[3])


def test_the_slope_at_a_wrong_place_and_a_wrong_a() -> None:
    found = made("σ′ of a", MAZUR, (2,))
    expected = (RIGHT.delta[3] @ MAZUR.network.W[3] * slope(sigmoid(TRACE.a[2])))[0]
    np.testing.assert_allclose(found["b", 2], expected, rtol=ROUNDING)
    found = made("z in place of a", MAZUR, (2,))
    np.testing.assert_allclose(found["W", 3], np.outer(RIGHT.delta[3], TRACE.z[2]), rtol=ROUNDING)
    np.testing.assert_array_equal(found["W", 2], RIGHT.nabla_W[2])


def test_the_published_mistake_after_one_step() -> None:
    """Mazur updated the output weights before he carried the error back, once his text was written."""
    rate, W, b = 0.5, [w.copy() for w in MAZUR.network.W.values()], MAZUR.network.b
    found = tensors_of(updated_weights(rate).make(Ingredients.of(MAZUR, TRACE), (2,)).gradients())
    stepped = [w - rate * found["W", l] for l, w in enumerate(W, start=2)]
    after = point_of(stepped, [*b.values()], MAZUR.X, MAZUR.Y, activations=["sigmoid", "sigmoid"])
    assert after.cost(after.forward()) == pytest.approx(0.291027924, abs=5e-10)
    proper = [w - rate * RIGHT.nabla_W[l] for l, w in enumerate(W, start=2)]
    after = point_of(proper, [*b.values()], MAZUR.X, MAZUR.Y, activations=["sigmoid", "sigmoid"])
    assert after.cost(after.forward()) == pytest.approx(0.291027773694, abs=WORKED)


def test_what_belongs_to_dropout_weights_and_penalty_is_made_where_there_is_some() -> None:
    plain = make_point((3, 4, 4, 2))
    full = make_point((3, 4, 4, 2), dropout=0.4, weighted=True, weight_decay=0.1)
    only_with = {
        name for name, kind in KINDS.items() if [*kind.variants(full)] and not [*kind.variants(plain)]
    }
    assert {
        "dropout forgotten on the way back",
        "dropout forgotten in BP4",
        "class weights forgotten",
        "penalty forgotten",
        "penalty doubled",
    } <= only_with


def test_forgotten_weights_penalty_and_masks() -> None:
    point = make_point((3, 4, 4, 2), dropout=0.4, weighted=True, weight_decay=0.1)
    L = (point.network.L,)
    for name, meant in (
        ("class weights forgotten", replace(point, sample_weight=None)),
        ("penalty forgotten", replace(point, weight_decay=0.0)),
        ("penalty doubled", replace(point, weight_decay=0.2)),
    ):
        assert not differs(made(name, point, L), right(meant))
    trace = point.forward()
    delta = point.backward(trace).delta
    found = made("dropout forgotten in BP4", point, (3,))
    np.testing.assert_allclose(
        found["W", 4], delta[4].T @ trace.a[3] + 0.1 * point.network.W[4], rtol=ROUNDING
    )
    found = made("dropout forgotten on the way back", point, (3,))
    expected = (delta[4] @ point.network.W[4] * (1 - trace.a[3] ** 2)).sum(axis=0)
    np.testing.assert_allclose(found["b", 3], expected, rtol=ROUNDING)


def test_any_two_can_be_made_together() -> None:
    point = make_point((3, 3, 3, 3), "tanh", "sigmoid", dropout=0.4, weighted=True, weight_decay=0.1)
    start = Ingredients.of(point, point.forward())
    names = [name for name in KINDS if [*KINDS[name].variants(point)]]
    for one, other in itertools.combinations(names, 2):
        first, second = (next(iter(KINDS[name].variants(point))) for name in (one, other))
        with np.errstate(all="ignore"):
            both = KINDS[other].make(KINDS[one].make(start, first), second).gradients()
        assert both.flat.shape == point.network.parameters.shape


def test_a_wrapped_activation_still_knows_its_value() -> None:
    point = make_point((3, 4, 2), "tanh")
    ingredients = KINDS["no σ′ at a hidden layer"].make(Ingredients.of(point, point.forward()), (2,))
    z = np.array([[0.5, -2.0]])
    wrapped = ingredients.network.layers[2].activation
    np.testing.assert_array_equal(wrapped.value(z), ACTIVATIONS.create("tanh").value(z))


def test_weights_without_an_inverse_stop_nobody() -> None:
    point = make_point((2, 2, 2), output="identity")
    point.network.W[3][...] = [[1.0, -1.0], [0.5, 0.25]]
    start = Ingredients.of(point, point.forward())
    with np.errstate(all="ignore"):
        infinite = KINDS["the share heuristic for BP2"].make(start, (2,))
        assert not np.isfinite(infinite.gradients().flat).all()
        both = KINDS["the inverse for the transpose"].make(infinite, (2,)).gradients()
    assert np.isfinite(both.flat).all()
