"""What is explained, with its passes done: the names of its quantities, and their independent derivatives."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bpnet.core.activations import Activation, Elementwise
from bpnet.core.arrays import Array
from bpnet.core.losses import Loss
from bpnet.core.registry import parameters_of
from bpnet.errors import BpnetError
from bpnet.inspection.comparison import THRESHOLD, relative_errors
from bpnet.inspection.complex_step import by_z
from bpnet.inspection.explanation.blocks import Check
from bpnet.inspection.formulas import Expression, Name, Partial, Quantity, Slope
from bpnet.inspection.point import Point
from bpnet.inspection.registry_formulas import read_formula
from bpnet.inspection.rounding import FORGIVEN, largest
from bpnet.inspection.stages import DeltaNoise
from bpnet.inspection.tensors import Numeric
from bpnet.inspection.words import Key

GREEK = {"alpha": "α"}
"""Hyperparameters that have a Greek letter in formulas; the others have their first."""

MOST_UNITS = 3
"""Units of a layer that are shown one by one, if it has no more."""

MOST_TERMS = 6
"""Terms of a sum that are shown one by one."""


@dataclass(frozen=True)
class Subject:
    """What is to be explained.

    Attributes
    ----------
    what : str
        The network, in words.
    sample : str
        The sample, in words.
    point : Point
        One sample.
    batch : Point or None
        Several samples whose gradients are averaged; None for the one.
    layer : int
    unit : int or None
        The unit that is looked at in a wide layer, from 1; None chooses the one with the largest δ.
    weight : (int, int) or None
        The weight whose chain rule is written out: to unit j from unit k; None chooses.
    learning_rate : float
    train_biases : bool
    training : str
        How training itself steps, if that is not plain gradient descent; else empty.
    number : int
        The sample's, among the training rows, from 1.
    around : (ndarray, ndarray) or None
        Inputs and targets of other rows, to be drawn around the sample where there are two inputs.
    """

    what: str
    sample: str
    point: Point
    batch: Point | None
    layer: int
    unit: int | None
    weight: tuple[int, int] | None
    learning_rate: float
    train_biases: bool
    training: str
    number: int = 1
    around: tuple[Array, Array] | None = None


class View:
    """A subject with its passes done.

    Parameters
    ----------
    subject : Subject
    """

    def __init__(self, subject: Subject) -> None:
        self.subject, self.point, self.l = subject, subject.point, subject.layer
        self.network = self.point.network
        self.trace = self.point.forward()
        self.gradients = self.point.backward(self.trace)
        self.whole = self.point if subject.batch is None else subject.batch
        self.whole_trace = self.trace if subject.batch is None else self.whole.forward()
        self.whole_gradients = (
            self.gradients if subject.batch is None else self.whole.backward(self.whole_trace)
        )

    # Which units

    @cached_property
    def unit(self) -> int:
        """The unit that is looked at."""
        if self.subject.unit is not None:
            return self.subject.unit
        if self.subject.weight is not None:
            return self.subject.weight[0]
        return 1 if self.width(self.l) <= MOST_UNITS else int(np.abs(self.delta(self.l)).argmax()) + 1

    @cached_property
    def weight(self) -> tuple[int, int]:
        """The weight whose chain rule is written out: the one of the unit whose input is largest."""
        if self.subject.weight is not None:
            return self.subject.weight
        inputs = self.trace.a[self.l - 1][0]
        return self.unit, 1 if len(inputs) <= MOST_UNITS else int(np.abs(inputs).argmax()) + 1

    def shown(self, l: int) -> tuple[int, ...]:
        """Units of a layer that are shown one by one: all of a narrow one, else one."""
        if self.width(l) <= MOST_UNITS and self.subject.unit is None:
            return tuple(range(1, self.width(l) + 1))
        return (self.unit,) if l == self.l else (int(np.abs(self.delta(l)).argmax()) + 1,)

    def width(self, l: int) -> int:
        """Units of a layer."""
        return self.network.sizes[l - 1]

    # Values

    @property
    def L(self) -> int:
        return self.network.L

    def delta(self, l: int) -> Array:
        """δ of the sample, of shape (n_l,)."""
        row: Array = self.gradients.delta[l][0]
        return row

    def activation(self, l: int) -> Activation:
        return self.network.layers[l].activation

    def is_elementwise(self, l: int) -> bool:
        return isinstance(self.activation(l), Elementwise)

    def slopes(self, l: int) -> Array:
        """σ′(z) of an elementwise layer, of shape (n_l,): what the way back multiplies by."""
        ones = np.ones((1, self.width(l)))
        row: Array = self.activation(l).pullback(ones, self.trace.z[l], self.trace.a[l])[0]
        return row

    def upstream(self, l: int) -> Array:
        """∂C/∂a of the sample, of shape (n_l,), before σ′: BP2's Wᵀδ, or the loss's own at the output."""
        if l < self.L:
            carried: Array = self.delta(l + 1) @ self.network.W[l + 1]
            return carried
        own: Array = self.point.loss.gradient(self.trace.outputs, self.point.Y)[0] * self.sample_weight
        return own

    def error(self) -> Array:
        """E = a − y, of shape (n_L,)."""
        row: Array = self.trace.outputs[0] - self.point.Y[0]
        return row

    @property
    def sample_weight(self) -> float:
        """Factor on the sample's loss."""
        return 1.0 if self.point.sample_weight is None else float(self.point.sample_weight[0])

    # Names

    def a(self, l: int, j: int) -> Name:
        return Name("a", float(self.trace.a[l][0, j - 1]), l, (j,))

    def z(self, l: int, j: int) -> Name:
        return Name("z", float(self.trace.z[l][0, j - 1]), l, (j,))

    def w(self, l: int, j: int, k: int) -> Name:
        return Name("w", float(self.network.W[l][j - 1, k - 1]), l, (j, k))

    def b(self, l: int, j: int) -> Name:
        return Name("b", float(self.network.b[l][j - 1]), l, (j,))

    def y(self, j: int) -> Name:
        return Name("y", float(self.point.Y[0, j - 1]), None, (j,))

    def d(self, l: int, j: int) -> Name:
        return Name("δ", float(self.delta(l)[j - 1]), l, (j,))

    def e(self, j: int) -> Name:
        return Name("E", float(self.error()[j - 1]), None, (j,))

    def slope(self, l: int, j: int) -> Slope:
        return Slope(self.z(l, j), float(self.slopes(l)[j - 1]))

    def C(self) -> Name:
        """The cost of the sample; beside a batch it has the sample's number."""
        number = None if self.subject.batch is None else self.subject.number
        return Name("C", self.point.cost(self.trace), sample=number)

    def whole_C(self) -> Name:
        """The cost that is stepped down: the sample's, or the batch's."""
        return Name("C", self.whole.cost(self.whole_trace))

    def dC_da(self, l: int, j: int) -> Partial:
        return Partial(self.C(), self.a(l, j), float(self.upstream(l)[j - 1]))

    def dC_db(self, l: int, j: int) -> Partial:
        return Partial(self.whole_C(), self.b(l, j), float(self.whole_gradients.nabla_b[l][j - 1]))

    def dC_dw(self, l: int, j: int, k: int, *, one: bool = False) -> Partial:
        gradients, C = (self.gradients, self.C()) if one else (self.whole_gradients, self.whole_C())
        return Partial(C, self.w(l, j, k), float(gradients.nabla_W[l][j - 1, k - 1]))

    def jacobian(self, l: int, k: int, j: int) -> Partial:
        """∂a_k/∂z_j of a layer in which every a depends on every z."""
        upstream = np.eye(self.width(l))[[k - 1]]
        row = self.activation(l).pullback(upstream, self.trace.z[l][:1], self.trace.a[l][:1])[0]
        return Partial(self.a(l, k), self.z(l, j), float(row[j - 1]))

    @property
    def eta(self) -> Name:
        return Name("η", self.subject.learning_rate)

    # The registry's formulas

    def value_formula(self, l: int, j: int) -> Expression:
        """Σ(z) of a unit."""
        return self._read(type(self.activation(l)).latex, self.activation(l), l, j)

    def slope_formula(self, l: int, j: int, **indices: int) -> Expression:
        """σ′(z) of a unit, or an element of the Jacobian."""
        return self._read(type(self.activation(l)).latex_derivative, self.activation(l), l, j, **indices)

    def loss_formula(self) -> Expression:
        """ℓ of the sample."""
        return self._read(type(self.point.loss).latex, self.point.loss, self.L, None)

    def loss_gradient_formula(self, j: int) -> Expression:
        """∂ℓ/∂a of an output."""
        return self._read(type(self.point.loss).latex_gradient, self.point.loss, self.L, j)

    def _read(
        self, latex: str, owner: Activation | Loss, l: int, unit: int | None, **indices: int
    ) -> Expression:
        names = {letter: name for name, letter in GREEK.items()}

        def lookup(letter: str, j: int | None) -> Expression:
            own = {p.name: getattr(owner, p.name) for p in parameters_of(type(owner))}
            if j is not None and letter in ("z", "a", "y"):
                return {"z": self.z, "a": self.a}[letter](l, j) if letter != "y" else self.y(j)
            name = names.get(letter) or next(name for name in own if name.startswith(letter))
            return Name(letter, float(own[name]))

        try:
            return read_formula(latex, lookup, self.width(l), unit, **indices)
        except (KeyError, StopIteration, ValueError) as error:
            raise BpnetError(
                f"The LaTeX of {owner.name} cannot be read: {error}.",
                advice="CONTRIBUTING.md says what it may hold.",
            ) from error

    # Proofs

    def prove_delta(self, l: int, units: Sequence[int]) -> dict[int, Check]:
        """δ of some units, by unit."""
        chosen = np.array(units) - 1
        numeric = by_z(self.point, self.trace, l, chosen)
        noise = DeltaNoise(self.point, l, chosen, numeric).of_delta
        names = [self.d(l, j) for j in units]
        return dict(zip(units, _checks(names, numeric[0], self.delta(l), noise), strict=True))

    def prove_b(self, l: int, units: Sequence[int]) -> dict[int, Check]:
        """∂C/∂b of some units, by unit."""
        names = [self.dC_db(l, j) for j in units]
        return dict(zip(units, self._proved(("b", l), names, np.array(units) - 1), strict=True))

    def prove_w(
        self, l: int, pairs: Sequence[tuple[int, int]], *, one: bool = False
    ) -> dict[tuple[int, int], Check]:
        """∂C/∂w of some weights, by unit and input; of the one sample, or of the batch if there is one."""
        elements = np.array([(j - 1) * self.width(l - 1) + k - 1 for j, k in pairs])
        names = [self.dC_dw(l, j, k, one=one) for j, k in pairs]
        return dict(zip(pairs, self._proved(("W", l), names, elements, one=one), strict=True))

    def _proved(
        self, key: Key, names: Sequence[Quantity], elements: Array, *, one: bool = False
    ) -> list[Check]:
        point, trace = (self.point, self.trace) if one else (self.whole, self.whole_trace)
        gradients = self.gradients if one else self.whole_gradients
        numeric = Numeric(point, trace, {key: elements})
        nabla = (gradients.nabla_W if key[0] == "W" else gradients.nabla_b)[key[1]]
        return _checks(names, numeric.values[key], nabla, lambda: numeric.noise(key))


def _checks(
    names: Sequence[Quantity], numeric: Array, tensor: Array, noise: Callable[[], float]
) -> list[Check]:
    """Compare as the gradient check does, with the floor of the whole tensor and what rounding explains."""
    analytic = np.array([each.value for each in names])
    # The tensor's largest element goes along, so that the floor is the tensor's.
    peak = largest(tensor)
    errors = relative_errors(np.append(analytic, peak), np.append(numeric, peak))[:-1]
    if (errors > THRESHOLD).any():
        errors = np.where(np.abs(analytic - numeric) <= FORGIVEN * noise(), 0, errors)
    return [
        Check(name, name.value, float(value), bool(error <= THRESHOLD))
        for name, value, error in zip(names, numeric, errors, strict=True)
    ]
