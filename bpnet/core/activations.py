"""Activations: what a unit makes of its weighted input z, and how an error passes back through it."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpnet.core.arrays import Array, at_least, at_most, bounded_exp, is_complex, row_maxima, row_sums
from bpnet.core.registry import Registry, parameter


class Activation(ABC):
    """A function of a layer's z, row by row.

    Attributes
    ----------
    name : str
        As YAML writes it.
    summary, latex, latex_derivative : str
        One line of help; the formulas of the value and the derivative, in z and a.
    lowest, highest : float
        The interval that the values lie in, for checking targets against it.
    saturates : bool
        Whether the curve flattens on both sides, so that a large absolute z stops a unit from learning.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    latex: ClassVar[str]
    latex_derivative: ClassVar[str]
    lowest: ClassVar[float] = -math.inf
    highest: ClassVar[float] = math.inf
    saturates: ClassVar[bool] = False

    @property
    def kinks(self) -> tuple[float, ...]:
        """Every z where the curve has a corner: no derivative, and a convention in its place."""
        return ()

    @abstractmethod
    def value(self, z: Array, out: Array | None = None) -> Array:
        """A = f(z).

        Parameters
        ----------
        z : ndarray of shape (N, n)
            Real or complex.
        out : ndarray of shape (N, n), optional
            Where to write a real result; a new array if not given.

        Returns
        -------
        ndarray of shape (N, n)
        """

    @abstractmethod
    def pullback(
        self, upstream: Array, z: Array, a: Array, *, out: Array | None = None, scratch: Array | None = None
    ) -> Array:
        """∂C/∂z from ∂C/∂a: the transposed Jacobian of the activation, applied to each row.

        Parameters
        ----------
        upstream, z, a : ndarray of shape (N, n)
            ∂C/∂a, and the z and a of the forward pass.
        out, scratch : ndarray of shape (N, n), optional
            Where to write the result and intermediate values; ``out`` may be ``upstream`` itself.

        Returns
        -------
        ndarray of shape (N, n)
        """


class Elementwise(Activation):
    """An activation whose unit j depends on z_j alone: its pullback is ⊙ σ′(z)."""

    peak_derivative: ClassVar[float] = 1.0
    """The derivative where the unit learns best: saturation is measured against it."""

    @abstractmethod
    def derivative(self, z: Array, a: Array, out: Array | None = None) -> Array:
        """σ′(z), of shape (N, n), with a = σ(z) at hand where it saves work."""

    def pullback(
        self, upstream: Array, z: Array, a: Array, *, out: Array | None = None, scratch: Array | None = None
    ) -> Array:
        return np.multiply(upstream, self.derivative(z, a, out=scratch), out=out)


ACTIVATIONS: Registry[Activation] = Registry("activation")


def _positive(z: Array, otherwise: float, out: Array | None) -> Array:
    """1 where z > 0 and ``otherwise`` elsewhere, z = 0 included, in the dtype of z."""
    step: Array = np.greater(z, 0, out=np.empty_like(z) if out is None else out)
    if otherwise:
        step *= 1 - otherwise
        step += otherwise
    return step


@ACTIVATIONS.register
@dataclass(frozen=True)
class Identity(Elementwise):
    """σ(z) = z: no activation at all, for regression outputs."""

    name = "identity"
    summary = "the weighted input itself; the output for regression"
    latex = r"z"
    latex_derivative = r"1"

    def value(self, z: Array, out: Array | None = None) -> Array:
        if out is None:
            return z.copy()
        np.copyto(out, z)
        return out

    def derivative(self, z: Array, a: Array, out: Array | None = None) -> Array:
        ones = np.empty_like(z) if out is None else out
        ones.fill(1)
        return ones


@ACTIVATIONS.register
@dataclass(frozen=True)
class Sigmoid(Elementwise):
    """σ(z) = 1/(1 + e⁻ᶻ), σ′ = σ(1 − σ): the source's activation."""

    name = "sigmoid"
    summary = "1/(1 + exp(-z)), from 0 to 1"
    latex = r"\frac{1}{1 + e^{-z}}"
    latex_derivative = r"a (1 - a)"
    lowest, highest = 0.0, 1.0
    saturates = True
    peak_derivative = 0.25

    def value(self, z: Array, out: Array | None = None) -> Array:
        minus_z: Array = np.negative(z, out=out)
        denominator = bounded_exp(minus_z, out=minus_z)
        denominator += 1
        return np.reciprocal(denominator, out=denominator)

    def derivative(self, z: Array, a: Array, out: Array | None = None) -> Array:
        slope: Array = np.subtract(1, a, out=out)
        slope *= a
        return slope


@ACTIVATIONS.register
@dataclass(frozen=True)
class Tanh(Elementwise):
    """σ(z) = tanh z, σ′ = 1 − a²."""

    name = "tanh"
    summary = "hyperbolic tangent, from -1 to 1"
    latex = r"\tanh z"
    latex_derivative = r"1 - a^2"
    lowest, highest = -1.0, 1.0
    saturates = True

    def value(self, z: Array, out: Array | None = None) -> Array:
        return np.tanh(z, out=out)

    def derivative(self, z: Array, a: Array, out: Array | None = None) -> Array:
        square: Array = np.multiply(a, a, out=out)
        return np.subtract(1, square, out=square)


@ACTIVATIONS.register
@dataclass(frozen=True)
class Relu(Elementwise):
    """max(0, z); the derivative at exactly 0 is taken as 0."""

    name = "relu"
    summary = "max(0, z)"
    latex = r"\max(0, z)"
    latex_derivative = r"[z > 0]"
    lowest = 0.0
    kinks = (0.0,)

    def value(self, z: Array, out: Array | None = None) -> Array:
        return at_least(z, 0, out=out)

    def derivative(self, z: Array, a: Array, out: Array | None = None) -> Array:
        return _positive(z, 0.0, out)


@ACTIVATIONS.register
@dataclass(frozen=True)
class LeakyRelu(Elementwise):
    """z where z > 0, else slope·z; the derivative at exactly 0 is taken as the slope."""

    name = "leaky_relu"
    summary = "z where positive, slope*z elsewhere"
    latex = r"\max(s z, z)"
    latex_derivative = r"1 \text{ if } z > 0 \text{ else } s"
    kinks = (0.0,)

    slope: float = parameter(0.01, "slope of the negative side", minimum=0.0, below=1.0)

    def value(self, z: Array, out: Array | None = None) -> Array:
        if is_complex(z):
            return np.where(z.real > 0, z, self.slope * z)
        small: Array = np.multiply(z, self.slope, out=out)
        return np.maximum(small, z, out=small)

    def derivative(self, z: Array, a: Array, out: Array | None = None) -> Array:
        return _positive(z, self.slope, out)


@ACTIVATIONS.register
@dataclass(frozen=True)
class Elu(Elementwise):
    """z where z > 0, else α(eᶻ − 1).

    References
    ----------
    Clevert, Unterthiner and Hochreiter, Fast and accurate deep network learning
    by exponential linear units, 2016.
    """

    name = "elu"
    summary = "z where positive, alpha*(exp(z) - 1) elsewhere"
    latex = r"z \text{ if } z > 0 \text{ else } \alpha (e^z - 1)"
    latex_derivative = r"1 \text{ if } z > 0 \text{ else } a + \alpha"

    alpha: float = parameter(1.0, "how far below 0 the curve goes", above=0.0)

    @property
    def kinks(self) -> tuple[float, ...]:
        return () if self.alpha == 1 else (0.0,)

    def value(self, z: Array, out: Array | None = None) -> Array:
        negative = np.where(z.real > 0, 0, z)
        curve = np.expm1(negative)
        curve *= self.alpha
        value: Array = np.add(curve, z - negative, out=out)
        return value

    def derivative(self, z: Array, a: Array, out: Array | None = None) -> Array:
        slope: Array = np.add(a, self.alpha, out=out)
        slope[z > 0] = 1
        return slope


_GELU_SCALE = math.sqrt(2 / math.pi)
_GELU_CUBE = 0.044715
_GELU_FLAT = 30.0
"""Beyond ±this the tanh is ±1 to the last bit, while z³ might overflow."""


@ACTIVATIONS.register
@dataclass(frozen=True)
class Gelu(Elementwise):
    """z·Φ(z) by its usual tanh form, ½z(1 + tanh(√(2/π)(z + 0.044715 z³))), within 0.0005 of the exact one.

    References
    ----------
    Hendrycks and Gimpel, Gaussian error linear units, 2016, section 2.
    """

    name = "gelu"
    summary = "z times the normal distribution's share below z (tanh form)"
    latex = r"\tfrac{z}{2}\left(1 + \tanh\left(\sqrt{2/\pi}\,(z + 0.044715 z^3)\right)\right)"
    latex_derivative = (
        r"\tfrac{1}{2}(1 + t) + \tfrac{z}{2}(1 - t^2)\sqrt{2/\pi}\,(1 + 0.134145 z^2),"
        r"\; t = \tanh\left(\sqrt{2/\pi}\,(z + 0.044715 z^3)\right)"
    )

    def value(self, z: Array, out: Array | None = None) -> Array:
        half = _gelu_tanh(z)
        half += 1
        half *= 0.5
        return np.multiply(half, z, out=out)

    def derivative(self, z: Array, a: Array, out: Array | None = None) -> Array:
        t, held = _gelu_tanh(z), _gelu_held(z)
        inner = _GELU_SCALE * (1 + 3 * _GELU_CUBE * held * held)
        slope: Array = np.multiply(0.5, 1 + t + held * (1 - t * t) * inner, out=out)
        return slope


def _gelu_tanh(z: Array) -> Array:
    held = _gelu_held(z)
    return np.tanh(_GELU_SCALE * (held + _GELU_CUBE * held * held * held))


def _gelu_held(z: Array) -> Array:
    return at_least(at_most(z, _GELU_FLAT), -_GELU_FLAT)


_SILU_FLAT = -709.0
"""Below this the value is 0 but for rounding; σ(z) stops at a smallest number, which z must not blow up."""


@ACTIVATIONS.register
@dataclass(frozen=True)
class Silu(Elementwise):
    """z·σ(z), also called swish.

    References
    ----------
    Elfwing, Uchibe and Doya, Sigmoid-weighted linear units, 2017.
    """

    name = "silu"
    summary = "z times sigmoid(z), also called swish"
    latex = r"\frac{z}{1 + e^{-z}}"
    latex_derivative = r"s + a (1 - s),\; s = \frac{1}{1 + e^{-z}}"

    def value(self, z: Array, out: Array | None = None) -> Array:
        return np.multiply(Sigmoid().value(z), at_least(z, _SILU_FLAT), out=out)

    def derivative(self, z: Array, a: Array, out: Array | None = None) -> Array:
        s = Sigmoid().value(z)
        slope: Array = np.add(s, a * (1 - s), out=out)
        return slope


@ACTIVATIONS.register
@dataclass(frozen=True)
class Softplus(Elementwise):
    """log(1 + eᶻ), a smooth max(0, z), computed as max(0, z) + log(1 + e^−|z|)."""

    name = "softplus"
    summary = "log(1 + exp(z)), a smooth max(0, z)"
    latex = r"\log(1 + e^z)"
    latex_derivative = r"\frac{1}{1 + e^{-z}}"
    lowest = 0.0

    def value(self, z: Array, out: Array | None = None) -> Array:
        positive = Relu().value(z)
        minus_distance = z - positive - positive  # −|z|, for complex z by the sign of its real part
        value: Array = np.add(np.log1p(np.exp(minus_distance)), positive, out=out)
        return value

    def derivative(self, z: Array, a: Array, out: Array | None = None) -> Array:
        return Sigmoid().value(z, out=out)


@ACTIVATIONS.register
@dataclass(frozen=True)
class Softmax(Activation):
    """e^{z_j} / Σₖ e^{z_k}: a row of positive shares that sum to 1.

    Every output depends on every z of its row, so the Jacobian ∂a_j/∂z_k = a_j([j=k] − a_k) is not
    diagonal and its product with an upstream error u is a ⊙ (u − Σₖ uₖaₖ).
    """

    name = "softmax"
    summary = "shares that sum to 1; the output for classes"
    latex = r"\frac{e^{z_j}}{\sum_k e^{z_k}}"
    latex_derivative = r"a_j ([j = k] - a_k)"
    lowest, highest = 0.0, 1.0

    def value(self, z: Array, out: Array | None = None) -> Array:
        shifted: Array = np.subtract(z, row_maxima(z.real), out=out)
        exponentials: Array = np.exp(shifted, out=shifted)
        exponentials /= row_sums(exponentials)
        return exponentials

    def pullback(
        self,
        upstream: Array,
        z: Array,
        a: Array,
        *,
        out: Array | None = None,
        scratch: Array | None = None,
    ) -> Array:
        weighted: Array = np.multiply(upstream, a, out=scratch)
        difference: Array = np.subtract(upstream, row_sums(weighted), out=out)
        difference *= a
        return difference
