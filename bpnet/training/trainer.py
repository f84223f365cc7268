"""The training loop: a generator of events that prints nothing and knows no file."""

import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from bpnet.core.arrays import Array
from bpnet.core.backprop import Gradients, Workspace, backward
from bpnet.core.health import LayerHealth, measure_layers
from bpnet.core.losses import Loss
from bpnet.core.metrics import Metric
from bpnet.core.network import Network, Trace, draw_masks, forward
from bpnet.core.optimizers import Optimizer, State
from bpnet.core.schedules import Schedule
from bpnet.data.splitting import evenly_spaced
from bpnet.errors import DivergenceError
from bpnet.training.divergence import advise, find_non_finite
from bpnet.training.evaluation import Samples, Tally, evaluate
from bpnet.training.events import EpochEnded, Event, Progress, Score, TrainingEnded

if TYPE_CHECKING:
    from bpnet.training.compiled.steps import CompiledSteps

PROBE_ROWS = 128
"""Training samples on which the layers are measured after every epoch."""

_CHUNK_NUMBERS = 2**18
"""Inputs gathered at a time: few enough to stay in the cache, enough that gathering costs little a batch."""

_CHUNK_STEPS = 64
"""Steps at most between two looks at ``stop``, and at the optimizer's memory."""

_CHUNK_WORK = 3e8
"""Multiplications of a chunk's forward passes, about: some tenths of a second."""

_GROWING = ("accuracy", "r2")
"""Metrics that are better when larger."""


@dataclass(frozen=True)
class Recipe:
    """How to train, as the config's ``training`` section says it.

    Attributes
    ----------
    loss, optimizer, schedule : Loss, Optimizer, Schedule
    learning_rate : float
        η before the schedule's factor.
    epochs, batch_size : int
    monitor : str
        What makes an epoch the best: ``loss``, ``validation_accuracy``, and so on.
    weight_decay : float
        λ of the penalty ½λ·(sum of squared weights).
    clip_norm : float or None
        Largest Euclidean norm of the whole gradient.
    train_biases : bool
    patience : int or None
        Epochs without a new best before stopping.
    min_delta : float
        How much better counts as better.
    backend : str
        What steps through whole batches: ``numpy``, or ``numba``, which is the same steps compiled.
    """

    loss: Loss
    optimizer: Optimizer
    schedule: Schedule
    learning_rate: float
    epochs: int
    batch_size: int
    monitor: str = "loss"
    weight_decay: float = 0.0
    clip_norm: float | None = None
    train_biases: bool = True
    patience: int | None = None
    min_delta: float = 0.0
    backend: str = "numpy"

    def is_out_of_patience(self, state: "TrainingState") -> bool:
        """Whether so many epochs have brought no new best that training should stop."""
        return self.patience is not None and state.epoch - state.best_epoch >= self.patience


@dataclass
class TrainingState:
    """Everything that training changes: what a checkpoint must hold to go on with the same bits.

    Attributes
    ----------
    network : Network
        With the current parameters, which training updates in place.
    optimizer_state : dict of str to ndarray
    rng : Generator
        Draws the order of the samples and the dropout masks.
    epoch : int
        Epochs done.
    seconds : float
        Training time so far.
    badness : list of float
        The monitored quantity after each epoch, its sign such that smaller is better.
    best_parameters : ndarray of shape (P,)
    best_epoch : int
        0 before the first epoch ends.
    """

    network: Network
    optimizer_state: State
    rng: np.random.Generator
    epoch: int = 0
    seconds: float = 0.0
    badness: list[float] = field(default_factory=list)
    best_parameters: Array = field(default_factory=lambda: np.empty(0))
    best_epoch: int = 0


class _Snapshot:
    """Parameters, optimizer and generator as they once were, in memory that is made once."""

    def __init__(self, state: TrainingState) -> None:
        self._rng, self._generator = state.rng, state.rng.bit_generator.state
        self._arrays = (state.network.parameters, *state.optimizer_state.values())
        self._kept = [array.copy() for array in self._arrays]

    def take(self) -> None:
        for kept, array in zip(self._kept, self._arrays, strict=True):
            kept[:] = array
        self._generator = self._rng.bit_generator.state

    def restore(self) -> None:
        for kept, array in zip(self._kept, self._arrays, strict=True):
            array[:] = kept
        self._rng.bit_generator.state = self._generator


class Trainer:
    """Mini-batch gradient descent.

    Parameters
    ----------
    state : TrainingState
        Updated in place, epoch by epoch.
    recipe : Recipe
    train : Samples
    validation : Samples or None
    metric : callable
        Makes an empty metric.
    stop : callable
        Asked before every step, or every few dozens of compiled ones; true ends training there.
    """

    def __init__(
        self,
        state: TrainingState,
        recipe: Recipe,
        train: Samples,
        validation: Samples | None,
        metric: Callable[[], Metric],
        *,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.state, self.recipe = state, recipe
        self._train, self._validation = train, validation
        self._metric, self._stop = metric, stop
        network = state.network
        self._workspace = Workspace(network, min(recipe.batch_size, len(train)))
        # Evenly spaced rows: the same in every epoch, and of every class where a file is sorted by class.
        self._probe = train.take(evenly_spaced(len(train), PROBE_ROWS))
        self._probe_workspace = Workspace(network, len(self._probe))
        self._before = network.with_parameters(network.parameters.copy())
        self._snapshot = _Snapshot(state)
        self._learning_rate = recipe.learning_rate
        self._compiled = self._compile() if recipe.backend == "numba" else None

    def _compile(self) -> "CompiledSteps":
        from bpnet.training.compiled.steps import CompiledSteps

        state, recipe = self.state, self.recipe
        return CompiledSteps(
            state.network,
            recipe.loss,
            recipe.optimizer,
            state.optimizer_state,
            self._train.take(slice(0, recipe.batch_size)),
            weight_decay=recipe.weight_decay,
        )

    def run(self) -> Iterator[Event]:
        """Train until the epochs are done, nothing improves any more, or ``stop`` says so.

        Yields
        ------
        Progress, EpochEnded, TrainingEnded
            At each of the last two the state is that of the last finished epoch.

        Raises
        ------
        DivergenceError
            At the first batch whose loss or gradient is not finite, before its update; or after an epoch
            whose weights, or what they give, are not. The state is that of the last finished epoch.
        """
        state, recipe = self.state, self.recipe
        reason = "completed"
        while state.epoch < recipe.epochs:
            if recipe.is_out_of_patience(state):
                reason = "early_stopping"
                break
            factor = recipe.schedule.factor(state.epoch + 1, recipe.epochs, state.badness)
            self._learning_rate = recipe.learning_rate * factor
            self._snapshot.take()
            try:
                ended = yield from self._epoch()
            except DivergenceError:
                self._snapshot.restore()
                raise
            if ended is None:
                self._snapshot.restore()
                reason = "interrupted"
                break
            yield ended
        yield TrainingEnded(reason, state.epoch, state.best_epoch)

    def _epoch(self) -> Generator[Event, None, EpochEnded | None]:
        """Go once through the samples in a new order; returns None if stopped on the way."""
        started = time.perf_counter()
        recipe, n = self.recipe, len(self._train)
        tally = Tally(recipe.loss, self._metric())
        order = self.state.rng.permutation(n)
        rows = recipe.batch_size * self._chunk_steps()
        for start in range(0, n, rows):
            chunk = self._train.take(order[start : start + rows])
            outputs = self._train_chunk(chunk, last=start + rows >= n)
            if outputs is None:
                return None
            tally.add(*outputs, chunk)
            self._settle(start, len(chunk))
            yield Progress(self.state.epoch + 1, start + len(chunk), n)
        return self._end_epoch(tally.score(), started)

    def _chunk_steps(self) -> int:
        """Batches to gather, and to hand to a compiled function, at a time."""
        size, network = self.recipe.batch_size, self.state.network
        by_numbers = _CHUNK_NUMBERS // (size * network.sizes[0])
        by_work = int(_CHUNK_WORK / (len(network.parameters) * (size + 8)))  # the optimizer counts as 8 rows
        return max(1, min(by_numbers, by_work, _CHUNK_STEPS))

    def _settle(self, start: int, count: int) -> None:
        """Let the optimizer settle after a chunk, if so many steps have gone since it last did."""
        size = self.recipe.batch_size
        before = self.state.epoch * -(-len(self._train) // size) + start // size
        after = before - (-count // size)
        if before // _CHUNK_STEPS != after // _CHUNK_STEPS:
            self.recipe.optimizer.settle(self.state.optimizer_state)

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def _train_chunk(self, chunk: Samples, *, last: bool) -> tuple[Array, Array] | None:
        """Step through a chunk; returns z and a of the output layer, or None if stopped.

        The parameters before the epoch's last step are kept, for measuring that step.
        """
        network, n = self.state.network, len(chunk)
        z = np.empty((n, network.sizes[-1]), network.parameters.dtype)
        a = np.empty_like(z)
        final = (n - 1) // self.recipe.batch_size * self.recipe.batch_size if last else n
        if not self._train_batches(chunk.take(slice(0, final)), z[:final], a[:final]):
            return None
        if last:
            self._before.parameters[:] = network.parameters
            if not self._train_batches(chunk.take(slice(final, n)), z[final:], a[final:]):
                return None
        return z, a

    def _train_batches(self, samples: Samples, z: Array, a: Array) -> bool:
        """Step through samples, batch by batch; false if stopped on the way."""
        network, size, done = self.state.network, self.recipe.batch_size, 0
        if self._compiled is not None:
            if self._stop():
                return False
            done = self._compiled.run(samples, z, a, self._learning_rate)
        # What is not compiled, a last smaller batch or one whose numbers are not finite, goes on here.
        for start in range(done, len(samples), size):
            if self._stop():
                return False
            trace = self._step(samples.take(slice(start, start + size)))
            z[start : start + size], a[start : start + size] = trace.z[network.L], trace.outputs
        return True

    def _step(self, batch: Samples) -> Trace:
        """One update: forward, backward, a look whether all is finite, clipping, the optimizer."""
        state, recipe, network = self.state, self.recipe, self.state.network
        masks = draw_masks(network, len(batch), state.rng, network.parameters.dtype)
        trace, gradients = self._passes(batch, self._workspace, masks)
        flat, z = gradients.flat, trace.z[network.L].ravel()
        if not recipe.train_biases:
            flat[network.n_weights :] = 0
        squared_norm = float(np.dot(flat, flat))
        if not math.isfinite(squared_norm + float(np.dot(z, z))):
            self._refuse_non_finite(trace, gradients, batch)
        if recipe.clip_norm is not None and math.sqrt(squared_norm) > recipe.clip_norm:
            _shorten(flat, recipe.clip_norm)
        recipe.optimizer.step(
            network.parameters, flat, self._learning_rate, state.optimizer_state, network.n_weights
        )
        return trace

    def _passes(
        self, batch: Samples, workspace: Workspace, masks: dict[int, Array] | None = None
    ) -> tuple[Trace, Gradients]:
        network, recipe = self.state.network, self.recipe
        forward_buffers, backward_buffers = workspace.rows(len(batch))
        trace = forward(network, batch.X, masks=masks, buffers=forward_buffers)
        gradients = backward(
            network,
            trace,
            batch.Y,
            recipe.loss,
            sample_weight=batch.weight,
            weight_decay=recipe.weight_decay,
            buffers=backward_buffers,
        )
        return trace, gradients

    def _end_epoch(self, score: Score, started: float) -> EpochEnded:
        """Score the validation part, measure the layers and note whether this epoch is the best."""
        state, recipe = self.state, self.recipe
        validation = None
        if self._validation is not None:
            validation = evaluate(state.network, recipe.loss, self._metric, self._validation)
        layers = self._measure()
        event = EpochEnded(
            state.epoch + 1,
            recipe.epochs,
            score,
            validation,
            self._learning_rate,
            state.seconds + time.perf_counter() - started,
            layers,
            self._monitored(validation),
            best=False,
        )
        self._refuse_non_finite_end(event)
        state.epoch, state.seconds = event.epoch, event.seconds
        return self._remember_best(event)

    def _monitored(self, validation: Score | None) -> float:
        """What makes an epoch the best, of the weights that would be kept.

        The epoch's own training loss will not do: it is of the weights before each step.
        """
        name = self.recipe.monitor
        if name.startswith("validation_"):
            assert validation is not None, "the config refuses a validation monitor without validation data"
            return validation[name.removeprefix("validation_")]
        return evaluate(self.state.network, self.recipe.loss, self._metric, self._train)[name]

    def _refuse_non_finite_end(self, event: EpochEnded) -> None:
        """Stop where an epoch's scores, or what the optimizer remembers, cannot be gone on with."""
        validation = None if event.validation is None else event.validation.loss
        numbers = {
            "loss": event.train.loss,
            self.recipe.monitor: event.monitored,
            "validation_loss": validation,
        }
        for name, value in numbers.items():
            if value is not None and not math.isfinite(value):
                raise self._divergence(f"the {name.replace('_', ' ')}")
        if not all(np.isfinite(array).all() for array in self.state.optimizer_state.values()):
            raise self._divergence("the optimizer's memory of the gradient")

    def _remember_best(self, event: EpochEnded) -> EpochEnded:
        """Compare with the best epoch so far; returns the event, its ``best`` set."""
        state, recipe = self.state, self.recipe
        value = event.monitored
        badness = -value if recipe.monitor.removeprefix("validation_") in _GROWING else value
        to_beat = state.badness[state.best_epoch - 1] - recipe.min_delta if state.best_epoch else math.inf
        state.badness.append(badness)
        if badness >= to_beat:
            return event
        if not state.best_epoch:
            state.best_parameters = np.empty_like(state.network.parameters)
        state.best_parameters[:] = state.network.parameters
        state.best_epoch = state.epoch
        return replace(event, best=True)

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def _measure(self) -> tuple[LayerHealth, ...]:
        trace, gradients = self._passes(self._probe, self._probe_workspace)
        self._refuse_non_finite(trace, gradients, self._probe)
        return measure_layers(self.state.network, trace, gradients, self._before)

    def _refuse_non_finite(self, trace: Trace, gradients: Gradients, batch: Samples) -> None:
        """Stop if a number is not finite; a sum of squares that alone is too large may go on."""
        found = find_non_finite(self.state.network, self.recipe.loss, trace, gradients, batch.Y)
        if found is not None:
            raise self._divergence(found)

    def _divergence(self, what: str) -> DivergenceError:
        return DivergenceError(
            f"Training diverged in epoch {self.state.epoch + 1}: {what} became infinite or not a number.",
            advice=advise(self._train, self._learning_rate, self.recipe.clip_norm),
        )


def _shorten(gradient: Array, norm: float) -> None:
    """Scale a gradient in place to this norm, even where the sum of its squares would overflow."""
    gradient /= np.abs(gradient).max()
    gradient *= norm / math.sqrt(float(np.dot(gradient, gradient)))
