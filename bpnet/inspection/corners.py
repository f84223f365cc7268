"""Where a z or a residual lies exactly on a corner, so that a convention takes the derivative's place."""

from collections.abc import Iterator

import numpy as np

from bpnet.core.activations import Activation
from bpnet.core.network import Trace
from bpnet.inspection.differences import on_corners
from bpnet.inspection.point import Point


def _convention(activation: Activation) -> str:
    """What the derivative at a corner is taken as."""
    corners = np.array([activation.kinks])
    slopes = activation.pullback(np.ones_like(corners), corners, activation.value(corners))[0]
    pairs = zip(activation.kinks, slopes, strict=True)
    taken = (f"{activation.name}′({kink:g}) is taken as {slope:g}" for kink, slope in pairs)
    return ", ".join(taken)


def conventions(point: Point, trace: Trace) -> Iterator[str]:
    """Say where a convention decides, as there is no derivative."""
    for l, count in on_corners(point, trace).items():
        yield (
            f"z of layer {l} lies on a corner {_times(count)}, where there is no "
            f"derivative: {_convention(point.network.layers[l].activation)}."
        )
    for kink in point.loss.kinks:
        if count := int(np.count_nonzero(trace.outputs - point.Y == kink)):
            slope = float(point.loss.gradient(np.array([[kink]]), np.zeros((1, 1)))[0, 0])
            yield (
                f"a − y lies on a corner {_times(count)}, where there is no derivative: "
                f"that of {point.loss.name} is taken as {slope:g}."
            )


def _times(count: int) -> str:
    return f"{count:,} times" if count > 1 else "once"
