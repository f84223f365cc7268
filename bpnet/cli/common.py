"""What the commands share: options that mean the same everywhere, and how a mistake ends the program."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer
from typer.core import TyperCommand, TyperGroup

from bpnet.errors import BpnetError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
Force: TypeAlias = Annotated[bool, switch("--force", "-f", help="Overwrite a file that is there.")]
Quiet: TypeAlias = Annotated[bool, switch("--quiet", "-q", help="Show no progress, only the run folder.")]
NoColor: TypeAlias = Annotated[bool, switch("--no-color", help="Use no colours; so does NO_COLOR=1.")]

Target: TypeAlias = Annotated[
    str | None,
    typer.Argument(
        help="A config, a built-in name or a run folder; by default the newest run in runs, "
        "else the source's 2-2-1 network."
    ),
]
Overrides: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the config; may be repeated."),
]

INTERRUPTED = 130


def refuse_overwriting(path: "Path | None", *, force: bool, never: "tuple[Path, ...]" = ()) -> None:
    """Stop before a file is lost.

    Parameters
    ----------
    path : Path or None
        Where the result is to go.
    force : bool
        An ordinary file may be overwritten.
    never : tuple of Path
        Files that must not be, in any case: what the result is made from.

    Raises
    ------
    OutputError
        If it would be.
    """
    if path is None or not path.is_file():
        return
    if any(each.exists() and path.samefile(each) for each in never):
        raise OutputError(f"{path} is what the answers are made from.", advice="Choose another name.")
    if not force:
        raise OutputError(f"{path} exists.", advice="Choose another name, or add --force.")


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
