import errno
import io
import os
import sys
from pathlib import Path
from typing import IO

import pytest
from rich.text import Text

from bpnet.errors import OutputError
from bpnet.report.console import PIPE_WIDTH
from bpnet.report.streams import Consoles


def caught(monkeypatch: pytest.MonkeyPatch) -> Consoles:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    return Consoles()


def written(stream: IO[str]) -> str:
    assert isinstance(stream, io.StringIO)
    return stream.getvalue()


def test_results_and_notes_go_different_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = caught(monkeypatch)
    opened.results.print("a result")
    opened.write("as [it] is\n")
    opened.notes.print("a note")
    assert written(sys.stdout) == "a result\nas [it] is\n"
    assert written(sys.stderr) == "a note\n"


def test_a_pipe_gets_plain_lines_that_are_not_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = caught(monkeypatch)
    opened.notes.print(Text("long " * 50, "red"))
    assert written(sys.stderr) == "long " * 50 + "\n"
    assert opened.notes.width == PIPE_WIDTH
    assert not opened.notes.is_terminal


def test_what_looks_like_markup_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path or a column may be called so."""
    opened = caught(monkeypatch)
    for console in (opened.results, opened.notes):
        console.print("n[bold]:smile:[/x].json")
    assert written(sys.stdout) == written(sys.stderr) == "n[bold]:smile:[/x].json\n"


def test_colours_can_be_refused() -> None:
    assert Consoles(no_color=True).results.no_color


class Broken(io.StringIO):
    """A stream that cannot be written."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def write(self, text: str) -> int:
        raise OSError(self.number, os.strerror(self.number))


@pytest.mark.parametrize("number", [errno.EPIPE, errno.ENOSPC])
def test_notes_that_cannot_be_written_stop_nothing(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Broken(number))
    notes = Consoles().notes
    notes.print("lost")
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    notes.print("quiet by now")
    assert written(sys.stderr) == ""


def test_results_that_nobody_reads_are_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Broken(errno.EPIPE))
    opened = Consoles()
    opened.write("lost")
    opened.results.print("lost")
    assert opened.results.quiet


@pytest.mark.parametrize("show", ["print", "write"])
def test_results_that_cannot_be_written_are_an_error(show: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Broken(errno.ENOSPC))
    opened = Consoles()
    with pytest.raises(
        OutputError, match=r"^Standard output could not be written: No space left on device\.$"
    ):
        (opened.write if show == "write" else opened.results.print)("lost")


def test_what_is_buffered_for_a_reader_who_left_goes_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        Consoles().write("lost")
        stream.flush()
        monkeypatch.undo()


def test_a_code_page_without_greek_is_no_reason_to_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "log").open("w", encoding="ascii") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        Consoles().notes.print("δ is small")
        monkeypatch.undo()
    assert (tmp_path / "log").read_text("ascii") == "\\u03b4 is small\n"
