"""``bpnet predict``: a trained model's answers for rows of a file."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bpnet.cli.common import Force, Json, NoColor, consoles, refuse_overwriting


def predict(
    model: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, or a model.safetensors file.")],
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA", help="CSV, TSV, Parquet (.gz too), NPZ, NPY or IDX; no target is needed."
        ),
    ],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write here instead of printing.")
    ] = None,
    force: Force = False,
    as_json: Json = False,
    no_color: NoColor = False,
) -> None:
    """Print a row of answers for each row of a file: a class and its probabilities, or numbers.

    [dim]Examples:[/dim]
    [cyan]  bpnet predict runs/iris-1 flowers.csv[/]
    [cyan]  bpnet predict model.safetensors flowers.csv -o answers.csv[/]
    """
    with consoles(no_color=no_color) as streams:
        from bpnet import load
        from bpnet.report.answers import answers_as_csv, answers_as_json
        from bpnet.report.errors import print_warning
        from bpnet.training.files import write_atomically
        from bpnet.training.run_folder import MODEL

        refuse_overwriting(output, force=force, never=(data, model / MODEL if model.is_dir() else model))
        answers = load(model).answers(data, partial(print_warning, streams.notes))
        text = answers_as_json(answers) if as_json else answers_as_csv(answers)
        if output is None:
            streams.write(text)
        else:
            write_atomically(output, text.encode())
