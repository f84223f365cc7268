"""The live view of a training: progress, loss curve, scores and layers, redrawn in place."""

import math
import time
from types import TracebackType
from typing import Self

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from bpnet.report.curve import TRAINING, VALIDATION, loss_curve
from bpnet.report.layers import layer_table
from bpnet.report.numbers import duration, metric, short
from bpnet.report.plain import PlainLines, Quiet, Watcher, describe
from bpnet.training.events import EpochEnded, Event, Progress, TrainingEnded, TrainingStarted

MAX_WIDTH = 140
CURVE_HEIGHT = 11
_REST = 50
"""The view may take one part in so many of the time."""

_SHORTEST_REST = 0.1


def make_watcher(console: Console, *, quiet: bool = False, verbose: bool = False) -> Watcher:
    """Choose the live view for a terminal, plain lines for anything else, nothing if ``quiet``."""
    if quiet:
        return Quiet()
    return LiveView(console) if console.is_terminal else PlainLines(console, verbose=verbose)


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
        self._ended: TrainingEnded | None = None
        self._began = time.perf_counter()
        self._next_frame = 0.0

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._draw()
        self._live.stop()

    def tell(self, event: Event) -> None:
        """Take note, and redraw where enough time has passed since the last frame."""
        if isinstance(event, TrainingStarted):
            self._started = event
            self._began = time.perf_counter()
        elif isinstance(event, Progress):
            self._progress = event
        elif isinstance(event, EpochEnded):
            self._last, self._progress = event, None
            self._best = event if event.best else self._best
            self._training.append(event.train.loss)
            if event.validation is not None:
                self._validation.append(event.validation.loss)
        else:
            self._ended = event
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
            first = self._last.epoch - len(self._training)
            curve = loss_curve(
                self._training, self._validation, self._axis_end() - first, width=width, height=CURVE_HEIGHT
            )
            layers = layer_table(self._last.layers, self._started.layers, width=width)
            blocks.extend((self._scores(), self._best_line(), curve, Text(), layers))
        return _Narrow(Group(*blocks), width)

    def _axis_end(self) -> int:
        assert self._last is not None
        return self._last.epoch if self._ended is not None else self._last.epochs

    def _progress_line(self, width: int) -> Table:
        started = self._started
        assert started is not None
        done = float(self._last.epoch if self._last else started.epochs_done)
        if self._progress is not None:
            done += self._progress.samples_done / self._progress.samples
        elapsed = time.perf_counter() - self._began
        fraction = (done - started.epochs_done) / max(started.epochs - started.epochs_done, 1)
        left = f"{duration(elapsed * (1 - fraction) / fraction)} left" if fraction else ""
        if self._ended is not None:
            left = {"completed": "done", "early_stopping": "stopped early"}.get(
                self._ended.reason, self._ended.reason
            )
        epoch = min(math.floor(done) + (0 if self._ended or done == math.floor(done) else 1), started.epochs)
        line = Table.grid(padding=(0, 2), expand=False)
        bar = ProgressBar(total=started.epochs, completed=done, width=max(10, width - 52))
        line.add_row(f"epoch {epoch}/{started.epochs}", bar, duration(elapsed), left)
        return line

    def _scores(self) -> Table:
        started, last = self._started, self._last
        assert started is not None
        assert last is not None
        table = Table.grid(padding=(0, 2))
        rows = [("training", last.train, TRAINING)]
        if last.validation is not None:
            rows.append(("validation", last.validation, VALIDATION))
        for part, score, colour in rows:
            cells = [Text(f"{name} {metric(name, score[name])}") for name in started.metrics]
            table.add_row(Text(f"━ {part}", colour), f"loss {short(score.loss)}", *cells)
        return table

    def _best_line(self) -> Text:
        assert self._started is not None
        if self._best is None:
            return Text()
        monitor = self._started.monitor
        value = metric(monitor.removeprefix("validation_"), self._best.monitored(monitor))
        label = "best" if self._ended else "best so far"
        return Text(f"{label}: epoch {self._best.epoch}, {monitor.replace('_', ' ')} {value}", "green")


class _Narrow:
    """A view held to a width, so that it stays readable on a very wide screen."""

    def __init__(self, content: RenderableType, width: int) -> None:
        self._content, self._width = content, width

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from console.render(self._content, options.update(width=self._width))
