"""What a training came to: its scores, its folder, and what to try next."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from bpnet.report.numbers import WIDE, duration, metric

PARTS = ("train", "validation", "test")

_REASONS = {
    "completed": "",
    "early_stopping": ", stopped early",
    "interrupted": ", interrupted",
    "diverged": ", diverged",
}


def render_summary(
    summary: Mapping[str, Any], next_commands: Sequence[tuple[str, str]], width: int
) -> RenderableType:
    """Lay out ``summary.json`` for a person.

    Parameters
    ----------
    summary : mapping
        As ``summary.json`` holds it.
    next_commands : sequence of (str, str)
        A command to try, and what it does; the latter is left out where it does not fit.
    width : int
        Columns at hand.
    """
    blocks: list[RenderableType] = [Text(), _headline(summary), Text(), _scores(summary, width), Text()]
    blocks.append(Text.assemble(("run folder  ", "dim"), (summary["run"], "bold")))
    if next_commands:
        blocks.append(Text("try next", "dim"))
        longest = max(len(command) for command, _ in next_commands) + 3
        fits = all(2 + longest + len(meaning) <= width for _, meaning in next_commands)
        for command, meaning in next_commands:
            padding = " " * (longest - len(command))
            blocks.append(Text.assemble("  ", (command, "cyan"), (padding + meaning if fits else "", "dim")))
    return Group(*blocks)


def _headline(summary: Mapping[str, Any]) -> Text:
    epochs, best = summary["epochs"], summary["best_epoch"]
    count = f"{epochs:,} epoch{'s' * (epochs != 1)} in {duration(summary['seconds'])}"
    line = Text.assemble((f"{summary['name']}: ", "bold"), count, _REASONS[summary["stopped"]])
    if best:
        line.append(f"; best by {summary['monitor'].replace('_', ' ')}: epoch {best}", "green")
    else:
        line.append("; no epoch was finished", "yellow")
    return line


def _scores(summary: Mapping[str, Any], width: int) -> Table:
    """One row a part, with the kept model's loss and metrics."""
    given = {part: summary[part] for part in PARTS if summary[part] is not None}
    names = list(next(iter(given.values())))
    padding = (0, 2 if width >= WIDE else 1, 0, 0)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=padding, show_edge=False)
    table.add_column("")
    for name in names:
        table.add_column(name, justify="right")
    for part, score in given.items():
        cells = ["–" if score[name] is None else metric(name, score[name]) for name in names]
        label = "training" if part == "train" else part
        table.add_row(label, *cells, style="bold" if part == "test" else None)
    return table


def print_summary(
    console: Console, summary: Mapping[str, Any], next_commands: Sequence[tuple[str, str]]
) -> None:
    """Print :func:`render_summary`."""
    console.print(render_summary(summary, next_commands, console.width))
