"""Small networks and batches for the tests of the core."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bpnet.core.activations import ACTIVATIONS
from bpnet.core.arrays import Array
from bpnet.core.backprop import backward, cost
from bpnet.core.initializers import INITIALIZERS
from bpnet.core.losses import LOSSES, Loss, refusal
from bpnet.core.network import Layer, Network, forward, from_arrays, initialise
from tests.tolerances import GRADIENT_FLOOR

STEP = 1e-20

PAIRS = [(a, loss) for loss in LOSSES for a in ACTIVATIONS if refusal(loss, a) is None]
"""Every output activation and loss that the config accepts."""


def make_network(
    sizes: Sequence[int], hidden: str, output: str, seed: int = 0, dropout: float = 0.0
) -> Network:
    layers = [
        Layer(
            n_in,
            n_out,
            ACTIVATIONS.create(output if last else hidden),
            0.0 if last else dropout,
        )
        for n_in, n_out, last in zip(sizes, sizes[1:], [False] * (len(sizes) - 2) + [True], strict=False)
    ]
    return initialise(layers, INITIALIZERS.create("nielsen"), np.random.default_rng(seed))


def make_batch(loss: str, n_samples: int, n_in: int, n_out: int, seed: int = 1) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, n_in))
    if loss == "cross_entropy":
        return X, np.eye(n_out)[rng.integers(n_out, size=n_samples)]
    if loss == "binary_cross_entropy":
        return X, rng.integers(2, size=(n_samples, n_out)).astype(float)
    return X, rng.normal(size=(n_samples, n_out))


def sigmoid_net(W: Sequence[Any], b: Sequence[Any]) -> Network:
    weights = [np.array(each, dtype=float) for each in W]
    layers = [Layer(each.shape[1], each.shape[0], ACTIVATIONS.create("sigmoid")) for each in weights]
    return from_arrays(layers, weights, [np.array(each, dtype=float) for each in b])


def complex_step(f: Callable[[npt.NDArray[Any]], Any], x: Array) -> Array:
    """The gradient of a scalar function at x, exact to rounding."""
    gradient = np.empty(x.shape)
    for i in range(x.size):
        moved = x.astype(complex)
        moved[i] += 1j * STEP
        gradient[i] = np.imag(f(moved)) / STEP
    return gradient


def numeric_gradient(network: Network, X: Array, Y: Array, loss: Loss, **options: Any) -> Array:
    masks = options.pop("masks", None)

    def cost_at(parameters: Array) -> Array:
        moved = network.with_parameters(parameters)
        return cost(moved, forward(moved, X.astype(complex), masks=masks), Y, loss, **options)

    return complex_step(cost_at, network.parameters)


def relative_errors(analytic: Array, numeric: Array) -> Array:
    """|a − n| / max(|a| + |n|, 1e-4 of the tensor's largest), as the gradient check defines it."""
    floor = GRADIENT_FLOOR * np.abs(numeric).max(initial=0)
    scale = np.maximum(np.abs(analytic) + np.abs(numeric), floor)
    errors: Array = np.abs(analytic - numeric) / np.where(scale == 0, 1, scale)
    return errors


def worst_error(network: Network, X: Array, Y: Array, loss: Loss, **options: Any) -> float:
    """Largest relative error of any tensor of the gradient, by complex step."""
    masks = options.get("masks")
    rest = {name: value for name, value in options.items() if name != "masks"}
    gradients = backward(network, forward(network, X, masks=masks), Y, loss, **rest)
    numeric = network.with_parameters(numeric_gradient(network, X, Y, loss, **options))
    errors = [relative_errors(gradients.nabla_W[l], numeric.W[l]).max() for l in network.layers]
    errors += [relative_errors(gradients.nabla_b[l], numeric.b[l]).max() for l in network.layers]
    return float(max(errors))
