"""Ways to spoil what a backward pass is made from, at one layer."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bpnet.core.activations import Sigmoid
from bpnet.core.arrays import Array
from bpnet.core.backprop import Gradients, penalty_gradient
from bpnet.inspection.ingredients import Ingredients, Start, WayBack
from bpnet.inspection.sharing import normalised

Change = Callable[[Ingredients, int], Ingredients]
"""Make the mistake at one layer."""


def start(made: Start) -> Change:
    """Put another start in the place of BP1."""
    return lambda given, _: given.with_start(made)


def slope(way: WayBack) -> Change:
    """Go back through the activation another way."""
    return lambda given, l: given.with_way_back(l, way)


def another_slope(derivative: Callable[[Array], Array]) -> Change:
    """Take another derivative in the place of σ′, of a vector shaped as a."""
    return slope(lambda _, upstream, z, a: upstream * derivative(a))


def sigmoid_slope_of_z(z: Array) -> Array:
    """σ′ of the sigmoid, given z."""
    return Sigmoid().derivative(z, Sigmoid().value(z))


def mask(made: Callable[[Array], Array]) -> Change:
    """Change a layer's mask, unless it has been forgotten already."""

    def change(given: Ingredients, l: int) -> Ingredients:
        mask = given.trace.masks.get(l)
        return given if mask is None else given.with_mask(l, made(mask))

    return change


def shared(given: Ingredients, l: int) -> Ingredients:
    """Share the error by normalised weights: the heuristic before BP2."""
    return given.with_weights(l + 1, normalised(given.network.W[l + 1])).without_slope(l)


def untransposed(given: Ingredients, l: int) -> Ingredients:
    """Read the next layer's W row by row, as if it were its own transpose."""
    W = given.network.W[l + 1]
    return given.with_weights(l + 1, W.reshape(W.shape[::-1]).T)


def inverted(given: Ingredients, l: int) -> Ingredients:
    """Use the pseudo-inverse of the next layer's W for its transpose."""
    return given.with_weights(l + 1, np.linalg.pinv(given.own.W[l + 1]).T)


def unweighted(given: Ingredients, l: int) -> Ingredients:
    """Leave the next layer's W out of BP2."""
    n_out, n_in = given.network.W[l + 1].shape
    return given.with_weights(l + 1, np.eye(n_in) if n_out == n_in else np.ones((n_out, n_in)))


def bias_of_products(given: Ingredients, l: int) -> Ingredients:
    """Sum the rows of ∇W for ∇b."""

    def change(found: Gradients) -> None:
        found.nabla_b[l][...] = found.nabla_W[l].sum(axis=1)

    return given.then(change)


def back_to_front(given: Ingredients, L: int) -> Ingredients:
    """Give the gradients in the order in which they were found: from the output back."""

    def change(found: Gradients) -> None:
        for nabla in (found.nabla_W, found.nabla_b):
            for l, array in {L + 2 - l: array.copy() for l, array in nabla.items()}.items():
                nabla[l][...] = array

    return given.then(change)


def penalty_times(factor: float) -> Change:
    """Take the penalty's gradient ``factor`` times."""
    return lambda given, _: replace(given, weight_decay=factor * given.weight_decay)


def penalised_biases(given: Ingredients, _: int) -> Ingredients:
    """Penalise the biases too."""
    n, biases, decay = given.own.n_weights, given.own.parameters[given.own.n_weights :], given.weight_decay

    def change(found: Gradients) -> None:
        found.flat[n:] += penalty_gradient(biases, decay)

    return given.then(change)


def last(n_samples: int) -> Array:
    """A weight of 1 for the last sample and 0 for the others, (n_samples,)."""
    weights: Array = (np.arange(n_samples) == n_samples - 1).astype(float)
    return weights
