"""The table of layers: how large each error is, and in plain words what is wrong with it."""

import math
from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from bpnet.core.health import LayerHealth
from bpnet.report.numbers import superscript

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
    if layer.delta and output.delta and layer is not output:
        name, reference = (f"δ{superscript(each.layer_number)}" for each in (layer, output))
        if output.delta / layer.delta >= VANISHING:
            found.append(f"vanishing: {name} is 1/{output.delta / layer.delta:,.0f} of {reference}")
        elif layer.delta / output.delta >= VANISHING:
            found.append(f"exploding: {name} is {layer.delta / output.delta:,.0f} × {reference}")
    if layer.saturated is not None and layer.saturated >= SATURATED:
        found.append(f"{layer.saturated:.0%} saturated".replace("%", " %"))
    if layer.update_ratio is not None and layer.update_ratio >= LARGE_STEP:
        found.append(f"large steps: {layer.update_ratio:.0%} of W".replace("%", " %"))
    return found


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
    wide = width >= 100  # noqa: PLR2004 - a projector or a maximised window
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), expand=True, show_edge=False)
    table.add_column("layer", justify="right")
    table.add_column("units", no_wrap=True)
    table.add_column("δ RMS", justify="right")
    cells = 24 if wide else 12
    table.add_column("log scale", width=cells, no_wrap=True)
    table.add_column("∇W RMS", justify="right")
    table.add_column("step/W", justify="right")
    table.add_column("", ratio=1, style="yellow")
    output = layers[-1]
    largest = max(layer.delta for layer in layers)
    for layer in reversed(layers):
        units, activation = names[layer.layer_number - 1]
        table.add_row(
            str(layer.layer_number),
            f"{units} {activation}",
            f"{layer.delta:.1e}",
            _bar(layer.delta, largest, cells),
            f"{layer.nabla:.1e}",
            "" if layer.update_ratio is None else f"{layer.update_ratio * 100:.2g} %",
            "\n".join(flags(layer, output)) or Text("learning", "green dim"),
        )
    return table


def _bar(value: float, largest: float, cells: int) -> Text:
    """A bar on a logarithmic scale: full at the largest, gone four powers of ten below."""
    if not value or not largest:
        return Text()
    share = max(0.0, 1 + math.log10(value / largest) / _DECADES)
    eighths = max(1, round(share * cells * 8))
    full, rest = divmod(eighths, 8)
    return Text("█" * full + (" ▏▎▍▌▋▊▉"[rest] if rest else ""), "magenta")
