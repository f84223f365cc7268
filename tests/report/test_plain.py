import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpnet.errors import DivergenceError
from bpnet.report.plain import PlainLines, describe
from bpnet.report.watching import Quiet
from bpnet.training.events import Event, Progress, TrainingEnded
from tests.report.making import CONTROL_CODE, console, diverge, ended, layer, started, text_of

SIZES = st.sampled_from([0.0, 1e-300, 1e-12, 0.0012345, 0.5, 99.99, 123456.7, 1e9, 1e300])


def followed(events: Iterable[Event], *, verbose: bool = False) -> list[str]:
    to = console(pipe=True)
    with PlainLines(to, verbose=verbose) as watcher:
        for event in events:
            watcher.tell(event)
    return text_of(to).splitlines()


def epochs_told(lines: Sequence[str]) -> list[int]:
    return [int(line.split()[0]) for line in lines if line.split()[0].isdigit()]


def test_a_short_run_gets_a_line_an_epoch() -> None:
    scores = [{"loss": 0.5 / epoch, "accuracy": 0.9} for epoch in range(1, 4)]
    told = [ended(n, 3, train=s, validation=s, best=n < 3) for n, s in enumerate(scores, 1)]
    assert followed([started(epochs=3), *told, TrainingEnded("completed", 3, 2)]) == [
        "flowers: 4 → 30 tanh → 3 softmax, 243 parameters",
        "rows: 1,079 training, 359 validation",
        "epochs: 3, * marks the best so far",
        "epoch     loss   valid. accuracy   valid.       δ²       δ³",
        "    1   0.5000   0.5000   0.9000   0.9000  1.0e+00  1.0e+00 *",
        "    2   0.2500   0.2500   0.9000   0.9000  1.0e+00  1.0e+00 *",
        "    3   0.1667   0.1667   0.9000   0.9000  1.0e+00  1.0e+00",
    ]


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        (60, list(range(1, 61))),
        (61, [1, *range(2, 61, 2), 61]),
        (100, [1, *range(2, 101, 2)]),
        (200, [1, *range(5, 201, 5)]),
        (10_000, [1, *range(200, 10_001, 200)]),
    ],
)
def test_a_long_run_gets_a_line_every_so_many(epochs: int, expected: list[int]) -> None:
    lines = followed([started(epochs=epochs), *(ended(n, epochs) for n in range(1, epochs + 1))])
    assert epochs_told(lines) == expected


@pytest.mark.parametrize("epochs", [1, 19, 20, 59, 61, 119, 121, 599, 601, 1234])
def test_no_run_floods_a_log(epochs: int) -> None:
    lines = followed([started(epochs=epochs), *(ended(n, epochs) for n in range(1, epochs + 1))])
    assert min(epochs, 20) <= len(epochs_told(lines)) <= 62


def test_a_resumed_run_tells_its_own_epochs() -> None:
    lines = followed([started(epochs=300, epochs_done=200), *(ended(n, 300) for n in range(201, 301))])
    assert "epochs: 201 to 300, * marks the best so far" in lines
    assert epochs_told(lines) == [201, *range(202, 301, 2)]


def test_the_last_epoch_is_told_however_training_ends() -> None:
    events = (started(epochs=200), ended(1, 200), ended(2, 200), ended(3, 200))
    assert epochs_told(followed(events)) == [1, 3]
    to = console()
    with pytest.raises(DivergenceError):
        diverge(PlainLines(to, verbose=False), *events)
    assert epochs_told(text_of(to).splitlines()) == [1, 3]


def test_progress_within_an_epoch_is_no_line() -> None:
    lines = followed([started(), Progress(1, 10, 100), Progress(1, 20, 100)])
    assert lines == followed([started()])


@given(st.data())
def test_columns_are_aligned_and_fit_whatever_the_numbers(data: st.DataObject) -> None:
    metrics = data.draw(st.sampled_from([("accuracy",), ("r2", "mae")]))
    epochs = data.draw(st.sampled_from([5, 999_999]))
    validated = data.draw(st.booleans())
    depth = data.draw(st.integers(2, 10))
    shape = [(4, ""), *[(30, "tanh")] * (depth - 1)]
    signs = {"r2": -1.0}

    def score() -> dict[str, float]:
        return {name: signs.get(name, 1.0) * data.draw(SIZES) for name in ("loss", *metrics)}

    told = [
        ended(
            epoch,
            epochs,
            train=score(),
            validation=score() if validated else None,
            layers=[layer(l, data.draw(SIZES)) for l in range(2, depth + 1)],
            best=data.draw(st.booleans()),
        )
        for epoch in (1, epochs)
    ]
    lines = followed(
        [started(shape, epochs=epochs, metrics=metrics, validation_rows=10 * validated, test_rows=7), *told]
    )
    assert max(map(len, lines)) <= 80
    assert not CONTROL_CODE.search("".join(lines))
    heading = next(number for number, line in enumerate(lines) if line.lstrip().startswith("epoch "))
    table = [line.removesuffix(" *") for line in lines[heading:]]
    assert len(table) == 3
    assert len({len(line) for line in table}) == 1
    edges = [index for index, pair in enumerate(itertools.pairwise(table[0])) if pair[0] != " " == pair[1]]
    for line in table[1:]:
        assert len(line.split()) == len(table[0].split())
        assert all(line[edge] != " " and line[edge + 1] == " " for edge in edges)


def test_of_many_layers_the_first_hidden_one_and_the_output_are_told() -> None:
    shape = [(4, ""), *[(30, "tanh")] * 9]
    deltas = [layer(l, 10.0**-l) for l in range(2, 11)]
    lines = followed([started(shape), ended(1, layers=deltas)])
    assert lines[-2].split()[-2:] == ["δ²", "δ¹⁰"]
    assert lines[-1].split()[-2:] == ["1.0e-02", "1.0e-10"]


def test_a_network_without_hidden_layers_has_one_delta() -> None:
    lines = followed([started([(4, ""), (1, "sigmoid")]), ended(1, layers=[layer(2, 0.25)])])
    assert lines[-2].split() == ["epoch", "loss", "valid.", "accuracy", "valid.", "δ²"]
    assert lines[-1].split()[-1] == "2.5e-01"


def test_verbose_shows_the_layers_below_each_line() -> None:
    sick = layer(2, 1.0, saturated=0.61)
    told = [ended(n, 2, layers=[sick, layer(3)]) for n in (1, 2)]
    lines = followed([started(epochs=2), *told], verbose=True)
    assert sum("61 % saturated" in line for line in lines) == 2
    assert max(map(len, lines)) <= 80
    assert "61 % saturated" not in "".join(followed([started(epochs=2), *told]))


@pytest.mark.parametrize(
    ("changes", "rows"),
    [
        ({"validation_rows": 0}, "rows: 1,079 training"),
        ({"test_rows": 5}, "rows: 1,079 training, 359 validation, 5 test"),
    ],
)
def test_the_description_counts_the_parts_there_are(changes: dict[str, Any], rows: str) -> None:
    assert describe(started(**changes)) == f"4 → 30 tanh → 3 softmax, 243 parameters\n{rows}"


def test_the_description_says_what_there_is_to_wait_for() -> None:
    *_, last = describe(started(backend="numba")).splitlines()
    assert last == "steps: compiled by Numba, which takes some seconds the first time"


def test_quiet_says_nothing_and_stops_no_error() -> None:
    with pytest.raises(DivergenceError):
        diverge(Quiet(), started())
