"""The forward pass, the cost and the optimizers once more, in plain Python: one number at a time.

Nothing here is fast, and nothing comes from the arrays' code: it is what that code is checked against.
The formulas are a textbook's, arranged so that no exponential overflows.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from bpnet.core.activations import Activation
from bpnet.core.losses import Loss
from bpnet.core.optimizers import Optimizer
from bpnet.inspection.point import Point

Row: TypeAlias = Sequence[float]


def _sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))


def _softplus(z: float) -> float:
    return max(z, 0.0) + math.log1p(math.exp(-abs(z)))


def _gelu(z: float) -> float:
    return z / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)))


def _softmax(z: Row) -> list[float]:
    largest = max(z)
    total = math.fsum(math.exp(each - largest) for each in z)
    return [math.exp(each - largest) / total for each in z]


ACTIVATIONS: dict[str, Callable[[Any, float], float]] = {
    "identity": lambda _, z: z,
    "sigmoid": lambda _, z: _sigmoid(z),
    "tanh": lambda _, z: math.tanh(z),
    "relu": lambda _, z: max(z, 0.0),
    "leaky_relu": lambda f, z: z if z > 0 else f.slope * z,
    "elu": lambda f, z: z if z > 0 else f.alpha * math.expm1(z),
    "gelu": lambda _, z: _gelu(z),
    "silu": lambda _, z: z * _sigmoid(z),
    "softplus": lambda _, z: _softplus(z),
}
"""σ(z) of one unit, by the activation's name; softmax, which needs the whole row, stands apart."""


def _huber(residual: float, t: float) -> float:
    return residual**2 / 2 if abs(residual) <= t else t * (abs(residual) - t / 2)


def _log_softmax(z: Row) -> list[float]:
    largest = max(z)
    log_sum = math.log(math.fsum(math.exp(each - largest) for each in z))
    return [each - largest - log_sum for each in z]


LOSSES: dict[str, Callable[[Any, Row, Row, Row], float]] = {
    "quadratic": lambda _, z, a, y: math.fsum((p - t) ** 2 / 2 for p, t in zip(a, y, strict=True)),
    "cross_entropy": lambda _, z, a, y: (
        -math.fsum(t * log_p for log_p, t in zip(_log_softmax(z), y, strict=True))
    ),
    "binary_cross_entropy": lambda _, z, a, y: math.fsum(
        t * _softplus(-each) + (1 - t) * _softplus(each) for each, t in zip(z, y, strict=True)
    ),
    "huber": lambda loss, z, a, y: math.fsum(
        _huber(p - t, loss.threshold) for p, t in zip(a, y, strict=True)
    ),
    "mean_absolute_error": lambda _, z, a, y: (
        math.fsum(abs(p - t) for p, t in zip(a, y, strict=True)) / len(a)
    ),
}
"""ℓ of one sample from its output z and a and its targets, by the loss's name."""


def knows(activation: Activation) -> bool:
    """Whether the activation's formula stands here."""
    return activation.name in ACTIVATIONS or activation.name == "softmax"


def activate(activation: Activation, z: Row) -> list[float]:
    """Activations of one layer for one sample."""
    if activation.name == "softmax":
        return _softmax(z)
    return [ACTIVATIONS[activation.name](activation, each) for each in z]


def sample_loss(loss: Loss, z: Row, a: Row, y: Row) -> float:
    """Loss of one sample."""
    return LOSSES[loss.name](loss, z, a, y)


def forward(point: Point, row: int) -> tuple[list[list[float]], list[list[float]]]:
    """Return z and a of every layer after the input, for one sample of the point."""
    network = point.network
    all_z, all_a, before = [], [], point.X[row].tolist()
    for l, layer in network.layers.items():
        z = [
            math.fsum(w * a for w, a in zip(weights, before, strict=True)) + bias
            for weights, bias in zip(network.W[l].tolist(), network.b[l].tolist(), strict=True)
        ]
        a = activate(layer.activation, z)
        all_z.append(z)
        all_a.append(a)
        mask = point.masks[l][row].tolist() if l in point.masks else [1.0] * len(a)
        before = [m * each for m, each in zip(mask, a, strict=True)]
    return all_z, all_a


def cost(point: Point) -> float:
    """C of the point: the mean weighted loss, plus half the penalty times every squared weight."""
    n_samples = len(point.X)
    weights = [1.0] * n_samples if point.sample_weight is None else point.sample_weight.tolist()
    losses = []
    for row in range(n_samples):
        z, a = forward(point, row)
        losses.append(weights[row] * sample_loss(point.loss, z[-1], a[-1], point.Y[row].tolist()))
    squares = math.fsum(w**2 for W in point.network.W.values() for w in W.ravel().tolist())
    return math.fsum(losses) / n_samples + point.weight_decay / 2 * squares


def descend(
    optimizer: Optimizer, start: Row, gradients: Sequence[Row], rate: float, n_weights: int
) -> list[float]:
    """Parameters after one step a gradient, each parameter by itself.

    Raises
    ------
    KeyError
        If the optimizer's rule does not stand here.
    """
    rule = OPTIMIZERS[optimizer.name]
    return [
        rule(optimizer, theta, [g[k] for g in gradients], rate, 1.0 if k < n_weights else 0.0)
        for k, theta in enumerate(start)
    ]


def _sgd(o: Any, theta: float, gradients: Row, rate: float, decays: float) -> float:  # noqa: ANN401 - any optimizer's numbers
    v = 0.0
    for g in gradients:
        v = o.momentum * v + g
        theta -= rate * (g + o.momentum * v if o.nesterov else v)
    return theta


def _rmsprop(o: Any, theta: float, gradients: Row, rate: float, decays: float) -> float:  # noqa: ANN401 - as above
    s = 0.0
    for g in gradients:
        s = o.rho * s + (1 - o.rho) * g**2
        theta -= rate * g / (math.sqrt(s) + o.eps)
    return theta


def _adam(o: Any, theta: float, gradients: Row, rate: float, decays: float) -> float:  # noqa: ANN401 - as above
    m = s = 0.0
    decay = decays * getattr(o, "weight_decay", 0.0)
    for t, g in enumerate(gradients, start=1):
        theta -= rate * decay * theta
        m = o.beta1 * m + (1 - o.beta1) * g
        s = o.beta2 * s + (1 - o.beta2) * g**2
        theta -= rate * (m / (1 - o.beta1**t)) / (math.sqrt(s / (1 - o.beta2**t)) + o.eps)
    return theta


OPTIMIZERS: dict[str, Callable[[Any, float, Row, float, float], float]] = {
    "sgd": _sgd,
    "rmsprop": _rmsprop,
    "adam": _adam,
    "adamw": _adam,
}
"""One parameter's way through the steps, by the optimizer's name; the last number is 0 for a bias."""
