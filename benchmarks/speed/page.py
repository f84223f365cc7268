"""The page: what was measured, in words and tables; a test holds docs/performance.md against the numbers."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import targets
from parts import accuracy, growth, prediction, processes, steps, sweeps

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
PARTS: dict[str, ModuleType] = {
    "processes": processes,
    "steps": steps,
    "sweeps": sweeps,
    "accuracy": accuracy,
    "growth": growth,
    "prediction": prediction,
}


def read_results() -> dict[str, Any]:
    """What was measured so far, by part."""
    found: dict[str, Any] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
    return found


def written(results: dict[str, Any]) -> str:
    """The whole page."""
    return "\n".join(_lines(results)) + "\n"


def _lines(results: dict[str, Any]) -> Iterator[str]:
    found = {name: results[name]["found"] for name in PARTS if name in results}
    machines = "; ".join(dict.fromkeys(result["machine"] for result in results.values()))
    turns = min(result["turns"] for result in results.values())
    yield "# Performance"
    yield ""
    yield (
        f"Written by `python benchmarks/speed`, on {machines}. Peers take turns, at least "
        f"{turns} each and one before them; medians are shown, with the spread. All numbers are in "
        "[results.json](../benchmarks/speed/results.json)."
    )
    yield ""
    yield (HERE / "advice.md").read_text("utf-8").rstrip()
    yield ""
    yield "## What bpnet is held to"
    yield ""
    yield "Times over those of the peer, in the same run. What is not met is explained at the end."
    yield ""
    yield from targets.page(found)
    yield ""
    yield "![A step of each peer in four workloads, and over width, depth and batch](performance.svg)"
    for name, part in found.items():
        yield ""
        yield from PARTS[name].page(part)
    yield ""
    yield (HERE / "findings.md").read_text("utf-8").rstrip()
