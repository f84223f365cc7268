"""Derivatives by complex step: exact to rounding, through the very forward pass that trains.

C(θ + ih) = C(θ) + ih·∂C/∂θ − ..., so Im C / h is the derivative. Nothing is subtracted, so h can be as
small as numbers go, and what is left out is of the order h².

A parameter of layer l reaches the cost only through z of its own unit. So a forward pass of that layer
alone gives z for many changed parameters at once, and one of the layers behind it gives the cost of all
these copies, stacked along the batch.

References
----------
Squire and Trapp, Using complex variables to estimate derivatives of real functions, 1998.
"""

import numpy as np

from bpnet.core.activations import Identity
from bpnet.core.arrays import Array
from bpnet.core.backprop import penalty, sample_losses
from bpnet.core.network import Layer, Network, Trace, forward
from bpnet.inspection.point import Point

STEP = 1e-200
"""So small that its square is 0: a z exactly on a corner stays there, whatever came before it."""

_NUMBERS_AT_A_TIME = 2**19
"""Complex numbers in the largest array of a pass: they fit a processor's cache, or nearly."""


class Tail:
    """Layer l's activation and all layers behind it, as a network whose input is z of layer l.

    Its first layer has the identity for weights, so that :func:`bpnet.core.network.forward` does
    everything, the activation and the dropout of layer l included.

    Parameters
    ----------
    point : Point
    l : int
    """

    def __init__(self, point: Point, l: int) -> None:
        network = point.network
        n, first = network.layers[l].n_out, network.layers[l]
        behind = range(l + 1, network.L + 1)
        layers = [Layer(n, n, first.activation, first.dropout), *(network.layers[m] for m in behind)]
        weights = [np.eye(n), *(network.W[m] for m in behind)]
        biases = [np.zeros(n), *(network.b[m] for m in behind)]
        flat = np.concatenate([*(W.ravel() for W in weights), *biases])
        self._network = Network(layers, flat)
        self._masks = {m - l + 2: mask for m, mask in point.masks.items() if m >= l}
        self._point = point
        self.width = max(layer.n_out for layer in layers)
        self.multiplications = sum(layer.n_in * layer.n_out for layer in layers)

    def losses(self, z: Array) -> Array:
        """Losses of copies of the batch, of shape (copies, N), from their z of shape (copies, N, n_l)."""
        copies, n_samples, n = z.shape
        point = self._point
        masks = {m: np.tile(mask, (copies, 1)) for m, mask in self._masks.items()}
        trace = forward(self._network, z.reshape(copies * n_samples, n), masks=masks)
        weight = None if point.sample_weight is None else np.tile(point.sample_weight, copies)
        Y, z_out = np.tile(point.Y, (copies, 1)), trace.z[self._network.L]
        losses = sample_losses(point.loss, z_out, trace.outputs, Y, weight)
        return losses.reshape(copies, n_samples)


def by_z(point: Point, trace: Trace, l: int, units: Array) -> Array:
    """∂C/∂z of some units of layer l, of shape (N, units): what BP1 and BP2 call δ.

    One copy of the batch a unit: a sample's z touches no loss but its own.
    """
    tail, z = Tail(point, l), trace.z[l]
    n_samples = len(z)
    derivatives = np.empty((n_samples, len(units)))
    at_once = max(1, _NUMBERS_AT_A_TIME // (n_samples * tail.width))
    for start in range(0, len(units), at_once):
        part = slice(start, start + at_once)
        copies = np.repeat(z[np.newaxis].astype(complex), len(units[part]), axis=0)
        copies[np.arange(len(copies)), :, units[part]] += 1j * STEP
        derivatives[:, part] = tail.losses(copies).imag.T / STEP / n_samples
    return derivatives


def by_parameters(point: Point, trace: Trace, l: int, tensor: str, elements: Array) -> Array:
    """∂C/∂w or ∂C/∂b of layer l, for some elements of the tensor.

    Parameters
    ----------
    point : Point
    trace : Trace
        Of the point's forward pass.
    l : int
    tensor : str
        ``W`` or ``b``.
    elements : ndarray of int, shape (P,)
        Positions in the raveled tensor.

    Returns
    -------
    ndarray of shape (P,)
    """
    tail, n_samples = Tail(point, l), len(point.X)
    units = elements // point.network.layers[l].n_in if tensor == "W" else elements
    z = _changed_z(point, trace, l, tensor, elements)
    at_once = max(1, _NUMBERS_AT_A_TIME // (n_samples * tail.width))
    derivatives = np.empty(len(elements))
    for start in range(0, len(elements), at_once):
        part = slice(start, start + at_once)
        copies = np.repeat(trace.z[l][np.newaxis].astype(complex), len(units[part]), axis=0)
        copies[np.arange(len(copies)), :, units[part]] = z[part]
        derivatives[part] = tail.losses(copies).mean(axis=1).imag / STEP
    if tensor == "W" and point.weight_decay:
        derivatives += by_weight(point.network.W[l].ravel()[elements], point.weight_decay)
    return derivatives


def by_weight(weights: Array, weight_decay: float) -> Array:
    """Derivative of the penalty by each weight, of the same shape: no weight touches another's square."""
    derivatives: Array = penalty(weights[..., np.newaxis] + 1j * STEP, weight_decay).imag / STEP
    return derivatives


def _changed_z(point: Point, trace: Trace, l: int, tensor: str, elements: Array) -> Array:
    """Return z of each changed parameter's unit, of shape (P, N), by forward passes of layer l alone.

    A pass with one input's weights changed in every unit serves all of them, since none sees another's.
    """
    network, layer = point.network, point.network.layers[l]
    flat = np.concatenate([network.W[l].ravel(), network.b[l]]).astype(complex)
    alone = Network([Layer(layer.n_in, layer.n_out, Identity())], flat)
    inputs = trace.passed[l - 1].astype(complex)
    if tensor == "b":
        alone.b[2][:] += 1j * STEP
        changed: Array = forward(alone, inputs).z[2].T[elements]
        return changed
    units, columns = np.divmod(elements, layer.n_in)
    z = np.empty((len(elements), len(inputs)), complex)
    order = np.argsort(columns, kind="stable")
    _, starts = np.unique(columns[order], return_index=True)
    for mine in np.split(order, starts[1:]):
        weights = alone.W[2][:, columns[mine[0]]]
        weights += 1j * STEP
        z[mine] = forward(alone, inputs).z[2].T[units[mine]]
        weights -= 1j * STEP
    return z
