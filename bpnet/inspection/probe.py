"""A generic point: nothing in it is symmetric, equal or 0, so that no fault can hide."""

import itertools
from collections.abc import Sequence

import numpy as np

from bpnet.core.arrays import Array
from bpnet.core.initializers import Nielsen
from bpnet.core.losses import Loss
from bpnet.core.network import Layer, Network, draw_masks, initialise
from bpnet.inspection.point import Point

SAMPLES = 3
"""Least number of samples: a single one hides a missing 1/N."""

_LEAST_BIAS = 0.1


def draw_network(layers: Sequence[Layer], rng: np.random.Generator) -> Network:
    """Draw weights without symmetry, of a size that saturates no layer, and biases that are not 0."""
    network = initialise(layers, Nielsen(), rng)
    for b in network.b.values():
        b[...] = np.where(b < 0, -1, 1) * np.maximum(np.abs(b) / 2, _LEAST_BIAS)
    return network


def draw_targets(loss: Loss, n_samples: int, n_outputs: int, rng: np.random.Generator) -> Array:
    """Targets that make sense for a loss: one class a sample, yes or no, or any number."""
    if loss.classifies:
        return np.eye(n_outputs)[rng.integers(n_outputs, size=n_samples)]
    if loss.classifies is None:
        return rng.integers(2, size=(n_samples, n_outputs)).astype(float)
    return rng.standard_normal((n_samples, n_outputs))


def _both_sides(Y: Array) -> Array:
    """Spread numbers at least 1 from 0, on one side and on the other, sample by sample."""
    signs = np.where(np.arange(len(Y)) % 2, -1, 1)[:, np.newaxis]
    spread: Array = signs * (1 + np.abs(Y))
    return spread


def generic_probe(
    point: Point,
    seed: int = 0,
    *,
    name: str = "a generic probe",
    spread: float = 1.0,
    samples: int = SAMPLES,
) -> Point:
    """The same kind of cost at random weights, inputs and targets.

    Parameters
    ----------
    point : Point
        Its layers, loss, penalty, and whether it has sample weights and dropout, are kept.
    seed : int
    name : str
    spread : float
        How far inputs, and targets that are numbers, are spread: a wide probe comes to where curves
        flatten and losses turn linear.
    samples : int
        How many, at least: as many as units of a layer would hide one for the other. One is one.
    """
    rng = np.random.default_rng(seed)
    network = draw_network(tuple(point.network.layers.values()), rng)
    n_samples = 1 if samples == 1 else next(n for n in itertools.count(samples) if n not in network.sizes)
    weight = None if point.sample_weight is None else rng.uniform(0.5, 2, n_samples)
    X = spread * rng.standard_normal((n_samples, network.sizes[0]))
    Y = draw_targets(point.loss, n_samples, network.sizes[-1], rng)
    return Point(
        name=name,
        network=network,
        X=X,
        Y=Y if spread == 1 or point.loss.classifies is not False else spread * _both_sides(Y),
        loss=point.loss,
        sample_weight=weight,
        weight_decay=point.weight_decay,
        masks=draw_masks(network, n_samples, rng),
    )
