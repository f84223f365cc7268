"""Part 3: seconds to an accuracy, on MNIST."""

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from turns import spread, working
from workloads import Workload, classifier, write_data

from bpnet.data.arrays import read_array

ACCURACY, MOST_EPOCHS = 0.97, 12
PEERS = (
    "bpnet_trainer",
    "bpnet_compiled",
    "jax_scan",
    "torch_eager",
    "torch_compiled",
    "sklearn_mlp",
    "keras_jax",
)
WORKLOAD = classifier(
    "mnist",
    (784, 100, 10),
    32,
    50_000,
    activation="sigmoid",
    optimizer="adam",
    learning_rate=1e-3,
    validation_rows=10_000,
)


def measure(turns: int, mnist: Path) -> dict[str, Any]:
    """Train every peer until it is that good, each turn in a new process, so that nothing is compiled yet."""
    found: dict[str, list[dict[str, Any]]] = {peer: [] for peer in PEERS}
    versions = {}
    with tempfile.TemporaryDirectory() as name:
        _write(WORKLOAD, mnist, Path(name))
        for _ in range(turns):
            for peer in PEERS:
                with working(WORKLOAD, [peer], Path(name)) as workers:
                    versions[peer] = workers[peer].version
                    found[peer].append(workers[peer].ask("until", ACCURACY, MOST_EPOCHS))
    return {
        peer: {
            "version": versions[peer],
            "epochs": statistics.median(answer["epochs"] for answer in answers),
            "accuracy": min(answer["accuracy"] for answer in answers),
            **spread([answer["seconds"] for answer in answers]),
        }
        for peer, answers in found.items()
    }


def _write(workload: Workload, mnist: Path, folder: Path) -> None:
    """The files' training images, in the order of the files: the last of them are judged by."""
    images, labels = (next(mnist.glob(f"train-{kind}-idx*-ubyte*")) for kind in ("images", "labels"))
    X = np.array(read_array(images)).reshape(-1, workload.sizes[0])[
        : workload.rows + workload.validation_rows
    ]
    y = np.array(read_array(labels))[: len(X)]
    write_data(X.astype(np.float32) / 255, y.astype(int), workload.rows, folder)


def page(found: dict[str, Any]) -> Iterator[str]:
    """One table."""
    yield f"## To {ACCURACY:.0%} on MNIST"
    yield ""
    yield (
        f"{WORKLOAD.shape}, {WORKLOAD.activation}, {WORKLOAD.optimizer} with η = {WORKLOAD.learning_rate:g}, "
        f"batches of {WORKLOAD.batch_size}: seconds from the call of the training, compiling and all, until "
        f"{ACCURACY:.0%} of {WORKLOAD.validation_rows:,} images that are not trained on are read rightly. "
        "Each turn is a new process; its imports are not counted, except bpnet's reading of the files "
        "and its "
        "run folder."
    )
    yield ""
    yield "| | seconds, median | from | to | epochs |"
    yield "|---|---:|---:|---:|---:|"
    for peer in sorted(found.values(), key=lambda peer: peer["median"]):
        reached = "" if peer["accuracy"] >= ACCURACY else f" (only {peer['accuracy']:.1%})"
        yield (
            f"| {peer['version']} | {peer['median']:.1f} | {peer['from']:.1f} | {peer['to']:.1f} "
            f"| {peer['epochs']:.0f}{reached} |"
        )
