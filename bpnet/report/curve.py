"""The loss curve in braille dots: plotille draws the dots, the frame around them is ours."""

import itertools
import math
from collections.abc import Sequence

import plotille
from rich.text import Text

from bpnet.report.numbers import short

TRAINING, VALIDATION = "cyan", "yellow"
_LOG_FROM = 30.0
"""A curve that falls by more than this factor is drawn on a logarithmic scale."""

_DOTS_ACROSS, _DOTS_UP = 2, 4
"""Dots of a braille cell."""

_NO_DOTS = 0x2800
"""The empty braille cell; a dot is a bit above it."""


def loss_curve(
    training: Sequence[float],
    validation: Sequence[float],
    epochs: tuple[int, int],
    *,
    width: int,
    height: int,
) -> Text:
    """Draw both losses over the epochs.

    Parameters
    ----------
    training, validation : sequence of float
        One loss an epoch; ``validation`` may be empty.
    epochs : (int, int)
        Where the horizontal axis starts, which is the epoch of the first losses, and where it ends.
    width, height : int
        Size in terminal cells, labels included; at least 40 and 3.

    Returns
    -------
    rich.text.Text
        ``height`` lines.
    """
    values = [*training, *validation]
    low, high = min(values), max(values)
    logarithmic = low > 0 and high / low > _LOG_FROM
    labels = {0: short(high), height - 2: short(low)} if high > low else {(height - 2) // 2: short(high)}
    margin = max(map(len, labels.values())) + 2
    first, last = epochs
    size = (width - margin, height - 1, last - first)
    curves = [
        _draw(_heights(part, low, high, logarithmic=logarithmic), *size) for part in (training, validation)
    ]
    curve = Text()
    for number, (below, above) in enumerate(zip(*curves, strict=True)):
        label = labels.get(number, "")
        curve.append(f"{label:>{margin - 2}} ", "dim").append("┤" if label else "│", "dim")
        curve.append_text(_overlay(below, above)).append("\n")
    end = f"epoch {last}" + (", log scale" if logarithmic else "")
    start = str(first) if first < last else ""
    curve.append(" " * margin + start + f"{end:>{width - margin - len(start)}}", "dim")
    return curve


def _heights(losses: Sequence[float], low: float, high: float, *, logarithmic: bool) -> list[float]:
    """Where losses stand between the lowest, 0, and the highest, 1; halfway up if all are equal."""
    if low == high:
        return [0.5] * len(losses)
    scale = math.log10 if logarithmic else float
    bottom, top = scale(low), scale(high)
    return [(scale(loss) - bottom) / (top - bottom) for loss in losses]


def _draw(heights: Sequence[float], width: int, height: int, last: int) -> list[str]:
    """Connect the points in rows of braille; the canvas counts in dots."""
    columns, rows = _DOTS_ACROSS * width, _DOTS_UP * height
    canvas = plotille.Canvas(width, height, xmin=0, ymin=0, xmax=columns, ymax=rows)
    across, up = (columns - 1) / max(last, 1), rows - 1
    points = [(index * across, heights[index] * up) for index in _worth_drawing(heights, columns)]
    for point in points[:1]:
        canvas.point(*point)
    for start, end in itertools.pairwise(points):
        canvas.line(*start, *end)
    return str(canvas.plot()).split("\n")[:height]


def _worth_drawing(heights: Sequence[float], columns: int) -> list[int]:
    """Of points that share a column of dots the first, the lowest and the highest; and the last of all."""
    stride = max(1, len(heights) // columns)
    kept = set(range(max(0, len(heights) - 1), len(heights)))
    for start in range(0, len(heights), stride):
        shared = range(start, min(start + stride, len(heights)))
        kept.update((start, min(shared, key=heights.__getitem__), max(shared, key=heights.__getitem__)))
    return sorted(kept)


def _overlay(below: str, above: str) -> Text:
    """Lay one row over another: a cell has the dots of both, and the colour of the upper one that has any.

    Colours are put on here because plotille asks standard output whether to use them, and the view
    may be on standard error.
    """
    cells = [(ord(under) | ord(over), ord(over)) for under, over in zip(below, above, strict=True)]
    row = Text()
    for colour, run in itertools.groupby(cells, lambda cell: _colour(*cell)):
        row.append("".join(chr(dots) for dots, _ in run), colour)
    return row


def _colour(dots: int, over: int) -> str:
    return VALIDATION if over > _NO_DOTS else TRAINING if dots > _NO_DOTS else ""
