"""The table of layers: how large each error is, and in plain words what is wrong with it."""

import math
from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from bpnet.core.health import LayerHealth
from bpnet.report.numbers import factor, percent, superscript

VANISHING = 100
"""So many times smaller or larger than the output's, a δ is called vanishing or exploding."""

SATURATED = 0.25
"""Share of saturated units from which it is worth a word."""

LARGE_STEP = 0.1
"""Size of a step over the size of W from which it is worth a word."""

_DECADES = 4
"""How many powers of ten a full bar spans."""


def flags(layer: LayerHealth, output: LayerHealth) -> list[str]:
    """What is wrong with a layer, in plain words, the gravest first.

    Parameters
    ----------
    layer, output : LayerHealth
        The layer and the output layer, measured on the same samples.
    """
    found = []
    if layer.dead:
        found.append(f"dead: {layer.dead} of {layer.units} units")
    if output.delta and layer is not output:
        found.extend(_size_of_error(layer, output))
    if layer.saturated is not None and layer.saturated >= SATURATED:
        found.append(f"{percent(layer.saturated)} saturated")
    if layer.update_ratio is not None and layer.update_ratio >= LARGE_STEP:
        found.append(f"large steps: {percent(layer.update_ratio)} of W")
    return found


def _size_of_error(layer: LayerHealth, output: LayerHealth) -> list[str]:
    name, reference = (f"δ{superscript(each.layer_number)}" for each in (layer, output))
    if not layer.delta:
        return [] if layer.dead else [f"no error comes here: {name} is 0"]
    if output.delta / layer.delta >= VANISHING:
        return [f"vanishing: {name} is 1/{factor(output.delta / layer.delta)} of {reference}"]
    if layer.delta / output.delta >= VANISHING:
        return [f"exploding: {name} is {factor(layer.delta / output.delta)} × {reference}"]
    return []


def layer_table(layers: Sequence[LayerHealth], names: Sequence[tuple[int, str]], *, width: int) -> Table:
    """Draw the layers from the output back to the first hidden one, as errors flow.

    Parameters
    ----------
    layers : sequence of LayerHealth
        Layers 2 to L.
    names : sequence of (int, str)
        Units and activation of layers 1 to L.
    width : int
        Columns at hand; the bars take what the numbers leave.
    """
    narrow, wide = width < 70, width >= 100  # noqa: PLR2004 - half a screen, a maximised window
    cells = max(10, min(24, width - 88))
    padding = (0, 1) if wide else (0, 1, 0, 0)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=padding, expand=True, show_edge=False)
    table.add_column("layer", justify="right")
    table.add_column("units", no_wrap=not narrow)
    table.add_column("δ RMS", justify="right", no_wrap=True)
    if not narrow:
        table.add_column("log scale", width=cells, no_wrap=True)
        table.add_column("∇W RMS", justify="right", no_wrap=True)
        table.add_column("step/W", justify="right", no_wrap=True)
    table.add_column("", ratio=1, style="yellow")
    output = layers[-1]
    largest = max(layer.delta for layer in layers)
    for layer in reversed(layers):
        units, activation = names[layer.layer_number - 1]
        numbers = (
            _bar(layer.delta, largest, cells),
            f"{layer.nabla:.1e}",
            "" if layer.update_ratio is None else f"{layer.update_ratio * 100:.2g} %",
        )
        table.add_row(
            str(layer.layer_number),
            f"{units} {activation}",
            f"{layer.delta:.1e}",
            *(() if narrow else numbers),
            "\n".join(flags(layer, output)) or _nothing_wrong(output),
        )
    return table


def _nothing_wrong(output: LayerHealth) -> Text:
    return Text("learning" if output.delta else "no error left", "green dim")


def _bar(value: float, largest: float, cells: int) -> Text:
    """A bar on a logarithmic scale: full at the largest, gone four powers of ten below."""
    if not value:
        return Text()
    share = max(0.0, 1 + (math.log10(value) - math.log10(largest)) / _DECADES)
    eighths = max(1, round(share * cells * 8))
    full, rest = divmod(eighths, 8)
    return Text("█" * full + (" ▏▎▍▌▋▊▉"[rest] if rest else ""), "magenta")
