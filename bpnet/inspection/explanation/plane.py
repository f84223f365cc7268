"""What a network of two inputs answers over the plane of its inputs."""

from dataclasses import dataclass

import numpy as np

from bpnet.core.arrays import Array
from bpnet.core.network import forward
from bpnet.inspection.explanation.view import View

_STEPS = 41
_MARGIN = 0.15
"""Share of the points' width that is added on every side."""


@dataclass(frozen=True)
class Plane:
    """Outputs on a grid, and the points around the sample.

    Attributes
    ----------
    low, high : (float, float)
        Corners of the grid.
    outputs : ndarray of shape (steps, steps, n_L)
        Rows go with the second input, columns with the first.
    points : ndarray of shape (rows, 2)
    targets : ndarray of shape (rows, n_L)
    """

    low: tuple[float, float]
    high: tuple[float, float]
    outputs: Array
    points: Array
    targets: Array


def plane_of(view: View) -> Plane | None:
    """Lay the plane around the sample and its fellows; None of a network that has not two inputs."""
    if view.subject.around is None:
        return None
    points, targets = view.subject.around
    seen = np.concatenate([points, view.point.X])
    low, high = seen.min(axis=0), seen.max(axis=0)
    margin = np.where(high > low, _MARGIN * (high - low), 1.0)
    low, high = low - margin, high + margin
    first, second = (np.linspace(low[k], high[k], _STEPS) for k in (0, 1))
    grid = np.stack(np.meshgrid(first, second), axis=-1).reshape(-1, 2)
    outputs = forward(view.network, grid).outputs.reshape(_STEPS, _STEPS, -1)
    return Plane((low[0], low[1]), (high[0], high[1]), outputs, points, targets)
