"""Part 5: more rows, more epochs, more parameters, and more data than memory."""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from turns import spread, working
from workloads import DIGITS, Workload, classifier, make_data

from parts.processes import BPNET

PEER = "bpnet_trainer"
ROWS, EPOCHS, WIDTHS = (1, 10, 100), (10, 100, 1000), (128, 512, 2048)
ALLOWED = 250_000_000
"""Bytes of memory, beside what the file itself is mapped to."""

TIMES_LARGER = 4
_COLUMNS, _CLASSES = 784, 10


def measure(turns: int) -> dict[str, Any]:
    """Each in a process of its own, whose peak memory is asked for."""
    few = replace(DIGITS, epochs=2)
    return {
        "rows": {n: _timed(replace(few, rows=n * few.rows), turns) for n in ROWS},
        "epochs": {n: _timed(replace(DIGITS, epochs=n), 1) for n in EPOCHS},
        "parameters": {
            n: _timed(classifier(str(n), (784, n, n, 10), 128, 2_560, optimizer="adam"), turns)
            for n in WIDTHS
        },
        "memory": _larger_than_memory(),
    }


def _timed(workload: Workload, turns: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        make_data(workload, Path(name))
        with working(workload, [PEER], Path(name)) as workers:
            idle = workers[PEER].ask("peak_memory")
            times = [workers[PEER].ask("timed", workload.epochs)["seconds"] for _ in range(turns)]
            n = sum(
                (n_in + 1) * n_out for n_in, n_out in zip(workload.sizes, workload.sizes[1:], strict=False)
            )
            return {
                "rows": workload.rows,
                "epochs": workload.epochs,
                "steps": workload.steps,
                "parameters": n,
                "memory": workers[PEER].ask("peak_memory"),
                "idle": idle,
                **spread(times),
            }


def _larger_than_memory() -> dict[str, Any]:
    """Train on a file several times larger than the memory that the process may take, and with all memory."""
    rows = TIMES_LARGER * ALLOWED // _COLUMNS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_images(folder, rows)
        config = {
            "data": {
                "train": {"features": "X.npy", "target": "y.npy"},
                "validation": 0.05,
                "scale": "minmax",
            },
            "network": {"layers": [_COLUMNS, 30, _CLASSES], "activation": "relu"},
            "training": {"loss": "cross_entropy", "learning_rate": 0.1, "epochs": 1, "batch_size": 256},
        }
        (folder / "c.yaml").write_text(yaml.safe_dump(config))
        seconds = {limit: _train(folder, limit) for limit in (ALLOWED // 1024, "unlimited")}
        models = [(folder / f"c-{i}" / "model.safetensors").read_bytes() for i in (1, 2)]
        return {
            "rows": rows,
            "file": (folder / "X.npy").stat().st_size,
            "allowed": ALLOWED,
            "seconds": seconds[ALLOWED // 1024],
            "seconds_unlimited": seconds["unlimited"],
            "same_model": models[0] == models[1],
        }


def _train(folder: Path, limit: int | str) -> float:
    began = time.perf_counter()
    limited = f'ulimit -d {limit} && exec "$@"'
    command = [BPNET, "train", "c.yaml", "--quiet", "--output", "."]
    subprocess.run(
        ["/bin/sh", "-c", limited, "sh", *command], cwd=folder, stdout=subprocess.DEVNULL, check=True
    )
    return time.perf_counter() - began


def _write_images(folder: Path, rows: int) -> None:
    rng = np.random.default_rng(0)
    centres, labels = rng.integers(0, 200, (_CLASSES, _COLUMNS)), rng.integers(0, _CLASSES, rows)
    X = np.lib.format.open_memmap(folder / "X.npy", "w+", np.uint8, (rows, _COLUMNS))
    for start in range(0, rows, 10_000):
        few = labels[start : start + 10_000]
        X[start : start + len(few)] = centres[few] + rng.integers(0, 56, (len(few), _COLUMNS))
    np.save(folder / "y.npy", labels)


def page(found: dict[str, Any]) -> Iterator[str]:
    """A table a kind of growth."""
    yield "## Growth"
    yield ""
    yield f"The {DIGITS.name} workload with more rows, in NumPy:"
    yield ""
    yield "| rows | µs a row and epoch | MB at most | of them by the data and the training |"
    yield "|---:|---:|---:|---:|"
    for one in found["rows"].values():
        each = 1e6 * one["median"] / (one["rows"] * one["epochs"])
        yield f"| {one['rows']:,} | {each:.2f} | {one['memory'] / 1e6:.0f} | {_more(one):.0f} |"
    yield ""
    yield "With more epochs:"
    yield ""
    yield "| epochs | ms an epoch | MB at most |"
    yield "|---:|---:|---:|"
    for one in found["epochs"].values():
        yield f"| {one['epochs']:,} | {1e3 * one['median'] / one['epochs']:.2f} | {one['memory'] / 1e6:.0f} |"
    yield ""
    yield "784-n-n-10 with Adam, batches of 128:"
    yield ""
    yield "| parameters | ns a parameter and step | bytes a parameter, at most |"
    yield "|---:|---:|---:|"
    for one in found["parameters"].values():
        each = 1e9 * one["median"] / (one["steps"] * one["parameters"])
        yield f"| {one['parameters']:,} | {each:.2f} | {1e6 * _more(one) / one['parameters']:.0f} |"
    memory = found["memory"]
    same = "to the same bits as" if memory["same_model"] else "to other bits than"
    yield ""
    yield (
        f"A file of {memory['file'] / 1e9:.1f} GB (NPY, {memory['rows']:,} rows of {_COLUMNS} bytes) is "
        f"trained on "
        f"by a process that may take {memory['allowed'] / 1e6:.0f} MB (`ulimit -d`), for one epoch with "
        f"validation, in {memory['seconds']:.0f} s, {same} with all the machine's memory, which takes "
        f"{memory['seconds_unlimited']:.0f} s."
    )


def _more(one: dict[str, Any]) -> float:
    return float(one["memory"] - one["idle"]) / 1e6
