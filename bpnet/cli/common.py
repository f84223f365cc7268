"""What the commands share: options that mean the same everywhere, and how a mistake ends the program."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from bpnet.errors import BpnetError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bpnet.report.console import Consoles

Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Quiet: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
NoColor: TypeAlias = Annotated[bool, typer.Option("--no-color", help="Use no colours; so does NO_COLOR=1.")]

INTERRUPTED = 130


@contextmanager
def consoles(*, no_color: bool) -> "Iterator[Consoles]":
    """Open both consoles, and tell a mistake made inside the block in one message.

    Raises
    ------
    typer.Exit
        With the mistake's exit code.
    """
    from bpnet.report.console import make_consoles
    from bpnet.report.errors import print_error

    opened = make_consoles(no_color=no_color)
    try:
        yield opened
    except BpnetError as error:
        print_error(opened.notes, error)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        opened.notes.print("Interrupted.")
        raise typer.Exit(INTERRUPTED) from None
