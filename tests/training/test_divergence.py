from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bpnet.core.backprop import Gradients, backward
from bpnet.core.losses import LOSSES
from bpnet.core.network import Network, Trace, forward
from bpnet.training.divergence import advise, find_non_finite
from bpnet.training.evaluation import Samples
from tests.core.nets import make_network
from tests.training.making import make_samples

QUADRATIC = LOSSES.create("quadratic")
SMALLER = "Try a smaller learning_rate (now 0.5; try 0.05)"


def passes() -> tuple[Network, Trace, Gradients, Samples]:
    network, samples = make_network((3, 5, 4, 2), "tanh", "identity"), make_samples()
    trace = forward(network, samples.X)
    return network, trace, backward(network, trace, samples.Y, QUADRATIC), samples


def test_all_is_finite() -> None:
    network, trace, gradients, samples = passes()
    assert find_non_finite(network, QUADRATIC, trace, gradients, samples.Y) is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("kind", "l", "expected"),
    [
        ("W", 2, "a weight or bias in layer 2"),
        ("b", 4, "a weight or bias in layer 4"),
        ("z", 3, "a weighted input z in layer 3"),
        ("delta", 3, "the gradient (δ) in layer 3"),
        ("nabla_W", 2, "the gradient (∂C/∂W) in layer 2"),
        ("nabla_b", 4, "the gradient (∂C/∂b) in layer 4"),
    ],
)
def test_the_place_of_a_planted_number(kind: str, l: int, expected: str, value: float) -> None:
    network, trace, gradients, samples = passes()
    holder = next(x for x in (network, trace, gradients) if hasattr(x, kind))
    getattr(holder, kind)[l].flat[-1] = value
    assert find_non_finite(network, QUADRATIC, trace, gradients, samples.Y) == expected


@pytest.mark.parametrize("first", ["W", "z"])
def test_the_forward_pass_is_searched_from_the_input_on(first: str) -> None:
    network, trace, gradients, samples = passes()
    trace.z[3][0, 0] = trace.z[4][0, 0] = gradients.delta[2][0, 0] = np.nan
    if first == "W":
        network.W[3][0, 0] = np.nan
    expected = {"W": "a weight or bias in layer 3", "z": "a weighted input z in layer 3"}[first]
    assert find_non_finite(network, QUADRATIC, trace, gradients, samples.Y) == expected


def test_the_backward_pass_is_searched_from_the_output_on() -> None:
    network, trace, gradients, samples = passes()
    gradients.delta[2][0, 0] = gradients.delta[3][0, 0] = np.nan
    found = find_non_finite(network, QUADRATIC, trace, gradients, samples.Y)
    assert found == "the gradient (δ) in layer 3"


def test_a_loss_that_overflows_from_finite_outputs() -> None:
    network, trace, gradients, samples = passes()
    trace.a[4][2, 0] = 1e200
    with np.errstate(over="ignore"):
        found = find_non_finite(network, QUADRATIC, trace, gradients, samples.Y)
    assert found == "the loss at layer 4"


@pytest.mark.parametrize(
    ("large", "clip_norm", "expected"),
    [
        ({}, None, f"{SMALLER}, or clip_norm: 1.0."),
        ({}, 1.0, f"{SMALLER}."),
        (
            {"X": -2500.0},
            1.0,
            f"{SMALLER}, or data.scale: standard (an input is as large as 2.5e+03).",
        ),
        (
            {"Y": 346.0},
            1.0,
            f"{SMALLER}, or data.scale_target: standard (a target is as large as 346).",
        ),
    ],
)
def test_advice(large: dict[str, Any], clip_norm: float | None, expected: str) -> None:
    samples = make_samples()
    for name, value in large.items():
        array = getattr(samples, name).copy()
        array[3, 1] = value
        samples = replace(samples, **{name: array})
    assert advise(samples, 0.5, clip_norm) == expected
