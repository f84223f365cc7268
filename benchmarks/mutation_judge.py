"""What ``mutate_core.py`` runs on every broken copy of the package: grad-check, then gradients to compare."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bpnet.config import parse_config
from bpnet.core.activations import ACTIVATIONS
from bpnet.core.arrays import Array
from bpnet.core.backprop import Workspace, backward, cost
from bpnet.core.initializers import INITIALIZERS
from bpnet.core.losses import LOSSES, refusal
from bpnet.core.network import Layer, draw_masks, forward, initialise
from bpnet.experiment.checking import check_experiment
from bpnet.experiment.preparing import prepare

PAIRS = [(a, loss) for loss in LOSSES for a in ACTIVATIONS if refusal(loss, a) is None]
SIZES = (0.01, 1.0, 30.0, 1000.0)
"""How large the inputs are, and z with them."""

_SAMPLES = 5

HYPERPARAMETERS = {"leaky_relu": {"slope": 0.2}, "elu": {"alpha": 0.7}, "huber": {"threshold": 0.5}}
"""Other than the defaults, some of which multiply by 1."""

CONFIG = """\
data:
  inputs: [[0.2, -1.1, 0.7], [1.3, 0.4, -0.5], [-0.8, 0.9, 0.1], [0.5, -0.3, -1.2]]
  targets: {targets}
network:
  layers: [3, {{size: 4, activation: {first}, dropout: {dropout}}}, {{size: 5, activation: {second}}}, 3]
  output_activation: {output}
  initializer: nielsen
training:
  loss: {loss}
  learning_rate: 0.05
  epochs: 1
  weight_decay: {decay}
  class_weights: {weights}
  dtype: float64
"""
CLASSES = "[[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0]]"
LABELS = "[[1, 0, 1], [0, 1, 1], [0, 0, 1], [0, 1, 0]]"
NUMBERS = "[[0.3, -0.2, 1.1], [0.8, 0.1, -0.4], [0.2, 0.5, 0.3], [-0.6, 1.4, 0.2]]"
TARGETS = {"cross_entropy": CLASSES, "binary_cross_entropy": LABELS}


def configs() -> Iterator[str]:
    """A config for every output activation and loss, with every activation in the hidden layers."""
    names = [_named(name) for name in ACTIVATIONS]
    for k, (output, loss) in enumerate(PAIRS):
        yield CONFIG.format(
            targets=TARGETS.get(loss, NUMBERS),
            first=names[k % len(names)],
            second=names[(3 * k + 1) % len(names)],
            dropout=0.3 if k % 3 == 0 else 0,
            output=_named(output),
            loss=_named(loss),
            decay=0.1 * (k % 2),
            weights='{"y1": 0.5, "y3": 2.0}' if loss == "cross_entropy" else "null",
        )


def _named(name: str) -> str:
    return json.dumps({"name": name, **HYPERPARAMETERS.get(name, {})})


def judge() -> str:
    """``passed``, the first config's verdict that is another, or ``self-test`` if that fails."""
    for text in configs():
        check = check_experiment(prepare(parse_config(text, source="config", folder=Path())))
        if check.verdict != "pass":
            return check.verdict
        if check.self_test.caught != check.self_test.planted:
            return "self-test"
    return "passed"


def gradients() -> Array:
    """Gradients and costs of random networks, with and without buffers, of every activation and loss."""
    found: list[Array] = []
    for size in SIZES:
        for hidden in ACTIVATIONS:
            for output, loss in PAIRS:
                found.extend(_gradients(size, (hidden, hidden, output), loss, seed=len(found)))
    return np.concatenate(found)


def _gradients(size: float, names: tuple[str, ...], loss_name: str, *, seed: int) -> Iterator[Array]:
    """Of more samples than any layer has units; the first lies on corners, as far as that is possible."""
    rng = np.random.default_rng(seed)
    loss = LOSSES.create(loss_name, **HYPERPARAMETERS.get(loss_name, {}))
    shapes = zip((3, 4, 4), (4, 4, 3), names, (0.3, 0.0, 0.0), strict=True)
    layers = [
        Layer(n_in, n_out, ACTIVATIONS.create(name, **HYPERPARAMETERS.get(name, {})), dropout)
        for n_in, n_out, name, dropout in shapes
    ]
    network = initialise(layers, INITIALIZERS.create("nielsen"), rng)
    network.b[2][...] = network.b[3][...] = network.b[4][...] = 0
    X = size * rng.standard_normal((_SAMPLES, 3))
    Y = rng.integers(2, size=(_SAMPLES, 3)).astype(float)
    if loss_name == "cross_entropy":
        Y = np.eye(3)[rng.integers(3, size=_SAMPLES)]
    elif loss_name != "binary_cross_entropy":
        Y[0] = 0
    X[0] = 0
    masks = draw_masks(network, _SAMPLES, rng)
    options: dict[str, Any] = {"sample_weight": rng.uniform(0.5, 2, _SAMPLES), "weight_decay": 0.1}
    trace = forward(network, X, masks=masks)
    yield backward(network, trace, Y, loss, **options).flat
    yield np.atleast_1d(cost(network, trace, Y, loss, **options))
    forward_buffers, backward_buffers = Workspace(network, _SAMPLES + 2).rows(_SAMPLES)
    trace = forward(network, X, masks=masks, buffers=forward_buffers)
    yield backward(network, trace, Y, loss, **options, buffers=backward_buffers).flat.copy()


def main() -> None:
    """Print the verdict; if it is ``passed``, leave the gradients in the file that is named."""
    with np.errstate(all="ignore"):
        verdict = judge()
        if verdict == "passed":
            np.save(sys.argv[1], gradients())
    print(json.dumps(verdict))


if __name__ == "__main__":
    main()
