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
from bpnet.core.network import Layer, Network, Trace, activate, count_parameters, forward
from bpnet.inspection.point import Point

STEP = 1e-200
"""So small that its square is 0: a z exactly on a corner stays there, whatever came before it."""

_OF_A_UNIT = 30
"""Multiplications for which a unit's activation takes as long, about."""

_NUMBERS_AT_A_TIME = 2**19
"""Complex numbers in the largest array of a pass: they fit a processor's cache, or nearly."""


class Tail:
    """Layer l's activation, all layers behind it, and the loss: what z of layer l still goes through.

    Parameters
    ----------
    point : Point
    l : int

    Attributes
    ----------
    width : int
        Units of its widest layer.
    work : int
        Multiplications that a sample takes, about.
    """

    def __init__(self, point: Point, l: int) -> None:
        network = point.network
        behind = range(l + 1, network.L + 1)
        self._point, self._layer = point, network.layers[l]
        self._masks = {m - l + 1: mask for m, mask in point.masks.items() if m >= l}
        self._behind: Network | None = None
        if behind:
            numbers = [*(network.W[m].ravel() for m in behind), *(network.b[m] for m in behind)]
            self._behind = Network([network.layers[m] for m in behind], np.concatenate(numbers))
        widths = network.sizes[l - 1 :]
        self.width = max(widths)
        self.work = _OF_A_UNIT * sum(widths) + sum(W.size for m, W in network.W.items() if m > l)

    def losses(self, z: Array) -> Array:
        """Losses of copies of the batch, of shape (copies, N), from their z of shape (copies, N, n_l)."""
        copies, n_samples, n = z.shape
        masks = {m: np.tile(mask, (copies, 1)) for m, mask in self._masks.items()}
        z_out = z.reshape(copies * n_samples, n)
        outputs, passed = activate(self._layer, z_out, masks.get(1))
        if self._behind is not None:
            trace = forward(self._behind, passed, masks=masks)
            z_out, outputs = trace.z[self._behind.L], trace.outputs
        point = self._point
        weight = None if point.sample_weight is None else np.tile(point.sample_weight, copies)
        Y = np.tile(point.Y, (copies, 1))
        return sample_losses(point.loss, z_out, outputs, Y, weight).reshape(copies, n_samples)


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
    tail, n_samples, n_in = Tail(point, l), len(point.X), point.network.layers[l].n_in
    units = elements // n_in if tensor == "W" else elements
    at_once = max(1, _NUMBERS_AT_A_TIME // max(n_samples * tail.width, n_in))
    derivatives = np.empty(len(elements))
    for start in range(0, len(elements), at_once):
        part = slice(start, start + at_once)
        copies = np.repeat(trace.z[l][np.newaxis].astype(complex), len(units[part]), axis=0)
        columns = elements[part] % n_in if tensor == "W" else None
        copies[np.arange(len(copies)), :, units[part]] += 1j * _moved(point, trace, l, units[part], columns)
        derivatives[part] = tail.losses(copies).mean(axis=1).imag / STEP
    if tensor == "W" and point.weight_decay:
        derivatives += by_weight(point.network.W[l].ravel()[elements], point.weight_decay)
    return derivatives


def by_weight(weights: Array, weight_decay: float) -> Array:
    """Derivative of the penalty by each weight, of the same shape: no weight touches another's square."""
    derivatives: Array = penalty(weights[..., np.newaxis] + 1j * STEP, weight_decay).imag / STEP
    return derivatives


def _moved(point: Point, trace: Trace, l: int, units: Array, columns: Array | None) -> Array:
    """Imaginary parts of z of units of layer l, of shape (P, N), each with one weight or its bias changed.

    It is a forward pass of one layer, which holds a copy of a unit for every change. Its real parts are z
    but for rounding, which must not move a z off a corner.

    Parameters
    ----------
    point, trace, l : Point, Trace, int
    units : ndarray of int, shape (P,)
    columns : ndarray of int, shape (P,), or None
        The input whose weight is changed; None for the bias.
    """
    layer = Layer(point.network.layers[l].n_in, len(units), Identity())
    alone = Network([layer], np.empty(count_parameters([layer]), complex))
    alone.W[2][...], alone.b[2][...] = point.network.W[l][units], point.network.b[l][units]
    if columns is None:
        alone.b[2][...] += 1j * STEP
    else:
        alone.W[2][np.arange(len(units)), columns] += 1j * STEP
    moved: Array = forward(alone, trace.passed[l - 1]).z[2].T.imag
    return moved
