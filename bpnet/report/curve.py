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

_DOTS_A_CELL = 2

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
    labels = {0: short(high), height - 2: short(low)} if high > low else {(height - 1) // 2: short(high)}
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
    """Connect the points in rows of braille, leaving out points that would share a column of dots."""
    canvas = plotille.Canvas(width, height, xmin=0, ymin=0, xmax=max(last, 1), ymax=1 + 1e-6)
    if len(heights) == 1:
        canvas.point(0, heights[0])
    stride = max(1, len(heights) // (_DOTS_A_CELL * width))
    kept = [*range(0, len(heights) - 1, stride), *range(len(heights) - 1, len(heights))]
    for first, second in itertools.pairwise(kept):
        canvas.line(first, heights[first], second, heights[second])
    return str(canvas.plot()).split("\n")[:height]


def _overlay(below: str, above: str) -> Text:
    """Lay one row over another: a cell has the dots of both, and the colour of the upper one that has any.

    Colours are put on here because plotille asks standard output whether to use them, and the view
    may be on standard error.
    """
    row = Text()
    for under, over in zip(below, above, strict=True):
        dots = ord(under) | ord(over)
        row.append(chr(dots), VALIDATION if ord(over) > _NO_DOTS else TRAINING if dots > _NO_DOTS else "")
    return row
