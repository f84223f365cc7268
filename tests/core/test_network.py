from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpnet.core.activations import ACTIVATIONS
from bpnet.core.backprop import Workspace
from bpnet.core.initializers import INITIALIZERS
from bpnet.core.losses import LOSSES
from bpnet.core.network import Layer, Network, draw_masks, forward, from_arrays, initialise
from bpnet.errors import ShapeError
from bpnet.inspection import scalar
from bpnet.inspection.point import Point
from tests.core.nets import PAIRS, make_batch, make_network
from tests.tolerances import ROUNDING, STANDARD_ERRORS

SIGMOID, IDENTITY = ACTIVATIONS.create("sigmoid"), ACTIVATIONS.create("identity")
LAYERS = (Layer(3, 4, SIGMOID), Layer(4, 2, IDENTITY))


def counted(dtype: Any = np.float64) -> Network:
    """A network whose parameters are 0, 1, 2, …"""
    return Network(LAYERS, np.arange(26, dtype=dtype))


def test_weights_come_first_layer_by_layer_and_row_by_row_then_biases() -> None:
    network = counted()
    assert network.W[2].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
    assert network.W[3].tolist() == [[12, 13, 14, 15], [16, 17, 18, 19]]
    assert network.b[2].tolist() == [20, 21, 22, 23]
    assert network.b[3].tolist() == [24, 25]
    assert network.n_weights == 20
    assert network.sizes == (3, 4, 2)
    assert network.L == 3
    assert list(network.layers) == [2, 3]


def test_matrices_are_views_of_the_one_vector_which_is_kept() -> None:
    flat = np.zeros(26)
    network = Network(LAYERS, flat)
    assert network.parameters is flat
    flat[:] = np.arange(26)
    assert network.W[3][1, 3] == 19
    network.b[3][1] = -1
    assert flat[25] == -1


def test_the_same_layers_around_another_vector() -> None:
    network, other = counted(), np.zeros(26, np.complex128)
    moved = network.with_parameters(other)
    assert moved.parameters is other
    assert moved.layers == network.layers
    moved.W[2][0, 0] = 1j
    assert network.parameters.tolist() == list(range(26))


def test_neighbours_must_fit() -> None:
    with pytest.raises(ShapeError, match=r"^layer 3: 4 inputs expected from layer 2, found 5$"):
        Network((Layer(3, 4, SIGMOID), Layer(5, 2, IDENTITY)), np.zeros(28))


@pytest.mark.parametrize("shape", [(25,), (27,), (26, 1)])
def test_as_many_parameters_as_the_layers_need(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError) as caught:
        Network(LAYERS, np.zeros(shape))
    assert str(caught.value) == f"26 parameters expected, found shape {shape}"


def test_from_arrays_copies_into_one_vector() -> None:
    source = counted()
    W, b = [source.W[2], np.asfortranarray(source.W[3])], [source.b[2], source.b[3]]
    network = from_arrays(LAYERS, W, b, np.float32)
    assert network.parameters.dtype == np.float32
    assert network.parameters.tolist() == list(range(26))
    network.parameters[:] = 0
    assert source.parameters.tolist() == list(range(26))


@pytest.mark.parametrize(
    ("W_shape", "b_shape"), [((4, 2), (2,)), ((2, 4), (4,)), ((2, 4), (2, 1)), ((8,), (2,))]
)
def test_from_arrays_names_the_layer_that_does_not_fit(
    W_shape: tuple[int, ...], b_shape: tuple[int, ...]
) -> None:
    with pytest.raises(ShapeError) as caught:
        from_arrays(LAYERS, [np.zeros((4, 3)), np.zeros(W_shape)], [np.zeros(4), np.zeros(b_shape)])
    expected = f"layer 3: W and b of shapes ((2, 4), (2,)) expected, found ({W_shape}, {b_shape})"
    assert str(caught.value) == expected


def test_a_start_is_drawn_layer_by_layer_in_the_dtype_asked_for() -> None:
    initializer = INITIALIZERS.create("nielsen")
    network = initialise(LAYERS, initializer, np.random.default_rng(4))
    rng = np.random.default_rng(4)
    for l, layer in network.layers.items():
        np.testing.assert_array_equal(network.W[l], initializer.weights(layer.n_in, layer.n_out, rng))
    for l, layer in network.layers.items():
        np.testing.assert_array_equal(network.b[l], initializer.biases(layer.n_out, rng))
    single = initialise(LAYERS, initializer, np.random.default_rng(4), np.float32)
    np.testing.assert_array_equal(single.parameters, network.parameters.astype(np.float32))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 5), min_size=2, max_size=6),
    st.sampled_from(list(ACTIVATIONS)),
    st.sampled_from(PAIRS),
    st.integers(1, 4),
    st.integers(0, 2**31),
)
def test_forward_and_cost_by_plain_python(
    sizes: list[int], hidden: str, pair: tuple[str, str], n_samples: int, seed: int
) -> None:
    output, loss = pair
    network = make_network(sizes, hidden, output, seed, dropout=0.3)
    X, Y = make_batch(loss, n_samples, sizes[0], sizes[-1], seed + 1)
    masks = draw_masks(network, n_samples, np.random.default_rng(seed))
    point = Point("", network, X, Y, LOSSES.create(loss), np.linspace(0.5, 2, n_samples), 0.2, masks)
    trace = point.forward()
    assert trace.a[1] is X
    for row in range(n_samples):
        all_z, all_a = scalar.forward(point, row)
        for l, z, a in zip(network.layers, all_z, all_a, strict=True):
            np.testing.assert_allclose(trace.z[l][row], z, rtol=ROUNDING, atol=ROUNDING)
            np.testing.assert_allclose(trace.a[l][row], a, rtol=ROUNDING, atol=ROUNDING)
    assert point.cost(trace) == pytest.approx(scalar.cost(point), rel=1e-12)


@pytest.mark.parametrize("shape", [(3,), (5, 2), (5, 4), (1, 5, 3)])
def test_inputs_that_do_not_fit(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError) as caught:
        forward(counted(), np.zeros(shape))
    assert str(caught.value) == f"inputs of shape (N, 3) expected, found {shape}"


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_forward_keeps_the_dtype(dtype: Any) -> None:
    trace = forward(
        make_network((3, 4, 2), "tanh", "softmax").with_parameters(np.ones(26, dtype)), np.ones((5, 3), dtype)
    )
    assert {array.dtype for kind in (trace.z, trace.a) for array in kind.values()} == {np.dtype(dtype)}


def test_forward_leaves_inputs_and_parameters_alone() -> None:
    network = make_network((3, 4, 2), "tanh", "softmax", dropout=0.5)
    X, _ = make_batch("quadratic", 5, 3, 2)
    copies = X.copy(), network.parameters.copy()
    masks = draw_masks(network, 5, np.random.default_rng(0))
    forward(network, X, masks=masks, buffers=Workspace(network, 5).rows(5)[0])
    np.testing.assert_array_equal(X, copies[0])
    np.testing.assert_array_equal(network.parameters, copies[1])


def test_without_masks_a_layer_hands_on_what_it_makes() -> None:
    network = make_network((3, 4, 2), "tanh", "softmax", dropout=0.5)
    trace = forward(network, np.ones((5, 3)))
    assert trace.masks == {}
    assert all(trace.passed[l] is trace.a[l] for l in (1, 2, 3))
    assert trace.outputs is trace.a[3]


def test_a_mask_acts_on_what_a_layer_hands_on_not_on_its_a() -> None:
    network = make_network((3, 4, 2), "tanh", "softmax", dropout=0.5)
    X, _ = make_batch("quadratic", 5, 3, 2)
    mask = np.zeros((5, 4))
    mask[:, 1] = 2
    trace, bare = forward(network, X, masks={2: mask}), forward(network, X)
    np.testing.assert_array_equal(trace.a[2], bare.a[2])
    np.testing.assert_array_equal(trace.passed[2], bare.a[2] * mask)
    np.testing.assert_allclose(
        trace.z[3], 2 * bare.a[2][:, 1:2] * network.W[3][:, 1] + network.b[3], rtol=ROUNDING
    )


def same(a: Any, b: Any) -> None:
    for kind in ("z", "a", "passed"):
        for l, array in getattr(a, kind).items():
            np.testing.assert_array_equal(array, getattr(b, kind)[l])


@pytest.mark.parametrize("hidden", list(ACTIVATIONS))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_reused_buffers_change_no_bit(hidden: str, dtype: Any) -> None:
    network = make_network((3, 4, 5, 2), hidden, "softmax", dropout=0.3)
    network = network.with_parameters(network.parameters.astype(dtype))
    workspace = Workspace(network, 6)
    for n_samples, seed in ((6, 1), (4, 2), (6, 3)):
        X = make_batch("quadratic", n_samples, 3, 2, seed)[0].astype(dtype)
        masks = draw_masks(network, n_samples, np.random.default_rng(seed), dtype)
        written = forward(network, X, masks=masks, buffers=workspace.rows(n_samples)[0])
        same(written, forward(network, X, masks=masks))
        assert written.z[2] is workspace.rows(n_samples)[0].z[2]


def dropping(rate: float) -> Network:
    layers = [
        Layer(3, 400, SIGMOID, rate),
        Layer(400, 5, SIGMOID),
        Layer(5, 300, SIGMOID, 0.5),
        Layer(300, 2, IDENTITY),
    ]
    return initialise(layers, INITIALIZERS.create("zeros"), np.random.default_rng(0))


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_masks_leave_out_the_share_asked_for_and_scale_the_rest(rate: float, dtype: Any) -> None:
    masks = draw_masks(dropping(rate), 500, np.random.default_rng(11), dtype)
    assert {l: mask.shape for l, mask in masks.items()} == {2: (500, 400), 4: (500, 300)}
    mask = masks[2]
    assert mask.dtype == dtype
    assert np.unique(mask).tolist() == [0, dtype(1) / dtype(1 - rate)]
    error = np.sqrt(rate * (1 - rate) / mask.size)
    assert abs((mask == 0).mean() - rate) < STANDARD_ERRORS * error
    assert mask.mean(dtype=np.float64) == pytest.approx(1, abs=STANDARD_ERRORS * error / (1 - rate))


def test_masks_differ_by_sample_unit_and_layer_and_come_back_with_the_seed() -> None:
    first = draw_masks(dropping(0.5), 50, np.random.default_rng(1))
    again = draw_masks(dropping(0.5), 50, np.random.default_rng(1))
    for l, mask in first.items():
        np.testing.assert_array_equal(mask, again[l])
    assert len(np.unique(first[2], axis=0)) == 50
    assert len(np.unique(first[2], axis=1).T) == 400
    assert (first[2][:, :300] != first[4]).any()


def test_no_dropout_no_masks_and_nothing_drawn() -> None:
    rng = np.random.default_rng(1)
    assert draw_masks(counted(), 5, rng) == {}
    assert rng.random() == np.random.default_rng(1).random()
