"""The gradient check as a person reads it: what is wrong first, then every tensor, then the rest."""

from collections.abc import Sequence

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from bpnet.inspection.differences import Difference
from bpnet.inspection.records import FAIL, INCONCLUSIVE, PASS, GradientCheck, PlantedFault, TensorCheck
from bpnet.report.numbers import percent, superscript

_MARKS = {PASS: Text("✓ pass", "green"), FAIL: Text("✗ FAIL", "bold red")}
_MARKS[INCONCLUSIVE] = Text("? unsure", "yellow")

_KINKS_SHOWN = 3

_WIDE = 120
"""From so many columns on, values are shown in full."""

_NARROW = 76
"""Below so many columns, the worst elements are left out."""


def print_subject(console: Console, what: str) -> None:
    """Say what is checked, before it is."""
    _print(console, Text.assemble(("Checking ", "bold"), what, "."))


def _print(console: Console, *parts: RenderableType) -> None:
    """Print within the console's width, in a pipe too: these lines are read, not searched."""
    for part in parts:
        console.print(part, soft_wrap=False)


def print_check(console: Console, check: GradientCheck, *, layer: int | None, full: bool) -> None:
    """Print the whole check.

    Parameters
    ----------
    console : Console
    check : GradientCheck
    layer : int or None
        Show this layer alone.
    full : bool
        List every planted fault.
    """
    if check.diagnosis:
        _print(console, "", *(Text(sentence, "bold red") for sentence in check.diagnosis))
    shown = check if layer is None else check.of_layer(layer)
    _print(console, "", _tensors(shown, console.width))
    _print(console, "", _rest(shown, full=full))
    _print(console, "", verdict(check))


def verdict(check: GradientCheck) -> Text:
    """One sentence."""
    caught = check.self_test.caught == check.self_test.planted
    error = check.max_relative_error
    if not caught:
        return Text(
            "The check failed its own test: what it says of the gradients is worth nothing.", "bold red"
        )
    if check.verdict == FAIL and all(each.verdict == PASS for each in check.layers):
        return Text("These gradients agree with their cost, but something is wrong: see above.", "bold red")
    if check.verdict == FAIL:
        return Text("These gradients are wrong.", "bold red")
    if check.verdict == INCONCLUSIVE:
        broken = any(each.max_relative_error is None and each.note for each in check.layers)
        why = "there are numbers that are not finite" if broken else "see above"
        return Text(f"Nothing can be said: {why}.", "bold yellow")
    which = "The gradients that were given are right" if check.not_given else "The gradients are right"
    size = f"their relative error is {error:.1e} at most" if error else "their relative error is 0"
    if error and error > check.threshold:
        size = "they are as near as single precision comes"
    return Text(f"{which}: {size}.", "bold green")


def _tensors(check: GradientCheck, width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    mine = [_cells(each, check.threshold, width) for each in check.layers]
    for name in mine[0]:
        right = name in {"checked", "error", "÷ allowed", "analytic", "numeric"}
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    for cells in mine:
        table.add_row(*cells.values())
    return table


def _cells(each: TensorCheck, threshold: float, width: int) -> dict[str, RenderableType]:
    """One row, by the columns' names: as many as fit."""
    wide, error = width >= _WIDE, each.max_relative_error
    part = f"{each.checked:,}/{each.total:,}" if wide else percent(each.checked / each.total)
    cells: dict[str, RenderableType] = {
        "tensor": _tensor(each),
        "shape": " × ".join(map(str, each.shape)),
        "checked": "all" if each.checked == each.total else part,
        "error": "–" if error is None else f"{error:.1e}",
    }
    if wide:
        cells["÷ allowed"] = "–" if error is None else f"{error / threshold:.1e}"
    if width >= _NARROW:
        worst = each.worst
        digits = 12 if wide else 4
        cells["worst at"] = "" if worst is None else _place(worst.index)
        cells["analytic"] = "" if worst is None else f"{worst.analytic:.{digits}g}"
        cells["numeric"] = "" if worst is None else f"{worst.numeric:.{digits}g}"
    return {**cells, "": _MARKS[each.verdict]}


def _place(index: tuple[int, ...]) -> str:
    """Unit and input, counted from 1."""
    return ", ".join(str(k + 1) for k in index)


def _rest(check: GradientCheck, *, full: bool) -> Group:
    lines: list[RenderableType] = []
    notes = [f"{_tensor(each)}: {each.note}" for each in check.layers if each.note]
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column()
    grid.add_row("points", "", Text(", ".join(_point(*each) for each in check.points.items())))
    for name, text in _equations(check):
        grid.add_row(name, *text)
    if check.differences:
        grid.add_row("differences", *_differences(check))
    if check.taylor:
        grid.add_row("Taylor order", *_taylor(check))
    grid.add_row("self-test", *_self_test(check))
    lines.append(grid)
    lines.extend(Text(_kink(each), "dim") for each in check.kinks[:_KINKS_SHOWN])
    if (more := len(check.kinks) - _KINKS_SHOWN) > 0:
        lines.append(Text(f"{more} more kinks are in --json.", "dim"))
    lines.extend(Text(note, "dim") for note in (*notes, *check.notes))
    if full:
        lines.append(_faults(check.self_test.faults))
    return Group(*lines)


def _point(name: str, error: float | None) -> str:
    return f"{name} ({'not finite' if error is None else f'{error:.0e}'})"


def _tensor(each: TensorCheck | Difference) -> str:
    return f"∂C/∂{each.tensor}{superscript(each.layer)}"


_MEANING = {
    "cost": "C against plain Python",
    "BP1": "δ at the output against ∂C/∂z",
    "BP2": "δ of hidden layers against ∂C/∂z",
    "BP3": "∂C/∂b against the sum of δ",
    "BP4": "∂C/∂W against δ times a",
    "penalty": "∂C/∂W with the penalty's part",
    "∇ₐC": "the long way to a − y: ∇ₐC times the slope against ∂C/∂z",
    "far out": "C at z of thousands and exactly on a target, ∂C/∂θ finite there",
    "corners": "exactly on every corner, ∂C/∂θ takes the side that the forward pass takes",
    "step": "(θ before − θ after)/η of a real step against ∂C/∂θ before it",
    "dropout": "masks are 0 or 1/(1 − p), in the right share",
    "optimizer": "against the rule in plain Python",
}


def _equations(check: GradientCheck) -> list[tuple[str, tuple[Text, Text]]]:
    """One line an equation, the worst layer's."""
    found = []
    for stage, meaning in _MEANING.items():
        mine = [each for each in check.stages if each.stage == stage]
        if not mine:
            continue
        bad = next((each for v in (FAIL, INCONCLUSIVE) for each in mine if each.verdict == v), None)
        errors = [each.max_relative_error for each in mine if each.max_relative_error is not None]
        text = Text(meaning)
        if bad is not None and bad.layer is not None:
            text.append(_first(bad.verdict, bad.layer), "red")
        if stage == "optimizer":
            text = Text(f"{mine[0].note} {meaning}")
        if stage == "step" and mine[0].note:
            text.append(f", {mine[0].note}")
        if errors:
            text.append(f" ({max(errors):.0e})" if max(errors) else " (0 but for rounding)", "dim")
        found.append((stage, (_MARKS[bad.verdict if bad else PASS], text)))
    return found


def _first(verdict: str, l: int) -> str:
    return f", first wrong in layer {l}" if verdict == FAIL else f", not finite from layer {l} back"


def _differences(check: GradientCheck) -> tuple[Text, Text]:
    failed = [each for each in check.differences if each.verdict == FAIL]
    passed = sum(each.verdict == PASS for each in check.differences)
    text = Text(f"{passed} elements agree with extrapolated differences")
    if check.kinks:
        text.append(f", {len(check.kinks)} have a kink too near", "yellow")
    if unclear := sum(each.verdict == INCONCLUSIVE for each in check.differences):
        text.append(f", of {unclear} the cost overflows", "yellow")
    if failed:
        worst = failed[0]
        text.append(
            f", {len(failed)} do not: {_tensor(worst)} at {_place(worst.index)} of {worst.point} is "
            f"{worst.analytic:.6g}, by differences {worst.numeric:.6g} ± {worst.estimate:.0e}",
            "red",
        )
    return _MARKS[FAIL if failed else INCONCLUSIVE if unclear else PASS], text


def _kink(each: Difference) -> str:
    assert each.slopes is not None, "a kink has two slopes"
    left, right = each.slopes
    return (
        f"Kink at {each.point}: {_tensor(each)} at {_place(each.index)}: the slope is {left:.6g} on the "
        f"left, {right:.6g} on the right; back-propagation says {each.analytic:.6g}."
    )


def _taylor(check: GradientCheck) -> tuple[Text, Text]:
    words = []
    for each in check.taylor:
        where = "all layers" if each.layer is None else f"layer {each.layer}"
        words.append(f"{where} {each.reason if each.order is None else f'{each.order:.2f}'}")
    verdicts = {each.verdict for each in check.taylor}
    seen = next((verdict for verdict in (FAIL, PASS) if verdict in verdicts), INCONCLUSIVE)
    return _MARKS[seen], Text(f"2 if right, 1 if wrong: {'; '.join(words)}")


def _self_test(check: GradientCheck) -> tuple[Text, Text]:
    test = check.self_test
    text = Text(f"{test.caught} of {test.planted} planted faults caught")
    elsewhere = sum(fault.caught and bool(fault.note) for fault in test.faults)
    if elsewhere:
        text.append(f" ({elsewhere} of them in a reference network: this one cannot show them)", "dim")
    missed = [fault for fault in test.faults if not fault.caught]
    if missed:
        text.append("; not caught: " + "; ".join(f"{fault.name} ({fault.note})" for fault in missed), "red")
    return _MARKS[FAIL if missed else PASS], text


def _faults(faults: Sequence[PlantedFault]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False)
    table.add_column("planted fault")
    table.add_column("times", justify="right")
    table.add_column("")
    table.add_column("", style="dim")
    for fault in faults:
        mark = Text("✓ caught", "green") if fault.caught else Text("✗ MISSED", "bold red")
        table.add_row(fault.name, str(fault.variants), mark, fault.note)
    return table
