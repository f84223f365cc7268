"""Small networks of every kind, and the recorded step run as plain Python, without Numba."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from bpnet.core.activations import ACTIVATIONS
from bpnet.core.backprop import backward
from bpnet.core.initializers import INITIALIZERS
from bpnet.core.losses import LOSSES, Loss
from bpnet.core.network import Layer, Network, forward, initialise
from bpnet.core.optimizers import Optimizer, State
from bpnet.training.compiled.source import Source
from bpnet.training.evaluation import Samples

SIZE, STEPS, RATE, DECAY = 4, 3, 0.1, 0.02
WIDTHS = (5, 7, 6, 3)


def make_network(hidden: str, output: str, dtype: Any = np.float64) -> Network:
    names = (hidden, hidden, output)
    layers = [
        Layer(n_in, n_out, ACTIVATIONS.create(name))
        for n_in, n_out, name in zip(WIDTHS, WIDTHS[1:], names, strict=False)
    ]
    network = initialise(layers, INITIALIZERS.create("glorot_uniform"), np.random.default_rng(0), dtype)
    network.parameters += 0.1  # biases that are not 0
    return network


def make_samples(*, weighted: bool = False, dtype: Any = np.float64, count: int = SIZE * STEPS) -> Samples:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(count, WIDTHS[0])).astype(dtype)
    Y = np.eye(WIDTHS[-1], dtype=dtype)[rng.integers(0, WIDTHS[-1], count)]
    return Samples(X, Y, rng.uniform(0.5, 2, count).astype(dtype) if weighted else None)


def some_loss(output: str) -> Loss:
    return LOSSES.create("cross_entropy" if output == "softmax" else "quadratic")


def in_numpy(
    network: Network,
    loss: Loss,
    optimizer: Optimizer,
    state: State,
    samples: Samples,
    *,
    decay: float = DECAY,
) -> tuple[Any, Any]:
    """Train on the whole batches; returns z and a of the output layer."""
    z, a = [], []
    for first in range(0, len(samples) // SIZE * SIZE, SIZE):
        batch = samples.take(slice(first, first + SIZE))
        trace = forward(network, batch.X)
        gradients = backward(network, trace, batch.Y, loss, sample_weight=batch.weight, weight_decay=decay)
        optimizer.step(network.parameters, gradients.flat, RATE, state, network.n_weights)
        z.append(trace.z[network.L])
        a.append(trace.outputs)
    return np.concatenate(z), np.concatenate(a)


def interpreted(source: Source) -> Callable[..., int]:
    """The source's function, by Python itself."""
    text = re.sub(r"^import numba$|^@numba.*$", "", source.text, flags=re.MULTILINE)
    names: dict[str, Any] = {}
    exec(text, names)  # noqa: S102 - the text is the thing under test
    steps: Callable[..., int] = names["steps"]
    return steps
