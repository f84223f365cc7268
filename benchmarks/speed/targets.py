"""What bpnet is held to, each a ratio within one run, and what was found."""

from collections.abc import Iterator
from typing import Any

from parts.processes import PEERS
from parts.steps import FLOOR, ours

_STEPS = (
    ("digits", "torch_eager", 0.10),
    ("digits", "sklearn_mlp", 0.15),
    ("digits", "jax_scan", 1.0),
    ("nielsen", "torch_eager", 0.12),
    ("nielsen", "sklearn_mlp", 0.20),
    ("nielsen", "jax_scan", 1.0),
    ("keras", "torch_eager", 0.75),
    ("keras", "jax_scan", 1.0),
    ("wide", FLOOR, 1.10),
    ("wide", "torch_eager", 1.0),
)


def rows(results: dict[str, Any]) -> Iterator[tuple[str, str, float, float]]:
    """What, against what, at most, and found; of the parts that were measured."""
    if "processes" in results:
        tasks, starts = results["processes"]["tasks"], results["processes"]["starts"]
        fastest = min(tasks["digits"][peer]["median"] for peer in PEERS)
        yield (
            "whole process, digits, 30 epochs",
            "the fastest peer's",
            0.30,
            tasks["digits"]["bpnet"]["median"] / fastest,
        )
        base = starts['python -c "import typer, rich.console"']["median"]
        yield (
            "`bpnet --help`",
            '`python -c "import typer, rich.console"`',
            1.3,
            starts["bpnet --help"]["median"] / base,
        )
    if "steps" in results:
        for workload, peer, most in _STEPS:
            peers = results["steps"][workload]
            yield (
                f"step, {workload}",
                peers[peer]["version"],
                most,
                ours(peers) / peers[peer]["median"],
            )
    if "prediction" in results:
        both = results["prediction"]["prediction"]["1000000"]
        ratio = both["bpnet"]["median"] / both["PyTorch"]["median"]
        yield "prediction of 1,000,000 digits rows", "PyTorch's `no_grad` forward, same batches", 1.0, ratio
        live = results["prediction"]["live"]
        yield "the live view", "the training that it shows", 0.02, live["drawing"] / live["seconds"]


def page(results: dict[str, Any]) -> Iterator[str]:
    """One table."""
    yield "| | against | at most | found | |"
    yield "|---|---|---:|---:|---|"
    for what, against, most, found in rows(results):
        yield f"| {what} | {against} | {most:.2f} | {found:.2f} | {'met' if found <= most else 'not met'} |"
