"""Predictions as a table, and a score as a line."""

import csv
import io
from collections.abc import Mapping

from rich.console import Console

from bpnet.core.arrays import Array
from bpnet.report.numbers import metric


def answers_as_csv(answers: Mapping[str, Array]) -> str:
    """Write columns as CSV with a heading."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(answers)
    writer.writerows(zip(*(values.tolist() for values in answers.values()), strict=True))
    return text.getvalue()


def print_score(console: Console, score: Mapping[str, float]) -> None:
    """Print loss and metrics on one line."""
    console.print("  ".join(f"{name} {metric(name, value)}" for name, value in score.items()))
