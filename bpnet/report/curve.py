"""The loss curve in braille dots: plotille draws the dots, the frame around them is ours."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

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
    frame = _Frame(width - margin, height - 1, max(epochs, 2), bottom, top + (top - bottom) * 1e-6)
    curves = [_draw(frame, [scale(loss) for loss in losses]) for losses in (training, validation)]
    curve = Text()
    for number, (below, above) in enumerate(zip(*curves, strict=True)):
        label = {0: labels[0], height - 2: labels[1]}.get(number, "")
        curve.append(f"{label:>{margin - 2}} ", "dim").append("┤" if label else "│", "dim")
        curve.append_text(_overlay(below, above)).append("\n")
    end = f"epoch {epochs}" + (", log scale" if logarithmic else "")
    curve.append(" " * margin + "1" + f"{end:>{width - margin - 1}}", "dim")
    return curve


@dataclass(frozen=True)
class _Frame:
    """Size in cells, and the values at the edges: epochs from 1, heights from bottom to top."""

    width: int
    height: int
    epochs: int
    bottom: float
    top: float


def _draw(frame: _Frame, heights: Sequence[float]) -> list[str]:
    """Connect the points in rows of braille, leaving out points that would share a column of dots."""
    canvas = plotille.Canvas(frame.width, frame.height, 1, frame.bottom, frame.epochs, frame.top)
    if len(heights) == 1:
        canvas.point(1, heights[0])
    stride = max(1, len(heights) // (_DOTS_A_CELL * frame.width))
    kept = [*range(0, len(heights) - 1, stride), *range(len(heights) - 1, len(heights))]
    for first, second in itertools.pairwise(kept):
        canvas.line(first + 1, heights[first], second + 1, heights[second])
    return str(canvas.plot()).split("\n")[: frame.height]


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
