from typing import Any

import numpy as np
import pytest

from bpnet.core.activations import ACTIVATIONS
from bpnet.core.backprop import backward
from bpnet.core.health import DEAD_BELOW, SATURATED_BELOW, LayerHealth, measure_layers
from bpnet.core.losses import LOSSES
from bpnet.core.network import Layer, Network, forward, from_arrays
from tests.core.nets import make_batch, make_network
from tests.tolerances import ROUNDING, ROUNDING_32

QUADRATIC = LOSSES.create("quadratic")


def measure(network: Network, X: Any, Y: Any, previous: Network | None = None) -> tuple[LayerHealth, ...]:
    trace = forward(network, X)
    return measure_layers(network, trace, backward(network, trace, Y, QUADRATIC), previous)


def hidden_layer(activation: str, z: Any, **given: float) -> LayerHealth:
    """The first layer of a network in which each sample's z is the given row."""
    rows = np.array(z, dtype=float)
    n = rows.shape[1]
    layers = [
        Layer(n, n, ACTIVATIONS.create(activation, **given)),
        Layer(n, 1, ACTIVATIONS.create("identity")),
    ]
    network = from_arrays(layers, [np.eye(n), np.ones((1, n))], [np.zeros(n), np.zeros(1)])
    return measure(network, rows, np.zeros((len(rows), 1)))[0]


def test_sizes_are_root_mean_squares() -> None:
    network = make_network((3, 4, 2), "tanh", "identity")
    X, Y = make_batch("quadratic", 5, 3, 2)
    trace = forward(network, X)
    gradients = backward(network, trace, Y, QUADRATIC)
    layers = measure_layers(network, trace, gradients)
    assert [(layer.layer_number, layer.units) for layer in layers] == [(2, 4), (3, 2)]
    for layer in layers:
        l = layer.layer_number
        own_errors = gradients.delta[l] * 5  # delta is the derivative of a mean over 5 samples
        assert layer.delta == pytest.approx(np.sqrt((own_errors**2).mean()), rel=ROUNDING)
        assert layer.nabla == pytest.approx(np.sqrt((gradients.nabla_W[l] ** 2).mean()), rel=ROUNDING)
        assert layer.weight == pytest.approx(np.sqrt((network.W[l] ** 2).mean()), rel=ROUNDING)
        assert layer.update_ratio is None


def test_delta_does_not_depend_on_the_batch_size() -> None:
    network = make_network((3, 4, 2), "tanh", "identity")
    X, Y = make_batch("quadratic", 5, 3, 2)
    once, thrice = measure(network, X, Y), measure(network, np.tile(X, (3, 1)), np.tile(Y, (3, 1)))
    for a, b in zip(once, thrice, strict=True):
        assert a.delta == pytest.approx(b.delta, rel=ROUNDING)
        assert a.nabla == pytest.approx(b.nabla, rel=ROUNDING)


def test_update_ratio_compares_the_last_step_of_each_layer_with_its_weights() -> None:
    network = make_network((3, 4, 2), "tanh", "identity")
    previous = network.with_parameters(network.parameters.copy())
    previous.W[2] *= 0.99
    layers = measure(network, *make_batch("quadratic", 5, 3, 2), previous)
    assert layers[0].update_ratio == pytest.approx(0.01, rel=1e-12)
    assert layers[1].update_ratio == 0


def test_weights_of_0_have_no_update_ratio() -> None:
    network = make_network((3, 4, 2), "tanh", "identity")
    network.parameters[:] = 0
    layers = measure(network, *make_batch("quadratic", 5, 3, 2), network)
    assert [layer.update_ratio for layer in layers] == [None, None]


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_saturated_pairs_and_dead_units_on_both_flat_sides(activation: str) -> None:
    layer = hidden_layer(activation, [[0.0, 9.0, 4.5], [0.5, -9.0, 0.0], [-0.5, 9.0, 0.2], [0.1, -9.0, 0.1]])
    assert layer.saturated == pytest.approx(5 / 12)
    assert layer.dead == 1


@pytest.mark.parametrize(("slope", "saturated", "dead"), [(0.1, 0, 0), (0.002, 1, 0), (0.0002, 1, 1)])
def test_slopes_are_measured_against_the_peak(slope: float, saturated: float, dead: int) -> None:
    """A sigmoid's σ′ is a quarter at best: without the peak each unit would seem worse than it is."""
    z = np.log((1 + np.sqrt(1 - slope)) / (1 - np.sqrt(1 - slope)))  # where 4 a (1 − a) = slope
    layer = hidden_layer("sigmoid", [[z]])
    assert (layer.saturated, layer.dead) == (saturated, dead)
    assert 0.0002 < DEAD_BELOW < 0.002 < SATURATED_BELOW < 0.1


@pytest.mark.parametrize(("activation", "dead"), [("relu", 2), ("leaky_relu", 0), ("elu", 1), ("gelu", 1)])
def test_dead_units_get_no_error_from_any_sample(activation: str, dead: int) -> None:
    layer = hidden_layer(activation, [[-30.0, -0.5, 1.0], [-40.0, -0.1, -50.0]])
    assert layer.dead == dead
    assert layer.saturated is None  # one side only is flat


def test_a_softmax_in_the_middle_and_the_output_layer_are_not_judged() -> None:
    network = make_network((3, 4, 2), "softmax", "sigmoid")
    for layer in measure(network, *make_batch("quadratic", 5, 3, 2)):
        assert layer.saturated is None
        assert layer.dead is None


def test_a_vanishing_float32_delta_is_not_taken_for_0() -> None:
    network = make_network((3, 4, 2), "identity", "identity")
    X, Y = make_batch("quadratic", 5, 3, 2)
    small = network.with_parameters(network.parameters.astype(np.float32))
    small.W[3] *= 1e-30
    exact = network.with_parameters(small.parameters.astype(np.float64))
    found = measure(small, X.astype(np.float32), Y.astype(np.float32))[0]
    expected = measure(exact, X, Y)[0]
    assert 0 < expected.delta < 1e-29
    assert found.delta / expected.delta == pytest.approx(1, rel=ROUNDING_32)
    assert found.nabla / expected.nabla == pytest.approx(1, rel=ROUNDING_32)
