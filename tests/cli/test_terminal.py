"""In a real pseudo-terminal: what a person sees."""

import io
import re
from pathlib import Path

import pexpect
import pytest
from rich.cells import cell_len

from tests.cli.running import ENVIRONMENT, PROGRAM, Ran

pytestmark = pytest.mark.filterwarnings(
    "ignore:This process .* is multi-threaded:DeprecationWarning"  # the child starts a program at once
)

CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[[0-9;]*(3[0-7]|4[0-7]|9[0-7]|38;|48;)[0-9;]*m")
DEEP = ("--set", "network.layers=[64, 20, 20, 20, 20, 20, 10]")


def spawn(*arguments: str, width: int = 80, environment: dict[str, str] | None = None) -> pexpect.spawn:
    return pexpect.spawn(
        PROGRAM[0],
        [*PROGRAM[1:], *arguments],
        env={**ENVIRONMENT, "TERM": "xterm-256color", **(environment or {})},
        dimensions=(24, width),
        encoding="utf-8",
        timeout=30,
    )


def seen(child: pexpect.spawn) -> Ran:
    """Wait for the end; returns all that reached the terminal."""
    log = io.StringIO()
    child.logfile_read = log
    child.expect(pexpect.EOF)
    child.close()
    return Ran(child.exitstatus, log.getvalue(), "")


def lines_of(text: str) -> list[str]:
    return re.split(r"[\r\n]+", CODES.sub("", text))


@pytest.mark.parametrize("width", [40, 80, 140])
@pytest.mark.parametrize("config", [("digits", *DEEP), ("diabetes",)], ids=["digits", "diabetes"])
def test_no_line_is_wider_than_the_terminal(config: tuple[str, ...], width: int) -> None:
    ran = seen(spawn("train", *config, "--set", "training.epochs=3", width=width))
    assert ran.code == 0
    assert "Traceback" not in ran.out
    assert max(map(cell_len, lines_of(ran.out))) <= width
    assert "…" not in ran.out
    words = " ".join(CODES.sub("", ran.out).split())
    for expected in ("epoch 3/3", "done", "run folder runs/", "try next", "δ RMS", "validation", "┤"):
        assert expected in words
    assert ("∇W RMS" in words) is (width >= 70)


def test_the_view_is_drawn_in_place_in_colours_and_leaves_the_cursor() -> None:
    ran = seen(spawn("train", "digits"))
    assert "\x1b[1A" in ran.out
    assert COLOUR.search(ran.out)
    assert ran.out.count("\x1b[?25l") == ran.out.count("\x1b[?25h") == 1


@pytest.mark.parametrize(("options", "environment"), [(["--no-color"], {}), ([], {"NO_COLOR": "1"})])
def test_colours_can_be_refused(options: list[str], environment: dict[str, str]) -> None:
    ran = seen(spawn("train", "digits", *options, environment=environment))
    assert ran.code == 0
    assert not COLOUR.search(ran.out)
    assert "\x1b[1A" in ran.out, "it is still drawn in place"


def test_a_dumb_terminal_gets_plain_lines() -> None:
    ran = seen(spawn("train", "xor", "--set", "training.epochs=3", environment={"TERM": "dumb"}))
    assert ran.code == 0
    assert "\x1b" not in ran.out
    assert [line.split()[0] for line in lines_of(ran.out) if line.endswith("*")] == ["1", "2", "3"]


def test_quiet_is_quiet_in_a_terminal_too() -> None:
    assert seen(spawn("train", "xor", "-q")).out == "runs/xor-1\r\n"


def test_json_has_no_colours() -> None:
    ran = seen(spawn("train", "xor", "-q", "--json"))
    assert "\x1b" not in ran.out
    assert ran.out.startswith("{\r\n")


def test_ctrl_c_is_an_interruption_that_is_saved(folder: Path) -> None:
    child = spawn("train", "xor", "--set", "training.epochs=10000000")
    child.expect("best so far")
    child.sendintr()
    ran = seen(child)
    assert ran.code == 130
    assert "Traceback" not in ran.out
    text = CODES.sub("", ran.out)
    assert re.search(r"epoch [\d,]+/10,000,000 +━* +interrupted", text)
    assert "train to the end" in text
    assert (folder / "runs" / "xor-1" / "summary.json").is_file()


def test_a_divergence_is_told_below_the_view() -> None:
    rate = ("--set", "training.learning_rate=1e30", "--set", "network.activation=relu")
    ran = seen(spawn("train", "diabetes", *rate))
    assert ran.code == 5
    text = CODES.sub("", ran.out)
    assert re.search(r"epoch 0/\d+ +━* +diverged\s+Error: Training diverged in epoch 1", text)


def test_a_mistake_is_red_and_short() -> None:
    ran = seen(spawn("train", "nowhere"))
    assert ran.code == 2
    assert "\x1b[1;31mError: " in ran.out
    assert len(lines_of(ran.out)) < 6
