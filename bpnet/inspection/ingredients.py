"""What a backward pass is made from, each part of which can be replaced by a wrong one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from bpnet.core.activations import Activation
from bpnet.core.arrays import Array
from bpnet.core.backprop import Gradients, backward, penalty_gradient
from bpnet.core.losses import Loss
from bpnet.core.network import Network, Trace
from bpnet.inspection.point import Point

WayBack = Callable[[Activation, Array, Array, Array], Array]
"""∂C/∂z from an activation, ∂C/∂a, z and a."""

Start = Callable[[Loss, Activation, Array, Array, Array], Array]
"""∂ℓ/∂z of the output from a loss, an activation, z, a and y."""

Tensors = Mapping[tuple[str, int], Array]
"""A gradient by (``W`` or ``b``, layer number)."""


def tensors_of(gradients: Gradients) -> dict[tuple[str, int], Array]:
    """Every nabla, by (``W`` or ``b``, layer number), from layer 2 on."""
    found = {}
    for l in gradients.nabla_W:
        found["W", l], found["b", l] = gradients.nabla_W[l], gradients.nabla_b[l]
    return found


class _Wrapped(Activation):
    """An activation with another way back."""

    def __init__(self, inner: Activation, pullback: WayBack) -> None:
        self._inner, self._pullback = inner, pullback

    def value(self, z: Array, out: Array | None = None) -> Array:
        return self._inner.value(z, out=out)

    def pullback(
        self, upstream: Array, z: Array, a: Array, *, out: Array | None = None, scratch: Array | None = None
    ) -> Array:
        return self._pullback(self._inner, upstream, z, a)


class _OtherStart(Loss):
    """A loss with another δ at the output; it is asked for nothing else on the way back."""

    def __init__(self, inner: Loss, start: Start) -> None:
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
    seen : Trace
        The forward pass as it was.
    early : frozenset of int
        Layers whose error is carried back before σ′ is multiplied in.
    after : tuple of callable
        What is done to the finished gradient, in this order.
    """

    network: Network
    trace: Trace
    loss: Loss
    Y: Array
    sample_weight: Array | None
    weight_decay: float
    own: Network
    seen: Trace
    early: frozenset[int] = frozenset()
    after: tuple[Callable[[Gradients], None], ...] = ()

    @classmethod
    def of(cls, point: Point, trace: Trace) -> "Ingredients":
        """The right ones."""
        return cls(
            network=point.network,
            trace=trace,
            loss=point.loss,
            Y=point.Y,
            sample_weight=point.sample_weight,
            weight_decay=point.weight_decay,
            own=point.network,
            seen=trace,
        )

    def gradients(self) -> Gradients:
        """What the backward pass makes of them."""
        with np.errstate(all="ignore"):
            found, bare = self.backward_pass(), self
            for l in sorted(self.early, reverse=True):
                bare = bare.without_slope(l)
                below = bare.backward_pass()
                for m in range(2, l):
                    found.nabla_W[m][...], found.nabla_b[m][...] = below.nabla_W[m], below.nabla_b[m]
            weights = self.own.parameters[: self.own.n_weights]
            found.flat[: self.own.n_weights] += penalty_gradient(weights, self.weight_decay)
            for change in self.after:
                change(found)
        return found

    def backward_pass(self) -> Gradients:
        """BP1 to BP4 alone, before the penalty and whatever is done afterwards."""
        return backward(self.network, self.trace, self.Y, self.loss, sample_weight=self.sample_weight)

    def without_slope(self, l: int) -> "Ingredients":
        """Let a layer's error be ∂C/∂a, with no σ′ in it."""
        if l == self.own.L:
            return self.with_start(lambda loss, activation, z, a, y: loss.gradient(a, y))
        return self.with_way_back(l, lambda activation, upstream, z, a: upstream)

    def with_way_back(self, l: int, way: WayBack) -> "Ingredients":
        """Let a layer make another ∂C/∂z of ∂C/∂a."""
        layers = {**self.network.layers}
        layers[l] = replace(layers[l], activation=_Wrapped(layers[l].activation, way))
        network = Network(tuple(layers.values()), self.network.parameters)
        return replace(self, network=network)

    def with_start(self, start: Start) -> "Ingredients":
        """Let the output have another error."""
        return replace(self, loss=_OtherStart(self.loss, start))

    def with_weights(self, l: int, W: Array) -> "Ingredients":
        """Let BP2 use other weights of a layer."""
        network = self.network.with_parameters(self.network.parameters.copy())
        network.W[l][...] = W
        return replace(self, network=network)

    def with_passed(self, l: int, array: Array) -> "Ingredients":
        """Let BP4 see something else than what layer l hands on."""
        return replace(self, trace=replace(self.trace, passed={**self.trace.passed, l: array}))

    def with_mask(self, l: int, mask: Array | None) -> "Ingredients":
        """Let a layer's error meet another dropout mask on the way back, or none."""
        masks = {m: array for m, array in self.trace.masks.items() if m != l}
        masks |= {} if mask is None else {l: mask}
        return replace(self, trace=replace(self.trace, masks=masks))

    def with_loss_times(self, factor: float | Array) -> "Ingredients":
        """Let each sample's loss count so many times, and the penalty once as before."""
        weight = np.ones(len(self.Y)) if self.sample_weight is None else self.sample_weight
        return replace(self, sample_weight=weight * factor)

    def then(self, change: Callable[[Gradients], None]) -> "Ingredients":
        """Let something be done to the finished gradient."""
        return replace(self, after=(*self.after, change))
