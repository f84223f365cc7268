"""The commands, gathered."""

from typing import Annotated

import typer

from bpnet import __version__
from bpnet.cli.common import Command, Group
from bpnet.cli.evaluate import evaluate
from bpnet.cli.explain import explain
from bpnet.cli.grad_check import grad_check
from bpnet.cli.predict import predict
from bpnet.cli.train import train

app = typer.Typer(
    name="bpnet",
    cls=Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(value: bool) -> None:  # noqa: FBT001 - Typer hands an option's value over by position
    if value:
        typer.echo(f"bpnet {__version__}")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version, and stop."),
    ] = False,
) -> None:
    """Train feed-forward networks from a YAML file, and see every layer's error as it learns.

    [dim]Examples:[/dim]
    [cyan]  bpnet train digits[/]                     train a built-in example
    [cyan]  bpnet predict runs/digits-1 new.csv[/]    answer new rows with it
    """


app.command("train", cls=Command)(train)
app.command("grad-check", cls=Command)(grad_check)
app.command("explain", cls=Command)(explain)
app.command("predict", cls=Command)(predict)
app.command("evaluate", cls=Command)(evaluate)
