"""A network of layers, and the forward pass that every command shares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bpnet.core.activations import Activation
from bpnet.core.arrays import Array
from bpnet.core.initializers import Initializer
from bpnet.errors import ShapeError


@dataclass(frozen=True)
class Layer:
    """What layer l is, apart from its numbers.

    Attributes
    ----------
    n_in, n_out : int
        Units of layer l - 1 and of layer l.
    activation : Activation
    dropout : float
        Share of the layer's units that each training sample goes without, in [0, 1).
    """

    n_in: int
    n_out: int
    activation: Activation
    dropout: float = 0.0


class Network:
    """Layers 2 to L and their parameters, one flat vector into which every W and b is a view.

    Parameters
    ----------
    layers : sequence of Layer
        Layers 2 to L; layer 1 is the input and has no parameters.
    parameters : ndarray of shape (P,)
        All weights, layer by layer and row by row, then all biases. It is kept, not copied.

    Attributes
    ----------
    layers : dict of int to Layer
        By layer number, 2 to L.
    W, b : dict of int to ndarray
        Views of shapes (n_out, n_in) and (n_out,), by layer number.
    parameters : ndarray of shape (P,)
    n_weights : int
        The first so many parameters are weights.
    L : int
        Number of the output layer.

    Raises
    ------
    ShapeError
        If neighbouring layers do not fit, or there are not as many parameters as the layers need.
    """

    def __init__(self, layers: Sequence[Layer], parameters: Array) -> None:
        self.layers = dict(enumerate(layers, start=2))
        self.L = len(layers) + 1
        for l in range(3, self.L + 1):
            if self.layers[l].n_in != self.layers[l - 1].n_out:
                expected, found = self.layers[l - 1].n_out, self.layers[l].n_in
                raise ShapeError(f"layer {l}: {expected} inputs expected from layer {l - 1}, found {found}")
        if parameters.shape != (count_parameters(layers),):
            raise ShapeError(
                f"{count_parameters(layers)} parameters expected, found shape {parameters.shape}"
            )
        self.parameters = parameters
        self.n_weights = sum(layer.n_in * layer.n_out for layer in layers)
        self.W, self.b = split(self.layers, parameters)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of layers 1 to L."""
        return (self.layers[2].n_in, *(layer.n_out for layer in self.layers.values()))

    def with_parameters(self, parameters: Array) -> "Network":
        """The same layers around another flat vector, which may be of another dtype."""
        return Network(tuple(self.layers.values()), parameters)


def count_parameters(layers: Sequence[Layer]) -> int:
    """Weights and biases of these layers, together."""
    return sum((layer.n_in + 1) * layer.n_out for layer in layers)


def split(layers: Mapping[int, Layer], flat: Array) -> tuple[dict[int, Array], dict[int, Array]]:
    """Views of a flat vector as one weight matrix and one bias vector a layer.

    Returns
    -------
    W, b : dict of int to ndarray
        Of shapes (n_out, n_in) and (n_out,), by layer number.
    """
    W, b, start = {}, {}, 0
    for l, layer in layers.items():
        stop = start + layer.n_out * layer.n_in
        W[l], start = flat[start:stop].reshape(layer.n_out, layer.n_in), stop
    for l, layer in layers.items():
        stop = start + layer.n_out
        b[l], start = flat[start:stop], stop
    return W, b


def initialise(
    layers: Sequence[Layer],
    initializer: Initializer,
    rng: np.random.Generator,
    dtype: npt.DTypeLike = np.float64,
) -> Network:
    """Build a network whose first parameters are drawn from ``initializer``, layer by layer."""
    W = [initializer.weights(layer.n_in, layer.n_out, rng) for layer in layers]
    b = [initializer.biases(layer.n_out, rng) for layer in layers]
    return from_arrays(layers, W, b, dtype)


def from_arrays(
    layers: Sequence[Layer], W: Sequence[Array], b: Sequence[Array], dtype: npt.DTypeLike = np.float64
) -> Network:
    """Build a network from given weights and biases, one of each for layers 2 to L.

    Raises
    ------
    ShapeError
        If a W is not (n_out, n_in) or a b not (n_out,).
    """
    for l, (layer, weights, biases) in enumerate(zip(layers, W, b, strict=True), start=2):
        shapes, wanted = (weights.shape, biases.shape), ((layer.n_out, layer.n_in), (layer.n_out,))
        if shapes != wanted:
            raise ShapeError(f"layer {l}: W and b of shapes {wanted} expected, found {shapes}")
    flat = np.concatenate([*(weights.ravel() for weights in W), *b])
    return Network(layers, np.ascontiguousarray(flat, dtype=dtype))


@dataclass(frozen=True)
class Trace:
    """What a forward pass of N samples left behind, by layer number.

    Attributes
    ----------
    z : dict of int to ndarray of shape (N, n_l)
        Weighted inputs of layers 2 to L.
    a : dict of int to ndarray of shape (N, n_l)
        Activations of layers 1 (the inputs themselves) to L.
    passed : dict of int to ndarray of shape (N, n_l)
        What layer l hands on: ``a[l]``, or ``a[l] * masks[l]`` where it has dropout.
    masks : mapping of int to ndarray of shape (N, n_l)
        Dropout masks that were applied; empty outside training.
    """

    z: dict[int, Array]
    a: dict[int, Array]
    passed: dict[int, Array]
    masks: Mapping[int, Array] = field(default_factory=dict)

    @property
    def outputs(self) -> Array:
        """Activations of layer L, of shape (N, n_L)."""
        return self.a[len(self.a)]


@dataclass(frozen=True)
class ForwardBuffers:
    """Arrays that a forward pass of N samples may write into, by layer number, each of shape (N, n_l)."""

    z: Mapping[int, Array] = field(default_factory=dict)
    a: Mapping[int, Array] = field(default_factory=dict)
    passed: Mapping[int, Array] = field(default_factory=dict)

    @classmethod
    def of(cls, network: Network, n_samples: int) -> "ForwardBuffers":
        """New arrays for so many samples."""
        z, a, passed = (
            {
                l: np.empty((n_samples, layer.n_out), network.parameters.dtype)
                for l, layer in network.layers.items()
                if kind != "passed" or layer.dropout
            }
            for kind in ("z", "a", "passed")
        )
        return cls(z, a, passed)

    def rows(self, n_samples: int) -> "ForwardBuffers":
        """The same memory for fewer samples."""
        z, a, passed = (
            {l: array[:n_samples] for l, array in arrays.items()} for arrays in (self.z, self.a, self.passed)
        )
        return ForwardBuffers(z, a, passed)


_ALLOCATE = ForwardBuffers()


def forward(
    network: Network,
    X: Array,
    *,
    masks: Mapping[int, Array] | None = None,
    buffers: ForwardBuffers = _ALLOCATE,
) -> Trace:
    """Outputs of every layer: z = W a + b and a = σ(z), one sample a row.

    Parameters
    ----------
    network : Network
    X : ndarray of shape (N, n_1)
        Real or complex.
    masks : mapping of int to ndarray of shape (N, n_l), optional
        Dropout masks by layer, from :func:`draw_masks`; none outside training.
    buffers : ForwardBuffers, optional
        Where to write; new arrays if not given.

    Returns
    -------
    Trace

    Raises
    ------
    ShapeError
        If ``X`` has not one column an input unit.

    References
    ----------
    Nielsen, Neural Networks and Deep Learning, chapter 2, equation 25.
    """
    if X.ndim != 2 or X.shape[1] != network.layers[2].n_in:  # noqa: PLR2004 - rows and columns
        raise ShapeError(f"inputs of shape (N, {network.layers[2].n_in}) expected, found {X.shape}")
    masks = masks or {}
    z: dict[int, Array] = {}
    a, passed = {1: X}, {1: X}
    for l, layer in network.layers.items():
        z[l] = np.dot(passed[l - 1], network.W[l].T, out=buffers.z.get(l))
        z[l] += network.b[l]
        a[l], passed[l] = activate(
            layer, z[l], masks.get(l), a=buffers.a.get(l), passed=buffers.passed.get(l)
        )
    return Trace(z, a, passed, masks)


def activate(
    layer: Layer, z: Array, mask: Array | None = None, *, a: Array | None = None, passed: Array | None = None
) -> tuple[Array, Array]:
    """Return a = σ(z) of one layer, and what it hands on: a, or a times the dropout mask if there is one.

    Parameters
    ----------
    layer : Layer
    z : ndarray of shape (N, n_out)
        Real or complex.
    mask : ndarray of shape (N, n_out), optional
    a, passed : ndarray of shape (N, n_out), optional
        Where to write; new arrays if not given.
    """
    a = layer.activation.value(z, out=a)
    return a, a if mask is None else np.multiply(a, mask, out=passed)


def draw_masks(
    network: Network, n_samples: int, rng: np.random.Generator, dtype: npt.DTypeLike = np.float64
) -> dict[int, Array]:
    """Dropout masks of the layers that have dropout: 0 where a unit is left out, 1/(1 - dropout) elsewhere.

    Returns
    -------
    dict of int to ndarray of shape (n_samples, n_l)

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, Dropout, 2014; scaled while training.
    """
    masks: dict[int, npt.NDArray[Any]] = {}
    for l, layer in network.layers.items():
        if layer.dropout:
            kept = rng.random((n_samples, layer.n_out), dtype=np.float32) >= layer.dropout
            masks[l] = kept.astype(dtype)
            masks[l] /= 1 - layer.dropout
    return masks
