"""Where a mistake can be made: the layers of a point's network that have what it takes."""

from collections.abc import Callable, Sequence

from bpnet.core.activations import Elementwise
from bpnet.core.losses import PartneredLoss
from bpnet.inspection.point import Point

Layers = Callable[[Point], Sequence[int]]
"""Layers of a point's network where a mistake can be made, none if it cannot."""

_LARGEST_INVERSE = 64
"""Units of the largest layers whose weights are inverted."""


def every(point: Point) -> Sequence[int]:
    """Every layer that has parameters."""
    return tuple(point.network.layers)


def output(point: Point) -> Sequence[int]:
    """The last layer; also where a mistake stands that belongs to no layer."""
    return (point.network.L,)


def hidden(point: Point) -> Sequence[int]:
    """The layers between."""
    return tuple(range(2, point.network.L))


def cancelling_output(point: Point) -> Sequence[int]:
    """The output, if its slope cancels against the loss."""
    return output(point) if isinstance(point.loss, PartneredLoss) else ()


def softmax_output(point: Point) -> Sequence[int]:
    """The output, if its slope cancels and is no diagonal matrix."""
    return tuple(l for l in cancelling_output(point) if not _is_elementwise(point, l))


def sloping(point: Point) -> Sequence[int]:
    """Layers with a σ′ on the way back."""
    return hidden(point) if cancelling_output(point) else every(point)


def sloping_but(name: str) -> Layers:
    """Layers with a σ′ that is not that of one activation."""
    return lambda point: tuple(l for l in sloping(point) if _name(point, l) != name)


def sloping_as(name: str) -> Layers:
    """Layers with the σ′ of one activation."""
    return lambda point: tuple(l for l in sloping(point) if _name(point, l) == name)


def below_zero(point: Point) -> Sequence[int]:
    """Layers that may be negative: for those that may not, ReLU's slope by a is no slope at all."""
    return tuple(l for l in sloping(point) if point.network.layers[l].activation.lowest < 0)


def elementwise_hidden(point: Point) -> Sequence[int]:
    """Hidden layers in which a unit depends on its own z alone."""
    return tuple(l for l in hidden(point) if _is_elementwise(point, l))


def before_sloping(point: Point) -> Sequence[int]:
    """Hidden layers right before a layer with a σ′."""
    after = sloping(point)
    return tuple(l for l in hidden(point) if l + 1 in after)


def square_ahead(point: Point) -> Sequence[int]:
    """Hidden layers whose own weights could stand in for those of the next layer."""
    W = point.network.W
    return tuple(l for l in hidden(point) if W[l].shape == W[l + 1].shape)


def invertible_ahead(point: Point) -> Sequence[int]:
    """Hidden layers right before square weights, not too large to invert."""
    sizes = point.network.sizes
    return tuple(l for l in hidden(point) if sizes[l - 1] == sizes[l] <= _LARGEST_INVERSE)


def fitting_ahead(point: Point) -> Sequence[int]:
    """Hidden layers that could take the next layer's error as it is: of the same width, or of one unit."""
    sizes = point.network.sizes
    return tuple(l for l in hidden(point) if sizes[l] in (1, sizes[l - 1]))


def same_width_before(point: Point) -> Sequence[int]:
    """Layers as wide as the one before."""
    sizes = point.network.sizes
    return tuple(l for l in every(point) if sizes[l - 1] == sizes[l - 2])


def after_as_wide_as_inputs(point: Point) -> Sequence[int]:
    """Layers after a hidden one that is as wide as the inputs."""
    sizes = point.network.sizes
    return tuple(l + 1 for l in hidden(point) if sizes[l - 1] == sizes[0])


def palindrome(point: Point) -> Sequence[int]:
    """The output, if the gradients would fit in reverse order too."""
    W, L = point.network.W, point.network.L
    fits = hidden(point) and all(W[l].shape == W[L + 2 - l].shape for l in W)
    return output(point) if fits else ()


def masked(point: Point) -> Sequence[int]:
    """Layers with dropout."""
    return tuple(point.masks)


def if_weighted(point: Point) -> Sequence[int]:
    """The output, if samples have weights."""
    return () if point.sample_weight is None else output(point)


def if_penalised(point: Point) -> Sequence[int]:
    """The output, if the cost has a penalty."""
    return output(point) if point.weight_decay else ()


def if_many(layers: Layers) -> Layers:
    """Some layers, if the batch has several samples."""
    return lambda point: layers(point) if len(point.X) > 1 else ()


def if_several(layers: Layers) -> Layers:
    """Some layers, if there are several of them."""
    return lambda point: layers(point) if len(layers(point)) > 1 else ()


def _name(point: Point, l: int) -> str:
    return point.network.layers[l].activation.name


def _is_elementwise(point: Point, l: int) -> bool:
    return isinstance(point.network.layers[l].activation, Elementwise)
