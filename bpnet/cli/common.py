"""What the commands share: options that mean the same everywhere, and how a mistake ends the program."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer
from typer.core import TyperCommand, TyperGroup

from bpnet.errors import BpnetError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bpnet.report.console import Consoles


class Command(TyperCommand):
    """A command whose ``--help`` is listed without a type, as its other switches are."""

    def get_help_option(self, ctx: Any) -> Any:  # noqa: ANN401 - Typer keeps these types to itself
        return _without_type(super().get_help_option(ctx))


class Group(TyperGroup):
    """A group of commands, likewise."""

    def get_help_option(self, ctx: Any) -> Any:  # noqa: ANN401 - Typer keeps these types to itself
        return _without_type(super().get_help_option(ctx))


def _without_type(option: Any) -> Any:  # noqa: ANN401 - Typer keeps these types to itself
    option.metavar = ""
    return option


def switch(*names: str, help: str, **options: Any) -> Any:  # noqa: A002, ANN401 - Typer's own name and types
    """Declare an option that takes no value, without the type that Typer would show for one."""
    return typer.Option(*names, help=help, metavar="", **options)


Json: TypeAlias = Annotated[bool, switch("--json", help="Print one JSON document instead of text.")]
Quiet: TypeAlias = Annotated[bool, switch("--quiet", "-q", help="Show no progress, only the run folder.")]
NoColor: TypeAlias = Annotated[bool, switch("--no-color", help="Use no colours; so does NO_COLOR=1.")]

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
