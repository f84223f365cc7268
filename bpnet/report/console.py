"""The two consoles: results to standard output, everything else to standard error."""

import sys
from dataclasses import dataclass

from rich.console import Console

PIPE_WIDTH = 80


@dataclass(frozen=True)
class Consoles:
    """Where things are printed.

    Attributes
    ----------
    results : Console
        Standard output.
    notes : Console
        Standard error: progress, warnings, errors.
    """

    results: Console
    notes: Console


def make_consoles(*, no_color: bool = False) -> Consoles:
    """Open both consoles; a stream that is no terminal gets plain text of 80 columns."""

    def console(*, stderr: bool) -> Console:
        terminal = (sys.stderr if stderr else sys.stdout).isatty()
        return Console(
            stderr=stderr,
            no_color=True if no_color else None,
            width=None if terminal else PIPE_WIDTH,
            force_terminal=None if terminal else False,
            highlight=False,
            soft_wrap=not terminal,
        )

    return Consoles(results=console(stderr=False), notes=console(stderr=True))
