"""The check's own check: faults planted in a copy of the gradient, of which every one must be caught.

A fault that changes no number at a point cannot be caught there, by anybody: a network without a hidden
layer has no BP2 to get wrong. Such a fault is planted in a network that can show it.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from bpnet.core.activations import Sigmoid
from bpnet.core.arrays import Array
from bpnet.core.backprop import Gradients
from bpnet.core.losses import Quadratic
from bpnet.core.network import Layer, Trace
from bpnet.core.optimizers import Adam, Sgd, State
from bpnet.inspection.comparison import relative_errors
from bpnet.inspection.mistakes import Ingredients, Mistake, Tensors, structural_mistakes, tensors_of
from bpnet.inspection.point import Point
from bpnet.inspection.probe import draw_network
from bpnet.inspection.records import FAIL, PASS, PlantedFault, SelfTest
from bpnet.inspection.rounding import largest
from bpnet.inspection.stages import check_optimizer
from bpnet.inspection.tensors import Numeric, check_tensors, choose
from bpnet.inspection.words import Key

VISIBLE = 1e-6
"""Relative change from which a fault counts as one."""

ROUNDINGS = 1000
"""So many times the rounding of a tensor may change without being a fault."""

_BACKWARD = (
    "no σ′ at the output",
    "no σ′ at a hidden layer",
    "the share heuristic for BP2",
    "updated W in BP2",
    "no transpose",
    "σ′ of a",
    "z in place of a",
)
_RATE = 0.5


@dataclass(frozen=True)
class Looked:
    """A point with its gradient and what that is compared with."""

    point: Point
    trace: Trace
    gradients: Gradients
    numeric: Numeric


def _right(looked: Looked) -> dict[Key, Array]:
    """The right gradient to plant faults in: by complex step as far as it goes.

    On top of a gradient that is wrong itself, a fault might mend it.
    """
    found = {key: array.copy() for key, array in tensors_of(looked.gradients).items()}
    for key, elements in looked.numeric.elements.items():
        found[key].reshape(-1)[elements] = looked.numeric.values[key]
    return found


def _made(mistake: Mistake) -> "Callable[[Looked], Iterator[Tensors]]":
    def plant(looked: Looked) -> Iterator[Tensors]:
        ingredients = Ingredients.of(looked.point, looked.trace)
        for layers in mistake.variants(looked.point):
            yield tensors_of(mistake.make(ingredients, layers).gradients())

    return plant


def _scaled(factor: Callable[[Looked], float], which: str) -> "Callable[[Looked], Iterator[Tensors]]":
    """Multiply all tensors, or every W, or every b, and each alone."""

    def plant(looked: Looked) -> Iterator[Tensors]:
        right = _right(looked)
        mine = [key for key in right if key[0] in which]
        for chosen in (mine, *([key] for key in mine)):
            yield {key: array * factor(looked) if key in chosen else array for key, array in right.items()}

    return plant


def _summed_biases(looked: Looked) -> Iterator[Tensors]:
    right = _right(looked)
    for l in looked.gradients.nabla_b:
        total = right["b", l].sum()
        yield {**right, ("b", l): np.full_like(right["b", l], total)}


def _first_layers(looked: Looked) -> Iterator[Tensors]:
    """The first third of the layers, at least one, where three or more are behind each other."""
    right, L = _right(looked), looked.point.network.L
    if L > 3:  # noqa: PLR2004 - a deep net has at least two hidden layers
        first = range(2, 2 + max(1, (L - 1) // 3))
        yield {key: array * -3 if key[1] in first else array for key, array in right.items()}


def _single_elements(looked: Looked) -> Iterator[Tensors]:
    right = _right(looked)
    for key, elements in looked.numeric.elements.items():
        size = float(np.abs(right[key]).max())
        for element in elements[np.linspace(0, len(elements) - 1, min(len(elements), 3)).astype(int)]:
            spoilt = right[key].copy()
            spoilt.reshape(-1)[element] += 1e-3 * size
            yield {**right, key: spoilt}


def _swapped(looked: Looked) -> Iterator[Tensors]:
    """Two layers' gradients in each other's place, as far as the smaller one goes."""
    right = _right(looked)
    for l in range(2, looked.point.network.L):
        spoilt = _right(looked)
        for name in ("W", "b"):
            n = min(right[name, l].size, right[name, l + 1].size)
            spoilt[name, l].reshape(-1)[:n] = right[name, l + 1].reshape(-1)[:n]
            spoilt[name, l + 1].reshape(-1)[:n] = right[name, l].reshape(-1)[:n]
        yield spoilt


def _batch(looked: Looked) -> float:
    return float(len(looked.point.X))


def faults() -> dict[str, Callable[[Looked], Iterator[Tensors]]]:
    """Every fault of the gradient by its name: a function that plants it in all its variants."""
    backward = {kind.name: _made(kind) for kind in structural_mistakes(_RATE) if kind.name in _BACKWARD}
    return {
        **{name: backward[name] for name in _BACKWARD},
        "factor 2": _scaled(lambda _: 2.0, "Wb"),
        "sign": _scaled(lambda _: -1.0, "Wb"),
        "zero bias gradient": _scaled(lambda _: 0.0, "b"),
        "bias summed over a layer": _summed_biases,
        "missing 1/N in W": _scaled(_batch, "W"),
        "missing 1/N in b": _scaled(_batch, "b"),
        "a tensor × 1.001": _scaled(lambda _: 1.001, "Wb"),
        "first layers × −3 in a deep net": _first_layers,
        "one single element wrong": _single_elements,
        "two layers' gradients swapped": _swapped,
    }


def reference_point() -> Point:
    """A network that can show every fault: deep, with square matrices, several samples and outputs."""
    rng = np.random.default_rng(2)
    sizes = (3, 4, 4, 4, 2)
    layers = [Layer(n_in, n_out, Sigmoid()) for n_in, n_out in itertools.pairwise(sizes)]
    X, Y = rng.standard_normal((3, 3)), rng.random((3, 2))
    return Point("a 3-4-4-4-2 sigmoid network", draw_network(layers, rng), X, Y, Quadratic())


def look_at(point: Point, seconds: float) -> Looked:
    """Compute what the faults are planted in and compared with."""
    trace = point.forward()
    return Looked(point, trace, point.backward(trace), Numeric(point, trace, choose(point, seconds)))


@np.errstate(all="ignore")
def run_self_test(looked: list[Looked], *, thorough: bool) -> SelfTest:
    """Plant every fault, and see whether it is caught.

    Parameters
    ----------
    looked : list of Looked
        The points that were checked; faults are planted in the last, or in all if ``thorough``.
    thorough : bool
        Every point, and the reference network too.
    """
    reference = look_at(reference_point(), 1.0)
    mine = looked if thorough else looked[-1:]
    tested = [_test(name, plant, mine, reference, thorough=thorough) for name, plant in faults().items()]
    return SelfTest((*tested, _test_steps()))


def _test(
    name: str,
    plant: Callable[[Looked], Iterator[Tensors]],
    mine: list[Looked],
    reference: Looked,
    *,
    thorough: bool,
) -> PlantedFault:
    variants, missed = _plant_in(plant, mine)
    note = ""
    if not variants or thorough:
        there, missed_there = _plant_in(plant, [reference])
        if not variants:
            note = f"changes no number here: planted in {reference.point.name}"
        variants, missed = variants + there, missed + missed_there
    if missed:
        note = f"missed {len(missed)} of {variants}: {missed[0]}"
    return PlantedFault(name, caught=not missed and variants > 0, variants=variants, note=note)


def _plant_in(plant: Callable[[Looked], Iterator[Tensors]], points: list[Looked]) -> tuple[int, list[str]]:
    """Plant at some points; returns how many variants changed a number, and those not caught."""
    variants, missed = 0, []
    for looked in points:
        for spoilt in plant(looked):
            named = changed(looked, spoilt)
            if not named:
                continue
            passes = all(check.verdict == PASS for check in check_tensors(spoilt, looked.numeric))
            if passes and _within_rounding(looked, spoilt):
                continue
            variants += 1
            if passes:
                missed.append(f"at {looked.point.name}, {named} differs and passes")
    return variants, missed


def changed(looked: Looked, spoilt: Tensors) -> str:
    """Name the first tensor that a fault changes beyond doubt; empty if there is none."""
    for (name, l), elements in looked.numeric.elements.items():
        before, after = looked.numeric.values[name, l], spoilt[name, l].ravel()[elements]
        errors = relative_errors(after, before)
        beyond = np.abs(after - before) > VISIBLE * np.abs(before).max()
        if not np.isfinite(after).all() or (beyond & (errors > VISIBLE)).any():
            return f"{name}{l}"
    return ""


def _within_rounding(looked: Looked, spoilt: Tensors) -> bool:
    """Whether a fault moves nothing but rounding, as it does where the true gradient is 0."""
    for key, elements in looked.numeric.elements.items():
        before, after = looked.numeric.values[key], spoilt[key].ravel()[elements]
        moved = np.abs(after - before)[relative_errors(after, before) > VISIBLE]
        if largest(moved) > ROUNDINGS * looked.numeric.noise(key):
            return False
    return True


class _Forgetful(Sgd):
    """Momentum that does not remember."""

    def step(
        self, parameters: Array, gradient: Array, learning_rate: float, state: State, n_weights: int
    ) -> None:
        state["v"][:] = 0
        super().step(parameters, gradient, learning_rate, state, n_weights)


class _Uncorrected(Adam):
    """Adam without the correction of its start at 0."""

    def step(
        self, parameters: Array, gradient: Array, learning_rate: float, state: State, n_weights: int
    ) -> None:
        state["t"][:] = 10**6
        super().step(parameters, gradient, learning_rate, state, n_weights)


def _test_steps() -> PlantedFault:
    """Wrong steps of momentum and Adam must not pass for right ones."""
    wrong = ((_Forgetful(momentum=0.9), Sgd(momentum=0.9)), (_Uncorrected(), Adam()))
    found = [check_optimizer(optimizer, reference) for optimizer, reference in wrong]
    caught = all(stage is not None and stage.verdict == FAIL for stage in found)
    return PlantedFault("momentum or Adam steps gone wrong", caught=caught, variants=len(wrong))
