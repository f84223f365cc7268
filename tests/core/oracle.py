"""The forward pass and the cost once more, in plain Python: one number at a time, as a textbook has them."""

import math
from collections.abc import Callable, Sequence

Row = Sequence[float]
Matrix = Sequence[Row]


def softmax(z: Row) -> list[float]:
    largest = max(z)
    total = math.fsum(math.exp(each - largest) for each in z)
    return [math.exp(each - largest) / total for each in z]


def each_by_itself(f: Callable[[float], float]) -> Callable[[Row], list[float]]:
    return lambda z: [f(each) for each in z]


ACTIVATIONS: dict[str, Callable[[Row], list[float]]] = {
    "identity": each_by_itself(lambda z: z),
    "sigmoid": each_by_itself(lambda z: 1 / (1 + math.exp(-z))),
    "tanh": each_by_itself(math.tanh),
    "relu": each_by_itself(lambda z: max(z, 0.0)),
    "leaky_relu": each_by_itself(lambda z: z if z > 0 else 0.01 * z),
    "elu": each_by_itself(lambda z: z if z > 0 else math.expm1(z)),
    "gelu": each_by_itself(lambda z: z / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)))),
    "silu": each_by_itself(lambda z: z / (1 + math.exp(-z))),
    "softplus": each_by_itself(lambda z: math.log(1 + math.exp(z))),
    "softmax": softmax,
}


def huber(residual: float) -> float:
    return residual**2 / 2 if abs(residual) <= 1 else abs(residual) - 0.5


LOSSES: dict[str, Callable[[Row, Row], float]] = {
    "quadratic": lambda a, y: math.fsum((p - t) ** 2 / 2 for p, t in zip(a, y, strict=True)),
    "cross_entropy": lambda a, y: -math.fsum(t * math.log(p) for p, t in zip(a, y, strict=True) if t),
    "binary_cross_entropy": lambda a, y: (
        -math.fsum(math.log(p if t else 1 - p) for p, t in zip(a, y, strict=True))
    ),
    "huber": lambda a, y: math.fsum(huber(p - t) for p, t in zip(a, y, strict=True)),
    "mean_absolute_error": lambda a, y: math.fsum(abs(p - t) for p, t in zip(a, y, strict=True)) / len(a),
}


def forward(
    W: Sequence[Matrix], b: Sequence[Row], names: Sequence[str], x: Row
) -> tuple[list[list[float]], list[list[float]]]:
    """z and a of every layer after the input, for one sample."""
    all_z, all_a, a_before = [], [], list(x)
    for weights, biases, name in zip(W, b, names, strict=True):
        z = [
            math.fsum(w * a for w, a in zip(row, a_before, strict=True)) + bias
            for row, bias in zip(weights, biases, strict=True)
        ]
        a_before = ACTIVATIONS[name](z)
        all_z.append(z)
        all_a.append(a_before)
    return all_z, all_a


def cost(
    W: Sequence[Matrix],
    outputs: Matrix,
    targets: Matrix,
    loss: str,
    *,
    sample_weight: Row,
    weight_decay: float,
) -> float:
    """Mean of the weighted losses, plus half the penalty times every squared weight."""
    losses = [LOSSES[loss](a, y) for a, y in zip(outputs, targets, strict=True)]
    mean = math.fsum(w * each for w, each in zip(sample_weight, losses, strict=True)) / len(losses)
    return mean + weight_decay / 2 * math.fsum(w**2 for weights in W for row in weights for w in row)
