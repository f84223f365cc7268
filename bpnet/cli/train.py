"""``bpnet train``: from a config to a run folder."""

import shlex
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from bpnet.cli.common import INTERRUPTED, Json, NoColor, Quiet, consoles
from bpnet.cli.interrupts import StopRequest, stop_on_signals
from bpnet.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from bpnet.experiment import TrainingResult
    from bpnet.report.streams import Consoles
    from bpnet.training.events import Event

Listeners: TypeAlias = "tuple[Callable[[Event], None], Callable[[str], None]]"
"""Who is told events, and who is told warnings."""

RUNS = Path("runs")

Follow: TypeAlias = "Callable[[], AbstractContextManager[Listeners]]"
"""Opens what shows both, once the config is known to be right."""


def train(
    config: Annotated[
        str | None,
        typer.Argument(
            metavar="CONFIG", help="A YAML file, a built-in name (digits, xor, iris, ...), or - for stdin."
        ),
    ] = None,
    *,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the config; may be repeated."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="Where to make the run folder, not in runs."),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option("--resume", metavar="RUN", help="Go on with this run folder from its last checkpoint."),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show the layers after each line of a pipe, too.")
    ] = False,
    no_color: NoColor = False,
) -> None:
    """Train a network; the result is a numbered run folder.

    [dim]Examples:[/dim]
    [cyan]  bpnet train digits[/]
    [cyan]  bpnet train my.yaml --set training.epochs=50 --set seed=1[/]
    [cyan]  bpnet train --resume runs/digits-1 --set training.epochs=60[/]
    """
    with consoles(no_color=no_color) as streams, stop_on_signals() as stop:
        if (config is None) == (resume is None):
            what = "a config, or --resume with a run folder" if config is None else "either one, not both"
            raise typer.BadParameter(f"give {what}", param_hint="CONFIG")
        if resume is not None and output is not None:
            raise typer.BadParameter("a resumed run stays in its folder", param_hint="--output")
        follow = partial(_follow, streams, stop, quiet=quiet, verbose=verbose)
        if resume is None:
            result = _start(str(config), overrides or [], output or RUNS, follow, stop)
        else:
            result = _go_on(resume, overrides or [], follow, stop)
        _show(streams, result, as_json=as_json, quiet=quiet)
    if result.summary["stopped"] == "interrupted":
        raise typer.Exit(INTERRUPTED)


def _start(
    config: str, overrides: list[str], output: Path, follow: Follow, stop: StopRequest
) -> "TrainingResult":
    from bpnet.config import load_config
    from bpnet.experiment import run_experiment

    loaded = load_config(config, overrides)
    with follow() as (tell, warn):
        return run_experiment(loaded, output, tell, warn=warn, stop=stop)


def _go_on(run: Path, overrides: list[str], follow: Follow, stop: StopRequest) -> "TrainingResult":
    from bpnet.config import load_config
    from bpnet.experiment import resume_experiment

    if not (run / "config.yaml").is_file():
        raise ModelError(f"{run} is no run folder: it has no config.yaml.")
    loaded = load_config(run / "config.yaml", overrides)
    with follow() as (tell, warn):
        return resume_experiment(loaded, run, tell, warn=warn, stop=stop)


@contextmanager
def _follow(streams: "Consoles", stop: StopRequest, *, quiet: bool, verbose: bool) -> "Iterator[Listeners]":
    from bpnet.report.watching import Quiet, make_watcher
    from bpnet.training.events import TrainingEnded

    def warn(message: str) -> None:
        if not quiet:
            from bpnet.report.errors import print_warning

            print_warning(streams.notes, message)

    with Quiet() if quiet else make_watcher(streams.notes, verbose=verbose) as watcher:

        def tell(event: "Event") -> None:
            stop.settled = isinstance(event, TrainingEnded)
            watcher.tell(event)

        yield tell, warn


def _show(streams: "Consoles", result: "TrainingResult", *, as_json: bool, quiet: bool) -> None:
    if as_json:
        from bpnet.report.json_text import json_text

        streams.write(json_text(result.summary))
    elif quiet:
        streams.write(f"{result.folder}\n")
    else:
        from bpnet.report.summary import print_summary

        print_summary(streams.results, result.summary, _next_commands(result.summary))


def _next_commands(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """What makes sense after this run."""
    run = shlex.quote(summary["run"])
    answer = (f"bpnet predict {run} DATA.csv", "answer new rows")
    if summary["stopped"] == "interrupted":
        return [(f"bpnet train --resume {run}", "train to the end"), answer]
    if summary["stopped"] == "completed":
        more = f"--set training.epochs={2 * summary['epochs']}"
        return [(f"bpnet train --resume {run} {more}", "go on training"), answer]
    return [answer]
