"""What the commands share: options that mean the same everywhere, and how a mistake ends the program."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeAlias

import typer
from typer.core import TyperCommand, TyperGroup

from bpnet.errors import BpnetError, DataError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bpnet.report.streams import Consoles


class Command(TyperCommand):
    """A command whose ``--help`` opens fast."""

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - Typer keeps these types to itself
        """Print the help."""
        _print_help(self, ctx)


class Group(TyperGroup):
    """A group of commands, likewise."""

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - Typer keeps these types to itself
        """Print the help."""
        commands = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, each.get_short_help_str(1000)) for name, each in commands if each is not None]
        _print_help(self, ctx, ("Commands", rows))


def _print_help(command: Any, ctx: Any, *more: Any) -> None:  # noqa: ANN401 - Typer keeps these types to itself
    from bpnet.report.help import print_help

    parameters = command.get_params(ctx)
    rows = {
        kind: [each.get_help_record(ctx) for each in parameters if each.param_type_name == kind]
        for kind in ("argument", "option")
    }
    # An argument is listed by its name alone: what it takes is in the words.
    arguments = [(typed.split()[0], meaning) for typed, meaning in rows["argument"]]
    sections = [("Arguments", arguments), ("Options", rows["option"]), *more]
    usage = command.get_usage(ctx).translate({ord("{"): None, ord("}"): None})
    with consoles(no_color=False) as streams:
        print_help(streams.results, usage, command.help or "", sections)


Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Force: TypeAlias = Annotated[bool, typer.Option("--force", "-f", help="Overwrite a file that is there.")]
Quiet: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="Show no progress, only the run folder.")
]
NoColor: TypeAlias = Annotated[bool, typer.Option("--no-color", help="Use no colours; so does NO_COLOR=1.")]

Target: TypeAlias = Annotated[
    str | None,
    typer.Argument(
        metavar="CONFIG",
        help="A config, a built-in name or a run folder; by default the newest run in runs, "
        "else the source's 2-2-1 network.",
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
    from bpnet.report.streams import Consoles

    opened = Consoles(no_color=no_color)
    try:
        yield opened
    except BpnetError as error:
        _end(opened, error)
    except MemoryError as error:
        why = f": {error}" if str(error) else ""
        advice = "Take fewer rows or columns at a time, smaller batches, or a smaller network."
        _end(opened, DataError(f"There is not enough memory{why}.", advice=advice))
    except KeyboardInterrupt:
        opened.notes.print("Interrupted.")
        raise typer.Exit(INTERRUPTED) from None


def _end(opened: "Consoles", error: BpnetError) -> NoReturn:
    from bpnet.report.errors import print_error

    print_error(opened.notes, error)
    raise typer.Exit(error.exit_code)
