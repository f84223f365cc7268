"""Following a training without a terminal: a plain line an epoch, or every so many."""

import math
from types import TracebackType

from rich.console import Console
from rich.text import Text

from bpnet.report.console import PIPE_WIDTH
from bpnet.report.layers import layer_table
from bpnet.report.numbers import LONGEST, metric, superscript
from bpnet.report.watching import Quiet
from bpnet.training.events import EpochEnded, Event, TrainingStarted

PLAIN_LINES = 60
"""A pipe gets about so many lines at most, however many epochs there are."""

_LAYERS_A_LINE = 2
"""Deltas that fit on a line: with more layers, those of the first hidden layer and of the output."""

_WIDTH = LONGEST + 1
"""Columns of a number and the gap before it: eight of them and the epoch fit into 80."""


def describe(started: TrainingStarted) -> str:
    """A line on the network, one on its data, and one where training waits for a compiler first."""
    network = " → ".join(f"{units} {activation}".strip() for units, activation in started.layers)
    parts = (
        ("training", started.train_rows),
        ("validation", started.validation_rows),
        ("test", started.test_rows),
    )
    rows = ", ".join(f"{count:,} {part}" for part, count in parts if count)
    compiled = "\nsteps: compiled by Numba, which takes some seconds the first time"
    steps = compiled if started.backend == "numba" else ""
    return f"{network}, {started.parameters:,} parameters\nrows: {rows}{steps}"


class PlainLines(Quiet):
    """A line an epoch, or every so many epochs of a long run.

    Parameters
    ----------
    console : Console
    verbose : bool
        Show the table of layers below each line.
    """

    def __init__(self, console: Console, *, verbose: bool) -> None:
        self._console, self._verbose = console, verbose
        self._every, self._first = 1, len("epoch")
        self._always: tuple[int, ...] = ()
        self._shown: tuple[int, ...] = ()
        self._started: TrainingStarted | None = None
        self._unsaid: EpochEnded | None = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._unsaid is not None:
            self._print(self._unsaid)

    def tell(self, event: Event) -> None:
        """Print what is worth a line."""
        if isinstance(event, TrainingStarted):
            self._started = event
            self._every = _round_up((event.epochs - event.epochs_done) / PLAIN_LINES)
            self._always = (event.epochs_done + 1, event.epochs)
            last = len(event.layers)
            self._shown = (2, last) if last > 1 + _LAYERS_A_LINE else tuple(range(2, last + 1))
            self._first = max(len(f"{event.epochs}"), len("epoch"))
            lines = f"{event.name}: {describe(event)}\n{_which_epochs(event)}\n{self._heading(event)}"
            self._console.print(Text(lines), soft_wrap=False)
        elif isinstance(event, EpochEnded):
            self._unsaid = event
            if event.epoch % self._every == 0 or event.epoch in self._always:
                self._print(event)

    def _heading(self, started: TrainingStarted) -> str:
        scores = [
            f"{name:>{_WIDTH}}" + (f"{'valid.':>{_WIDTH}}" if started.validation_rows else "")
            for name in ("loss", *started.metrics)
        ]
        deltas = [f"{'δ' + superscript(l):>{_WIDTH}}" for l in self._shown]
        return f"{'epoch':>{self._first}}" + "".join(scores + deltas)

    def _print(self, event: EpochEnded) -> None:
        assert self._started is not None, "training starts before an epoch ends"
        self._unsaid = None
        cells = [f"{event.epoch:>{self._first}}"]
        for name in ("loss", *self._started.metrics):
            scores = (event.train,) if event.validation is None else (event.train, event.validation)
            cells.extend(f"{metric(name, score[name]):>{_WIDTH}}" for score in scores)
        cells.extend(
            f"{layer.delta:>{_WIDTH}.1e}" for layer in event.layers if layer.layer_number in self._shown
        )
        self._console.print("".join(cells) + (" *" if event.best else ""))
        if self._verbose:
            self._console.print(layer_table(event.layers, self._started.layers, width=PIPE_WIDTH))


def _which_epochs(started: TrainingStarted) -> str:
    done, epochs = started.epochs_done, started.epochs
    return f"epochs: {f'{done + 1} to ' if done else ''}{epochs}, * marks the best so far"


def _round_up(value: float) -> int:
    """The next of 1, 2, 5, 10, 20, 50, ..."""
    if value <= 1:
        return 1
    power: int = 10 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value)
