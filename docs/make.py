"""Write what the documents show: config tables from the language, numbers of the theory, a picture of a run.

Run ``python docs/make.py`` in the project's folder after a change of these; a test compares them.
"""

import io
import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from bpnet.config import key_table, load_config
from bpnet.core.activations import ACTIVATIONS, Sigmoid
from bpnet.core.initializers import INITIALIZERS
from bpnet.core.losses import LOSSES, PartneredLoss
from bpnet.core.optimizers import OPTIMIZERS
from bpnet.core.registry import Registry, parameters_of
from bpnet.core.schedules import SCHEDULES
from bpnet.experiment import run_experiment
from bpnet.experiment.explaining import Question, open_subject
from bpnet.inspection.explanation.blocks import Equation
from bpnet.inspection.explanation.error import multiplications
from bpnet.inspection.explanation.record import Explanation, explain
from bpnet.inspection.mistakes import Ingredients, updated_weights
from bpnet.report.explanations.inline import steps
from bpnet.report.explanations.notation import Plain
from bpnet.report.live import LiveView
from bpnet.report.summary import print_summary

PROJECT = Path(__file__).parent.parent
_TABLE = re.compile(r"(?<=<!-- config table -->\n).*?(?=<!-- end -->)", re.DOTALL)
_COMPUTED_BLOCK = re.compile(
    r"<!-- ((?:equations|share|update|multiplications|flipped|bug)[^>]*?) -->\n.*?\n<!-- end -->", re.DOTALL
)
_NAMED: tuple[tuple[str, Registry], ...] = (
    ("Activations", ACTIVATIONS),
    ("Losses", LOSSES),
    ("Initializers", INITIALIZERS),
    ("Optimizers", OPTIMIZERS),
    ("Schedules", SCHEDULES),
)
_PICTURE_WIDTH = 100

# Rich's own template loads a font from the web; this one is content with what the reader has.
_SVG = """<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
text {{ font: {char_height}px Menlo, Consolas, "DejaVu Sans Mono", monospace; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""


def readme_table() -> str:
    """The README's table of keys."""
    lines = ["| Key | Default | Meaning |", "|---|---|---|"]
    lines += [
        f"| `{key.path}` | {_default(key.required, key.default)} | {key.meaning} |"
        for key in key_table()
        if "[]" not in key.path
    ]
    return "\n".join(lines) + "\n"


def _default(required: bool, default: object) -> str:  # noqa: FBT001 - a value, not a switch
    if required:
        return "required"
    words = {None: "null", True: "true", False: "false"}
    return f"`{words[default]}`" if default is None or isinstance(default, bool) else f"`{default}`"


def config_reference() -> str:
    """Text of ``docs/config.md``."""
    lines = [
        "# The config language",
        "",
        "Written by `python docs/make.py` from the language itself: every key, then every name that a key",
        "may hold. A relative path starts at the config file.",
        "",
        "A name with numbers of its own is written as a mapping, `optimizer: {name: sgd, momentum: 0.9}`.",
        "An entry of `network.layers` is a number, or such as `{size: 32, activation: relu, dropout: 0.1}`.",
        "",
        "| Key | Accepts | Default | Meaning |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{key.path}` | {key.accepts} | {_default(key.required, key.default)} | {key.meaning} |"
        for key in key_table()
    ]
    for title, registry in _NAMED:
        lines += ["", f"## {title}", "", "| Name | What it is | Takes |", "|---|---|---|"]
        for name in registry:
            taken = "; ".join(f"`{p.name}` ({p.default}): {p.text}" for p in parameters_of(registry[name]))
            lines.append(f"| `{name}` | {registry[name].summary} | {taken or '–'} |")
    return "\n".join(lines) + "\n"


def theory() -> str:
    """Text of ``docs/theory.md`` with every number computed anew."""
    text = (PROJECT / "docs" / "theory.md").read_text("utf-8")

    def fresh(match: re.Match[str]) -> str:
        kind, *arguments = match[1].split()
        return f"<!-- {match[1]} -->\n{_COMPUTED[kind](*arguments)}\n<!-- end -->"

    return _COMPUTED_BLOCK.sub(fresh, text)


def _explained(name: str, layer: str | int) -> Explanation:
    return explain(open_subject(name, (), Question(layer=int(layer))))


def _equations(name: str, layer: str, *lefts: str) -> str:
    """Equations of an explanation by what stands on their left."""
    plain = Plain()
    blocks = [block for section in _explained(name, layer).sections for block in section.blocks]
    texts = []
    for wanted in lefts:
        equation = next(
            each for each in blocks if isinstance(each, Equation) and plain.formula(each.left) == wanted
        )
        indent = " " * len(wanted)
        lines = enumerate(steps(equation, plain))
        texts.append("\n".join(f"{indent if k else wanted} = {line}" for k, line in lines))
    return "```text\n" + "\n\n".join(texts) + "\n```"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> str:
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * words}{'---:|' * (len(columns) - words)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _share(name: str, layer: str) -> str:
    found, number = _explained(name, layer), Plain().number
    rows = [
        (str(j), number(weighted), number(share), number(delta))
        for j, (weighted, share, delta) in enumerate(
            zip(found.shared.weighted, found.shared.normalised, found.view.delta(int(layer)), strict=True), 1
        )
    ]
    return _table((f"unit of layer {layer}", "Wᵀ·E", "by shares", "δ"), rows, words=0)


def _update(name: str) -> str:
    found, number = _explained(name, 2), Plain().number
    before, after = found.view.network, found.step.network
    rows = [
        ("w³₁₁", number(before.W[3][0, 0]), number(after.W[3][0, 0])),
        ("w²₁₁", number(before.W[2][0, 0]), number(after.W[2][0, 0])),
        ("b³₁", number(before.b[3][0]), number(after.b[3][0])),
        ("C", number(found.step.cost_before), number(found.step.cost_after)),
    ]
    return _table(("", "before", "after"), rows)


def _multiplications(*names: str) -> str:
    rows = []
    for name in names:
        view = _explained(name, 2).view
        sizes, cancels = view.network.sizes, isinstance(view.point.loss, PartneredLoss)
        one_by_one, with_delta = multiplications(sizes, cancels=cancels)
        rows.append((f"{'-'.join(map(str, sizes))} (`{name}`)", f"{one_by_one:,}", f"{with_delta:,}"))
    return _table(("network", "multiplications, each chain by itself", "with δ kept"), rows)


def _flipped() -> str:
    """Two sigmoid outputs, the errors of which change their order of size by their slopes."""
    a, E, W = np.array([0.98, 0.5]), np.array([0.98, 0.5]), np.array([[1.0], [-1.0]])
    delta = E * Sigmoid().derivative(a, a)
    number = Plain().number
    row = (
        "(0.98, 0.5), with a = (0.98, 0.5)",
        "(1, −1)",
        number(float((E @ W)[0])),
        number(float((delta @ W)[0])),
    )
    return _table(("E of two sigmoid outputs", "weights", "Wᵀ·E", "Wᵀ·δ"), [row], words=2)


def _bug() -> str:
    """Mazur's example after one step, and with the mistake of the printed figures."""
    found = _explained("mazur", 2)
    view, rate = found.view, found.subject.learning_rate
    mistake = updated_weights(rate)
    wrong = mistake.make(
        Ingredients.of(view.point, view.trace), tuple(mistake.layers(view.point))
    ).gradients()
    n, after = view.network.n_weights, view.network.parameters.copy()
    after[:n] -= rate * wrong.flat[:n]
    there = view.point.at(after)
    rows = [
        ("all derivatives at the old weights", f"{found.step.cost_after:.9f}"),
        ("W³ updated first, as in the printed figures", f"{there.cost(there.forward()):.9f}"),
    ]
    return _table(("", "C after one step"), rows)


_COMPUTED = {
    "equations": _equations,
    "share": _share,
    "update": _update,
    "multiplications": _multiplications,
    "flipped": _flipped,
    "bug": _bug,
}


def picture() -> str:
    """Train the digits and draw the terminal as it stands at the end, as SVG."""
    console = Console(
        record=True, width=_PICTURE_WIDTH, force_terminal=True, file=io.StringIO(), highlight=False
    )
    view = LiveView(console)
    with tempfile.TemporaryDirectory() as folder:
        result = run_experiment(load_config("digits"), Path(folder), view.tell)
    console.print(view.render())
    print_summary(console, {**result.summary, "run": "runs/digits-1"}, [])
    return console.export_svg(title="bpnet train digits", code_format=_SVG, unique_id="bpnet")


def main() -> None:
    """Write all of it."""
    readme = PROJECT / "README.md"
    table = readme_table()
    readme.write_text(_TABLE.sub(lambda _: table, readme.read_text("utf-8")), "utf-8")
    (PROJECT / "docs" / "config.md").write_text(config_reference(), "utf-8")
    (PROJECT / "docs" / "theory.md").write_text(theory(), "utf-8")
    (PROJECT / "docs" / "digits.svg").write_text(picture(), "utf-8")


if __name__ == "__main__":
    main()
