"""Losses: how far a sample's outputs a are from its targets y, and the error that starts back-propagation."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpnet.core.activations import Activation, Relu
from bpnet.core.arrays import Array, at_most, row_maxima, row_sums
from bpnet.core.registry import Registry, parameter


class Loss(ABC):
    """A loss ℓ(a, y) of one sample; the cost C is its mean over a batch.

    Attributes
    ----------
    name : str
        As YAML writes it.
    summary, latex, latex_gradient : str
        One line of help; the formulas of ℓ and of ∂ℓ/∂a_j.
    classifies : bool or None
        Whether targets are classes: true, false, or either (0/1 labels).
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    latex: ClassVar[str]
    latex_gradient: ClassVar[str]
    classifies: ClassVar[bool | None] = False
    kinks: ClassVar[tuple[float, ...]] = ()
    """Every residual a − y where the loss has a corner."""

    @abstractmethod
    def per_sample(self, z: Array, a: Array, y: Array) -> Array:
        """ℓ of each sample, of shape (N,), from the output layer's z and a and the targets y, each (N, n)."""

    @abstractmethod
    def gradient(self, a: Array, y: Array) -> Array:
        """∂ℓ/∂a of each sample, of shape (N, n): the source's ∇ₐC before the mean over the batch."""

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
        """∂ℓ/∂z of each sample, of shape (N, n): BP1, δᴸ = ∇ₐC ⊙ σ′(zᴸ)."""
        return activation.pullback(self.gradient(a, y), z, a, out=out, scratch=scratch)


class PartneredLoss(Loss):
    """A loss that cancels against the slope of one activation, its partner: ∂ℓ/∂z = a − y.

    Value and δ come from z, where neither a logarithm of 0 nor a division by 0 can occur;
    :meth:`gradient` keeps the factor that cancels, for showing the cancellation, and so is infinite
    or not a number where a has rounded to 0 or 1.
    """

    partner: ClassVar[str]
    reason: ClassVar[str]

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
        return np.subtract(a, y, out=out)


LOSSES: Registry[Loss] = Registry("loss")


def refusal(loss: str, activation: str) -> str | None:
    """Why this loss makes no sense after this output activation; None where it does.

    Parameters
    ----------
    loss, activation : str
        Registered names.
    """
    cls = LOSSES[loss]
    if issubclass(cls, PartneredLoss) and activation != cls.partner:
        return f"{loss} goes with {cls.partner}, not with {activation}: {cls.reason}"
    return None


@LOSSES.register
@dataclass(frozen=True)
class Quadratic(Loss):
    """½‖a − y‖², the source's loss."""

    name = "quadratic"
    summary = "half the squared distance between outputs and targets"
    latex = r"\tfrac{1}{2} \sum_j (a_j - y_j)^2"
    latex_gradient = r"a_j - y_j"

    def per_sample(self, z: Array, a: Array, y: Array) -> Array:
        residual = a - y
        half_squares: Array = 0.5 * row_sums(residual * residual)[:, 0]
        return half_squares

    def gradient(self, a: Array, y: Array) -> Array:
        return np.subtract(a, y)


@LOSSES.register
@dataclass(frozen=True)
class CrossEntropy(PartneredLoss):
    """−Σ yⱼ log aⱼ after softmax, computed from z as Σ yⱼ (log Σₖ e^{z_k} − zⱼ).

    A row of y sums to 1, as one-hot classes do: δ = a − y holds for no other.
    """

    name = "cross_entropy"
    summary = "minus the log-probability of the right class, after softmax"
    latex = r"-\sum_j y_j \log a_j"
    latex_gradient = r"-\frac{y_j}{a_j}"
    classifies = True
    partner = "softmax"
    reason = "it reads the outputs as the probabilities of classes that exclude each other, which sum to 1"

    def per_sample(self, z: Array, a: Array, y: Array) -> Array:
        shifted = z - row_maxima(z.real)
        log_a = shifted - np.log(row_sums(np.exp(shifted)))
        losses: Array = -row_sums(y * log_a)[:, 0]
        return losses

    def gradient(self, a: Array, y: Array) -> Array:
        ratio: Array = np.divide(-y, a)
        return ratio


@LOSSES.register
@dataclass(frozen=True)
class BinaryCrossEntropy(PartneredLoss):
    """−Σ [y log a + (1 − y) log(1 − a)] after sigmoid, computed from z as Σ log(1 + eᶻ) − yz.

    The logarithm is max(0, z) + log(1 + e^−|z|): with yz taken from its first part, where they cancel, a
    confident right answer keeps every digit of its small loss.
    """

    name = "binary_cross_entropy"
    summary = "minus the log-probability of each yes/no label, after sigmoid"
    latex = r"-\sum_j \left( y_j \log a_j + (1 - y_j) \log (1 - a_j) \right)"
    latex_gradient = r"\frac{a_j - y_j}{a_j (1 - a_j)}"
    classifies = None
    partner = "sigmoid"
    reason = "it reads each output as the probability of its own yes or no, from 0 to 1"

    def per_sample(self, z: Array, a: Array, y: Array) -> Array:
        positive = Relu().value(z)
        minus_distance = z - positive - positive  # −|z|, for complex z by the sign of its real part
        losses: Array = row_sums(positive - y * z + np.log1p(np.exp(minus_distance)))[:, 0]
        return losses

    def gradient(self, a: Array, y: Array) -> Array:
        ratio: Array = np.divide(a - y, a * (1 - a))
        return ratio


@LOSSES.register
@dataclass(frozen=True)
class Huber(Loss):
    """½r² for |r| up to the threshold t, then t(|r| − ½t), summed over the outputs.

    Outliers pull with force t at most.

    References
    ----------
    Huber, Robust estimation of a location parameter, 1964.
    """

    name = "huber"
    summary = "quadratic near 0, linear beyond the threshold"
    latex = (
        r"\sum_j \tfrac{1}{2} r_j^2 \text{ if } |r_j| \le t \text{ else } t (|r_j| - \tfrac{1}{2} t),"
        r"\; r = a - y"
    )
    latex_gradient = r"\min(\max(a_j - y_j, -t), t)"

    threshold: float = parameter(1.0, "residual at which the loss turns linear", above=0.0)

    def per_sample(self, z: Array, a: Array, y: Array) -> Array:
        size = _magnitude(a - y)
        near = at_most(size, self.threshold)  # one formula for both parts, so that no far square overflows
        losses: Array = row_sums(near * (size - 0.5 * near))[:, 0]
        return losses

    def gradient(self, a: Array, y: Array) -> Array:
        clipped: Array = np.clip(a - y, -self.threshold, self.threshold)
        return clipped


@LOSSES.register
@dataclass(frozen=True)
class MeanAbsoluteError(Loss):
    """Mean of |a − y| over the outputs; the derivative at exactly 0 is taken as 0."""

    name = "mean_absolute_error"
    summary = "mean absolute difference over the outputs"
    latex = r"\tfrac{1}{n} \sum_j |a_j - y_j|"
    latex_gradient = r"\tfrac{1}{n} \operatorname{sign}(a_j - y_j)"
    kinks = (0.0,)

    def per_sample(self, z: Array, a: Array, y: Array) -> Array:
        losses: Array = row_sums(_magnitude(a - y))[:, 0] / a.shape[1]
        return losses

    def gradient(self, a: Array, y: Array) -> Array:
        signs: Array = np.sign(a - y)
        signs /= a.shape[1]
        return signs


def _magnitude(residual: Array) -> Array:
    """|residual|, for complex residuals by the sign of the real part: the derivative at exactly 0 is 0."""
    magnitude: Array = residual * np.sign(residual.real)
    return magnitude
