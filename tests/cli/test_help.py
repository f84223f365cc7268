import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

import bpnet as package
from bpnet.cli import main
from bpnet.cli.app import app
from tests.cli.running import ENVIRONMENT, PROGRAM, ROOT, bpnet, process

COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]  # it is a group of them

LOADED = """
import sys
from bpnet.cli import main
sys.argv = ["bpnet", *{arguments}]
try:
    main()
except SystemExit as end:
    assert not end.code, end
print(*sorted({{name.partition(".")[0] for name in sys.modules}}), file=sys.stderr)
"""


def test_the_commands() -> None:
    assert {"train", "predict", "evaluate"} <= set(COMMANDS)
    out = bpnet("--help").out
    for command in COMMANDS:
        assert re.search(rf"^│ {command} +[A-Z]", out, re.MULTILINE)


@pytest.mark.parametrize(
    "command", [[], *([name] for name in COMMANDS)], ids=lambda c: c[0] if c else "bpnet"
)
def test_help_has_two_examples_each_on_a_line_of_its_own(command: list[str]) -> None:
    ran = bpnet(*command, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert max(map(len, ran.out.splitlines())) <= 80
    examples = re.findall(r"^ {3}bpnet (\w[\w-]*) .*$", ran.out, re.MULTILINE)
    assert len(examples) >= 2
    assert set(examples) <= set(command or COMMANDS)
    assert ran.out.count("Examples:") == 1
    assert bpnet(*command, "-h").out == ran.out


@pytest.mark.parametrize(
    "command", [[], *([name] for name in COMMANDS)], ids=lambda c: c[0] if c else "bpnet"
)
def test_a_switch_shows_no_type(command: list[str]) -> None:
    out = bpnet(*command, "--help").out
    assert not re.search(r"bool|TRUE|BOOLEAN", out)
    assert re.search(r"│ -h, --help +Show this message and exit\.", out)


def test_long_words_on_an_option_go_on_below_themselves() -> None:
    lines = bpnet("explain", "--help").out.splitlines()
    (first,) = [i for i, line in enumerate(lines) if "--format FORM" in line]
    assert lines[first + 1].index("terminal]") == lines[first].index("terminal,")
    assert lines[first + 1].strip("│ ") == "terminal]"


def test_usage_names_what_is_wanted() -> None:
    assert "Usage: bpnet predict [OPTIONS] RUN DATA\n" in bpnet("predict", "--help").out
    assert "Usage: bpnet train [OPTIONS] [CONFIG]\n" in bpnet("train", "--help").out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_help_that_cannot_be_written_is_a_mistake_told(tmp_path: Path) -> None:
    ran = process("train", "--help", cwd=tmp_path, redirected=">/dev/full")
    assert ran.code == 6
    assert ran.err == "Error: Standard output could not be written: No space left on device.\n"


def test_the_examples_use_options_that_there_are() -> None:
    for command in COMMANDS:
        out = bpnet(command, "--help").out
        used = set(
            re.findall(r" (--?[a-z][a-z-]*)", "\n".join(re.findall(r"^ {3}bpnet .*$", out, re.MULTILINE)))
        )
        offered = set(re.findall(r"(--?[a-z][a-z-]*)", out.partition("─ Options ─")[2]))
        assert used <= offered


HEAVY = {"pydantic", "polars", "safetensors", "plotille", "yaml", "numpy", "matplotlib"}


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["--help"], HEAVY),
        (["--version"], HEAVY),
        # Before a command's own options Typer reads those of the group, and newer ones do it with pydantic.
        *(([name, "--help"], HEAVY - {"pydantic"}) for name in COMMANDS),
    ],
)
def test_help_loads_nothing_heavy(arguments: list[str], heavy: set[str]) -> None:
    command = [sys.executable, "-c", LOADED.format(arguments=arguments)]
    ran = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    loaded = set(ran.stderr.split())
    assert {"bpnet", "typer"} <= loaded
    assert not loaded & heavy


def test_the_version() -> None:
    ran = bpnet("--version")
    assert (ran.code, ran.out, ran.err) == (0, f"bpnet {package.__version__}\n", "")


def test_the_entry_point(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["bpnet", "--version"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert capsys.readouterr().out == f"bpnet {package.__version__}\n"


def test_as_a_module() -> None:
    ran = subprocess.run([*PROGRAM, "--version"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == f"bpnet {package.__version__}\n"


def test_the_installed_command_is_this_one() -> None:
    (entry,) = importlib.metadata.entry_points(group="console_scripts", name="bpnet")
    assert entry.value == "bpnet.cli:main"


def test_without_a_command_help_is_shown() -> None:
    ran = bpnet()
    assert ran.code == 2
    assert "Examples:" in ran.out + ran.err
