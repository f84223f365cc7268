"""How fast bpnet is beside its peers, here: ``python benchmarks/speed`` writes docs/performance.md.

The peers come with ``pip install -r benchmarks/speed/requirements.txt``. Each does the same work in a process
of its own, and they take turns, so that a machine that slows down slows all of them. What was measured is
kept in ``results.json``: a part can be measured anew by itself, and the page is written from all of them.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import picture
import targets
from parts import accuracy, growth, prediction, processes, steps

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
PAGE, PICTURE, RESULTS = DOCS / "performance.md", DOCS / "performance.svg", HERE / "results.json"
PARTS = {
    "processes": processes,
    "steps": steps,
    "accuracy": accuracy,
    "growth": growth,
    "prediction": prediction,
}


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
    measures["accuracy"] = partial(accuracy.measure, mnist=options.mnist.expanduser())
    results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
    for name in options.only:
        began = time.perf_counter()
        found = measures[name](options.turns)
        results[name] = {
            "seconds": time.perf_counter() - began,
            "turns": options.turns,
            "machine": f"{os.cpu_count()} processors ({_processor()}), Python {platform.python_version()}",
            "found": found,
        }
        RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")
        results = json.loads(RESULTS.read_text("utf-8"))
        print("\n".join(PARTS[name].page(results[name]["found"])), flush=True)
    PAGE.write_text("\n".join(_page(results)) + "\n", encoding="utf-8")
    if "steps" in results:
        picture.draw(results["steps"]["found"], PICTURE)


def _page(results: dict[str, Any]) -> Iterator[str]:
    found = {name: results[name]["found"] for name in PARTS if name in results}
    yield "# Performance"
    yield ""
    machines = "; ".join(dict.fromkeys(result["machine"] for result in results.values()))
    seconds = sum(result["seconds"] for result in results.values())
    turns = min(result["turns"] for result in results.values())
    yield (
        f"Written by `python benchmarks/speed` in {seconds / 60:.0f} minutes, on {machines}. Peers take "
        f"turns, at "
        f"least {turns} each; medians are shown, with the spread. The numbers are in "
        "[results.json](../benchmarks/speed/results.json)."
    )
    yield ""
    yield (HERE / "advice.md").read_text("utf-8").rstrip()
    yield ""
    yield "## What bpnet is held to"
    yield ""
    yield (
        "Times over those of the peer, in the same run. What is not met is explained under "
        "\u201cWhat was found\u201d."
    )
    yield ""
    yield from targets.page(found)
    yield ""
    yield (
        "![A step's time of each peer in four workloads, and over width, depth and batch "
        "size](performance.svg)"
    )
    for name, part in found.items():
        yield ""
        yield from PARTS[name].page(part)
    yield ""
    yield (HERE / "findings.md").read_text("utf-8").rstrip()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(": ")[2]
    return platform.processor()


if __name__ == "__main__":
    main()
