import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from bpnet.report.curve import TRAINING, VALIDATION, loss_curve

LOSSES = st.one_of(
    st.floats(0, 10), st.sampled_from([0.0, 5e-324, 1e-300, 1e-12, 1.0, 1.0 + 1e-15, 1e9, 1e300, 1.7e308])
)


def dots_of(curve: Text) -> list[tuple[int, int, str]]:
    """Row, column and colour of every cell with a dot in it."""
    found: list[tuple[int, int, str]] = []
    for number, line in enumerate(curve.split("\n")):
        colours = {index: str(span.style) for span in line.spans for index in range(span.start, span.end)}
        found.extend(
            (number, column, colours[column])
            for column, character in enumerate(line.plain)
            if "\u2800" < character <= "\u28ff"
        )
    return found


def draw(training: list[float], validation: list[float], *, last: int = 0, width: int = 60) -> Text:
    return loss_curve(training, validation, (1, last or len(training)), width=width, height=11)


@given(st.data())
def test_the_size_is_what_was_asked_for(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 300))
    pattern = data.draw(st.lists(LOSSES, min_size=1, max_size=10))
    training = list(itertools.islice(itertools.cycle(pattern), count))
    validation = data.draw(st.sampled_from([[], training[::-1]]))
    first = data.draw(st.integers(1, 10_000))
    epochs = (first, first + count - 1 + data.draw(st.integers(0, 10_000)))
    width, height = data.draw(st.integers(40, 200)), data.draw(st.integers(3, 20))
    curve = loss_curve(training, validation, epochs, width=width, height=height)
    lines = curve.plain.split("\n")
    assert len(lines) == height
    assert {len(line) for line in lines} == {width}
    assert dots_of(curve)


def test_both_curves_are_there_in_their_colours() -> None:
    training, validation = [1.0, 0.9, 0.8], [0.3, 0.2, 0.1]
    cells = dots_of(draw(training, validation))
    above = {row for row, _, colour in cells if colour == TRAINING}
    below = {row for row, _, colour in cells if colour == VALIDATION}
    assert above
    assert below
    assert max(above) < min(below)


def test_where_they_cross_no_dot_is_lost() -> None:
    together = draw([1.0, 0.0], [0.0, 1.0])
    alone = [draw([1.0, 0.0], []), draw([0.0, 1.0], [])]
    cells = [{(row, column) for row, column, _ in dots_of(curve)} for curve in (together, *alone)]
    assert cells[0] == cells[1] | cells[2]
    crossing = cells[1] & cells[2]
    assert crossing
    for row, column, colour in dots_of(together):
        assert colour == (VALIDATION if (row, column) in cells[2] else TRAINING)


def test_a_falling_loss_falls() -> None:
    cells = dots_of(draw([8.0, 4.0, 2.0], []))
    rows = [row for row, _, _ in sorted(cells, key=lambda cell: cell[1])]
    assert rows == sorted(rows)
    assert rows[0] == 0
    assert rows[-1] == 9


def test_half_of_a_training_takes_half_of_the_width() -> None:
    columns = [column for _, column, _ in dots_of(draw([2.0, 1.5, 1.0], [], last=5))]
    assert max(columns) == pytest.approx(8 + 51 / 2, abs=1)


@pytest.mark.parametrize(
    ("losses", "logarithmic"),
    [
        ([3.1, 0.1], True),
        ([2.9, 0.1], False),
        ([1.0, 0.0], False),
        ([1e300, 1e-300], True),
        ([0.0, 0.0], False),
    ],
)
def test_the_scale_is_logarithmic_where_the_loss_falls_far(losses: list[float], *, logarithmic: bool) -> None:
    curve = draw(losses, [])
    assert ("log scale" in curve.plain) is logarithmic


def test_powers_of_ten_are_a_straight_line_on_the_logarithmic_scale() -> None:
    curve = draw([1.0, 1e-1, 1e-2, 1e-3, 1e-4], [], width=50)
    rows = {column: row for row, column, _ in dots_of(curve)}
    straight = [9 * (column - min(rows)) / (max(rows) - min(rows)) for column in rows]
    assert list(rows.values()) == pytest.approx(straight, abs=1.1)


def test_labels_tell_the_highest_and_the_lowest_loss_and_the_epochs() -> None:
    lines = draw([0.9, 0.5], [0.25, 0.75], last=1200).plain.split("\n")
    assert lines[0].startswith("0.9000 ┤")
    assert lines[9].startswith("0.2500 ┤")
    assert sum("┤" in line for line in lines) == 2
    assert lines[10].split() == ["1", "epoch", "1200"]


def test_a_resumed_run_starts_where_it_went_on() -> None:
    curve = loss_curve([0.5, 0.4], [], (31, 60), width=60, height=11)
    assert curve.plain.split("\n")[-1].split() == ["31", "epoch", "60"]


def test_a_single_epoch_is_one_dot() -> None:
    curve = draw([0.5], [])
    assert len(dots_of(curve)) == 1
    assert curve.plain.split("\n")[-1].split() == ["epoch", "1"]


@pytest.mark.parametrize("height", [3, 4, 5, 10, 11])
@pytest.mark.parametrize("loss", [0.0, 0.7, 1e300])
def test_a_constant_loss_runs_along_the_middle_and_is_told_once(loss: float, height: int) -> None:
    curve = loss_curve([loss] * 5, [loss] * 5, (1, 5), width=60, height=height)
    middle = (height - 2) // 2
    assert {row for row, _, _ in dots_of(curve)} == {middle}
    assert [number for number, line in enumerate(curve.plain.split("\n")) if "┤" in line] == [middle]


def test_ten_thousand_epochs_start_and_end_where_they_do() -> None:
    cells = dots_of(draw([1.0, *[0.5] * 9_998, 0.0], []))
    assert cells[0][:2] == (0, 7)
    assert cells[-1][:2] == (9, 59)


@pytest.mark.parametrize("spike", [1, 1234, 5678, 9998])
def test_of_ten_thousand_epochs_no_spike_is_lost(spike: int) -> None:
    losses = [0.5] * 10_000
    losses[spike] = 1.0
    columns = [column for row, column, _ in dots_of(draw(losses, [], last=10_000)) if row == 0]
    assert columns[0] == pytest.approx(8 + 52 * spike / 10_000, abs=1)
