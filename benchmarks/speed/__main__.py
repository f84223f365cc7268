"""How fast bpnet is beside its peers, here: ``python benchmarks/speed`` writes docs/performance.md.

The peers come with ``pip install -r benchmarks/speed/requirements.txt``. Each does the same work in a process
of its own, and they take turns, so that a machine that slows down slows all of them. What was measured is
kept in ``results.json``: a part can be measured anew by itself, and the page is written from all of them.
"""

import argparse
import json
import os
import platform
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from page import HERE, PARTS, RESULTS, read_results, written
from picture import draw

if TYPE_CHECKING:
    from collections.abc import Callable

DOCS = HERE.parents[1] / "docs"


def main() -> None:
    """Measure what was asked for, keep it, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=PARTS, nargs="*", default=PARTS, help="measure these parts anew")
    parser.add_argument("--turns", type=int, default=7, help="how often each peer has its turn (default 7)")
    parser.add_argument(
        "--mnist", type=Path, default=Path("~/mnist"), metavar="FOLDER", help="where MNIST's files are"
    )
    options = parser.parse_args()
    measures: dict[str, Callable[[int], Any]] = {name: part.measure for name, part in PARTS.items()}
    measures["accuracy"] = partial(PARTS["accuracy"].measure, mnist=options.mnist.expanduser())
    for name in options.only:
        found = measures[name](options.turns)
        result = {
            "turns": options.turns,
            "machine": f"{os.cpu_count()} processors ({_processor()}), Python {platform.python_version()}",
            "found": found,
        }
        text = json.dumps({**read_results(), name: result}, indent=1, ensure_ascii=False, sort_keys=False)
        RESULTS.write_text(text + "\n", "utf-8")
        print("\n".join(PARTS[name].page(read_results()[name]["found"])), flush=True)
    results = read_results()
    (DOCS / "performance.md").write_text(written(results), encoding="utf-8")
    if {"steps", "sweeps"} <= results.keys():
        draw(results["steps"]["found"], results["sweeps"]["found"], DOCS / "performance.svg")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(": ")[2]
    return platform.processor()


if __name__ == "__main__":
    main()
