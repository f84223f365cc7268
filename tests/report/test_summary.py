from typing import Any

import pytest

from bpnet.report.summary import print_summary
from tests.report.making import CONTROL_CODE, console, text_of

SCORE = {"loss": 0.07931, "accuracy": 0.97214}


def summary(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "run": "runs/digits-1",
        "name": "digits",
        "epochs": 30,
        "best_epoch": 28,
        "monitor": "validation_loss",
        "stopped": "completed",
        "parameters": 2410,
        "seconds": 0.16,
        "train": SCORE,
        "validation": SCORE,
        "test": {"loss": 0.09593, "accuracy": None},
    }
    return values | changes


def shown(values: dict[str, Any], commands: list[tuple[str, str]] | None = None, width: int = 80) -> str:
    to = console(width)
    print_summary(to, values, commands or [])
    return text_of(to)


def test_the_whole() -> None:
    commands = [("bpnet predict runs/digits-1 DATA.csv", "answer new rows"), ("bpnet x", "do x")]
    assert [line.rstrip() for line in shown(summary(), commands).splitlines()] == [
        "",
        "digits: 30 epochs in 0.16 s; best by validation loss: epoch 28",
        "",
        "                loss   accuracy",
        "───────────────────────────────",
        "training     0.07931     0.9721",
        "validation   0.07931     0.9721",
        "test         0.09593          –",
        "",
        "run folder  runs/digits-1",
        "try next",
        "  bpnet predict runs/digits-1 DATA.csv   answer new rows",
        "  bpnet x                                do x",
    ]


@pytest.mark.parametrize(
    ("changes", "headline"),
    [
        ({"epochs": 1, "best_epoch": 1}, "digits: 1 epoch in 0.16 s; best by validation loss: epoch 1"),
        ({"epochs": 12345}, "digits: 12,345 epochs in 0.16 s; best by validation loss: epoch 28"),
        (
            {"stopped": "early_stopping"},
            "digits: 30 epochs in 0.16 s, stopped early; best by validation loss: epoch 28",
        ),
        (
            {"stopped": "interrupted", "epochs": 0, "best_epoch": 0, "seconds": 0.0},
            "digits: 0 epochs in 0.00 s, interrupted; no epoch was finished",
        ),
        (
            {"stopped": "diverged", "monitor": "accuracy"},
            "digits: 30 epochs in 0.16 s, diverged; best by accuracy: epoch 28",
        ),
    ],
)
def test_the_headline(changes: dict[str, Any], headline: str) -> None:
    assert shown(summary(**changes)).splitlines()[1] == headline


def test_parts_that_are_not_there_have_no_row() -> None:
    text = shown(summary(validation=None, test=None))
    assert "training" in text
    assert "validation  " not in text
    assert "test" not in text


def test_nothing_to_try_is_not_announced() -> None:
    assert "try next" not in shown(summary())


def test_where_meanings_do_not_fit_the_commands_stand_alone() -> None:
    command = "bpnet train --resume runs/digits-1"
    assert "train on" in shown(summary(), [(command, "train on")], 50)
    narrow = shown(summary(), [(command, "train on")], 40)
    assert command in narrow
    assert "train on" not in narrow


@pytest.mark.parametrize("width", [40, 80, 140])
def test_it_is_readable_at_any_width(width: int) -> None:
    score = {"loss": 1e-300, "r2": -1e9, "mae": 123456.0}
    text = shown(summary(train=score, validation=score, test=score), [("bpnet train", "train")], width)
    assert max(map(len, text.splitlines())) <= width
    assert text.count("-1.0e+09") == 3
    assert "…" not in text
    assert not CONTROL_CODE.search(text)
