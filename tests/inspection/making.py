"""Points to look at: small networks of every kind."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from bpnet.core.activations import ACTIVATIONS, Activation
from bpnet.core.losses import LOSSES, Loss
from bpnet.core.network import Layer, draw_masks, from_arrays
from bpnet.inspection.point import Point
from bpnet.inspection.probe import draw_network
from tests.core.nets import PAIRS, make_batch

COMBINATIONS = [
    (hidden, output, loss)
    for hidden, (output, loss) in zip(itertools.cycle(ACTIVATIONS), PAIRS, strict=False)
]
"""Every output activation with every loss, and every hidden activation with some of them."""

SMOOTH = [name for name in ACTIVATIONS if not ACTIVATIONS.create(name).kinks]


def make_point(
    sizes: Sequence[int] = (3, 4, 5, 2),
    hidden: str = "tanh",
    output: str = "sigmoid",
    loss: str = "quadratic",
    *,
    seed: int = 0,
    n_samples: int = 3,
    dropout: float = 0.0,
    weighted: bool = False,
    weight_decay: float = 0.0,
) -> Point:
    rng = np.random.default_rng(seed)
    names = [hidden] * (len(sizes) - 2) + [output]
    layers = [
        Layer(n_in, n_out, ACTIVATIONS.create(name), dropout * (k < len(names)))
        for k, (n_in, n_out, name) in enumerate(zip(sizes, sizes[1:], names, strict=False), start=1)
    ]
    network = draw_network(layers, rng)
    X, Y = make_batch(loss, n_samples, sizes[0], sizes[-1], seed + 1)
    return Point(
        name="here",
        network=network,
        X=X,
        Y=Y,
        loss=LOSSES.create(loss),
        sample_weight=rng.uniform(0.5, 2, n_samples) if weighted else None,
        weight_decay=weight_decay,
        masks=draw_masks(network, n_samples, rng),
    )


def point_of(
    W: Sequence[Any],
    b: Sequence[Any],
    X: Any,
    Y: Any,
    *,
    activations: Sequence[Activation | str],
    loss: Loss | str = "quadratic",
    **options: Any,
) -> Point:
    weights = [np.array(each, dtype=float) for each in W]
    layers = [
        Layer(each.shape[1], each.shape[0], ACTIVATIONS.create(f) if isinstance(f, str) else f)
        for each, f in zip(weights, activations, strict=True)
    ]
    return Point(
        name="here",
        network=from_arrays(layers, weights, [np.array(each, dtype=float) for each in b]),
        X=np.array(X, dtype=float),
        Y=np.array(Y, dtype=float),
        loss=LOSSES.create(loss) if isinstance(loss, str) else loss,
        **options,
    )


def goodfellow_xor(targets: Sequence[float] = (0, 1, 1, 0), **options: Any) -> Point:
    """The network that solves XOR with ReLUs, three of which have z = 0 exactly."""
    return point_of(
        W=[[[1, 1], [1, 1]], [[1, -2]]],
        b=[[0, -1], [0]],
        X=[[0, 0], [0, 1], [1, 0], [1, 1]],
        Y=np.reshape(targets, (4, 1)),
        activations=["relu", "identity"],
        **options,
    )


def overflowing() -> Point:
    """Weights so large that the cost is infinite."""
    return point_of([[[1e200]]], [[0]], [[1.0]], [[0]], activations=["identity"])


def deep_sigmoid(seed: int = 0) -> Point:
    """Nine layers, the first of which have next to no gradient."""
    point = make_point((4, *[5] * 7, 2), "sigmoid", "sigmoid", seed=seed)
    return point.at(0.6 * point.network.parameters)
