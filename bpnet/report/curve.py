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


def loss_curve(
    training: Sequence[float], validation: Sequence[float], epochs: int, *, width: int, height: int
) -> Text:
    """Draw both losses over the epochs.

    Parameters
    ----------
    training, validation : sequence of float
        One loss an epoch; ``validation`` may be empty.
    epochs : int
        Where the horizontal axis ends.
    width, height : int
        Size in terminal cells, labels included.

    Returns
    -------
    rich.text.Text
        ``height`` lines.
    """
    values = [*training, *validation]
    low, high = min(values), max(values)
    logarithmic = low > 0 and high / low > _LOG_FROM
    scale = math.log10 if logarithmic else float
    top, bottom = scale(high), scale(low)
    if top == bottom:
        top, bottom = top + 1, bottom - 1
    labels = [short(high), short(low)]
    margin = max(map(len, labels)) + 2
    canvas = plotille.Canvas(
        width - margin, height - 1, 1, bottom, max(epochs, 2), top + (top - bottom) * 1e-6, mode="names"
    )
    for losses, colour in ((training, TRAINING), (validation, VALIDATION)):
        _draw(canvas, [scale(loss) for loss in losses], colour, _DOTS_A_CELL * (width - margin))
    curve = Text()
    for number, row in enumerate(canvas.plot().split("\n")[: height - 1]):
        label = {0: labels[0], height - 2: labels[1]}.get(number, "")
        curve.append(f"{label:>{margin - 2}} ", "dim").append("┤" if label else "│", "dim")
        curve.append_text(Text.from_ansi(row)).append("\n")
    end = f"epoch {epochs}" + (", log scale" if logarithmic else "")
    curve.append(" " * margin + "1" + f"{end:>{width - margin - 1}}", "dim")
    return curve


def _draw(canvas: plotille.Canvas, heights: Sequence[float], colour: str, columns: int) -> None:
    """Connect the points, leaving out those that would share a column of dots with another."""
    if len(heights) == 1:
        canvas.point(1, heights[0], color=colour)
    stride = max(1, len(heights) // columns)
    kept = [*range(0, len(heights) - 1, stride), len(heights) - 1]
    for first, second in itertools.pairwise(kept):
        canvas.line(first + 1, heights[first], second + 1, heights[second], color=colour)
