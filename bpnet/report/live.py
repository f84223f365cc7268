"""The live view of a training: progress, loss curve, scores and layers, redrawn in place."""

import math
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from bpnet.errors import DivergenceError
from bpnet.report.curve import TRAINING, VALIDATION, loss_curve
from bpnet.report.layers import layer_table
from bpnet.report.numbers import LONGEST, WIDE, duration, metric
from bpnet.report.plain import describe
from bpnet.report.watching import Quiet
from bpnet.training.events import EpochEnded, Event, Progress, TrainingStarted

MAX_WIDTH = 140
CURVE_HEIGHT = 11
_LEAST_HEIGHT, _LEAST_WIDTH = 4, 40
"""A curve smaller than that shows nothing."""

_COUNTS = 32
"""Columns beside the bar of progress for the time that has passed and the time left."""

_REST = 100
"""Drawing may take one part in so many of the time; hearing of events takes some more."""

_SHORTEST_REST = 0.1

_ENDS = {"completed": "done", "early_stopping": "stopped early"}
_STYLES = {"diverged": "bold red", "interrupted": "yellow"}


class LiveView(Quiet):
    """Progress, loss curve, metrics and layers, redrawn in place.

    Parameters
    ----------
    console : Console
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=False)
        self._started: TrainingStarted | None = None
        self._progress: Progress | None = None
        self._last: EpochEnded | None = None
        self._best: EpochEnded | None = None
        self._training: list[float] = []
        self._validation: list[float] = []
        self._ended = ""
        self._began = time.perf_counter()
        self._next_frame = 0.0

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, DivergenceError):
            self._ended = "diverged"
        self._draw()
        self._live.stop()

    def tell(self, event: Event) -> None:
        """Take note, and redraw where enough time has passed since the last frame."""
        if self._last is None and self._progress is None:
            self._began = time.perf_counter()  # what was compiled before the first samples was no training
        if isinstance(event, TrainingStarted):
            self._started = event
        elif isinstance(event, Progress):
            self._progress = event
        elif isinstance(event, EpochEnded):
            self._last, self._progress = event, None
            self._best = event if event.best else self._best
            self._training.append(event.train.loss)
            if event.validation is not None:
                self._validation.append(event.validation.loss)
        else:
            self._ended = _ENDS.get(event.reason, event.reason)
        now = time.perf_counter()
        if now >= self._next_frame:
            self._draw()
            spent = time.perf_counter() - now
            self._next_frame = now + max(_SHORTEST_REST, _REST * spent)

    def _draw(self) -> None:
        if self._started is not None:
            self._live.update(self.render(), refresh=True)

    def render(self) -> RenderableType:
        """The whole view as it stands."""
        assert self._started is not None, "nothing is drawn before training starts"
        width = min(self._console.width, MAX_WIDTH)
        blocks: list[RenderableType] = [
            Rule(Text(self._started.name, "bold"), align="left", style="dim"),
            Text(describe(self._started), "dim"),
            self._progress_line(width),
        ]
        if self._last is not None:
            layers = layer_table(self._last.layers, self._started.layers, width=width)
            above: list[RenderableType] = [*blocks, self._scores(width), self._best_line()]
            below: list[RenderableType] = [Text(), layers]
            blocks = [*above, *self._curve(width, [*above, *below]), *below]
        return _Narrow(Group(*blocks), width)

    def _curve(self, width: int, others: Sequence[RenderableType]) -> list[RenderableType]:
        """The loss curve, as high as the other blocks leave room for, if the terminal can hold it at all."""
        assert self._last is not None
        if width < _LEAST_WIDTH:
            return []
        taken = len(self._console.render_lines(_Narrow(Group(*others), width)))
        height = max(_LEAST_HEIGHT, min(CURVE_HEIGHT, self._console.height - 1 - taken))
        first = self._last.epoch - len(self._training) + 1
        last = self._last.epoch if self._ended else self._last.epochs
        return [loss_curve(self._training, self._validation, (first, last), width=width, height=height)]

    def _progress_line(self, width: int) -> RenderableType:
        started = self._started
        assert started is not None
        done = float(self._last.epoch if self._last else started.epochs_done)
        if self._progress is not None:
            done += self._progress.samples_done / self._progress.samples
        epoch = min(math.ceil(done) if not self._ended else math.floor(done), started.epochs)
        head = f"epoch {epoch:,}/{started.epochs:,}"
        tail = self._ended or self._time(done - started.epochs_done, started.epochs - started.epochs_done)
        room = width - len(head) - _COUNTS
        if room < 0:
            return Text(f"{head}  {tail}")
        line = Table.grid(padding=(0, 2))
        bar = ProgressBar(total=started.epochs, completed=done, width=room)
        line.add_row(head, bar, Text(tail, _STYLES.get(self._ended, "")))
        return line

    def _time(self, done: float, epochs: int) -> str:
        """How long it has taken, and how long it may still take."""
        elapsed = time.perf_counter() - self._began
        left = f"  {duration(elapsed * (epochs - done) / done)} left" if done else ""
        return duration(elapsed) + left

    def _scores(self, width: int) -> Table:
        started, last = self._started, self._last
        assert started is not None
        assert last is not None
        table = Table(box=None, pad_edge=False, padding=(0, 3 if width >= WIDE else 1, 0, 0))
        table.add_column("")
        for name in ("loss", *started.metrics):
            table.add_column(Text(name, "dim"), justify="right", min_width=LONGEST)
        rows = [("training", last.train, TRAINING)]
        if last.validation is not None:
            rows.append(("validation", last.validation, VALIDATION))
        for part, score, colour in rows:
            cells = [metric(name, score[name]) for name in ("loss", *started.metrics)]
            table.add_row(Text(f"━ {part}", colour), *cells)
        return table

    def _best_line(self) -> Text:
        assert self._started is not None
        if self._best is None:
            return Text()
        monitor = self._started.monitor
        value = metric(monitor.removeprefix("validation_"), self._best.monitored)
        label = "best" if self._ended else "best so far"
        return Text(f"{label}: epoch {self._best.epoch}, {monitor.replace('_', ' ')} {value}", "green")


class _Narrow:
    """A view held to a width, so that it stays readable on a very wide screen."""

    def __init__(self, content: RenderableType, width: int) -> None:
        self._content, self._width = content, width

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from console.render(self._content, options.update(width=self._width))
