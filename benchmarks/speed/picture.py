"""The picture of the page: a step of each peer, in four workloads and over the sweeps."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator
from parts.steps import COMPILED, FLOOR, OURS

_COLOURS = {
    FLOOR: "#9e9e9e",
    OURS: "#1f77b4",
    COMPILED: "#d62728",
    "jax_scan": "#2ca02c",
    "torch_eager": "#ff7f0e",
    "sklearn_mlp": "#9467bd",
}
_SHORT = {
    FLOOR: "products alone",
    OURS: "bpnet, NumPy",
    COMPILED: "bpnet, compiled",
    "jax_scan": "JAX",
    "torch_eager": "PyTorch",
    "torch_compiled": "torch.compile",
    "sklearn_mlp": "scikit-learn",
    "keras_jax": "Keras on JAX",
    "nielsen": "per sample",
}

_LONG = 1000
"""Labels from here on are shortened, as they would touch each other."""


def draw(steps: dict[str, Any], sweeps: dict[str, Any], path: Path) -> None:
    """Write an SVG file, the same bytes for the same numbers."""
    mpl.rcParams["svg.hashsalt"] = "bpnet"
    figure, axes = plt.subplots(2, 4, figsize=(15, 7.5), layout="constrained")
    for axis, (name, peers) in zip(axes[0], steps.items(), strict=True):
        _bars(axis, name, peers)
    for axis, (name, points) in zip(axes[1], sweeps.items(), strict=False):
        _lines(axis, name, points)
    axes[1, 0].set_ylabel("µs a step")
    handles, labels = axes[1, 0].get_legend_handles_labels()
    axes[1, 3].axis("off")
    axes[1, 3].legend(handles, labels, loc="center left", frameon=False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _bars(axis: Axes, name: str, peers: dict[str, Any]) -> None:
    ordered = sorted(peers, key=lambda peer: -peers[peer]["median"])
    medians = [peers[peer]["median"] for peer in ordered]
    axis.barh(
        [_SHORT[peer] for peer in ordered],
        medians,
        color=[_COLOURS[peer] if peer in (OURS, COMPILED) else "#bdbdbd" for peer in ordered],
    )
    for place, median in enumerate(medians):
        axis.annotate(
            f"{median:,.0f}", (median, place), xytext=(3, 0), textcoords="offset points", va="center"
        )
    axis.set_xscale("log")
    axis.set_xlim(min(medians) / 2, max(medians) * 5)
    axis.xaxis.set_major_locator(NullLocator())  # the numbers stand beside the bars
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_title(f"{name}: µs a step, logarithmic")
    axis.spines[["top", "right"]].set_visible(False)


def _lines(axis: Axes, name: str, points: dict[str, Any]) -> None:
    for peer in next(iter(points.values())):
        axis.plot(
            [int(x) for x in points],
            [point[peer]["median"] for point in points.values()],
            marker="o",
            markersize=3,
            color=_COLOURS[peer],
            linestyle="--" if peer == FLOOR else "-",
            label=_SHORT[peer],
        )
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xticks(
        [int(x) for x in points], [x if int(x) < _LONG else f"{int(x) // _LONG}k" for x in points]
    )
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_title(
        {"width": "over units a layer", "depth": "over hidden layers", "batch": "over rows a batch"}[name]
    )
    axis.spines[["top", "right"]].set_visible(False)
