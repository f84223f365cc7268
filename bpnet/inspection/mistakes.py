"""Mistakes in back-propagation, made on purpose.

Each takes the place of something right: other ingredients are handed to the very ``backward`` that trains
(an activation that forgets its slope, weights of a later moment, a trace with z where a belongs), so that
whatever follows from the mistake follows by itself. The self-test plants them, and the diagnosis of other
people's gradients compares with them. ``docs/gradient-cases.md`` lists them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bpnet.inspection import places
from bpnet.inspection.ingredients import Ingredients, Tensors, tensors_of
from bpnet.inspection.point import Point
from bpnet.inspection.spoiling import (
    Change,
    another_slope,
    back_to_front,
    bias_of_products,
    inverted,
    last,
    mask,
    penalised_biases,
    penalty_times,
    shared,
    sigmoid_slope_of_z,
    slope,
    start,
    untransposed,
    unweighted,
)

__all__ = ["Ingredients", "Mistake", "Tensors", "structural_mistakes", "tensors_of", "updated_weights"]


@dataclass(frozen=True)
class Mistake:
    """A kind of mistake.

    Attributes
    ----------
    name : str
        As the self-test lists it.
    change : callable
    layers : callable
        Layers of a point's network where it can be made, none if it cannot.
    says : str
        What is wrong, to follow "your gradient equals the right one with"; ``{l}``, ``{next}`` and
        ``{before}`` stand for layer numbers as exponents, ``{n}`` and ``{after}`` for the plain numbers of
        the layer and the next one.
    rule : str
        What is broken by it.
    alone : bool
        Whether it may be made at one layer of several.
    """

    name: str
    change: Change
    layers: places.Layers
    says: str
    rule: str
    alone: bool = True

    def variants(self, point: Point) -> Iterator[tuple[int, ...]]:
        """Sets of layers to make the mistake at: all of them, all hidden ones, and each alone."""
        layers = tuple(self.layers(point))
        if layers:
            yield layers
        if self.alone and len(layers) > 1:
            hidden = tuple(l for l in layers if l < point.network.L)
            if 1 < len(hidden) < len(layers):
                yield hidden
            yield from ((l,) for l in layers)

    def make(self, ingredients: Ingredients, layers: Sequence[int]) -> Ingredients:
        """Make it at some layers, from the output back as the error goes."""
        for l in sorted(layers, reverse=True):
            ingredients = self.change(ingredients, l)
        return ingredients


def structural_mistakes(rate: float) -> tuple[Mistake, ...]:
    """Every kind of mistake within the backward pass.

    Parameters
    ----------
    rate : float
        Learning rate, for :func:`updated_weights`.
    """
    # The update comes last: made with another mistake, it follows the gradient which that one has spoilt.
    return (*_STARTS, *_SLOPES, *_CARRIED, *_PRODUCTS, *_DROPOUT, *_COST, updated_weights(rate))


def of_the_loss(value: float, text: str) -> Mistake:
    """Let a factor be on the loss's part of the gradient alone, beside a penalty.

    Without a penalty it is on all of the gradient, which ``bookkeeping.py`` sees.

    Parameters
    ----------
    value : float
    text : str
        What the factor comes from.
    """
    return Mistake(
        f"the loss's part × {value:g}",
        lambda given, _: given.with_loss_times(value),
        places.if_penalised,
        f"the loss's part {text}",
        "the penalty's part is right",
    )


def updated_weights(rate: float) -> Mistake:
    """Weights that the step has changed already, used to carry the error back.

    Parameters
    ----------
    rate : float
        The learning rate of that step.
    """

    def change(given: Ingredients, l: int) -> Ingredients:
        step = given.gradients()
        return given.with_weights(l + 1, given.own.W[l + 1] - rate * step.nabla_W[l + 1])

    return Mistake(
        "updated W in BP2",
        change,
        places.hidden,
        f"W{{next}} after its update (rate {rate:g}) carrying the error back to layer {{n}}",
        "BP2 needs the weights that the forward pass used, so update after the whole step back",
    )


# The mistakes

_STARTS = (
    Mistake(
        "no σ′ at the output",
        lambda given, l: given.without_slope(l),
        places.output,
        "σ′(z{l}) left out at the output",
        "BP1 needs it",
    ),
    Mistake(
        "σ′ at the output, where it cancels",
        start(lambda loss, activation, z, a, y: activation.pullback(a - y, z, a)),
        places.cancelling_output,
        "σ′(z{l}) multiplied in once more at the output",
        "this loss has cancelled it already, and δ{l} is a − y",
    ),
    Mistake(
        "a(1 − a) at the output, where it cancels",
        start(lambda loss, activation, z, a, y: (a - y) * a * (1 - a)),
        places.softmax_output,
        "a(1 − a) multiplied in at the output",
        "this loss has cancelled every slope already, and δ{l} is a − y",
    ),
    Mistake(
        "the sigmoid's slope at the output, where it cancels",
        start(lambda loss, activation, z, a, y: (a - y) * sigmoid_slope_of_z(z)),
        places.softmax_output,
        "the sigmoid's slope at z{l} multiplied in at the output",
        "this loss has cancelled every slope already, and δ{l} is a − y",
    ),
    Mistake(
        "only the diagonal of softmax's slope",
        start(lambda loss, activation, z, a, y: loss.gradient(a, y) * a * (1 - a)),
        places.softmax_output,
        "a(1 − a) for softmax's slope at the output",
        "each output depends on every z of its layer, and with all of them δ{l} is a − y",
    ),
)

_SLOPES = (
    Mistake(
        "no σ′ at a hidden layer",
        lambda given, l: given.without_slope(l),
        places.hidden,
        "σ′(z{l}) left out",
        "BP2 needs it",
    ),
    Mistake(
        "ReLU's slope by a ≥ 0",
        slope(lambda _, upstream, z, a: upstream * (a >= 0)),
        places.sloping_as("relu"),
        "ReLU's slope taken to be 1 where a{l} ≥ 0",
        "a{l} is nowhere below 0, so ask whether z{l} or a{l} is above 0",
    ),
    Mistake(
        "σ′ of a",
        slope(lambda inner, upstream, z, a: inner.pullback(upstream, a, inner.value(a))),
        places.sloping,
        "σ′ taken at a{l} in place of z{l}",
        "BP1 and BP2 need σ′(z{l})",
    ),
    Mistake(
        "the formula for a, given z",
        slope(lambda inner, upstream, z, a: inner.pullback(upstream, z, z)),
        places.sloping,
        "the slope's formula in a (such as a(1 − a)) fed with z{l}",
        "it wants a{l}",
    ),
    Mistake(
        "the sigmoid's slope",
        another_slope(lambda a: a * (1 - a)),
        places.sloping_but("sigmoid"),
        "a(1 − a), the sigmoid's slope, at layer {n}",
        "this layer is no sigmoid",
    ),
    Mistake(
        "the sigmoid's slope, given z",
        slope(lambda _, upstream, z, a: upstream * sigmoid_slope_of_z(z)),
        places.sloping_but("sigmoid"),
        "the sigmoid's slope at z{l} for layer {n}",
        "this layer is no sigmoid",
    ),
    Mistake(
        "tanh's slope",
        another_slope(lambda a: 1 - a * a),
        places.sloping_but("tanh"),
        "1 − a², tanh's slope, at layer {n}",
        "this layer is no tanh",
    ),
    Mistake(
        "tanh's slope with a plus",
        another_slope(lambda a: 1 + a * a),
        places.sloping_as("tanh"),
        "1 + a² for tanh's slope at layer {n}",
        "it is 1 − a²; 1 + a² would be that of tan",
    ),
    Mistake(
        "ReLU's slope",
        slope(lambda _, upstream, z, a: upstream * (z > 0)),
        places.below_zero,
        "ReLU's slope (1 where z{l} is above 0, else 0) at layer {n}",
        "this layer is no ReLU",
    ),
    Mistake(
        "σ in place of σ′",
        another_slope(lambda a: a),
        places.sloping,
        "a{l} itself in place of σ′(z{l})",
        "the slope is wanted, not the value",
    ),
    Mistake(
        "σ′ twice",
        slope(lambda inner, upstream, z, a: inner.pullback(inner.pullback(upstream, z, a), z, a)),
        places.sloping,
        "σ′(z{l}) multiplied in twice",
        "BP1 and BP2 have it once",
    ),
    Mistake(
        "σ′ alone",
        slope(lambda inner, upstream, z, a: inner.pullback(np.full_like(z, 1 / len(z)), z, a)),
        places.elementwise_hidden,
        "σ′(z{l}) alone as the error of layer {n}",
        "BP2 multiplies what comes back from layer {after} by it",
    ),
)

_CARRIED = (
    Mistake(
        "the share heuristic for BP2",
        shared,
        places.hidden,
        "layer {n} given its share of the error by normalised weights",
        "that is a picture, not the derivative, which is (W{next})ᵀδ{next} ⊙ σ′(z{l}) (BP2)",
    ),
    Mistake(
        "no transpose",
        untransposed,
        places.hidden,
        "W{next} not transposed on the way back to layer {n}",
        "BP2 needs (W{next})ᵀ, for what unit k of layer {n} sent out stands in column k",
    ),
    Mistake(
        "the inverse for the transpose",
        inverted,
        places.invertible_ahead,
        "the inverse of W{next} carrying the error back to layer {n}",
        "BP2 needs the transpose (W{next})ᵀ, for it asks what each unit did to C, not what it was",
    ),
    Mistake(
        "no W in BP2",
        unweighted,
        places.fitting_ahead,
        "W{next} left out on the way back to layer {n}",
        "BP2 needs (W{next})ᵀδ{next}",
    ),
    Mistake(
        "the error before σ′ carried back",
        lambda given, l: replace(given, early=given.early | {l + 1}),
        places.before_sloping,
        "layer {after}'s error from before σ′(z{next}) carried back to layer {n}",
        "BP2 carries δ{next} back, which has σ′(z{next}) in it",
    ),
    Mistake(
        "weights of the wrong layer",
        lambda given, l: given.with_weights(l + 1, given.network.W[l]),
        places.square_ahead,
        "W{l} in place of W{next} on the way back to layer {n}",
        "BP2 needs the weights that lead out of the layer",
    ),
    Mistake(
        "1/N at every layer",
        slope(lambda inner, upstream, z, a: inner.pullback(upstream, z, a) / len(z)),
        places.if_many(places.if_several(places.hidden)),
        "δ divided by the samples again at every hidden layer",
        "the mean is taken once, at the output, and BP2 hands it on",
        alone=False,
    ),
)

_PRODUCTS = (
    Mistake(
        "z in place of a",
        lambda given, l: given.with_passed(l, given.seen.z[l]),
        places.hidden,
        "z{l} in place of a{l} in the gradient of W{next}",
        "BP4 is a times δ",
    ),
    Mistake(
        "the layer's own a",
        lambda given, l: given.with_passed(l - 1, given.seen.passed[l]),
        places.same_width_before,
        "a{l} in place of a{before} in the gradient of W{l}",
        "BP4 needs what came into the layer",
    ),
    Mistake(
        "the network's inputs in place of a",
        lambda given, l: given.with_passed(l - 1, given.seen.passed[1]),
        places.after_as_wide_as_inputs,
        "the network's inputs in place of a{before} in the gradient of W{l}",
        "BP4 needs what came into the layer",
    ),
    Mistake(
        "biases from the products of BP4",
        bias_of_products,
        places.every,
        "the row sums of ∇W{l} for ∇b{l}",
        "BP3 is δ{l} itself, summed over the samples, and no input belongs in it",
    ),
    Mistake(
        "layers in reverse order",
        back_to_front,
        places.palindrome,
        "the layers in reverse order",
        "layer 2 comes first, the output last",
    ),
    Mistake(
        "only the last sample",
        lambda given, _: given.with_loss_times(len(given.Y) * last(len(given.Y))),
        places.if_many(places.output),
        "the last sample's gradient alone, not the batch's",
        "add the samples' gradients up; do not overwrite them",
    ),
    Mistake(
        "only the last sample, divided by N",
        lambda given, _: given.with_loss_times(last(len(given.Y))),
        places.if_many(places.output),
        "the last sample's gradient alone, divided by the number of samples",
        "add the samples' gradients up before dividing; do not overwrite them",
    ),
)

_DROPOUT = (
    Mistake(
        "dropout forgotten on the way back",
        lambda given, l: given.with_mask(l, None),
        places.masked,
        "the dropout mask of layer {n} forgotten on the way back",
        "units that were silenced pass no error",
    ),
    Mistake(
        "dropout's zeros forgotten on the way back",
        mask(lambda mask: np.full_like(mask, mask.max())),
        places.masked,
        "the errors of layer {n} scaled as dropout does, but none silenced",
        "units that were silenced pass no error, so multiply by the mask",
    ),
    Mistake(
        "dropout's scale forgotten on the way back",
        mask(lambda mask: (mask > 0).astype(float)),
        places.masked,
        "the dropout mask of layer {n} taken as 0 and 1 on the way back",
        "it has the factor 1/(1 − dropout) where it is not 0",
    ),
    Mistake(
        "dropout forgotten in BP4",
        lambda given, l: given.with_passed(l, given.seen.a[l]),
        places.masked,
        "the dropout mask of layer {n} forgotten in the gradient of W{next}",
        "the next layer saw a{l} times the mask",
    ),
)

_COST = (
    Mistake(
        "class weights forgotten",
        lambda given, _: replace(given, sample_weight=None),
        places.if_weighted,
        "the samples' weights forgotten",
        "each sample's δ is multiplied by its weight",
    ),
    Mistake(
        "penalty forgotten",
        penalty_times(0),
        places.if_penalised,
        "the penalty's λW left out",
        "the cost has the penalty ½λΣw²",
    ),
    Mistake(
        "penalty doubled",
        penalty_times(2),
        places.if_penalised,
        "the penalty's gradient as 2λW",
        "the penalty is ½λΣw², with the half",
    ),
    Mistake(
        "penalty subtracted",
        penalty_times(-1),
        places.if_penalised,
        "the penalty's λW subtracted",
        "the penalty ½λΣw² is part of the cost, so it is added",
    ),
    Mistake(
        "penalty divided by N",
        lambda given, l: penalty_times(1 / len(given.Y))(given, l),
        places.if_many(places.if_penalised),
        "the penalty's λW divided by the number of samples",
        "the penalty is added once to the mean of the losses",
    ),
    Mistake(
        "penalty of every sample",
        lambda given, l: penalty_times(len(given.Y))(given, l),
        places.if_many(places.if_penalised),
        "the penalty's λW added once for every sample",
        "the penalty is added once to the mean of the losses",
    ),
    Mistake(
        "penalty on biases",
        penalised_biases,
        places.if_penalised,
        "a penalty's λb added to the gradients of the biases",
        "biases are not penalised here",
    ),
)
