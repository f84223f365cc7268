"""Stage by stage: each equation at each layer against derivatives that know nothing of it.

On the way back the first equation that goes wrong is the diagnosis: whatever comes after it is wrong too.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from bpnet.core.arrays import Array
from bpnet.core.backprop import Gradients
from bpnet.core.losses import PartneredLoss
from bpnet.core.network import Network, Trace, draw_masks
from bpnet.core.optimizers import Optimizer
from bpnet.inspection import scalar
from bpnet.inspection.comparison import THRESHOLD, relative_errors
from bpnet.inspection.complex_step import Tail, by_weight, by_z
from bpnet.inspection.point import Point
from bpnet.inspection.records import FAIL, INCONCLUSIVE, NOT_FINITE, PASS, Stage
from bpnet.inspection.rounding import FORGIVEN, UNDERFLOW, largest, nudges, rounding_of_cost, shaken
from bpnet.inspection.tensors import WORK_A_SECOND, Numeric, tensor
from bpnet.inspection.words import Key

SCALAR_PARAMETERS = 5_000
"""Networks of so many parameters at most are run through once more in plain Python."""

_MASK_ROWS = 2_000
"""Samples whose dropout masks are looked at."""

_STANDARD_DEVIATIONS = 6
"""How far the share of units that are kept may be from the one asked for."""

_SMALL_COST = 1e-6
"""Size below which a cost's error is not measured against the cost."""

_OPTIMIZER_STEPS = 20
_SCALES = np.array([1.0, 1e-3, 1e-6, 1e-8, 1e-9])
"""Sizes of the gradients an optimizer is tried with: only small ones show what it adds to its divisor."""

_EPS = float(np.finfo(np.float64).eps)


def check_cost(point: Point, trace: Trace) -> Stage | None:
    """Compare the cost with plain Python's; None for a network too large, or with formulas unknown there."""
    network = point.network
    known = all(map(scalar.knows, (layer.activation for layer in network.layers.values())))
    if network.parameters.size > SCALAR_PARAMETERS or not known or point.loss.name not in scalar.LOSSES:
        return None
    C = point.cost(trace)
    try:
        exact = scalar.cost(point)
    except (OverflowError, ValueError):
        return Stage("cost", None, None, INCONCLUSIVE, point.name, "the cost overflows")
    error = abs(C - exact) / max(abs(exact), _SMALL_COST)
    if error > THRESHOLD and abs(C - exact) <= FORGIVEN * rounding_of_cost(point):
        error = 0.0
    return stage_of("cost", None, error, point.name, f"C = {C!r}, in plain Python {exact!r}")


def check_equations(
    point: Point, trace: Trace, gradients: Gradients, bare: Gradients, seconds: float
) -> Iterator[Stage]:
    """BP1 to BP4 at every layer, from the output back, and the penalty.

    Parameters
    ----------
    point, trace, gradients : Point, Trace, Gradients
    bare : Gradients
        Those of the cost without its penalty.
    seconds : float
        About how long it may take; of wide layers, only some units are looked at.
    """
    network = point.network
    for l in reversed(network.layers):
        units = _units(point, l, seconds / len(network.layers))
        with np.errstate(all="ignore"):
            delta = by_z(point, trace, l, units)
        noise = DeltaNoise(point, l, units, delta)
        name = "BP1" if l == network.L else "BP2"
        yield _compare(name, l, point, gradients.delta[l][:, units], delta, noise=noise.of_delta)
        if l == network.L and isinstance(point.loss, PartneredLoss):
            yield _check_cancelling(point, trace, units, delta, noise.of_delta)
        yield _compare("BP3", l, point, gradients.nabla_b[l][units], delta.sum(axis=0), noise=noise.of_b)
        nabla = delta.T @ trace.passed[l - 1]
        yield _compare("BP4", l, point, bare.nabla_W[l][units], nabla, noise=noise.of_W)
        if point.weight_decay:
            nabla += by_weight(network.W[l][units], point.weight_decay)
            yield _compare("penalty", l, point, gradients.nabla_W[l][units], nabla, noise=noise.of_W)


def _check_cancelling(
    point: Point, trace: Trace, units: Array, delta: Array, noise: Callable[[], float]
) -> Stage:
    """Take the long way to δ at the output: ∇ₐC, whose product with the slope is a − y.

    The step back takes the short way; ∇ₐC is what explanations show. Where an output is 0 or 1 to the last
    digit, ∇ₐC has no finite value, and nothing is compared.
    """
    z, a, n_samples = trace.z[point.network.L], trace.outputs, len(point.X)
    weight = np.ones(n_samples) if point.sample_weight is None else point.sample_weight
    upstream = point.loss.gradient(a, point.Y) * weight[:, np.newaxis] / n_samples
    found = point.network.layers[point.network.L].activation.pullback(upstream, z, a)[:, units]
    known = ((a > np.finfo(np.float64).tiny) & (a < 1)).all(axis=1, keepdims=True)
    return _compare("∇ₐC", None, point, np.where(known, found, delta), delta, noise=noise)


def _units(point: Point, l: int, seconds: float) -> Array:
    n = point.network.layers[l].n_out
    cost = len(point.X) * Tail(point, l).work
    count = int(min(n, max(1, seconds * WORK_A_SECOND / cost)))
    return np.arange(n) if count == n else np.sort(np.random.default_rng(0).choice(n, count, replace=False))


class DeltaNoise:
    """How far δ, and what is made of it, moves at most when parameters or slopes move by one rounding."""

    def __init__(self, point: Point, l: int, units: Array, delta: Array) -> None:
        self._point, self._l, self._units, self._delta = point, l, units, delta

    def of_delta(self) -> float:
        l, units = self._l, self._units
        numeric = (largest(by_z(*each, l, units) - self._delta) for each in nudges(self._point))
        pairs = shaken(self._point)
        analytic = (largest((there.delta[l] - here.delta[l])[:, units]) for here, there in pairs)
        with np.errstate(all="ignore"):
            return max((*numeric, *analytic, UNDERFLOW))

    def of_b(self) -> float:
        return len(self._delta) * self.of_delta()

    def of_W(self) -> float:
        return self.of_b() * largest(self._point.forward().passed[self._l - 1])


def _compare(
    name: str, l: int | None, point: Point, analytic: Array, numeric: Array, *, noise: Callable[[], float]
) -> Stage:
    errors = relative_errors(analytic, numeric)
    if errors.max() > THRESHOLD:
        errors = np.where(np.abs(analytic - numeric) <= FORGIVEN * noise(), 0, errors)
    return stage_of(name, l, float(errors.max()), point.name)


def stage_of(name: str, l: int | None, error: float, point: str, note: str = "") -> Stage:
    """Judge an error: one that is no finite number is inconclusive."""
    if not math.isfinite(error):
        return Stage(name, l, None, INCONCLUSIVE, point, NOT_FINITE)
    return Stage(name, l, error, PASS if error <= THRESHOLD else FAIL, point, note)


@dataclass(frozen=True)
class StepTaken:
    """One step of plain gradient descent, as the trainer took it.

    Attributes
    ----------
    point : Point
        Before the step.
    after : ndarray of shape (P,)
    learning_rate : float
    moved : str
        ``all`` parameters, or ``weights`` alone.
    backend : str
        What took it: ``numpy`` or ``numba``.
    """

    point: Point
    after: Array
    learning_rate: float
    moved: str
    backend: str = "numpy"


def check_step(step: StepTaken, numeric: Numeric) -> Stage:
    """Compare (θ before − θ after)/η with the derivative at θ before.

    This alone sees whether weights were changed before the error had been carried back through them.

    Parameters
    ----------
    step : StepTaken
    numeric : Numeric
        At the step's point.
    """
    network, errors = step.point.network, []
    after = network.with_parameters(step.after)
    for key, elements in numeric.elements.items():
        before, then = (tensor(each, key).ravel()[elements] for each in (network, after))
        if key[0] == "b" and step.moved == "weights":
            errors.append(float(np.where(np.isfinite(then), before != then, np.nan).max()))
        else:
            errors.append(_step_error(key, before, then, step.learning_rate, numeric))
    note = "" if step.backend == "numpy" else f"compiled by {step.backend.capitalize()}"
    return stage_of("step", None, float(np.max(errors)), step.point.name, note)


def _step_error(key: Key, before: Array, after: Array, rate: float, numeric: Numeric) -> float:
    expected = numeric.values[key]
    taken = (before - after) / rate
    errors = relative_errors(taken, expected)
    # Subtracting two nearly equal parameters keeps the rounding of each.
    rounding = 4 * _EPS * np.maximum(np.abs(before), np.abs(after)) / rate
    if (errors > THRESHOLD).any():
        rounding = rounding + FORGIVEN * numeric.noise(key)
    return float(np.where(np.abs(taken - expected) <= rounding, 0, errors).max())


def check_dropout(network: Network) -> Stage | None:
    """Look at the masks that training draws: 0 or 1/(1 − p), in the right shares; None without dropout.

    Parameters
    ----------
    network : Network
    """
    dropped = {l: layer.dropout for l, layer in network.layers.items() if layer.dropout}
    if not dropped:
        return None
    rows = _MASK_ROWS
    masks = draw_masks(network, rows, np.random.default_rng(0))
    if any(l not in masks or masks[l].shape != (rows, network.layers[l].n_out) for l in dropped):
        return Stage("dropout", None, None, FAIL, "", "a layer has no mask of its shape")
    scale = max(float(np.abs(m[m != 0] * (1 - p) - 1).max(initial=0)) for m, p in _pairs(masks, dropped))
    fair = max(_strayed(masks, dropped)) <= _STANDARD_DEVIATIONS
    return stage_of("dropout", None, scale if fair else max(scale, 1.0), "the masks of many samples")


def _pairs(masks: Mapping[int, Array], dropped: Mapping[int, float]) -> Iterator[tuple[Array, float]]:
    return ((masks[l], p) for l, p in dropped.items())


def _strayed(masks: Mapping[int, Array], dropped: Mapping[int, float]) -> Iterator[float]:
    """How many standard deviations masks are from units that are kept each by its own coin.

    Of a layer: the share of all units, of the worst unit, and how it varies from sample to sample, which it
    would more if units shared a coin. Of two layers: how their samples' shares go together.
    """
    shares = []
    for mask, p in _pairs(masks, dropped):
        kept, variance = (mask != 0).astype(float), p * (1 - p)
        rows, n = kept.shape
        yield abs(kept.mean() - (1 - p)) / math.sqrt(variance / kept.size)
        yield float(np.abs(kept.mean(axis=0) - (1 - p)).max()) / math.sqrt(variance / rows)
        share = (kept.mean(axis=1) - (1 - p)) / math.sqrt(variance / n)
        yield abs(float(share.var()) - 1) / math.sqrt(2 / rows)
        shares.append(share)
    for one, other in itertools.combinations(shares, 2):
        yield abs(float((one * other).mean())) * math.sqrt(len(one))


def check_optimizer(optimizer: Optimizer, reference: Optimizer | None = None) -> Stage | None:
    """Compare some steps of an optimizer with its rule in plain Python; None if the rule is not known there.

    Parameters
    ----------
    optimizer : Optimizer
    reference : Optimizer, optional
        Whose rule to follow; the optimizer's own by default.
    """
    rule = optimizer if reference is None else reference
    if rule.name not in scalar.OPTIMIZERS:
        return None
    rng, n_weights, rate = np.random.default_rng(0), 3, 0.1
    start = rng.standard_normal(_SCALES.size)
    gradients = _SCALES * rng.standard_normal((_OPTIMIZER_STEPS, _SCALES.size))
    parameters, state = start.copy(), optimizer.start(start)
    for gradient in gradients:
        optimizer.step(parameters, gradient.copy(), rate, state, n_weights)
    expected = np.array(scalar.descend(rule, start.tolist(), gradients.tolist(), rate, n_weights))
    error = float(relative_errors(parameters - start, expected - start).max())
    return stage_of("optimizer", None, error, "", f"{rule.name}, {_OPTIMIZER_STEPS} steps")
