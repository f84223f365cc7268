"""Optimizers: how a gradient becomes a step of the parameters."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np

from bpnet.core.arrays import BLOCK, Array
from bpnet.core.registry import Registry, parameter

State: TypeAlias = dict[str, Array]
"""What an optimizer remembers between steps; arrays only, so that a checkpoint can hold it."""


class Optimizer(ABC):
    """A rule θ ← θ − η·(something made of the gradient), over the flat vector of all parameters.

    Attributes
    ----------
    name, summary, latex : str
        As YAML writes it; one line of help; the rule, with g the gradient and η the learning rate.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    latex: ClassVar[str]

    @abstractmethod
    def start(self, parameters: Array) -> State:
        """What is remembered before the first step."""

    def step(
        self, parameters: Array, gradient: Array, learning_rate: float, state: State, n_weights: int
    ) -> None:
        """Move the parameters, in place.

        Parameters
        ----------
        parameters, gradient : ndarray of shape (P,)
            The gradient is used as scratch paper: its values are gone afterwards.
        learning_rate : float
            η.
        state : dict of str to ndarray
            What :meth:`start` returned; updated in place.
        n_weights : int
            The first so many parameters are weights, the rest biases.
        """
        self.update(parameters, gradient, state, n_weights, self.factors(learning_rate, state))

    def update(
        self,
        parameters: Array,
        gradient: Array,
        state: State,
        n_weights: int,
        factors: tuple[float, ...],
        *,
        block: int = BLOCK,
    ) -> None:
        """Do what :meth:`step` does once it has its numbers, so many parameters at a time."""
        size = len(parameters)
        if size <= block:
            self.move(parameters, gradient, state, factors)
            return
        for start in range(0, size, block):
            part = slice(start, start + block)
            there = {name: array[part] if len(array) == size else array for name, array in state.items()}
            self.move(parameters[part], gradient[part], there, factors)

    def settle(self, state: State) -> None:
        """Let what has shrunk below the smallest number of full precision be 0, once in some dozens of steps.

        Where a gradient is 0 for long, what is remembered of it shrinks there, and processors are many times
        slower at such numbers.
        """
        for array in state.values():
            if array.dtype.kind == "f":
                least = np.finfo(array.dtype).tiny
                for start in range(0, len(array), BLOCK):
                    part = array[start : start + BLOCK]
                    part[np.abs(part) < least] = 0

    def factors(self, learning_rate: float, state: State) -> tuple[float, ...]:
        """Numbers of a step that are the same for every parameter; a rule that counts steps does so here."""
        return (learning_rate,)

    @abstractmethod
    def move(self, parameters: Array, gradient: Array, state: State, factors: tuple[float, ...]) -> None:
        """Move some of the parameters, each by itself: a block that fits in the cache.

        Parameters
        ----------
        parameters, gradient : ndarray of shape (B,)
        state : dict of str to ndarray
            The same block of every array that has one number a parameter; other arrays whole.
        factors : tuple of float
            What :meth:`factors` returned for this step.
        """


OPTIMIZERS: Registry[Optimizer] = Registry("optimizer")


@OPTIMIZERS.register
@dataclass(frozen=True)
class Sgd(Optimizer):
    """θ ← θ − ηv with v ← μv + g; Nesterov's form steps along g + μv instead.

    References
    ----------
    Sutskever, Martens, Dahl and Hinton, On the importance of initialization and momentum
    in deep learning, 2013.
    """

    name = "sgd"
    summary = "plain gradient descent, with momentum if asked"
    latex = r"v \leftarrow \mu v + g,\; \theta \leftarrow \theta - \eta v"

    momentum: float = parameter(0.0, "share of the last step that is kept", minimum=0.0, below=1.0)
    nesterov: bool = parameter(default=False, text="look ahead along the momentum")

    def __post_init__(self) -> None:
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov: looks ahead along the momentum, which is 0: give momentum too")

    def start(self, parameters: Array) -> State:
        return {"v": np.zeros_like(parameters)} if self.momentum else {}

    def move(self, parameters: Array, gradient: Array, state: State, factors: tuple[float, ...]) -> None:
        (learning_rate,) = factors
        if self.momentum:
            v = state["v"]
            v *= self.momentum
            v += gradient
            if self.nesterov:
                gradient += self.momentum * v
            else:
                gradient[:] = v
        gradient *= learning_rate
        parameters -= gradient


@OPTIMIZERS.register
@dataclass(frozen=True)
class RmsProp(Optimizer):
    """θ ← θ − ηg/(√s + ε) with s ← ρs + (1 − ρ)g².

    References
    ----------
    Tieleman and Hinton, Coursera lecture 6.5, 2012.
    """

    name = "rmsprop"
    summary = "gradient divided by its recent size"
    latex = (
        r"s \leftarrow \rho s + (1 - \rho) g^2,\;"
        r"\theta \leftarrow \theta - \eta \frac{g}{\sqrt{s} + \epsilon}"
    )

    rho: float = parameter(0.9, "memory of the squared gradient", minimum=0.0, below=1.0)
    eps: float = parameter(1e-8, "keeps the division finite", above=0.0)

    def start(self, parameters: Array) -> State:
        return {"s": np.zeros_like(parameters)}

    def move(self, parameters: Array, gradient: Array, state: State, factors: tuple[float, ...]) -> None:
        (learning_rate,) = factors
        s, scratch = state["s"], np.multiply(gradient, gradient)
        scratch *= 1 - self.rho
        s *= self.rho
        s += scratch
        np.sqrt(s, out=scratch)
        scratch += self.eps
        gradient /= scratch
        gradient *= learning_rate
        parameters -= gradient


@OPTIMIZERS.register
@dataclass(frozen=True)
class Adam(Optimizer):
    """Mean of the gradient over the root of its mean square, both corrected for their start at 0.

    References
    ----------
    Kingma and Ba, Adam: a method for stochastic optimization, 2015, algorithm 1.
    """

    name = "adam"
    summary = "running mean of the gradient over its running size"
    latex = (
        r"m \leftarrow \beta_1 m + (1 - \beta_1) g,\; s \leftarrow \beta_2 s + (1 - \beta_2) g^2,\;"
        r"\theta \leftarrow \theta - \eta \frac{m / (1 - \beta_1^t)}{\sqrt{s / (1 - \beta_2^t)} + \epsilon}"
    )

    beta1: float = parameter(0.9, "memory of the gradient", minimum=0.0, below=1.0)
    beta2: float = parameter(0.999, "memory of the squared gradient", minimum=0.0, below=1.0)
    eps: float = parameter(1e-8, "keeps the division finite", above=0.0)

    def start(self, parameters: Array) -> State:
        return {"m": np.zeros_like(parameters), "s": np.zeros_like(parameters), "t": np.zeros(1, np.int64)}

    def factors(self, learning_rate: float, state: State) -> tuple[float, ...]:
        """What corrects s and m for their start at 0, the latter times η."""
        state["t"] += 1
        steps = int(state["t"][0])
        return 1 / (1 - self.beta2**steps), learning_rate / (1 - self.beta1**steps)

    def move(self, parameters: Array, gradient: Array, state: State, factors: tuple[float, ...]) -> None:
        m, s, (correction, learning_rate) = state["m"], state["s"], factors
        scratch = np.multiply(gradient, gradient)
        scratch *= 1 - self.beta2
        s *= self.beta2
        s += scratch
        gradient *= 1 - self.beta1
        m *= self.beta1
        m += gradient
        np.multiply(s, correction, out=scratch)
        np.sqrt(scratch, out=scratch)
        scratch += self.eps
        np.divide(m, scratch, out=gradient)
        gradient *= learning_rate
        parameters -= gradient


@OPTIMIZERS.register
@dataclass(frozen=True)
class AdamW(Adam):
    """Adam, with the weights (not the biases) also shrunk by ηλ a step, apart from the gradient.

    References
    ----------
    Loshchilov and Hutter, Decoupled weight decay regularization, 2019, algorithm 2.
    """

    name = "adamw"
    summary = "adam, with weight decay apart from the gradient"
    latex = Adam.latex + r" - \eta \lambda \theta"

    weight_decay: float = parameter(
        0.01, "lambda, the share of a weight lost a step, times the rate", minimum=0.0
    )

    def factors(self, learning_rate: float, state: State) -> tuple[float, ...]:
        return 1 - learning_rate * self.weight_decay, *super().factors(learning_rate, state)

    def update(
        self,
        parameters: Array,
        gradient: Array,
        state: State,
        n_weights: int,
        factors: tuple[float, ...],
        *,
        block: int = BLOCK,
    ) -> None:
        kept, *others = factors
        parameters[:n_weights] *= kept
        super().update(parameters, gradient, state, n_weights, tuple(others), block=block)
