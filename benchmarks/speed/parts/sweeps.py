"""Part 2, too: the time of a step over widths, depths and batch sizes."""

from collections.abc import Iterator
from typing import Any

from turns import measure_steps
from workloads import SWEEPS

from parts.steps import COMPILED, FLOOR, OURS

PEERS = (FLOOR, OURS, COMPILED, "jax_scan", "torch_eager", "sklearn_mlp")
_WHAT = {
    "width": "n-n-n-10, batches of 128, over the units n of a layer",
    "depth": "64, then n layers of 64, then 10, batches of 32, over the number n of hidden layers",
    "batch": "784-128-10, over the rows n of a batch",
}


def measure(turns: int) -> dict[str, Any]:
    """The peers that are quick to start, at every point."""
    return {
        sweep: {workload.name: measure_steps(workload, PEERS, turns) for workload in workloads}
        for sweep, workloads in SWEEPS.items()
    }


def page(found: dict[str, Any]) -> Iterator[str]:
    """A table a sweep."""
    yield "## A step of other sizes"
    yield ""
    yield "Microseconds a step, medians; ReLU, softmax and cross-entropy, plain gradient descent."
    for sweep, points in found.items():
        yield ""
        yield f"### {sweep.capitalize()}: {_WHAT[sweep]}"
        yield ""
        yield f"| | {' | '.join(points)} |"
        yield f"|---|{'---:|' * len(points)}"
        for name, peer in next(iter(points.values())).items():
            medians = (f"{point[name]['median']:,.0f}" for point in points.values())
            yield f"| {peer['version']} | {' | '.join(medians)} |"
