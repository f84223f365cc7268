"""Mistakes in back-propagation, made on purpose.

Each takes the place of something right: other ingredients are handed to the very ``backward`` that trains
(an activation that forgets its slope, weights of a later moment, a trace with z where a belongs), so that
whatever follows from the mistake follows by itself. The self-test plants them, and the diagnosis of other
people's gradients compares with them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bpnet.core.activations import Activation, Elementwise
from bpnet.core.arrays import Array
from bpnet.core.backprop import Gradients, backward, penalty_gradient
from bpnet.core.losses import Loss, PartneredLoss
from bpnet.core.network import Network, Trace
from bpnet.inspection.point import Point


@dataclass(frozen=True)
class Ingredients:
    """What a backward pass is made from; a mistake changes one of them.

    Attributes
    ----------
    network : Network
        Its weights carry errors back (BP2), its activations give the slopes.
    trace : Trace
    loss : Loss
    Y : ndarray
    sample_weight : ndarray or None
    weight_decay : float
        Of the penalty, which is added for the weights of ``own``.
    own : Network
        The network as it is.
    """

    network: Network
    trace: Trace
    loss: Loss
    Y: Array
    sample_weight: Array | None
    weight_decay: float
    own: Network

    @classmethod
    def of(cls, point: Point, trace: Trace) -> "Ingredients":
        """The right ones."""
        network = point.network
        return cls(network, trace, point.loss, point.Y, point.sample_weight, point.weight_decay, network)

    def gradients(self) -> Gradients:
        """What the backward pass makes of them."""
        with np.errstate(all="ignore"):
            found = backward(self.network, self.trace, self.Y, self.loss, sample_weight=self.sample_weight)
            weights = self.own.parameters[: self.own.n_weights]
            found.flat[: self.own.n_weights] += penalty_gradient(weights, self.weight_decay)
        return found

    def with_activation(self, l: int, wrap: Callable[[Activation], Activation]) -> "Ingredients":
        """Let a layer use another activation in the backward pass."""
        layers = {**self.network.layers}
        layers[l] = replace(layers[l], activation=wrap(layers[l].activation))
        network = Network(tuple(layers.values()), self.network.parameters)
        return replace(self, network=network)

    def with_weights(self, l: int, W: Array) -> "Ingredients":
        """Let BP2 use other weights of a layer."""
        network = self.network.with_parameters(self.network.parameters.copy())
        network.W[l][...] = W
        return replace(self, network=network)

    def with_passed(self, l: int, array: Array) -> "Ingredients":
        """Let BP4 see something else than what layer l hands on."""
        return replace(self, trace=replace(self.trace, passed={**self.trace.passed, l: array}))


Change = Callable[[Ingredients, int], Ingredients]
"""Make the mistake at one layer."""


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
        ``{before}`` stand for layer numbers as exponents, ``{n}`` for the layer's plain number.
    rule : str
        What is broken by it.
    """

    name: str
    change: Change
    layers: Callable[[Point], Sequence[int]]
    says: str
    rule: str

    def variants(self, point: Point) -> Iterator[tuple[int, ...]]:
        """Sets of layers to make the mistake at: all of them, and each alone."""
        layers = tuple(self.layers(point))
        if layers:
            yield layers
        if len(layers) > 1:
            yield from ((l,) for l in layers)

    def make(self, ingredients: Ingredients, layers: Sequence[int]) -> Ingredients:
        """Make it at some layers."""
        for l in layers:
            ingredients = self.change(ingredients, l)
        return ingredients


_WayBack = Callable[[Activation, Array, Array, Array], Array]
"""∂C/∂z from an activation, ∂C/∂a, z and a."""


class _Wrapped(Activation):
    """An activation with another way back."""

    def __init__(self, inner: Activation, pullback: _WayBack) -> None:
        self._inner, self._pullback = inner, pullback

    def value(self, z: Array, out: Array | None = None) -> Array:
        return self._inner.value(z, out=out)

    def pullback(
        self, upstream: Array, z: Array, a: Array, *, out: Array | None = None, scratch: Array | None = None
    ) -> Array:
        return self._pullback(self._inner, upstream, z, a)


def _slope(way: _WayBack) -> Change:
    return lambda given, l: given.with_activation(l, lambda inner: _Wrapped(inner, way))


class _OtherStart(Loss):
    """A loss with another δ at the output."""

    def __init__(self, inner: Loss, start: Callable[[Loss, Activation, Array, Array, Array], Array]) -> None:
        self._inner, self._start = inner, start

    def per_sample(self, z: Array, a: Array, y: Array) -> Array:
        return self._inner.per_sample(z, a, y)

    def gradient(self, a: Array, y: Array) -> Array:
        return self._inner.gradient(a, y)

    def output_delta(
        self,
        activation: Activation,
        z: Array,
        a: Array,
        y: Array,
        *,
        out: Array | None = None,
        scratch: Array | None = None,
    ) -> Array:
        return self._start(self._inner, activation, z, a, y)


def _start(way: Callable[[Loss, Activation, Array, Array, Array], Array]) -> Change:
    return lambda given, _: replace(given, loss=_OtherStart(given.loss, way))


def _output(point: Point) -> Sequence[int]:
    return (point.network.L,)


def _cancelling_output(point: Point) -> Sequence[int]:
    return (point.network.L,) if isinstance(point.loss, PartneredLoss) else ()


def _sloping_output(point: Point) -> Sequence[int]:
    return () if isinstance(point.loss, PartneredLoss) else (point.network.L,)


def _hidden(point: Point) -> Sequence[int]:
    return tuple(range(2, point.network.L))


def _elementwise_hidden(point: Point) -> Sequence[int]:
    layers = point.network.layers
    return tuple(l for l in _hidden(point) if isinstance(layers[l].activation, Elementwise))


def _square_ahead(point: Point) -> Sequence[int]:
    """Hidden layers whose own weights could stand in for those of the next layer."""
    W = point.network.W
    return tuple(l for l in _hidden(point) if W[l].shape == W[l + 1].shape)


def _same_width_before(point: Point) -> Sequence[int]:
    sizes = point.network.sizes
    return tuple(l for l in point.network.layers if sizes[l - 1] == sizes[l - 2])


def _masked(point: Point) -> Sequence[int]:
    return tuple(point.masks)


def _untransposed(given: Ingredients, l: int) -> Ingredients:
    W = given.network.W[l + 1]
    return given.with_weights(l + 1, W.reshape(W.shape[::-1]).T)


def _shared(given: Ingredients, l: int) -> Ingredients:
    W = given.network.W[l + 1]
    return _no_slope(given.with_weights(l + 1, W / W.sum(axis=1, keepdims=True)), l)


_no_slope = _slope(lambda _, upstream, z, a: upstream)


def _sum_start(loss: Loss, activation: Activation, z: Array, a: Array, y: Array) -> Array:
    return activation.pullback(a - y, z, a)


def _another_slope(derivative: Callable[[Array], Array]) -> Change:
    return _slope(lambda _, upstream, z, a: upstream * derivative(a))


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
        _hidden,
        f"W{{next}} after its update (rate {rate:g}) carrying the error back to layer {{n}}",
        "BP2 needs the weights that the forward pass used: update after the whole step back",
    )


def structural_mistakes(rate: float) -> tuple[Mistake, ...]:
    """Every kind of mistake within the backward pass.

    Parameters
    ----------
    rate : float
        Learning rate, for :func:`updated_weights`.
    """
    return (
        Mistake(
            "no σ′ at the output",
            _start(lambda loss, activation, z, a, y: loss.gradient(a, y)),
            _output,
            "σ′(z{l}) left out at the output",
            "BP1 needs it",
        ),
        Mistake("no σ′ at a hidden layer", _no_slope, _hidden, "σ′(z{l}) left out", "BP2 needs it"),
        Mistake(
            "the share heuristic for BP2",
            _shared,
            _hidden,
            "layer {n} given its share of the error by normalised weights",
            "that is a picture, not the derivative: BP2 is (W{next})ᵀδ{next} ⊙ σ′(z{l})",
        ),
        updated_weights(rate),
        Mistake(
            "no transpose",
            _untransposed,
            _hidden,
            "W{next} not transposed on the way back to layer {n}",
            "BP2 needs (W{next})ᵀ: what unit k of layer {n} sent out stands in column k",
        ),
        Mistake(
            "σ′ of a",
            _slope(lambda inner, upstream, z, a: inner.pullback(upstream, a, inner.value(a))),
            _hidden,
            "σ′ taken at a{l} in place of z{l}",
            "BP2 needs σ′(z{l})",
        ),
        Mistake(
            "z in place of a",
            lambda given, l: given.with_passed(l, given.trace.z[l]),
            _hidden,
            "z{l} in place of a{l} in the gradient of W{next}",
            "BP4 is a times δ",
        ),
        Mistake(
            "σ′ at the output, where it cancels",
            _start(_sum_start),
            _cancelling_output,
            "σ′(z{l}) multiplied in once more at the output",
            "this loss has cancelled it already: δ{l} is a − y",
        ),
        Mistake(
            "a(1 − a) at the output, where it cancels",
            _start(lambda loss, activation, z, a, y: (a - y) * a * (1 - a)),
            _cancelling_output,
            "a(1 − a) multiplied in at the output",
            "this loss has cancelled it already: δ{l} is a − y",
        ),
        Mistake(
            "σ′ of a at the output",
            _start(
                lambda loss, activation, z, a, y: activation.pullback(
                    loss.gradient(a, y), a, activation.value(a)
                )
            ),
            _sloping_output,
            "σ′ taken at a{l} in place of z{l} at the output",
            "BP1 needs σ′(z{l})",
        ),
        Mistake(
            "the formula for a, given z, at the output",
            _start(lambda loss, activation, z, a, y: activation.pullback(loss.gradient(a, y), z, z)),
            _sloping_output,
            "the slope's formula in a (such as a(1 − a)) fed with z{l} at the output",
            "it wants a{l}",
        ),
        Mistake(
            "the formula for a, given z",
            _slope(lambda inner, upstream, z, a: inner.pullback(upstream, z, z)),
            _hidden,
            "the slope's formula in a (such as a(1 − a)) fed with z{l}",
            "it wants a{l}",
        ),
        Mistake(
            "the sigmoid's slope",
            _another_slope(lambda a: a * (1 - a)),
            _elementwise_hidden,
            "a(1 − a), the sigmoid's slope, at layer {n}",
            "this layer is no sigmoid",
        ),
        Mistake(
            "tanh's slope",
            _another_slope(lambda a: 1 - a * a),
            _elementwise_hidden,
            "1 − a², tanh's slope, at layer {n}",
            "this layer is no tanh",
        ),
        Mistake(
            "ReLU's slope",
            _another_slope(lambda a: (a > 0).astype(float)),
            _elementwise_hidden,
            "ReLU's slope (1 where a is above 0) at layer {n}",
            "this layer is no ReLU",
        ),
        Mistake(
            "σ′ twice",
            _slope(lambda inner, upstream, z, a: inner.pullback(inner.pullback(upstream, z, a), z, a)),
            _hidden,
            "σ′(z{l}) multiplied in twice",
            "BP2 has it once",
        ),
        Mistake(
            "weights of the wrong layer",
            lambda given, l: given.with_weights(l + 1, given.network.W[l]),
            _square_ahead,
            "W{l} in place of W{next} on the way back to layer {n}",
            "BP2 needs the weights that lead out of the layer",
        ),
        Mistake(
            "the layer's own a",
            lambda given, l: given.with_passed(l - 1, given.trace.passed[l]),
            _same_width_before,
            "a{l} in place of a{before} in the gradient of W{l}",
            "BP4 needs what came into the layer",
        ),
        Mistake(
            "dropout forgotten on the way back",
            lambda given, l: replace(
                given,
                trace=replace(given.trace, masks={m: x for m, x in given.trace.masks.items() if m != l}),
            ),
            _masked,
            "the dropout mask of layer {n} forgotten on the way back",
            "units that were silenced pass no error",
        ),
        Mistake(
            "dropout forgotten in BP4",
            lambda given, l: given.with_passed(l, given.trace.a[l]),
            _masked,
            "the dropout mask of layer {n} forgotten in the gradient of W{next}",
            "the next layer saw a{l} times the mask",
        ),
        Mistake(
            "class weights forgotten",
            lambda given, _: replace(given, sample_weight=None),
            lambda point: () if point.sample_weight is None else (point.network.L,),
            "the samples' weights forgotten",
            "each sample's δ is multiplied by its weight",
        ),
        Mistake(
            "penalty forgotten",
            lambda given, _: replace(given, weight_decay=0.0),
            lambda point: (point.network.L,) if point.weight_decay else (),
            "the penalty's λW left out",
            "the cost has the penalty ½λΣw²",
        ),
        Mistake(
            "penalty doubled",
            lambda given, _: replace(given, weight_decay=2 * given.weight_decay),
            lambda point: (point.network.L,) if point.weight_decay else (),
            "the penalty's gradient as 2λW",
            "the penalty is ½λΣw², with the half",
        ),
        Mistake(
            "only the last sample",
            lambda given, _: replace(given, sample_weight=_only_last(given)),
            lambda point: (point.network.L,) if len(point.X) > 1 else (),
            "the last sample's gradient alone, not the batch's",
            "add the samples' gradients up; do not overwrite them",
        ),
    )


def _only_last(given: Ingredients) -> Array:
    n = len(given.Y)
    weight = np.ones(n) if given.sample_weight is None else given.sample_weight.copy()
    weight[:-1] = 0
    return weight * n


Tensors = Mapping[tuple[str, int], Array]
"""A gradient by (``W`` or ``b``, layer number)."""


def tensors_of(gradients: Gradients) -> dict[tuple[str, int], Array]:
    """Every nabla, by (``W`` or ``b``, layer number), from layer 2 on."""
    found = {}
    for l in gradients.nabla_W:
        found["W", l], found["b", l] = gradients.nabla_W[l], gradients.nabla_b[l]
    return found
