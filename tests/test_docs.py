"""What the documents show is what the program does."""

import functools
import importlib
import importlib.util
import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

import bpnet
from bpnet.cli.app import app
from bpnet.config import load_config
from bpnet.experiment.checking import BURN_IN
from bpnet.inspection.comparison import FLOOR, THRESHOLD
from bpnet.inspection.complex_step import STEP
from bpnet.inspection.stages import SCALAR_PARAMETERS
from bpnet.report.gradients import _MEANING

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
PICTURE = (ROOT / "docs" / "digits.svg").read_text("utf-8")
COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # it is a group


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def make() -> ModuleType:
    """The script that writes them."""
    spec = importlib.util.spec_from_file_location("make", ROOT / "docs" / "make.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def block(language: str, containing: str) -> str:
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    (found,) = [text for text in blocks if containing in text]
    return found


def commands() -> Iterator[list[str]]:
    """Every ``bpnet ...`` of the README, in blocks and within lines, as its words."""
    shown = re.findall(r"```sh\n(.*?)```", README, re.DOTALL) + re.findall(r"`(bpnet [^`]+)`", README)
    for line in "\n".join(shown).splitlines():
        for part in re.split(r"&&|;", line):
            words = shlex.split(part, comments=True)
            if words and words[0].rpartition("/")[2] == "bpnet":
                yield words[1:]


# The tables and the picture


def test_the_table_of_keys_is_the_language_s(make: ModuleType) -> None:
    (table,) = re.findall(r"<!-- config table -->\n(.*?)<!-- end -->", README, re.DOTALL)
    assert table == make.readme_table(), "run python docs/make.py"


def test_the_reference_is_the_language_s(make: ModuleType) -> None:
    assert (ROOT / "docs" / "config.md").read_text("utf-8") == make.config_reference(), (
        "run python docs/make.py"
    )


def test_the_theory_s_numbers_are_those_of_the_program(make: ModuleType) -> None:
    page = (ROOT / "docs" / "theory.md").read_text("utf-8")
    assert page.count("<!-- end -->") == 10
    assert page == make.theory(), "run python docs/make.py"
    for line in re.findall(
        r"^\S.*$", re.sub(r"<!-- (?!end).*?<!-- end -->|```.*?```", "", page, flags=re.DOTALL), re.MULTILINE
    ):
        assert not re.search(r"\d\.\d", line.replace("2.", "")), f"a number that nobody computes: {line}"


def test_the_theory_s_links_lead_to_functions(make: ModuleType) -> None:
    page = (ROOT / "docs" / "theory.md").read_text("utf-8")
    links = re.findall(r"\[`([\w.]+)`\]\(\.\./(bpnet/[\w/]+)\.py\)", page)
    assert len(links) >= 5
    for name, path in links:
        module = importlib.import_module(path.replace("/", "."))
        if name != f"{path.rpartition('/')[2]}.py":
            functools.reduce(getattr, name.split("."), module)


def test_the_picture_needs_nothing_from_the_web() -> None:
    addresses = set(re.findall(r"https?://[^\s\"')<]+", PICTURE))
    assert addresses <= {"http://www.w3.org/2000/svg"}, "the name of the format, which nobody fetches"
    assert "@import" not in PICTURE
    assert "@font-face" not in PICTURE
    assert "href" not in PICTURE


def test_the_picture_shows_the_view_as_it_is_now(make: ModuleType) -> None:
    def words(picture: str) -> set[str]:
        texts = re.findall(r"<text[^>]*>([^<]*)</text>", picture)
        plain = " ".join(texts).replace("&#160;", " ")
        return {word for word in re.findall(r"[A-Za-zδ∇]{2,}[\w/]*", plain) if not word.startswith("runs/")}

    shown, now = words(PICTURE), words(make.picture())
    assert {"training", "validation", "sigmoid", "learning", "run"} <= shown
    assert shown == now, "run python docs/make.py"


# XOR


def test_the_xor_config_trains() -> None:
    Path("my-xor.yaml").write_text(block("yaml", "targets: [[0], [1], [1], [0]]"), encoding="utf-8")
    ran = CliRunner().invoke(app, ["train", "my-xor.yaml"])
    assert ran.exit_code == 0
    assert re.search(r"training +[\d.e-]+ +1\.0000", ran.stdout)
    failing = CliRunner().invoke(app, ["train", "my-xor.yaml", "--set", "network.layers=[2, 1, 1]"])
    assert failing.exit_code == 0
    assert not re.search(r"training +[\d.e-]+ +1\.0000", failing.stdout)
    fast = CliRunner().invoke(app, ["train", "my-xor.yaml", "-v", "--set", "training.learning_rate=1000"])
    assert "saturated" in fast.stderr


def test_the_mistakes_shown_are_told_as_shown() -> None:
    config = block("yaml", "targets: [[0], [1], [1], [0]]")
    for right, wrong in (("activation: tanh", "activation: thanh"), ("learning_rate: 0.1", "lr: 0.1")):
        assert config.count(right) == 1
        config = config.replace(right, wrong)
    Path("my-xor.yaml").write_text(config, encoding="utf-8")
    ran = CliRunner().invoke(app, ["train", "my-xor.yaml"])
    assert ran.exit_code == 2
    assert ran.stderr == block("text", "mistakes in the config")


# The commands


def test_every_command_is_mentioned() -> None:
    mentioned = {words[0] for words in commands() if words}
    assert set(COMMANDS) <= mentioned


def test_what_is_called_is_there() -> None:
    called = [words for words in commands() if words[0] != "COMMAND" and not words[0].startswith("...")]
    assert len(called) >= len(COMMANDS)
    for words in called:
        assert words[0] in COMMANDS, words
        offered = {name for parameter in COMMANDS[words[0]].params for name in parameter.opts}
        used = {word for word in words[1:] if re.match(r"--?[a-z]", word)}
        assert used <= offered | {"--help", "-h"}, words


def test_every_option_in_the_text_is_there() -> None:
    offered = {"--help", "-h", "--version"}
    offered |= {
        name for command in COMMANDS.values() for parameter in command.params for name in parameter.opts
    }
    used = {
        match for text in re.findall(r"`(--[a-z][^`]*)`", README) for match in re.findall(r"--[a-z-]+", text)
    }
    assert len(used) >= 4
    assert used <= offered


def test_every_shipped_config_is_mentioned() -> None:
    names = {path.stem for path in (ROOT / "configs").glob("*.yaml")}
    (table,) = re.findall(r"### Built-in configs\n(.*?)\n##", README, re.DOTALL)
    assert set(re.findall(r"`([a-z_]+)`", table.replace("`, `", "`\n`"))) == names


def test_the_overrides_shown_are_accepted() -> None:
    shown = [words for words in commands() if "--set" in words]
    assert shown
    for words in shown:
        overrides = [after for word, after in itertools.pairwise(words) if word == "--set"]
        load_config("xor", overrides)


def test_the_exit_codes_are_told() -> None:
    (line,) = re.findall(r"^Exit codes: (.*?)\n\n", README, re.DOTALL | re.MULTILINE)
    assert {int(code) for code in re.findall(r"\b\d+\b", line)} == {0, 1, 2, 3, 4, 5, 6, 130}


def test_the_python_shown_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    Path("data").symlink_to(ROOT / "data")
    names: dict[str, Any] = {}
    exec(block("python", "import bpnet"), names)  # noqa: S102 - it is our own page
    assert "accuracy" in capsys.readouterr().out
    assert len(names["answers"]) == 1797


def test_links_lead_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_run_folder_s_page_names_every_key_and_column(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "run-folder.md").read_text(encoding="utf-8")
    result = bpnet.train("iris", overrides=["training.epochs=1"], output=tmp_path)
    named = set(re.findall(r"`([a-z_0-9<>]+)`", page))
    assert set(result.summary) <= named
    columns = (result.folder / "history.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    general = {re.sub(r"_\d+$", "_<l>", column) for column in columns}
    assert {name for name in general if not name.startswith("validation_acc")} <= named


def test_the_gradient_check_s_page_names_every_line_and_key() -> None:
    page = (ROOT / "docs" / "grad-check.md").read_text(encoding="utf-8")
    lines = set(re.findall(r"`([^`]+)`", "".join(re.findall(r"^\| (`[^|]*) \|", page, re.MULTILINE))))
    assert set(_MEANING) <= lines
    document = bpnet.grad_check("source", self_test=True).to_json()
    named = set(re.findall(r"`([a-z_]+)`", page))
    assert named >= set(document)
    for key in ("layers", "stages", "taylor", "differences"):
        assert named >= set(document[key][0])
    assert named >= set(document["self_test"])
    assert named >= set(document["self_test"]["faults"][0])
    assert named >= set(document["layers"][0]["worst"])


def test_the_gradient_check_s_page_says_the_numbers_of_the_code() -> None:
    page = (ROOT / "docs" / "grad-check.md").read_text(encoding="utf-8")
    assert STEP == 1e-200
    assert page.count("10⁻²⁰⁰") == 2
    assert (FLOOR, THRESHOLD) == (1e-4, 1e-8)
    assert "10⁻⁴ of its tensor's largest), and 10⁻⁸ passes" in page
    assert f"more than {SCALAR_PARAMETERS:,} parameters" in page
    assert BURN_IN == 10


def test_the_comparison_of_gradient_checks_has_no_miss_of_ours() -> None:
    page = (ROOT / "docs" / "gradient-checks.md").read_text(encoding="utf-8")
    ours = re.findall(r"^\| bpnet grad-check \| (\d+) \| (\d+) \(", page, re.MULTILINE)
    assert ours == [("0", "0")]


def test_no_mutant_of_the_mathematics_survives_and_each_that_passes_has_its_reason() -> None:
    page = (ROOT / "docs" / "mutants.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| `core/(\w+)\.py` \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", page, re.MULTILINE
    )
    assert [name for name, *_ in rows] == ["backprop", "activations", "losses"]
    for _, *counts in rows:
        total, caught, crashed, equivalent, survived = map(int, counts)
        assert total == caught + crashed + equivalent
        assert survived == 0
        assert caught + crashed > total / 2
    assert "## Survived\n\nNone.\n" in page
    assert "not known" not in page
