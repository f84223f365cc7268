"""The page on gradient cases: what it shows is so, and its examples pass the check."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from bpnet.cli.app import app
from bpnet.core.activations import ACTIVATIONS
from bpnet.core.losses import LOSSES
from bpnet.core.registry import parameters_of
from bpnet.experiment.checking import given_point
from bpnet.experiment.opening import open_experiment
from bpnet.inspection import diagnosis
from bpnet.inspection.cases import read_case, read_gradients, write_case
from bpnet.inspection.diagnosis import diagnose
from bpnet.inspection.foreign import THRESHOLD, check_foreign
from bpnet.inspection.ingredients import Ingredients, tensors_of
from bpnet.inspection.mistakes import structural_mistakes
from bpnet.inspection.point import Point
from bpnet.inspection.records import FAIL, PASS
from tests.inspection.making import make_point

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "gradient-cases.md").read_text(encoding="utf-8")
EXAMPLES = {"python": DOCS / "examples" / "gradients.py", "js": DOCS / "examples" / "gradients.js"}
NODE = shutil.which("node")


def blocks(language: str) -> list[str]:
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found


def keys(title: str) -> set[str]:
    """The first column of the table after a line."""
    table = PAGE.partition(title)[2].partition("|---|---|\n")[2].partition("\n\n")[0]
    return {name for line in table.splitlines() for name in re.findall(r"`(\w+)`", line.split("|")[1])}


def mazur() -> Point:
    return given_point(open_experiment("mazur", []).experiment)


def command(language: str) -> list[str]:
    if language == "python":
        return [sys.executable, str(EXAMPLES[language])]
    if NODE is None:
        pytest.skip("there is no node here")
    return [NODE, str(EXAMPLES[language])]


# The examples


@pytest.mark.parametrize("language", EXAMPLES)
def test_the_examples_are_the_files(language: str) -> None:
    assert blocks(language) == [EXAMPLES[language].read_text(encoding="utf-8")]
    assert EXAMPLES[language].read_text(encoding="utf-8").count("\n") <= 36, "about thirty lines"


CASES: dict[str, Callable[[], Point]] = {
    "mazur": mazur,
    "three samples": lambda: make_point((3, 4, 2), "sigmoid"),
    "deep": lambda: make_point((4, 5, 5, 5, 2), "tanh", "identity"),
    "penalty and weights": lambda: make_point((3, 4, 2), "tanh", weighted=True, weight_decay=0.1),
}


@pytest.mark.parametrize("language", EXAMPLES)
@pytest.mark.parametrize("name", CASES)
def test_the_examples_gradients_pass(language: str, name: str, tmp_path: Path) -> None:
    case, mine = tmp_path / "case.json", tmp_path / "mine.json"
    case.write_text(write_case(CASES[name](), 0.5), encoding="utf-8")
    subprocess.run([*command(language), str(case), str(mine)], check=True)
    point, rate = read_case(case)
    given, absent = read_gradients(mine, point)
    assert absent == []
    check = check_foreign(point, given, rate=rate)
    assert check.verdict == PASS
    assert check.max_relative_error is not None
    assert check.max_relative_error < 1e-12
    doubled = check_foreign(point, {key: 2 * array for key, array in given.items()}, rate=rate)
    assert doubled.verdict == FAIL


@pytest.mark.parametrize("language", EXAMPLES)
@pytest.mark.parametrize("options", [{"loss": "huber"}, {"dropout": 0.5}], ids=["huber", "dropout"])
def test_the_examples_say_what_they_do_not_know(
    language: str, options: dict[str, Any], tmp_path: Path
) -> None:
    case = tmp_path / "case.json"
    case.write_text(write_case(make_point((3, 6, 2), **options), 0.5), encoding="utf-8")
    ran = subprocess.run(
        [*command(language), str(case), str(tmp_path / "mine.json")],
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode != 0
    assert "This example knows the quadratic loss only, and no dropout." in ran.stderr


def test_the_three_steps_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    steps = [line.split("  #")[0].split() for line in blocks("sh")[0].splitlines()]
    assert [words[0] for words in steps] == ["bpnet", "python", "bpnet"]
    assert CliRunner().invoke(app, steps[0][1:]).exit_code == 0
    subprocess.run([sys.executable, str(EXAMPLES["python"]), *steps[1][2:]], check=True)
    last = CliRunner().invoke(app, steps[2][1:])
    assert last.exit_code == 0
    assert "The gradients are right" in last.stdout
    without = re.search(r"`bpnet (grad-check mazur --gradients\s+mine\.json)`", PAGE)
    assert without
    assert CliRunner().invoke(app, without[1].split()).exit_code == 0


# The format


def test_every_key_of_a_case_is_told() -> None:
    everything = json.loads(write_case(make_point((3, 6, 2), dropout=0.5, weighted=True), 0.5))
    of_losses = {each.name for loss in LOSSES for each in parameters_of(LOSSES[loss])}
    of_activations = {each.name for name in ACTIVATIONS for each in parameters_of(ACTIVATIONS[name])}
    assert keys("One JSON object:") == set(everything) | of_losses
    assert keys("and for each layer:") == {*everything["layers"][0]} | of_activations
    assert f'`"{everything["format"]}"`' in PAGE


def test_every_activation_and_loss_is_named() -> None:
    (losses,) = re.findall(r"\| `loss` \|(.*)\|", PAGE)
    (activations,) = re.findall(r"\| `activation` \|(.*)\|", PAGE)
    assert set(re.findall(r"`(\w+)`", losses)) == set(LOSSES)
    assert set(re.findall(r"`(\w+)`", activations)) == set(ACTIVATIONS)


def test_the_gradients_shown_are_read(tmp_path: Path) -> None:
    point = make_point((2, 2, 1))
    (shown,) = blocks("json")
    mine = tmp_path / "mine.json"
    mine.write_text(shown, encoding="utf-8")
    given, absent = read_gradients(mine, point)
    assert absent == []
    assert given["W", 3].tolist() == [[0.7, 0.8]]
    numbered = json.loads(shown)["gradients"]
    mine.write_text(
        json.dumps([{k: v for k, v in each.items() if k != "layer"} for each in numbered]), "utf-8"
    )
    assert read_gradients(mine, point)[0]["b", 2].tolist() == [0.5, 0.6]
    named: dict[str, np.ndarray] = {f"{name}{l}": array for (name, l), array in given.items()}
    np.savez(tmp_path / "mine.npz", **named)  # type: ignore[arg-type]  # names of arrays, not options
    assert read_gradients(tmp_path / "mine.npz", point)[0].keys() == given.keys()


# The mistakes


def listed() -> list[str]:
    found: list[str] = re.findall(r"^- \*\*(.+?)\*\*: ", PAGE, re.MULTILINE)
    return found


def test_the_list_of_mistakes_is_that_of_the_program() -> None:
    names = [mistake.name for mistake in structural_mistakes(0.5)]
    assert len(set(names)) == len(names)
    assert sorted(name for name in listed() if name != "0") == sorted(names)


def told() -> Iterator[tuple[Point, list[tuple[str, tuple[int, ...]]]]]:
    yield mazur(), [("no σ′ at a hidden layer", (2,))]
    yield mazur(), [("updated W in BP2", (2,))]
    yield make_point((3, 5, 2), "relu", "identity"), [("no σ′ at a hidden layer", (2,))]
    yield mazur(), [("no σ′ at the output", (3,)), ("no σ′ at a hidden layer", (2,))]


@pytest.mark.parametrize(
    ("number", "point", "mistakes"), [(number, *each) for number, each in enumerate(told())]
)
def test_what_is_shown_is_told(
    number: int, point: Point, mistakes: list[tuple[str, tuple[int, ...]]]
) -> None:
    known = {mistake.name: mistake for mistake in structural_mistakes(0.5)}
    trace = point.forward()
    ingredients = Ingredients.of(point, trace)
    for name, layers in mistakes:
        ingredients = known[name].make(ingredients, layers)
    found = tensors_of(ingredients.gradients())
    told = diagnose(point, trace, found, rate=0.5, tolerance=THRESHOLD)
    assert tuple(blocks("text")[number].splitlines()) == told.sentences


def test_the_unknown_mistake_shown_is_told() -> None:
    point = mazur()
    trace = point.forward()
    found = tensors_of(point.backward(trace))
    spoilt = found | {("W", l): np.outer(found["b", l], [0.3, 0.7]) for l in (2, 3)}
    told = diagnose(point, trace, spoilt, rate=0.5, tolerance=THRESHOLD)
    assert tuple(blocks("text")[-1].splitlines()) == told.sentences


def test_the_limits_told_are_those_of_the_program() -> None:
    assert f"more than {diagnosis._LARGEST_FOR_PAIRS:,} parameters" in PAGE
    assert THRESHOLD == 1e-6
    assert "largest) is 10⁻⁶ at most for every element" in PAGE
