"""BP1 to BP4 against derivatives that know nothing of them."""

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from bpnet.core.activations import ACTIVATIONS, Elu, Gelu, Silu
from bpnet.core.backprop import backward, cost
from bpnet.core.losses import LOSSES
from bpnet.core.network import draw_masks, forward
from tests.core.nets import PAIRS, make_batch, make_network, numeric_gradient, relative_errors, worst_error
from tests.tolerances import GRADIENT


@pytest.mark.parametrize("hidden", list(ACTIVATIONS))
@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_every_pair_that_the_config_accepts_by_complex_step(hidden: str, output: str, loss: str) -> None:
    network = make_network((3, 4, 5, 3), hidden, output)
    X, Y = make_batch(loss, 6, 3, 3)
    assert worst_error(network, X, Y, LOSSES.create(loss)) < GRADIENT


@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_dropout_penalty_and_weights_by_complex_step(output: str, loss: str) -> None:
    network = make_network((4, 6, 5, 3), "tanh", output, dropout=0.4)
    X, Y = make_batch(loss, 7, 4, 3)
    masks = draw_masks(network, 7, np.random.default_rng(5))
    assert set(masks) == {2, 3}
    weight = np.linspace(0.5, 2, 7)
    error = worst_error(
        network, X, Y, LOSSES.create(loss), masks=masks, sample_weight=weight, weight_decay=0.3
    )
    assert error < GRADIENT


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 6), min_size=2, max_size=8),
    st.sampled_from(list(ACTIVATIONS)),
    st.sampled_from(PAIRS),
    st.integers(1, 5),
    st.integers(0, 2**31),
)
@example([4, 5, 4, 2, 4, 3], "identity", ("softmax", "quadratic"), 1, 651)  # 1 − a is 1e-7 there
@example([6, 1, 6, 3, 1, 1, 3, 4], "gelu", ("identity", "quadratic"), 1, 1440239)  # and here a slope is 7e-7
def test_any_small_network_by_complex_step(
    sizes: list[int], hidden: str, pair: tuple[str, str], n_samples: int, seed: int
) -> None:
    output, loss = pair
    network = make_network(sizes, hidden, output, seed)
    X, Y = make_batch(loss, n_samples, sizes[0], sizes[-1], seed + 1)
    trace = forward(network, X)
    # A softmax cannot answer an error that is the same for all its outputs: what is left is rounding alone.
    assume(output != "softmax" or np.ptp(LOSSES.create(loss).gradient(trace.outputs, Y), axis=1).any())
    # A saturated unit's 1 − a loses digits: what is left is rounding of the order of 1e-16 over the slope.
    slopes = [
        np.abs(1 - np.abs(trace.a[l])).min()
        for l, layer in network.layers.items()
        if layer.activation.name in {"sigmoid", "tanh"}
        or (layer.activation.name == "softmax" and layer.n_out > 1)
    ]
    # So does a slope that is a difference of larger numbers, where it goes through 0 or comes near it.
    slopes += [
        np.abs(layer.activation.derivative(trace.z[l], trace.a[l])).min()
        for l, layer in network.layers.items()
        if isinstance(layer.activation, Elu | Gelu | Silu)
    ]
    rounding = 1e-15 / max(min(slopes, default=1.0), 1e-300)
    assert worst_error(network, X, Y, LOSSES.create(loss)) < max(GRADIENT, rounding)


# The same formulas once more, written for HIPS autograd: an oracle that shares no code with bpnet.

ORACLE_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "identity": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + anp.exp(-z)),
    "tanh": anp.tanh,
    "relu": lambda z: anp.where(z > 0, z, 0.0),
    "leaky_relu": lambda z: anp.where(z > 0, z, 0.01 * z),
    "elu": lambda z: anp.where(z > 0, z, anp.exp(z) - 1),
    "gelu": lambda z: 0.5 * z * (1 + anp.tanh(anp.sqrt(2 / anp.pi) * (z + 0.044715 * z**3))),
    "silu": lambda z: z / (1 + anp.exp(-z)),
    "softplus": lambda z: anp.log(1 + anp.exp(z)),
    "softmax": lambda z: anp.exp(z) / anp.sum(anp.exp(z), axis=1, keepdims=True),
}
ORACLE_LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "quadratic": lambda a, y: 0.5 * anp.sum((a - y) ** 2, axis=1),
    "cross_entropy": lambda a, y: -anp.sum(y * anp.log(a), axis=1),
    "binary_cross_entropy": lambda a, y: -anp.sum(y * anp.log(a) + (1 - y) * anp.log(1 - a), axis=1),
    "huber": lambda a, y: anp.sum(
        anp.where(anp.abs(a - y) <= 1, 0.5 * (a - y) ** 2, anp.abs(a - y) - 0.5), axis=1
    ),
    "mean_absolute_error": lambda a, y: anp.mean(anp.abs(a - y), axis=1),
}


def test_the_oracle_knows_everything_registered() -> None:
    assert set(ORACLE_ACTIVATIONS) == set(ACTIVATIONS)
    assert set(ORACLE_LOSSES) == set(LOSSES)


@pytest.mark.parametrize("hidden", list(ACTIVATIONS))
@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_every_pair_against_autograd(hidden: str, output: str, loss: str) -> None:
    network = make_network((3, 4, 3), hidden, output, seed=3)
    X, Y = make_batch(loss, 5, 3, 3, seed=4)

    def oracle_cost(parameters: dict[str, Any]) -> Any:
        a2 = ORACLE_ACTIVATIONS[hidden](anp.dot(X, parameters["W2"].T) + parameters["b2"])
        a3 = ORACLE_ACTIVATIONS[output](anp.dot(a2, parameters["W3"].T) + parameters["b3"])
        return anp.mean(ORACLE_LOSSES[loss](a3, Y))

    start = {
        f"{kind}{l}": tensor[l].copy()
        for kind, tensor in (("W", network.W), ("b", network.b))
        for l in (2, 3)
    }
    oracle = grad(oracle_cost)(start)
    trace = forward(network, X)
    gradients = backward(network, trace, Y, LOSSES.create(loss))
    assert float(cost(network, trace, Y, LOSSES.create(loss))) == pytest.approx(oracle_cost(start), rel=1e-12)
    for l in (2, 3):
        assert relative_errors(gradients.nabla_W[l], oracle[f"W{l}"]).max() < GRADIENT
        assert relative_errors(gradients.nabla_b[l], oracle[f"b{l}"]).max() < GRADIENT


def test_delta_is_the_derivative_of_the_batch_cost_by_z() -> None:
    """∂C/∂b summed over samples hides a wrong δ of single samples; here each δ stands alone."""
    network = make_network((3, 4, 3), "sigmoid", "softmax")
    X, Y = make_batch("cross_entropy", 4, 3, 3)
    loss = LOSSES.create("cross_entropy")
    together = backward(network, forward(network, X), Y, loss)
    for row in range(4):
        alone = backward(network, forward(network, X[row : row + 1]), Y[row : row + 1], loss)
        for l in network.layers:
            np.testing.assert_allclose(together.delta[l][row] * 4, alone.delta[l][0], rtol=1e-12, atol=1e-16)


def test_a_factor_of_one_in_a_thousand_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test of the tests: a fault planted in the backward pass must not get past them."""
    network = make_network((3, 4, 3), "sigmoid", "sigmoid")
    X, Y = make_batch("quadratic", 5, 3, 3)
    loss = LOSSES.create("quadratic")
    true_dot = np.dot

    def wrong_dot(*arguments: Any, **options: Any) -> Any:
        return np.multiply(true_dot(*arguments, **options), 1.001, out=options.get("out"))

    trace = forward(network, X)
    numeric = network.with_parameters(numeric_gradient(network, X, Y, loss))
    monkeypatch.setattr("bpnet.core.backprop.np.dot", wrong_dot)
    faulty = backward(network, trace, Y, loss)
    for l in network.layers:
        assert relative_errors(faulty.nabla_W[l], numeric.W[l]).max() > 1e-4
