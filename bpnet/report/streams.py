"""Standard output and standard error, before anything is drawn there: Rich is loaded when that happens."""

import io
import os
import sys
from functools import cached_property
from typing import IO, TYPE_CHECKING

from bpnet.errors import OutputError

if TYPE_CHECKING:
    from bpnet.report.console import Notes, Results


class Consoles:
    """Where things are printed: results to standard output, everything else to standard error.

    Parameters
    ----------
    no_color : bool
    """

    def __init__(self, *, no_color: bool = False) -> None:
        self._no_color = no_color
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # a code page without δ is no reason to fail

    @cached_property
    def results(self) -> "Results":
        """Draws on standard output."""
        from bpnet.report.console import make_results

        return make_results(no_color=self._no_color)

    @cached_property
    def notes(self) -> "Notes":
        """Draws on standard error: progress, warnings, errors."""
        from bpnet.report.console import make_notes

        return make_notes(no_color=self._no_color)

    def write(self, text: str) -> None:
        """Write a text to standard output as it is, for programs to read.

        Raises
        ------
        OutputError
            If the disk is full, or whatever else stands behind standard output fails.
        """
        if sys.stdout is None:  # where the program starts without it
            return
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except BrokenPipeError:
            discard(sys.stdout)
        except OSError as error:
            discard(sys.stdout)
            raise failed(error) from error


def failed(error: OSError) -> OutputError:
    """Make what is raised where standard output cannot be written."""
    return OutputError(f"Standard output could not be written: {error.strerror or error}.")


def discard(stream: IO[str]) -> None:
    """Let what is still buffered go nowhere, so that Python does not fail over it at its exit."""
    try:
        descriptor = stream.fileno()
    except io.UnsupportedOperation:
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
