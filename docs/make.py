"""Write what the documents show: the config tables from the language itself, the picture from a real run.

Run ``python docs/make.py`` in the project's folder after a change of either; a test compares the tables.
"""

import io
import re
import tempfile
from pathlib import Path

from rich.console import Console

from bpnet.config import key_table, load_config
from bpnet.core.activations import ACTIVATIONS
from bpnet.core.initializers import INITIALIZERS
from bpnet.core.losses import LOSSES
from bpnet.core.optimizers import OPTIMIZERS
from bpnet.core.registry import Registry, parameters_of
from bpnet.core.schedules import SCHEDULES
from bpnet.experiment import run_experiment
from bpnet.report.live import LiveView
from bpnet.report.summary import print_summary

PROJECT = Path(__file__).parent.parent
_TABLE = re.compile(r"(?<=<!-- config table -->\n).*?(?=<!-- end -->)", re.DOTALL)
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
    (PROJECT / "docs" / "digits.svg").write_text(picture(), "utf-8")


if __name__ == "__main__":
    main()
