"""Part 2: the time of a step, in four workloads."""

from collections.abc import Iterator
from typing import Any

from turns import measure_steps
from workloads import KEY_WORKLOADS, Workload

FLOOR, OURS, COMPILED = "products", "bpnet_trainer", "bpnet_compiled"
OTHERS = ("jax_scan", "torch_eager", "torch_compiled", "sklearn_mlp", "keras_jax")
PER_SAMPLE = "nielsen"
"""Only where its thousands of small steps end in a reasonable time."""

_FEW = 100_000


def measure(turns: int) -> dict[str, Any]:
    """Every peer on every workload."""
    return {workload.name: measure_steps(workload, _peers(workload), turns) for workload in KEY_WORKLOADS}


def _peers(workload: Workload) -> tuple[str, ...]:
    small = sum(n * m for n, m in zip(workload.sizes, workload.sizes[1:], strict=False)) < _FEW
    return (FLOOR, OURS, COMPILED, *OTHERS, *((PER_SAMPLE,) if small else ()))


def ours(peers: dict[str, Any]) -> float:
    """The faster of bpnet's two ways, which is what ``training.backend: auto`` is after."""
    return float(min(peers[name]["median"] for name in (OURS, COMPILED)))


def page(found: dict[str, Any]) -> Iterator[str]:
    """A table a workload, and one a sweep."""
    yield "## A step"
    yield ""
    yield (
        "Microseconds a step. In every turn every peer begins anew with Glorot's weights (bpnet and "
        "scikit-learn draw their own, the others have the same), trains on the same rows in batches of the "
        "same size, judges the same validation rows after every epoch, and trains one epoch before it is "
        "timed. bpnet is measured through its public way in, with its run folder, history, checkpoints and "
        "measured layers. \u201cTimes bpnet's\u201d compares with the faster of its two ways."
    )
    for workload in KEY_WORKLOADS:
        peers = found[workload.name]
        yield ""
        yield (
            f"### {workload.name}: {workload.shape}, batches of {workload.batch_size}, "
            f"{workload.activation}, "
            f"{workload.loss.replace('_', ' ')}, {workload.optimizer}"
        )
        yield ""
        yield "| | median | from | to | times bpnet's | loss |"
        yield "|---|---:|---:|---:|---:|---:|"
        for peer in sorted(peers.values(), key=lambda peer: peer["median"]):
            loss = "" if peer["loss"] is None else f"{peer['loss']:.4f}"
            yield (
                f"| {peer['version']} | {peer['median']:,.0f} | {peer['from']:,.0f} | {peer['to']:,.0f} "
                f"| {peer['median'] / ours(peers):.2f} | {loss} |"
            )
