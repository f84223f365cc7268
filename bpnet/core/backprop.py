"""The backward pass: BP1 to BP4, and the only place where a delta is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bpnet.core.arrays import Array
from bpnet.core.losses import Loss
from bpnet.core.network import ForwardBuffers, Network, Trace, split
from bpnet.errors import ShapeError


@dataclass(frozen=True)
class Gradients:
    """Errors and parameter gradients of a batch of N samples, by layer number 2 to L.

    Attributes
    ----------
    delta : dict of int to ndarray of shape (N, n_l)
        δ = ∂C/∂z of the batch-mean cost C: a row holds 1/N of its sample's own error.
    nabla_W, nabla_b : dict of int to ndarray
        ∂C/∂W and ∂C/∂b, shaped as the parameters; views into ``flat``.
    flat : ndarray of shape (P,)
        The whole gradient, in the order of ``Network.parameters``.
    """

    delta: dict[int, Array]
    nabla_W: dict[int, Array]
    nabla_b: dict[int, Array]
    flat: Array


@dataclass(frozen=True)
class BackwardBuffers:
    """Arrays that a backward pass of N samples may write into.

    Attributes
    ----------
    delta, scratch : mapping of int to ndarray of shape (N, n_l)
    gradients : tuple of (dict, dict, ndarray), optional
        nabla_W, nabla_b and the flat vector they are views into.
    """

    delta: Mapping[int, Array] = field(default_factory=dict)
    scratch: Mapping[int, Array] = field(default_factory=dict)
    gradients: tuple[dict[int, Array], dict[int, Array], Array] | None = None


_ALLOCATE = BackwardBuffers()


def cost(
    network: Network,
    trace: Trace,
    targets: Array,
    loss: Loss,
    *,
    sample_weight: Array | None = None,
    weight_decay: float = 0.0,
) -> Array:
    """C, which :func:`backward` differentiates: mean loss of the batch plus ½λ·(sum of squared weights).

    Parameters
    ----------
    network, trace, targets, loss, sample_weight, weight_decay
        As for :func:`backward`; the pass may be complex, and C with it.

    Returns
    -------
    ndarray of shape ()
    """
    total: Array = sample_losses(loss, trace.z[network.L], trace.outputs, targets, sample_weight).mean()
    if weight_decay:
        total = total + penalty(network.parameters[: network.n_weights], weight_decay)
    return total


def sample_losses(
    loss: Loss, z: Array, a: Array, targets: Array, sample_weight: Array | None = None
) -> Array:
    """Weighted loss of each sample, of shape (N,): C without the penalty is their mean.

    Parameters
    ----------
    loss : Loss
    z, a, targets : ndarray of shape (N, n_L)
        Of the output layer.
    sample_weight : ndarray of shape (N,), optional
    """
    losses = loss.per_sample(z, a, targets)
    return losses if sample_weight is None else losses * sample_weight


def penalty(weights: Array, weight_decay: float) -> Array:
    """½λ·(sum of squared weights), over the last axis."""
    total: Array = 0.5 * weight_decay * (weights * weights).sum(axis=-1)
    return total


def penalty_gradient(weights: Array, weight_decay: float) -> Array:
    """Derivative of :func:`penalty` by each weight: λw."""
    return weight_decay * weights


def backward(
    network: Network,
    trace: Trace,
    targets: Array,
    loss: Loss,
    *,
    sample_weight: Array | None = None,
    weight_decay: float = 0.0,
    buffers: BackwardBuffers = _ALLOCATE,
) -> Gradients:
    """Errors and parameter gradients of every layer, by BP1 to BP4.

    Parameters
    ----------
    network : Network
    trace : Trace
        What ``forward(network, X)`` returned, for N samples.
    targets : ndarray of shape (N, n_L)
    loss : Loss
    sample_weight : ndarray of shape (N,), optional
        Factor on each sample's loss, for class weights.
    weight_decay : float
        λ of the penalty ½λ·(sum of squared weights); biases are not penalised.
    buffers : BackwardBuffers, optional
        Where to write; new arrays if not given.

    Returns
    -------
    Gradients
        ``delta[l]`` of shape (N, n_l); ``nabla_W[l]`` and ``nabla_b[l]`` shaped as the parameters.

    Raises
    ------
    ShapeError
        If ``targets`` does not have one row a sample and one column an output unit.

    References
    ----------
    Nielsen, Neural Networks and Deep Learning, chapter 2, BP1 to BP4.
    """
    L, z, a = network.L, trace.z, trace.a
    if targets.shape != a[L].shape:
        raise ShapeError(f"targets of shape {a[L].shape} expected, found {targets.shape}")
    nabla_W, nabla_b, flat = buffers.gradients or gradient_buffers(network)
    delta: dict[int, Array] = {}

    for l in range(L, 1, -1):
        activation, out, scratch = network.layers[l].activation, buffers.delta.get(l), buffers.scratch.get(l)
        if l == L:  # BP1: δᴸ = ∇ₐC ⊙ σ′(zᴸ), where C is a mean over the batch
            delta[L] = loss.output_delta(activation, z[L], a[L], targets, out=out, scratch=scratch)
            delta[L] *= 1 / len(targets)
            if sample_weight is not None:
                delta[L] *= sample_weight[:, np.newaxis]
        else:  # BP2: δˡ = ((Wˡ⁺¹)ᵀ δˡ⁺¹) ⊙ σ′(zˡ)
            upstream = np.dot(delta[l + 1], network.W[l + 1], out=out)
            if l in trace.masks:
                upstream *= trace.masks[l]
            delta[l] = activation.pullback(upstream, z[l], a[l], out=upstream, scratch=scratch)
        np.add.reduce(delta[l], axis=0, out=nabla_b[l])  # BP3: ∂C/∂bˡ = δˡ
        np.dot(delta[l].T, trace.passed[l - 1], out=nabla_W[l])  # BP4: ∂C/∂wˡⱼₖ = aˡ⁻¹ₖ δˡⱼ

    if weight_decay:
        flat[: network.n_weights] += penalty_gradient(network.parameters[: network.n_weights], weight_decay)
    return Gradients(delta, nabla_W, nabla_b, flat)


def gradient_buffers(network: Network) -> tuple[dict[int, Array], dict[int, Array], Array]:
    """nabla_W, nabla_b and the flat vector behind them, empty, in the order of ``network.parameters``."""
    flat = np.empty_like(network.parameters)
    return (*split(network.layers, flat), flat)


class Workspace:
    """Every array that a training step writes into, made once and handed to both passes.

    Parameters
    ----------
    network : Network
    n_samples : int
        Largest batch to come.
    """

    def __init__(self, network: Network, n_samples: int) -> None:
        self._gradients = gradient_buffers(network)
        self._forward = ForwardBuffers.of(network, n_samples)
        self._delta, self._scratch = (
            {
                l: np.empty((n_samples, layer.n_out), network.parameters.dtype)
                for l, layer in network.layers.items()
            }
            for _ in ("delta", "scratch")
        )
        self._by_size: dict[int, tuple[ForwardBuffers, BackwardBuffers]] = {}

    def rows(self, n_samples: int) -> tuple[ForwardBuffers, BackwardBuffers]:
        """Buffers for a batch of this size: views of the same memory, whatever the size."""
        if n_samples not in self._by_size:
            delta, scratch = (
                {l: array[:n_samples] for l, array in arrays.items()}
                for arrays in (self._delta, self._scratch)
            )
            backward_buffers = BackwardBuffers(delta, scratch, self._gradients)
            self._by_size[n_samples] = (self._forward.rows(n_samples), backward_buffers)
        return self._by_size[n_samples]
