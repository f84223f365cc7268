"""Initializers: the weights and biases that training starts from."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpnet.core.arrays import Array
from bpnet.core.registry import Registry


class Initializer(ABC):
    """A distribution of a layer's first weights; biases start at 0 unless the class says otherwise.

    Attributes
    ----------
    name, summary : str
        As YAML writes it; one line of help.
    """

    name: ClassVar[str]
    summary: ClassVar[str]

    @abstractmethod
    def weights(self, n_in: int, n_out: int, rng: np.random.Generator) -> Array:
        """W, a float64 array of shape (n_out, n_in)."""

    def biases(self, n_out: int, rng: np.random.Generator) -> Array:
        """b, a float64 array of shape (n_out,)."""
        return np.zeros(n_out)


INITIALIZERS: Registry[Initializer] = Registry("initializer")


class _Scaled(Initializer):
    """Weights of a variance that fits the layer's size."""

    @abstractmethod
    def variance(self, n_in: int, n_out: int) -> float:
        """Variance of one weight."""


class _Uniform(_Scaled):
    def weights(self, n_in: int, n_out: int, rng: np.random.Generator) -> Array:
        limit = math.sqrt(3 * self.variance(n_in, n_out))
        return rng.uniform(-limit, limit, size=(n_out, n_in))


class _Normal(_Scaled):
    def weights(self, n_in: int, n_out: int, rng: np.random.Generator) -> Array:
        return rng.normal(0, math.sqrt(self.variance(n_in, n_out)), size=(n_out, n_in))


class _Glorot(_Scaled):
    """Keeps the size of both a and δ from layer to layer (Glorot and Bengio, 2010)."""

    def variance(self, n_in: int, n_out: int) -> float:
        return 2 / (n_in + n_out)


class _He(_Scaled):
    """Makes up for the half that ReLU cuts off (He, Zhang, Ren and Sun, 2015)."""

    def variance(self, n_in: int, n_out: int) -> float:
        return 2 / n_in


class _Lecun(_Scaled):
    """Keeps the size of a from layer to layer (LeCun, Bottou, Orr and Müller, 1998)."""

    def variance(self, n_in: int, n_out: int) -> float:
        return 1 / n_in


@INITIALIZERS.register
@dataclass(frozen=True)
class GlorotUniform(_Glorot, _Uniform):
    """Uniform with variance 2/(n_in + n_out)."""

    name = "glorot_uniform"
    summary = "uniform, variance 2/(n_in + n_out); for sigmoid and tanh"


@INITIALIZERS.register
@dataclass(frozen=True)
class GlorotNormal(_Glorot, _Normal):
    """Normal with variance 2/(n_in + n_out)."""

    name = "glorot_normal"
    summary = "normal, variance 2/(n_in + n_out); for sigmoid and tanh"


@INITIALIZERS.register
@dataclass(frozen=True)
class HeUniform(_He, _Uniform):
    """Uniform with variance 2/n_in."""

    name = "he_uniform"
    summary = "uniform, variance 2/n_in; for ReLU and its kin"


@INITIALIZERS.register
@dataclass(frozen=True)
class HeNormal(_He, _Normal):
    """Normal with variance 2/n_in."""

    name = "he_normal"
    summary = "normal, variance 2/n_in; for ReLU and its kin"


@INITIALIZERS.register
@dataclass(frozen=True)
class LecunUniform(_Lecun, _Uniform):
    """Uniform with variance 1/n_in."""

    name = "lecun_uniform"
    summary = "uniform, variance 1/n_in"


@INITIALIZERS.register
@dataclass(frozen=True)
class LecunNormal(_Lecun, _Normal):
    """Normal with variance 1/n_in, biases 0."""

    name = "lecun_normal"
    summary = "normal, variance 1/n_in"


@INITIALIZERS.register
@dataclass(frozen=True)
class Nielsen(_Lecun, _Normal):
    """Normal weights with variance 1/n_in and standard normal biases (Nielsen, chapter 3)."""

    name = "nielsen"
    summary = "normal, variance 1/n_in, biases N(0, 1): Nielsen's chapter 3"

    def biases(self, n_out: int, rng: np.random.Generator) -> Array:
        return rng.standard_normal(n_out)


@INITIALIZERS.register
@dataclass(frozen=True)
class StandardNormal(Initializer):
    """N(0, 1) for weights and biases alike (Nielsen, chapter 1)."""

    name = "standard_normal"
    summary = "N(0, 1) for weights and biases: Nielsen's chapter 1"

    def weights(self, n_in: int, n_out: int, rng: np.random.Generator) -> Array:
        return rng.standard_normal((n_out, n_in))

    def biases(self, n_out: int, rng: np.random.Generator) -> Array:
        return rng.standard_normal(n_out)


@INITIALIZERS.register
@dataclass(frozen=True)
class Zeros(Initializer):
    """All 0: every unit of a layer then learns the same, which shows why a start must break the symmetry."""

    name = "zeros"
    summary = "all 0: shows why symmetry must be broken"

    def weights(self, n_in: int, n_out: int, rng: np.random.Generator) -> Array:
        return np.zeros((n_out, n_in))
