"""Mistakes and warnings as a person reads them."""

from rich.console import Console
from rich.text import Text

from bpnet.errors import BpnetError, ConfigError


def print_error(console: Console, error: BpnetError) -> None:
    """Say what went wrong, where, and what to do: nothing else, and never a traceback."""
    if isinstance(error, ConfigError):
        count = len(error.problems)
        head = "1 mistake in the config" if count == 1 else f"{count} mistakes in the config"
        console.print(Text.assemble(("Error: ", "bold red"), head))
        for problem in error.problems:
            place = Text(problem.where, "bold")
            path = (f"{problem.path}: ", "cyan") if problem.path else ""
            console.print(Text.assemble("  ", place, ": ", path, problem.message))
    else:
        console.print(Text.assemble(("Error: ", "bold red"), error.message))
    if error.advice:
        console.print(Text(error.advice))


def print_warning(console: Console, message: str) -> None:
    """Say what a person should know, and go on."""
    console.print(Text.assemble(("Note: ", "bold yellow"), message))
