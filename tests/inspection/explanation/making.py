"""Things to explain: a layer of a network of every kind."""

from dataclasses import replace
from typing import Any

from bpnet.inspection.explanation.record import Explanation, explain
from bpnet.inspection.explanation.view import Subject
from bpnet.inspection.point import Point
from tests.inspection.making import make_point

TEN: dict[str, Point] = {
    "2-2-1": make_point((2, 2, 1), "sigmoid", "sigmoid", n_samples=1),
    "one layer": make_point((3, 2), "tanh", "identity", n_samples=1),
    "softmax": make_point((3, 4, 3), "tanh", "softmax", "cross_entropy", n_samples=1),
    "many classes": make_point((5, 12, 10), "relu", "softmax", "cross_entropy", n_samples=1),
    "yes or no": make_point(
        (3, 3, 2), "silu", "sigmoid", "binary_cross_entropy", n_samples=1, weighted=True, weight_decay=0.1
    ),
    "deep": make_point((3, 4, 3, 4, 2), "gelu", "tanh", "huber", n_samples=1),
    "softmax within": make_point((3, 4, 3, 2), "softmax", "softplus", "mean_absolute_error", n_samples=1),
    "penalty": make_point((4, 8, 7, 2), "elu", "identity", n_samples=1, weight_decay=0.3),
    "weighted": make_point((3, 5, 3), "leaky_relu", "softmax", "cross_entropy", n_samples=1, weighted=True),
    "wide": make_point((40, 30, 20, 3), "softplus", "sigmoid", n_samples=1),
}


def subject_of(point: Point, layer: int, **changes: Any) -> Subject:
    subject = Subject(
        what="A network",
        sample="A sample",
        point=point,
        batch=None,
        layer=layer,
        unit=None,
        weight=None,
        learning_rate=0.3,
        train_biases=True,
        training="",
    )
    return replace(subject, **changes)


def explained(name: str, layer: int, **changes: Any) -> Explanation:
    return explain(subject_of(TEN[name], layer, **changes), why=True)


LAYERS = [(name, l) for name, point in TEN.items() for l in point.network.layers]
