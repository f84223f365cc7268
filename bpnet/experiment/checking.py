"""The gradient check of an experiment: which points, and the one real step."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bpnet.core.arrays import Array
from bpnet.core.network import Network, draw_masks
from bpnet.core.optimizers import Sgd
from bpnet.core.schedules import Constant
from bpnet.data.splitting import evenly_spaced
from bpnet.errors import BpnetError, DivergenceError
from bpnet.experiment.opening import Opened, open_experiment, point_of
from bpnet.experiment.preparing import Experiment
from bpnet.inspection.cases import read_case
from bpnet.inspection.gradient_check import BUDGET, check_gradients
from bpnet.inspection.point import Point
from bpnet.inspection.probe import SAMPLES, generic_probe
from bpnet.inspection.records import GradientCheck
from bpnet.inspection.stages import StepTaken
from bpnet.training.evaluation import Samples
from bpnet.training.threads import blas_threads
from bpnet.training.trainer import Recipe, Trainer, TrainingState

BURN_IN = 10
"""Epochs over the few samples of the check, before the second point."""

_WIDE = 8.0
"""How much wider inputs and targets are spread at one of the points."""

_MANY = 40
"""Samples at that point, at least: a sum may stop short in a batch larger than a few."""

_SEED = 0
"""Of the order of samples and the dropout masks, in the short trainings here."""

_MOST_ROWS = 16
"""Training rows that a case chooses its samples from."""

_FAR_ASTRAY = 100.0
"""A few epochs that lead to parameters larger than this have saturated the network."""

_MOVE = 0.1
"""How far the one step goes: this share of the largest weight."""


def grad_check(
    reference: str | None = None,
    *,
    overrides: Sequence[str] = (),
    budget: float = BUDGET,
    self_test: bool = False,
) -> GradientCheck:
    """Prove the gradients of a config or a run.

    Parameters
    ----------
    reference : str or None
        As :func:`bpnet.experiment.opening.open_experiment` takes it.
    overrides : sequence of str
    budget : float
        Seconds, about.
    self_test : bool
        Plant faults everywhere, not only at the last point.
    """
    opened = open_experiment(reference, overrides, most_rows=SAMPLES)
    return check_experiment(opened.experiment, budget=budget, self_test=self_test)


def check_experiment(
    experiment: Experiment, *, budget: float = BUDGET, self_test: bool = False
) -> GradientCheck:
    """Check an experiment's gradients at its weights, a few epochs on, and at a generic probe."""
    given = given_point(experiment)
    burnt = burnt_in(experiment, given)
    wide = generic_probe(given, 1, name="a wide probe", spread=_WIDE, samples=_MANY)
    one = generic_probe(given, 2, name="one of a single sample", samples=1)
    points = [given, *([] if burnt is None else [burnt]), wide, one, generic_probe(given)]
    with blas_threads(given.network, SAMPLES):
        return check_gradients(
            points,
            step=take_step(experiment, given),
            optimizer=experiment.recipe.optimizer,
            budget=budget,
            self_test=self_test,
        )


@dataclass(frozen=True)
class Task:
    """What other people's gradients are to be gradients of.

    Attributes
    ----------
    what : str
        What it is, to be said first.
    point : Point
    rate : float
        The learning rate.
    """

    what: str
    point: Point
    rate: float


def open_task(reference: str | None, overrides: Sequence[str] = (), *, case: Path | None = None) -> Task:
    """Open a case, or the point of a config or a run that a case would be written of.

    Raises
    ------
    BpnetError
        Of the kind that fits, if it cannot be opened; also if there are both.
    """
    if case is None:
        opened = open_experiment(reference, overrides, most_rows=_MOST_ROWS)
        point, weights = _telling_point(opened)
        return Task(f"{opened.name}, {weights}", point, opened.experiment.recipe.learning_rate)
    if reference is not None or overrides:
        raise BpnetError(
            f"The case {case} says all itself.", advice="Give a case or a config with overrides, not both."
        )
    point, rate = read_case(case)
    return Task(f"the case {case}", point, rate)


def _telling_point(opened: Opened) -> tuple[Point, str]:
    """A point that hides few mistakes: as many samples as no layer has units, and biases that are not 0.

    Where all biases are 0, as they are at most starts, it is a few epochs on.
    """
    experiment = opened.experiment
    sizes, rows = experiment.model.network.sizes, len(experiment.train_samples)
    count = next((n for n in range(SAMPLES, rows + 1) if n not in sizes), SAMPLES)
    point = given_point(experiment, count)
    if any(b.any() for b in point.network.b.values()) or not experiment.recipe.train_biases:
        return point, opened.weights
    later = burnt_in(experiment, point)
    if later is None or np.abs(later.network.parameters).max() > _FAR_ASTRAY:
        return point, opened.weights
    return later, f"{BURN_IN} epochs on (at its start, all biases are 0)"


def given_point(experiment: Experiment, most: int = SAMPLES) -> Point:
    """The experiment's own weights, on a few of its training rows from first to last."""
    samples = experiment.train_samples
    rows = evenly_spaced(len(samples), most)
    masks = draw_masks(experiment.model.network, len(rows), np.random.default_rng(0))
    return replace(point_of(experiment, samples.take(rows), "the given weights"), masks=masks)


def burnt_in(experiment: Experiment, point: Point) -> Point | None:
    """The point after a few epochs of the experiment's own recipe on its samples; None if they diverge."""
    recipe = replace(experiment.recipe, epochs=BURN_IN, monitor="loss", patience=None, backend="numpy")
    try:
        parameters = _train(experiment, point.network, recipe, point)
    except DivergenceError:
        return None
    return replace(point.at(parameters), name=f"the weights {BURN_IN} epochs on")


def take_step(experiment: Experiment, point: Point) -> StepTaken | None:
    """One step of plain gradient descent by the trainer, on the whole batch at once.

    Returns None where there is no slope to go down, or the cost overflows.
    """
    bare = _as_trained(point)
    with np.errstate(all="ignore"):
        steepest = float(np.abs(bare.backward(bare.forward()).flat).max())
    largest = float(np.abs(point.network.parameters).max()) or 1.0
    rate = _MOVE * largest / steepest if steepest else np.inf
    if not 0 < rate < np.inf:
        return None
    recipe = Recipe(
        loss=point.loss,
        optimizer=Sgd(),
        schedule=Constant(),
        learning_rate=rate,
        epochs=1,
        batch_size=len(point.X),
        weight_decay=point.weight_decay,
        train_biases=experiment.recipe.train_biases,
        backend=experiment.recipe.backend,
    )
    try:
        after = _train(experiment, point.network, recipe, point)
    except DivergenceError:
        return None
    moved = "all" if experiment.recipe.train_biases else "weights"
    return StepTaken(bare, after, rate, moved, recipe.backend)


def _as_trained(point: Point) -> Point:
    """The point's samples in the order, and with the dropout masks, in which the trainer will take them."""
    rng = np.random.default_rng(_SEED)
    order = rng.permutation(len(point.X))
    return replace(
        point,
        X=point.X[order],
        Y=point.Y[order],
        sample_weight=None if point.sample_weight is None else point.sample_weight[order],
        masks=draw_masks(point.network, len(order), rng),
    )


def _train(experiment: Experiment, network: Network, recipe: Recipe, point: Point) -> Array:
    """Parameters after training on a point's samples."""
    own = network.with_parameters(network.parameters.copy())
    state = TrainingState(own, recipe.optimizer.start(own.parameters), np.random.default_rng(_SEED))
    samples = Samples(point.X, point.Y, point.sample_weight)
    trainer = Trainer(state, recipe, samples, None, experiment.model.metric)
    for _ in trainer.run():
        pass
    return own.parameters
