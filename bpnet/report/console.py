"""The two consoles, as Rich draws on them."""

import sys
from typing import IO, Any

from rich.console import Console

from bpnet.report.streams import discard, failed

PIPE_WIDTH = 80


class _Lasting(Console):
    """A console that falls silent when its reader leaves: no reason to lose what is being done."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        discard(self.file)


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
            self.on_broken_pipe()
            raise failed(error) from error


def make_results(*, no_color: bool) -> Results:
    """Open standard output; where it is no terminal it gets plain text of 80 columns."""
    return Results(**_options(sys.stdout, no_color=no_color))


def make_notes(*, no_color: bool) -> Notes:
    """Open standard error, likewise."""
    return Notes(stderr=True, **_options(sys.stderr, no_color=no_color))


def _options(stream: IO[str] | None, *, no_color: bool) -> dict[str, Any]:
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
