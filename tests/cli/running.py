"""Starting the program: within the test, as a process, and as a process whose parts are replaced."""

import csv
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from bpnet.cli.app import app
from bpnet.training.files import load_tensors
from bpnet.training.run_folder import CHECKPOINT, CONFIG, HISTORY, MODEL, SUMMARY

ROOT = Path(__file__).parent.parent.parent
DATA = ROOT / "data"
PROGRAM = (sys.executable, "-m", "bpnet")

ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if name not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TERM"}
}
"""Without what would change how the program looks."""


@dataclass(frozen=True)
class Ran:
    """What a run of the program left behind."""

    code: int
    out: str
    err: str


def bpnet(*arguments: str | Path, stdin: str = "") -> Ran:
    """Run a command within this process."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


def refused(*arguments: str | Path, stdin: str = "", code: int = 2) -> str:
    """Run a command that ends with this code, a message and no result; returns the message."""
    ran = bpnet(*arguments, stdin=stdin)
    assert (ran.code, ran.out) == (code, ""), ran
    assert "Error" in ran.err
    assert "Traceback" not in ran.err
    return ran.err


def process(*arguments: str | Path, cwd: Path, redirected: str = "") -> Ran:
    """Run a command as a process of its own, its streams redirected as a shell is told to."""
    command = [*PROGRAM, *map(str, arguments)]
    ran = subprocess.run(
        ["bash", "-c", f'set -o pipefail; "$@" {redirected}', "bash", *command] if redirected else command,
        cwd=cwd,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def assert_same_run(first: Path, second: Path) -> None:
    """Two run folders hold the same training to the last bit, but for its time and its place."""
    for name in (MODEL, CHECKPOINT):
        tensors = [load_tensors(run / name)[0] for run in (first, second)]
        assert tensors[0].keys() == tensors[1].keys()
        for key, array in tensors[0].items():
            assert array.tobytes() == tensors[1][key].tobytes(), key
    for read in (_history, _summary):
        assert read(first) == read(second)
    assert (first / CONFIG).read_text("utf-8") == (second / CONFIG).read_text("utf-8")


def _history(run: Path) -> list[dict[str, str]]:
    with (run / HISTORY).open(newline="", encoding="utf-8") as file:
        return [
            {name: cell for name, cell in row.items() if name != "seconds"} for row in csv.DictReader(file)
        ]


def _summary(run: Path) -> dict[str, Any]:
    summary = json.loads((run / SUMMARY).read_text("utf-8"))
    return {name: value for name, value in summary.items() if name not in {"run", "seconds"}}
