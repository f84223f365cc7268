"""Predictions as a table, and a score as a line."""

import csv
import io
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from rich.console import Console

from bpnet.core.arrays import Array
from bpnet.report.numbers import metric


def answers_as_csv(answers: Mapping[str, Array]) -> str:
    """Write columns as CSV with a heading."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(answers)
    writer.writerows(zip(*map(_plain, answers.values()), strict=True))
    return text.getvalue()


def answers_as_json(answers: Mapping[str, Array]) -> str:
    """Write columns as one JSON object of lists."""
    columns = {name: _plain(values) for name, values in answers.items()}
    return json.dumps(columns, ensure_ascii=False) + "\n"


def _plain(values: Array) -> list[Any]:
    """Python's own values; a float32 in the fewest digits that tell it from its neighbours."""
    if values.dtype == np.float32:
        return [float(text) for text in values.astype(str).tolist()]
    plain: list[Any] = values.tolist()
    return plain


def print_score(console: Console, score: Mapping[str, float]) -> None:
    """Print loss and metrics on one line."""
    console.print("  ".join(f"{name} {metric(name, value)}" for name, value in score.items()))


def score_as_json(score: Mapping[str, float]) -> str:
    """Write loss and metrics as one JSON object; null for what is no finite number, as JSON has none."""
    finite = {name: value if math.isfinite(value) else None for name, value in score.items()}
    return json.dumps(finite) + "\n"
