"""How fast bpnet is beside its peers, here: ``python benchmarks/speed`` writes docs/performance.md.

The peers come with ``pip install -r benchmarks/speed/requirements.txt``. Each trains the same network on the
same rows, in a process of its own; they take turns, so that a machine that slows down slows all of them.
"""

import argparse
import os
import platform
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from turns import Measured, measure
from workloads import WORKLOADS, Workload

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "performance.md"

FLOOR, OURS = "products", "bpnet_trainer"
PEERS = (OURS, "jax_scan", "torch_eager", "torch_compiled", "sklearn_mlp", "keras_jax")
PER_SAMPLE = "nielsen"
"""Only where its thousands of small steps end in a reasonable time."""


def main() -> None:
    """Measure what was asked for; write the page if that was everything."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    names = [workload.name for workload in WORKLOADS]
    parser.add_argument("--only", choices=names, nargs="+", help="these workloads, and write nothing")
    parser.add_argument("--turns", type=int, default=7, help="how often each peer has its turn (default 7)")
    options = parser.parse_args()
    began = time.perf_counter()
    found = {}
    for workload in WORKLOADS:
        if options.only is None or workload.name in options.only:
            found[workload] = measure(workload, _peers(workload), options.turns)
            print("\n".join(_table(workload, found[workload])), end="\n\n", flush=True)
    if options.only is None:
        seconds = time.perf_counter() - began
        PAGE.write_text("\n".join(_page(found, options.turns, seconds)) + "\n", encoding="utf-8")


def _peers(workload: Workload) -> tuple[str, ...]:
    small = workload.multiplications < 100_000  # noqa: PLR2004 - digits and nielsen, not keras and wide
    return (FLOOR, *PEERS, PER_SAMPLE) if small else (FLOOR, *PEERS)


def _page(found: Mapping[Workload, Mapping[str, Measured]], turns: int, seconds: float) -> Iterator[str]:
    yield "# Performance"
    yield ""
    yield (
        f"Written by `python benchmarks/speed` in {seconds:.0f} s, on {os.cpu_count()} processors "
        f"({_processor()}), with Python {platform.python_version()}."
    )
    yield (
        "Every peer trains the same network on the same rows with the same batches and loss, and judges the"
        f" same validation rows after every epoch; each has {turns} turns, one after the other. bpnet is"
        " measured through its public way in, with its run folder, history, checkpoints and measured layers;"
        " it starts again in every turn, where the others go on, so their loss is lower."
    )
    for workload, measured in found.items():
        yield ""
        yield from _table(workload, measured)
    yield ""
    yield (HERE / "findings.md").read_text(encoding="utf-8").rstrip()


def _table(workload: Workload, measured: Mapping[str, Measured]) -> Iterator[str]:
    shape = "-".join(str(n) for n in workload.sizes)
    yield (
        f"## {workload.name}: {shape}, batches of {workload.batch_size}, {workload.activation},"
        f" {workload.loss.replace('_', ' ')}, {workload.optimizer}"
    )
    yield ""
    yield "| | µs a step, median | from | to | bpnet's time over theirs | loss |"
    yield "|---|---:|---:|---:|---:|---:|"
    ours = measured[OURS].median
    for peer in sorted(measured.values(), key=lambda peer: peer.median):
        times = peer.microseconds
        loss = "" if peer.loss is None else f"{peer.loss:.4f}"
        yield (
            f"| {peer.version} | {peer.median:,.0f} | {min(times):,.0f} | {max(times):,.0f}"
            f" | {ours / peer.median:.2f} | {loss} |"
        )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(": ")[2]
    return platform.processor()


if __name__ == "__main__":
    main()
