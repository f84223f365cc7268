"""``bpnet evaluate``: how good a trained model is on rows whose answers are known."""

from pathlib import Path
from typing import Annotated

import typer

from bpnet.cli.common import Json, NoColor, consoles


def evaluate(
    model: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, or a model.safetensors file.")],
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="CSV, TSV, Parquet (.gz too), NPZ, NPY or IDX, with the target."),
    ],
    *,
    targets: Annotated[
        Path | None, typer.Option("--targets", metavar="FILE", help="The labels, where DATA is IDX or NPY.")
    ] = None,
    as_json: Json = False,
    no_color: NoColor = False,
) -> None:
    """Score a trained model on the rows of a file.

    [dim]Examples:[/dim]
    [cyan]  bpnet evaluate runs/iris-1 new-flowers.csv[/]
    [cyan]  bpnet evaluate runs/iris-1 new-flowers.csv --json[/]
    """
    with consoles(no_color=no_color) as streams:
        from bpnet import load
        from bpnet.data import PairSource
        from bpnet.report.answers import print_score, score_as_json

        score = load(model).score(data if targets is None else PairSource(data, targets))
        if as_json:
            streams.write(score_as_json(score))
        else:
            print_score(streams.results, score)
