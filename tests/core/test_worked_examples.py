"""Numbers that others worked out by hand, to twelve digits."""

import numpy as np
import numpy.typing as npt
import pytest

from bpnet.core.activations import ACTIVATIONS
from bpnet.core.arrays import Array
from bpnet.core.backprop import Gradients, backward, cost
from bpnet.core.losses import LOSSES
from bpnet.core.network import Layer, Network, Trace, forward, from_arrays
from bpnet.core.optimizers import Sgd
from tests.core.nets import sigmoid_net
from tests.tolerances import WORKED

QUADRATIC = LOSSES.create("quadratic")


def passes(network: Network, X: Array, Y: Array) -> tuple[Trace, Gradients, float]:
    trace = forward(network, X)
    return trace, backward(network, trace, Y, QUADRATIC), float(cost(network, trace, Y, QUADRATIC))


def close(found: Array, expected: npt.ArrayLike) -> bool:
    return bool(np.allclose(found, expected, rtol=0, atol=WORKED))


def mazur() -> tuple[Network, Array, Array]:
    network = sigmoid_net(
        [[[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]], [[0.35, 0.35], [0.60, 0.60]]
    )
    return network, np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])


def test_mazur_forward() -> None:
    trace, _, C = passes(*mazur())
    assert close(trace.z[2], [[0.3775, 0.3925]])
    assert close(trace.a[2], [[0.593269992107, 0.596884378260]])
    assert close(trace.z[3], [[1.105905967060, 1.224921404096]])
    assert close(trace.a[3], [[0.751365069552, 0.772928465321]])
    assert pytest.approx(0.298371108760, abs=WORKED) == C


def test_mazur_backward() -> None:
    _, gradients, _ = passes(*mazur())
    assert close(gradients.delta[3], [[0.138498561629, -0.038098236517]])
    assert close(gradients.delta[2], [[0.008771354689, 0.009954254705]])
    assert close(gradients.nabla_W[3], [[0.082167040564, 0.082667627848], [-0.022602540477, -0.022740242216]])
    assert close(gradients.nabla_W[2], [[0.000438567734, 0.000877135469], [0.000497712735, 0.000995425471]])


def test_mazur_step_uses_the_old_weights() -> None:
    network, X, Y = mazur()
    _, gradients, _ = passes(network, X, Y)
    gradients.flat[network.n_weights :] = 0  # the article does not update biases
    Sgd().step(network.parameters, gradients.flat, 0.5, {}, network.n_weights)
    assert close(network.W[3], [[0.358916479718, 0.408666186076], [0.511301270239, 0.561370121108]])
    assert close(network.W[2], [[0.149780716133, 0.199561432266], [0.249751143632, 0.299502287265]])
    assert passes(network, X, Y)[2] == pytest.approx(0.291027773694, abs=WORKED)


def test_mazur_after_ten_thousand_steps() -> None:
    network, X, Y = mazur()
    for _ in range(10_000):
        gradients = backward(network, forward(network, X), Y, QUADRATIC)
        gradients.flat[network.n_weights :] = 0
        Sgd().step(network.parameters, gradients.flat, 0.5, {}, network.n_weights)
    trace, _, C = passes(network, X, Y)
    assert pytest.approx(3.510187783e-5, rel=1e-9) == C
    assert np.allclose(trace.outputs, [[0.015913620, 0.984064274]], rtol=0, atol=1e-9)


def test_the_source_s_network() -> None:
    network = sigmoid_net([[[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45]]], [[0.35, 0.35], [0.60]])
    X, Y = np.array([[0.05, 0.10]]), np.array([[0.01]])
    trace, gradients, C = passes(network, X, Y)
    assert close(trace.a[3], [[0.751365069552]])
    assert pytest.approx(0.274811083176, abs=WORKED) == C
    assert close(gradients.delta[3], [[0.138498561629]])
    assert close(gradients.delta[2], [[0.013367920423, 0.014996075489]])
    assert close(gradients.nabla_W[3], [[0.082167040564, 0.082667627848]])
    assert close(gradients.nabla_W[2], [[0.000668396021, 0.001336792042], [0.000749803774, 0.001499607549]])
    Sgd().step(network.parameters, gradients.flat, 0.5, {}, network.n_weights)
    assert close(network.W[3], [[0.358916479718, 0.408666186076]])
    assert close(network.b[3], [0.530750719186])
    assert close(network.W[2], [[0.149665801989, 0.199331603979], [0.249625098113, 0.299250196226]])
    assert close(network.b[2], [0.343316039789, 0.342501962256])
    assert passes(network, X, Y)[2] == pytest.approx(0.258014896421, abs=WORKED)


def test_one_row_of_xor() -> None:
    network = sigmoid_net([[[0.1, 0.2], [0.3, 0.4]], [[0.5, 0.6]]], [[0.1, 0.1], [0.1]])
    X, Y = np.array([[1.0, 0.0]]), np.array([[1.0]])
    trace, gradients, C = passes(network, X, Y)
    assert trace.outputs[0, 0] == pytest.approx(0.675710829, abs=1e-9)
    assert pytest.approx(0.0525817333, abs=1e-10) == C
    assert gradients.delta[3][0, 0] == pytest.approx(-0.071060093, abs=1e-9)
    assert np.allclose(gradients.delta[2], [[-0.008794, -0.010244]], rtol=0, atol=1e-6)
    gradients.flat[network.n_weights :] = 0
    Sgd().step(network.parameters, gradients.flat, 0.5, {}, network.n_weights)
    assert passes(network, X, Y)[2] == pytest.approx(0.0508414178, abs=1e-10)


def test_cs231n_neuron() -> None:
    network = sigmoid_net([[[2.0, -3.0]]], [[-3.0]])
    X = np.array([[-1.0, -2.0]])
    trace = forward(network, X)
    assert trace.z[2][0, 0] == 1.0
    slope = network.layers[2].activation.pullback(np.ones((1, 1)), trace.z[2], trace.a[2])
    assert trace.outputs[0, 0] == pytest.approx(0.731058579, abs=1e-9)
    assert np.allclose(slope * X, [[-0.196612, -0.393224]], rtol=0, atol=1e-6)
    assert np.allclose(slope * network.W[2], [[0.393224, -0.589836]], rtol=0, atol=1e-6)


def test_goodfellow_xor_has_no_loss_and_no_gradient() -> None:
    layers = [Layer(2, 2, ACTIVATIONS.create("relu")), Layer(2, 1, ACTIVATIONS.create("identity"))]
    network = from_arrays(
        layers, [np.ones((2, 2)), np.array([[1.0, -2.0]])], [np.array([0.0, -1.0]), np.zeros(1)]
    )
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    trace, gradients, C = passes(network, X, np.array([[0.0], [1.0], [1.0], [0.0]]))
    assert C == 0
    assert not gradients.flat.any()
    assert (trace.z[2] == 0).any()  # the kink: its derivative is taken as 0


@pytest.mark.parametrize(("w", "b", "first", "last"), [(0.6, 0.9, 0.82, 0.09), (2.0, 2.0, 0.98, 0.20)])
def test_nielsen_s_saturated_neuron(w: float, b: float, first: float, last: float) -> None:
    network = sigmoid_net([[[w]]], [[b]])
    X, Y = np.ones((1, 1)), np.zeros((1, 1))
    assert forward(network, X).outputs[0, 0] == pytest.approx(first, abs=0.005)
    for _ in range(300):
        Sgd().step(network.parameters, backward(network, forward(network, X), Y, QUADRATIC).flat, 0.15, {}, 1)
    assert forward(network, X).outputs[0, 0] == pytest.approx(last, abs=0.005)
