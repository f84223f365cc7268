from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpnet.core.activations import ACTIVATIONS, Sigmoid
from bpnet.core.arrays import Array
from bpnet.core.backprop import Gradients, Workspace, backward, cost, gradient_buffers
from bpnet.core.initializers import INITIALIZERS
from bpnet.core.losses import LOSSES, Loss, Quadratic
from bpnet.core.network import Layer, Network, Trace, draw_masks, forward, initialise
from bpnet.core.optimizers import Sgd
from bpnet.errors import ShapeError
from tests.core.nets import (
    PAIRS,
    make_batch,
    make_network,
    numeric_gradient,
    relative_errors,
    sigmoid_net,
    worst_error,
)
from tests.tolerances import GRADIENT, ROUNDING, WORKED

QUADRATIC = LOSSES.create("quadratic")


def some_pass(
    dtype: Any = np.float64, dropout: float = 0.0, n_samples: int = 6
) -> tuple[Network, Trace, Array]:
    network = make_network((3, 5, 4, 2), "sigmoid", "tanh", dropout=dropout)
    network = network.with_parameters(network.parameters.astype(dtype))
    X, Y = make_batch("quadratic", n_samples, 3, 2)
    masks = draw_masks(network, n_samples, np.random.default_rng(0), dtype)
    return network, forward(network, X.astype(dtype), masks=masks), Y.astype(dtype)


def same(a: Gradients, b: Gradients) -> None:
    np.testing.assert_array_equal(a.flat, b.flat)
    for kind in ("delta", "nabla_W", "nabla_b"):
        for l, array in getattr(a, kind).items():
            np.testing.assert_array_equal(array, getattr(b, kind)[l])


@pytest.mark.parametrize("shape", [(6, 3), (5, 2), (6,), (2, 6)])
def test_targets_that_do_not_fit(shape: tuple[int, ...]) -> None:
    network, trace, _ = some_pass()
    with pytest.raises(ShapeError) as caught:
        backward(network, trace, np.zeros(shape), QUADRATIC)
    assert str(caught.value) == f"targets of shape (6, 2) expected, found {shape}"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shapes_dtypes_and_the_one_vector_behind_the_matrices(dtype: Any) -> None:
    network, trace, Y = some_pass(dtype)
    gradients = backward(network, trace, Y, QUADRATIC)
    assert list(gradients.nabla_W) == [2, 3, 4]
    assert gradients.flat.dtype == dtype
    placed = network.with_parameters(gradients.flat)
    for l in network.layers:
        assert gradients.delta[l].shape == trace.z[l].shape
        assert gradients.delta[l].dtype == dtype
        assert np.shares_memory(gradients.nabla_W[l], gradients.flat)
        np.testing.assert_array_equal(gradients.nabla_W[l], placed.W[l])
        np.testing.assert_array_equal(gradients.nabla_b[l], placed.b[l])


@pytest.mark.parametrize(("output", "name"), PAIRS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_dirty_workspace_changes_no_bit(output: str, name: str, dtype: Any) -> None:
    """Nor does a batch smaller than it, as the last one of an epoch."""
    network = make_network((3, 5, 4, 3), "elu", output, dropout=0.3)
    network = network.with_parameters(network.parameters.astype(dtype))
    loss, workspace = LOSSES.create(name), Workspace(network, 6)
    for array in (*workspace._gradients[2:], *arrays_of(workspace)):
        array.fill(np.nan)
    for n_samples, seed in ((6, 1), (4, 2), (6, 3)):
        X, Y = (array.astype(dtype) for array in make_batch(name, n_samples, 3, 3, seed))
        masks = draw_masks(network, n_samples, np.random.default_rng(seed), dtype)
        forward_buffers, backward_buffers = workspace.rows(n_samples)
        options: dict[str, Any] = {
            "sample_weight": np.linspace(1, 2, n_samples, dtype=dtype),
            "weight_decay": 0.1,
        }
        bare = backward(network, forward(network, X, masks=masks), Y, loss, **options)
        trace = forward(network, X, masks=masks, buffers=forward_buffers)
        written = backward(network, trace, Y, loss, buffers=backward_buffers, **options)
        same(written, bare)
        assert written.flat is workspace._gradients[2]


def arrays_of(workspace: Workspace) -> list[Array]:
    forward_buffers, backward_buffers = workspace.rows(6)
    kinds = (forward_buffers.z, forward_buffers.a, forward_buffers.passed, backward_buffers.delta)
    return [array for kind in (*kinds, backward_buffers.scratch) for array in kind.values()]


def test_a_workspace_is_one_memory_whatever_the_batch() -> None:
    network = make_network((3, 5, 2), "tanh", "identity", dropout=0.5)
    workspace = Workspace(network, 6)
    large, small = workspace.rows(6), workspace.rows(2)
    assert workspace.rows(2) is small
    assert list(large[0].passed) == [2]  # only layer 2 has dropout
    for kind in ("z", "a", "passed"):
        for l, array in getattr(large[0], kind).items():
            assert np.shares_memory(array, getattr(small[0], kind)[l])
            assert getattr(small[0], kind)[l].shape == (2, network.layers[l].n_out)
    assert large[1].gradients is small[1].gradients
    arrays = arrays_of(workspace)
    assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])


def test_backward_changes_nothing_it_was_given() -> None:
    network, trace, Y = some_pass(dropout=0.4)
    given_arrays = [network.parameters, Y, *trace.z.values(), *trace.a.values(), *trace.passed.values()]
    copies = [array.copy() for array in given_arrays]
    weight = np.linspace(0, 1, 6)
    first = backward(network, trace, Y, QUADRATIC, sample_weight=weight, weight_decay=0.1)
    for array, copy in zip(given_arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    same(backward(network, trace, Y, QUADRATIC, sample_weight=weight, weight_decay=0.1), first)


def test_the_penalty_pulls_weights_and_leaves_biases_and_deltas() -> None:
    network, trace, Y = some_pass()
    bare, penalised = (backward(network, trace, Y, QUADRATIC, weight_decay=decay) for decay in (0.0, 0.3))
    for l in network.layers:
        difference = penalised.nabla_W[l] - bare.nabla_W[l]
        np.testing.assert_allclose(difference, 0.3 * network.W[l], rtol=1e-12, atol=ROUNDING)
        np.testing.assert_array_equal(penalised.nabla_b[l], bare.nabla_b[l])
        np.testing.assert_array_equal(penalised.delta[l], bare.delta[l])
    more = cost(network, trace, Y, QUADRATIC, weight_decay=0.3) - cost(network, trace, Y, QUADRATIC)
    assert more == pytest.approx(0.15 * sum((W**2).sum() for W in network.W.values()), rel=1e-12)


def test_no_penalty_asks_nothing_of_the_weights() -> None:
    network, trace, Y = some_pass()
    huge = network.with_parameters(np.full_like(network.parameters, 1e200))
    assert cost(huge, trace, Y, QUADRATIC) == cost(network, trace, Y, QUADRATIC)


def test_a_sample_of_weight_two_counts_as_two_of_weight_one() -> None:
    network, _, _ = some_pass()
    X, Y = make_batch("quadratic", 3, 3, 2)
    weighted = backward(network, forward(network, X), Y, QUADRATIC, sample_weight=np.array([2.0, 0, 1]))
    rows = [0, 0, 2]
    repeated = backward(network, forward(network, X[rows]), Y[rows], QUADRATIC)
    np.testing.assert_allclose(weighted.flat, repeated.flat, rtol=1e-12, atol=ROUNDING)
    assert not weighted.delta[2][1].any()


@given(st.integers(1, 5), st.integers(0, 1000))
def test_the_gradient_is_a_mean_over_the_batch(times: int, seed: int) -> None:
    network, _, _ = some_pass()
    X, Y = make_batch("quadratic", 3, 3, 2, seed)
    once = backward(network, forward(network, X), Y, QUADRATIC)
    many, targets = np.tile(X, (times, 1)), np.tile(Y, (times, 1))
    repeated = backward(network, forward(network, many), targets, QUADRATIC)
    np.testing.assert_allclose(repeated.flat, once.flat, rtol=1e-12, atol=ROUNDING)
    for l in network.layers:
        np.testing.assert_allclose(repeated.delta[l][:3] * times, once.delta[l], rtol=1e-12, atol=ROUNDING)


def test_gradient_buffers_are_laid_out_as_the_parameters() -> None:
    network, _, _ = some_pass(np.float32)
    nabla_W, nabla_b, flat = gradient_buffers(network)
    assert flat.shape == network.parameters.shape
    assert flat.dtype == np.float32
    flat[:] = network.parameters
    for l in network.layers:
        np.testing.assert_array_equal(nabla_W[l], network.W[l])
        np.testing.assert_array_equal(nabla_b[l], network.b[l])


# Tests of the tests: each fault is one that people make, planted in the real code. The comparison by complex
# step, which test_gradients.py trusts, must see every one of them.


class Faulty:
    """NumPy, but for what is given."""

    def __init__(self, **replaced: Any) -> None:
        self.__dict__.update(replaced)

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


Plant = Callable[[pytest.MonkeyPatch], None]


def plant_numpy(monkeypatch: pytest.MonkeyPatch, **replaced: Any) -> None:
    monkeypatch.setattr("bpnet.core.backprop.np", Faulty(**replaced))


def is_bp4(x: Array) -> bool:
    """Of the two products of the backward pass, the one that begins with δᵀ."""
    return not x.flags.c_contiguous


def no_transpose(monkeypatch: pytest.MonkeyPatch) -> None:
    """BP2 with W for Wᵀ: the shapes still fit where layers are of one size."""

    def dot(x: Array, w: Array, out: Array | None = None) -> Any:
        return np.dot(x, w if is_bp4(x) else w.T, out=out)

    plant_numpy(monkeypatch, dot=dot)


def outer_product_the_wrong_way_round(monkeypatch: pytest.MonkeyPatch) -> None:
    def dot(x: Array, w: Array, out: Array | None = None) -> Any:
        if is_bp4(x) and x.shape == w.T.shape:
            return np.dot(w.T, x.T, out=out)
        return np.dot(x, w, out=out)

    plant_numpy(monkeypatch, dot=dot)


def no_slope(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sigmoid, "derivative", lambda _, _z, a, **_options: np.ones_like(a))


def slope_of_a_for_slope_of_z(monkeypatch: pytest.MonkeyPatch) -> None:
    true_derivative = Sigmoid.derivative
    monkeypatch.setattr(
        Sigmoid, "derivative", lambda self, _z, a, **_options: true_derivative(self, a, self.value(a))
    )


def bias_gradient_is_a_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    plant_numpy(monkeypatch, add=SimpleNamespace(reduce=np.mean))


def bias_gradient_of_the_first_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    def reduce(delta: Array, *, out: Array, **_options: Any) -> None:
        out[:] = delta[0]

    plant_numpy(monkeypatch, add=SimpleNamespace(reduce=reduce))


def sum_for_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    true_delta = Loss.output_delta
    monkeypatch.setattr(
        Quadratic, "output_delta", lambda *args, **options: true_delta(*args, **options) * len(args[2])
    )


def factor_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Quadratic, "gradient", lambda _, a, y: 2 * (a - y))


def one_in_a_thousand_in_one_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    def dot(x: Array, w: Array, out: Array | None = None) -> Any:
        factor = 1.001 if w.shape[1] == 3 else 1  # ∂C/∂W of layer 2, which alone has 3 inputs
        return np.multiply(np.dot(x, w, out=out), factor, out=out)

    plant_numpy(monkeypatch, dot=dot)


FAULTS: list[Plant] = [
    no_transpose,
    outer_product_the_wrong_way_round,
    no_slope,
    slope_of_a_for_slope_of_z,
    bias_gradient_is_a_mean,
    bias_gradient_of_the_first_sample,
    sum_for_mean,
    factor_two,
    one_in_a_thousand_in_one_layer,
]


def fault_error(
    monkeypatch: pytest.MonkeyPatch, plant: Plant | None, network: Network, n_samples: int
) -> float:
    X, Y = make_batch("quadratic", n_samples, network.sizes[0], network.sizes[-1])
    if plant is not None:
        plant(monkeypatch)
    return worst_error(network, X, Y, QUADRATIC)


@pytest.mark.parametrize("plant", FAULTS)
def test_a_planted_fault_is_noticed(monkeypatch: pytest.MonkeyPatch, plant: Plant) -> None:
    network = make_network((3, 4, 4, 4), "sigmoid", "sigmoid")
    assert fault_error(monkeypatch, None, network, 5) < GRADIENT
    assert fault_error(monkeypatch, plant, network, 5) > 1e-4


def test_a_symmetric_network_hides_a_missing_transpose(monkeypatch: pytest.MonkeyPatch) -> None:
    network = make_network((3, 4, 4, 4), "sigmoid", "sigmoid")
    for l in (3, 4):
        network.W[l][:] = network.W[l] + network.W[l].T
    assert fault_error(monkeypatch, no_transpose, network, 5) < GRADIENT


@pytest.mark.parametrize("plant", [sum_for_mean, bias_gradient_is_a_mean])
def test_a_single_sample_hides_what_goes_wrong_in_the_batch(
    monkeypatch: pytest.MonkeyPatch, plant: Plant
) -> None:
    network = make_network((3, 4, 4, 4), "sigmoid", "sigmoid")
    assert fault_error(monkeypatch, plant, network, 1) < GRADIENT


def test_forgotten_options_are_noticed() -> None:
    network = make_network((4, 6, 5, 3), "tanh", "tanh", dropout=0.4)
    X, Y = make_batch("quadratic", 7, 4, 3)
    masks = draw_masks(network, 7, np.random.default_rng(5))
    options: dict[str, Any] = {"sample_weight": np.linspace(0.5, 2, 7), "weight_decay": 0.3}
    trace = forward(network, X, masks=masks)
    numeric = numeric_gradient(network, X, Y, QUADRATIC, masks=masks, **options)
    right = backward(network, trace, Y, QUADRATIC, **options)
    assert relative_errors(right.flat, numeric).max() < GRADIENT
    without_masks = Trace(trace.z, trace.a, trace.passed)
    wrong = [
        backward(network, without_masks, Y, QUADRATIC, **options),
        backward(network, Trace(trace.z, trace.a, trace.a, masks), Y, QUADRATIC, **options),
        *(backward(network, trace, Y, QUADRATIC, **{name: options[name]}) for name in options),
    ]
    for gradients in wrong:
        assert relative_errors(gradients.flat, numeric).max() > 1e-4


def test_weights_stepped_too_early_give_the_slip_of_the_well_known_article() -> None:
    """Mazur's printed error after one step comes of output weights updated before the hidden layer's δ."""
    network = sigmoid_net(
        [[[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]], [[0.35, 0.35], [0.60, 0.60]]
    )
    X, Y = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])
    trace = forward(network, X)
    right = backward(network, trace, Y, QUADRATIC)
    network.W[3][:] -= 0.5 * right.nabla_W[3]
    early = backward(network, trace, Y, QUADRATIC)
    assert relative_errors(early.nabla_W[2], right.nabla_W[2]).max() > 1e-2
    Sgd().step(network.W[2], early.nabla_W[2], 0.5, {}, 4)
    C = float(cost(network, forward(network, X), Y, QUADRATIC))
    assert pytest.approx(0.291027924, abs=1e-9) == C
    assert abs(C - 0.291027773694) > 1000 * WORKED


@pytest.mark.parametrize("sizes", [(1, 1), (7, 1), (1, 7), (2, 9, 1, 3), (9, 2, 8, 2, 5)])
@pytest.mark.parametrize("hidden", ["tanh", "softmax", "leaky_relu"])
def test_oblong_networks(sizes: tuple[int, ...], hidden: str) -> None:
    network = make_network(sizes, hidden, "sigmoid")
    X, Y = make_batch("binary_cross_entropy", 4, sizes[0], sizes[-1])
    assert worst_error(network, X, Y, LOSSES.create("binary_cross_entropy")) < GRADIENT


def test_one_network_may_mix_every_activation() -> None:
    layers = [Layer(3, 3, ACTIVATIONS.create(name)) for name in ACTIVATIONS]
    network = initialise(layers, INITIALIZERS.create("nielsen"), np.random.default_rng(2))
    X, Y = make_batch("cross_entropy", 6, 3, 3)
    assert worst_error(network, X, Y, LOSSES.create("cross_entropy")) < GRADIENT
