"""The two consoles: results to standard output, everything else to standard error."""

import io
import os
import sys
from dataclasses import dataclass
from typing import IO, Any

from rich.console import Console

from bpnet.errors import OutputError

PIPE_WIDTH = 80


@dataclass(frozen=True)
class Consoles:
    """Where things are printed.

    Attributes
    ----------
    results : Results
        Standard output.
    notes : Notes
        Standard error: progress, warnings, errors.
    """

    results: "Results"
    notes: "Notes"


class _Lasting(Console):
    """A console that falls silent when its reader leaves: no reason to lose what is being done."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        _discard(self.file)


class Notes(_Lasting):
    """Standard error; what cannot be written there is left out."""

    def print(self, *objects: Any, **options: Any) -> None:  # noqa: ANN401 - Rich's own name and types
        """Print, as Rich does."""
        try:
            super().print(*objects, **options)
        except OSError:
            self.on_broken_pipe()


class Results(_Lasting):
    """Standard output; what cannot be written there is an error, unless nobody reads it any more."""

    def print(self, *objects: Any, **options: Any) -> None:  # noqa: ANN401 - Rich's own name and types
        """Print, as Rich does.

        Raises
        ------
        OutputError
            If the disk is full, or whatever else stands behind standard output fails.
        """
        try:
            super().print(*objects, **options)
        except OSError as error:
            raise self._failed(error) from error

    def write(self, text: str) -> None:
        """Write a text as it is, for programs to read; raises as :meth:`print`."""
        try:
            self.file.write(text)
            self.file.flush()
        except BrokenPipeError:
            self.on_broken_pipe()
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> OutputError:
        self.on_broken_pipe()
        return OutputError(f"Standard output could not be written: {error.strerror or error}.")


def _discard(file: IO[str]) -> None:
    """Let what is still buffered go nowhere, so that Python does not fail over it at its exit."""
    try:
        descriptor = file.fileno()
    except io.UnsupportedOperation:
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def make_consoles(*, no_color: bool = False) -> Consoles:
    """Open both consoles; a stream that is no terminal gets plain text of 80 columns."""
    return Consoles(
        results=Results(**_options(sys.stdout, no_color=no_color)),
        notes=Notes(stderr=True, **_options(sys.stderr, no_color=no_color)),
    )


def _options(stream: IO[str] | None, *, no_color: bool) -> dict[str, Any]:
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")  # a code page without δ is no reason to fail
    terminal = stream is not None and stream.isatty()  # it is None where the program starts without it
    return {
        "no_color": True if no_color else None,
        "width": None if terminal else PIPE_WIDTH,
        "force_terminal": None if terminal else False,
        "highlight": False,
        "markup": False,  # a path or a column's name may look like it
        "emoji": False,
        "soft_wrap": not terminal,
    }
