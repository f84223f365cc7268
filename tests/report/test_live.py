import io
import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bpnet.errors import DivergenceError
from bpnet.report import live
from bpnet.report.live import LiveView
from bpnet.report.plain import PlainLines
from bpnet.report.watching import make_watcher
from bpnet.training.events import Event, Progress, TrainingEnded
from tests.report.making import console, diverge, ended, layer, started, text_of


class Clock:
    """Goes on by a second at every look."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        self.now += 1.0
        return self.now


class SlowClock(Clock):
    """Goes on by a tenth of a millisecond."""

    def perf_counter(self) -> float:
        self.now += 1e-4
        return self.now


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "time", Clock())


def frame(*events: Event, width: int = 80, height: int = 50) -> str:
    """How the view looks after these events."""
    view = LiveView(console(width, terminal=True, height=height))
    for event in events:
        view.tell(event)
    to = console(width, height=height)
    to.print(view.render())
    return text_of(to)


def test_before_the_first_epoch_ends_the_network_and_the_progress_are_shown() -> None:
    lines = frame(started(), Progress(1, 270, 1079)).splitlines()
    assert lines[0].startswith("flowers ───")
    assert lines[1:3] == [
        "4 → 30 tanh → 3 softmax, 243 parameters",
        "rows: 1,079 training, 359 validation",
    ]
    assert lines[3].startswith("epoch 1/30  ")
    assert re.search(r"\d s  \d+ min \d\d s left$", lines[3])
    assert len(lines) == 4


def test_nothing_done_means_no_guess_of_the_time_left() -> None:
    line = frame(started()).splitlines()[-1]
    assert line.startswith("epoch 0/30")
    assert "left" not in line


def test_scores_curve_and_layers_follow() -> None:
    scores = {"loss": 0.25, "accuracy": 0.9}, {"loss": 0.125, "accuracy": 0.8}
    told = ended(1, train=scores[0], validation=scores[1], best=True)
    text = frame(started(monitor="validation_loss"), told)
    lines = [line.split() for line in text.splitlines()]
    assert lines[4] == ["loss", "accuracy"]
    assert lines[5] == ["━", "training", "0.2500", "0.9000"]
    assert lines[6] == ["━", "validation", "0.1250", "0.8000"]
    assert " ".join(lines[7]) == "best so far: epoch 1, validation loss 0.1250"
    assert lines[8][0] == "0.2500"
    assert lines[17][0] == "0.1250"
    assert lines[18] == ["1", "epoch", "30"]
    assert lines[20][0] == "layer"
    assert [line[0] for line in lines[22:]] == ["3", "2"]


def test_without_validation_there_is_one_row_of_scores() -> None:
    text = frame(started(validation_rows=0, monitor="loss"), ended(1, best=True))
    assert "━ validation" not in text
    assert "best so far: epoch 1, loss 0.5000" in text


def test_the_best_epoch_stays_the_best() -> None:
    first = ended(1, train={"loss": 0.5, "accuracy": 0.9}, monitored=0.9375, best=True)
    text = frame(started(monitor="accuracy", validation_rows=0), first, ended(2))
    assert "best so far: epoch 1, accuracy 0.9375" in text


def test_an_epoch_that_is_not_the_best_is_not_called_so() -> None:
    assert "best" not in frame(started(), ended(1))


@pytest.mark.parametrize(
    ("reason", "word"),
    [("completed", "done"), ("early_stopping", "stopped early"), ("interrupted", "interrupted")],
)
def test_the_end_is_told(reason: str, word: str) -> None:
    told = (started(), ended(1), ended(2, best=True), Progress(3, 50, 100), TrainingEnded(reason, 2, 2))
    text = frame(*told)
    progress = text.splitlines()[3]
    assert progress.startswith("epoch 2/30  ━━")
    assert progress.endswith(f"  {word}")
    assert "best: epoch 2, loss 0.5000" in text
    assert "epoch 2\n" in text, "the curve ends where training did"


def test_a_divergence_is_told_in_the_last_frame() -> None:
    to = console(terminal=True)
    with pytest.raises(DivergenceError):
        diverge(LiveView(to), started())
    assert "\x1b[1;31mdiverged" in text_of(to).rpartition("epoch 0/30")[2]


def test_an_error_before_training_starts_draws_nothing() -> None:
    to = console(terminal=True)
    with pytest.raises(DivergenceError):
        diverge(LiveView(to))
    assert "epoch" not in text_of(to)


def test_a_resumed_run_goes_on_where_it_stopped() -> None:
    text = frame(started(epochs=60, epochs_done=30), ended(31, 60))
    assert "epoch 31/60" in text
    assert ["31", "epoch", "60"] in [line.split() for line in text.splitlines()]


def test_large_counts_are_grouped() -> None:
    assert "epoch 12,345/1,000,000" in frame(started(epochs=1_000_000), ended(12_345, 1_000_000))


LOSSES = st.sampled_from([0.0, 1e-300, 1e-12, 0.1, 1.0, 1e9, 1e300])


@given(st.data())
def test_no_frame_fails_or_is_wider_than_the_terminal(data: st.DataObject) -> None:
    width, height = data.draw(st.integers(20, 200)), data.draw(st.integers(5, 60))
    depth, count = data.draw(st.integers(2, 11)), data.draw(st.sampled_from([1, 2, 20]))
    metrics = data.draw(st.sampled_from([("accuracy",), ("r2", "mae")]))
    shape = [(784, ""), *[(128, "leaky_relu")] * (depth - 1)]
    layers = [
        layer(l, data.draw(LOSSES), dead=data.draw(st.integers(0, 2)), update_ratio=data.draw(LOSSES))
        for l in range(2, depth + 1)
    ]
    constant = data.draw(st.booleans())
    loss = data.draw(LOSSES)
    told = [
        ended(
            epoch,
            count,
            train={name: loss if constant else data.draw(LOSSES) for name in ("loss", *metrics)},
            validation={name: data.draw(LOSSES) for name in ("loss", *metrics)},
            layers=layers,
            best=True,
        )
        for epoch in range(1, count + 1)
    ]
    text = frame(started(shape, epochs=count, metrics=metrics), *told, width=width, height=height)
    assert max(map(len, text.splitlines())) <= min(width, 140)


def test_ten_thousand_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "time", SlowClock())
    text = frame(started(epochs=10_000), *(ended(n, 10_000, best=n == 1) for n in range(1, 10_001)))
    assert "epoch 10,000/10,000" in text


@pytest.mark.parametrize("width", [40, 80, 140])
@pytest.mark.parametrize("height", [24, 30, 50])
def test_the_view_fits_an_ordinary_terminal(width: int, height: int) -> None:
    scores = {"loss": 0.25, "r2": -0.5, "mae": 1234.5}
    told = ended(1, train=scores, validation=scores, best=True)
    text = frame(started(metrics=("r2", "mae")), told, width=width, height=height)
    assert len(text.splitlines()) < height
    assert text.count("learning") == 2
    assert "┤" in text


def test_a_curve_too_small_to_see_is_left_out() -> None:
    assert "┤" not in frame(started(), ended(1), width=39)
    assert "┤" in frame(started(), ended(1), width=40, height=5)


def test_frames_are_drawn_in_place_and_the_last_one_stays() -> None:
    to = console(terminal=True)
    with make_watcher(to) as view:
        for event in (started(), ended(1), ended(2), TrainingEnded("completed", 2, 2)):
            view.tell(event)
    text = text_of(to)
    assert "\x1b[1A" in text, "goes up over the last frame"
    last = text.rpartition("flowers")[2]
    assert "done" in last
    assert "layer" in last
    assert text.endswith("\x1b[?25h"), "the cursor is back"


@pytest.mark.parametrize("drawing", [0.001, 0.01, 0.1])
def test_drawing_takes_less_than_two_per_cent_of_the_time(
    drawing: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SlowClock()
    monkeypatch.setattr(live, "time", clock)
    drawn = []

    def draw(_view: LiveView) -> None:
        clock.now += drawing
        drawn.append(clock.now)

    monkeypatch.setattr(LiveView, "_draw", draw)
    view = LiveView(console(terminal=True))
    for number in range(100_000):
        view.tell(Progress(1, number, 100_000))
    assert len(drawn) >= 2
    assert len(drawn) * drawing <= 0.02 * clock.now + drawing


def test_frames_come_ten_times_a_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SlowClock()
    monkeypatch.setattr(live, "time", clock)
    times: list[float] = []
    monkeypatch.setattr(LiveView, "_draw", lambda _view: times.append(clock.now))
    view = LiveView(console(terminal=True))
    for number in range(10_000):
        view.tell(Progress(1, number, 10_000))
    assert all(later - earlier >= 0.1 for earlier, later in itertools.pairwise(times))


def terminal(name: str) -> Console:
    return Console(file=io.StringIO(), force_terminal=True, _environ={"TERM": name})


def test_who_watches() -> None:
    assert isinstance(make_watcher(terminal("xterm")), LiveView)
    assert isinstance(make_watcher(terminal("dumb")), PlainLines)
    assert isinstance(make_watcher(console()), PlainLines)
