import numpy as np
import pytest

from bpnet.core.activations import ACTIVATIONS
from bpnet.core.arrays import Array
from bpnet.core.losses import LOSSES
from bpnet.core.network import Layer, from_arrays
from bpnet.inspection import complex_step
from bpnet.inspection.complex_step import Tail, by_parameters, by_weight, by_z
from bpnet.inspection.point import Point
from bpnet.inspection.tensors import keys, tensor
from tests.core.nets import PAIRS, numeric_gradient
from tests.inspection.making import COMBINATIONS, make_point
from tests.tolerances import GRADIENT, ROUNDING

CANCELLED = 1e-15
"""What is left of a sum whose true value is 0: a softmax answers no error that all its outputs share."""


def near(found: Array, expected: Array) -> bool:
    limit = GRADIENT * np.abs(expected).max() + CANCELLED
    return bool((np.abs(found - expected) <= limit).all())


def brute_force(point: Point) -> Array:
    """Every parameter of the whole network by itself, through the whole forward pass."""
    return numeric_gradient(
        point.network,
        point.X,
        point.Y,
        point.loss,
        masks=point.masks,
        sample_weight=point.sample_weight,
        weight_decay=point.weight_decay,
    )


def by_tails(point: Point) -> Array:
    """The same by the layers behind each parameter alone."""
    found = point.network.with_parameters(np.full_like(point.network.parameters, np.nan))
    trace = point.forward()
    for key in keys(found):
        array = tensor(found, key)
        array[...] = by_parameters(point, trace, key[1], key[0], np.arange(array.size)).reshape(array.shape)
    return found.parameters


@pytest.mark.parametrize("hidden", list(ACTIVATIONS))
@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_tails_give_what_brute_force_gives(hidden: str, output: str, loss: str) -> None:
    point = make_point(
        (3, 4, 3, 2), hidden, output, loss, n_samples=4, dropout=0.4, weighted=True, weight_decay=0.3
    )
    assert set(point.masks) == {2, 3}
    assert near(by_tails(point), brute_force(point))


@pytest.mark.parametrize("sizes", [(1, 1), (3, 2), (2, 1, 1), (3, 1, 4, 1, 2)])
def test_any_depth_and_width(sizes: tuple[int, ...]) -> None:
    point = make_point(sizes, seed=3)
    assert near(by_tails(point), brute_force(point))


def test_what_is_compared_here_could_differ() -> None:
    point = make_point(dropout=0.4, weighted=True, weight_decay=0.3, n_samples=4)
    for other in (
        make_point(dropout=0.4, weighted=True, n_samples=4),
        make_point(weighted=True, weight_decay=0.3, n_samples=4),
        make_point(dropout=0.4, weight_decay=0.3, n_samples=4),
    ):
        assert np.array_equal(other.network.parameters, point.network.parameters)
        assert not near(by_tails(point), brute_force(other))


@pytest.mark.parametrize(("hidden", "output", "loss"), COMBINATIONS)
def test_by_z_is_delta(hidden: str, output: str, loss: str) -> None:
    point = make_point((3, 4, 3, 2), hidden, output, loss, dropout=0.4, weighted=True, weight_decay=0.3)
    trace = point.forward()
    delta = point.backward(trace).delta
    for l, layer in point.network.layers.items():
        assert near(by_z(point, trace, l, np.arange(layer.n_out)), delta[l])


def test_by_z_of_some_units_stands_in_their_order() -> None:
    point = make_point()
    trace = point.forward()
    chosen = np.array([4, 0, 2])
    np.testing.assert_allclose(
        by_z(point, trace, 3, chosen), by_z(point, trace, 3, np.arange(5))[:, chosen], rtol=ROUNDING
    )


@pytest.mark.parametrize("numbers", [1, 40, 100])
def test_how_many_go_at_a_time_changes_nothing(numbers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    point = make_point(dropout=0.4, weighted=True, weight_decay=0.3)
    trace, units = point.forward(), np.arange(5)
    at_once = by_tails(point), by_z(point, trace, 3, units)
    monkeypatch.setattr(complex_step, "_NUMBERS_AT_A_TIME", numbers)
    calls: list[int] = []
    losses = Tail.losses

    def counted(self: Tail, z: Array) -> Array:
        calls.append(len(z))
        return losses(self, z)

    monkeypatch.setattr(Tail, "losses", counted)
    np.testing.assert_allclose(by_tails(point), at_once[0], rtol=ROUNDING)
    assert max(calls) <= max(1, numbers // (3 * 2))
    assert len(calls) > 2 * 3
    np.testing.assert_allclose(by_z(point, trace, 3, units), at_once[1], rtol=ROUNDING)


def test_elements_may_come_in_any_order() -> None:
    point = make_point(weight_decay=0.3)
    trace = point.forward()
    every = by_parameters(point, trace, 3, "W", np.arange(20))
    chosen = np.array([19, 3, 7, 0, 11])
    np.testing.assert_allclose(by_parameters(point, trace, 3, "W", chosen), every[chosen], rtol=ROUNDING)
    biases = by_parameters(point, trace, 3, "b", np.arange(5))
    np.testing.assert_allclose(
        by_parameters(point, trace, 3, "b", np.array([4, 1])), biases[[4, 1]], rtol=ROUNDING
    )


def test_the_point_is_left_as_it_was() -> None:
    point = make_point(dropout=0.4)
    before = point.network.parameters.copy()
    by_tails(point)
    assert point.network.parameters.tobytes() == before.tobytes()


def test_the_penalty_by_each_weight() -> None:
    weights = np.array([[1.5, -2.0], [0.0, 4.0]])
    np.testing.assert_allclose(by_weight(weights, 0.3), 0.3 * weights, rtol=ROUNDING)
    assert not by_weight(weights, 0.0).any()


def test_biases_are_not_penalised() -> None:
    given, free = make_point(weight_decay=5.0), make_point()
    everywhere = np.arange(5)
    penalised = by_parameters(given, given.forward(), 3, "b", everywhere)
    assert penalised.tolist() == by_parameters(free, free.forward(), 3, "b", everywhere).tolist()


@pytest.mark.parametrize("before", ["gelu", "silu", "elu"])
def test_a_z_exactly_on_a_corner_stays_there_behind_a_curve(before: str) -> None:
    """The square of the step must not tip it over: a curve makes ih + ch² of ih."""
    layers = [
        Layer(1, 1, ACTIVATIONS.create(before)),
        Layer(1, 1, ACTIVATIONS.create("relu")),
        Layer(1, 1, ACTIVATIONS.create("identity")),
    ]
    network = from_arrays(layers, [np.array([[w]]) for w in (1.0, -1.0, 1.0)], [np.zeros(1)] * 3)
    point = Point("here", network, np.zeros((1, 1)), np.ones((1, 1)), LOSSES.create("quadratic"))
    trace = point.forward()
    gradients = point.backward(trace)
    for l in network.layers:
        assert by_z(point, trace, l, np.arange(1))[0, 0] == gradients.delta[l][0, 0]
        assert by_parameters(point, trace, l, "b", np.arange(1))[0] == gradients.nabla_b[l][0]
