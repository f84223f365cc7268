"""Parts 1 and 4: whole processes, from the shell to a saved model, and until anything happens at all."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from turns import HERE, in_turn, spread

BPNET = str(Path(sys.executable).with_name("bpnet"))
PEERS = ("sklearn_mlp", "torch_eager", "jax_scan", "keras_jax", "nielsen")
NAMES = {
    "bpnet": "bpnet train",
    "sklearn_mlp": "scikit-learn",
    "torch_eager": "PyTorch",
    "jax_scan": "JAX, jit of lax.scan",
    "keras_jax": "Keras on JAX",
    "nielsen": "per sample, NumPy",
}
PLAIN = ("training.optimizer=sgd", "training.weight_decay=0")
TASKS = {
    "digits": (*PLAIN, "training.learning_rate=0.5"),
    "iris": PLAIN,
    "xor": (
        "network.layers=[2, 8, 2]",
        "training.loss=cross_entropy",
        "data.targets=[[1, 0], [0, 1], [0, 1], [1, 0]]",
    ),
}
"""The built-in configs, changed where the peers' scripts do something simpler."""

PYTHON = sys.executable
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
"""Modules are compiled once, as when a package is installed, also those of a checkout."""

STARTS = {
    "bpnet --help": (BPNET, "--help"),
    "bpnet --version": (BPNET, "--version"),
    "bpnet train digits, before its first step": (PYTHON, str(HERE / "first_step.py"), "digits"),
    "bpnet train xor, before its first step": (PYTHON, str(HERE / "first_step.py"), "xor"),
    'python -c "pass"': (PYTHON, "-c", "pass"),
    'python -c "import typer, rich.console"': (PYTHON, "-c", "import typer, rich.console"),
    'python -c "import numpy"': (PYTHON, "-c", "import numpy"),
    'python -c "import sklearn.neural_network"': (PYTHON, "-c", "import sklearn.neural_network"),
    'python -c "import jax.numpy"': (PYTHON, "-c", "import jax.numpy"),
    'python -c "import torch"': (PYTHON, "-c", "import torch"),
}


def measure(turns: int) -> dict[str, Any]:
    """Seconds and peak memory of every task by every peer, and seconds of every start."""
    return {
        "tasks": {task: _measure_task(task, turns) for task in TASKS},
        "starts": {
            name: spread(seconds)
            for name, seconds in in_turn(
                {name: lambda command=command: run(command)[0] for name, command in STARTS.items()}, 2 * turns
            ).items()
        },
    }


def _measure_task(task: str, turns: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        settings = [argument for setting in TASKS[task] for argument in ("--set", setting)]
        commands: dict[str, Sequence[str]] = {
            "bpnet": (BPNET, "train", task, "--quiet", "--output", folder, *settings),
            **{
                peer: (PYTHON, str(HERE / "process.py"), peer, task, f"{folder}/{peer}.model")
                for peer in PEERS
            },
        }
        memory: dict[str, list[int]] = {name: [] for name in commands}

        def seconds_of(name: str) -> Callable[[], float]:
            def once() -> float:
                seconds, peak = run(commands[name])
                memory[name].append(peak)
                return seconds

            return once

        times = in_turn({name: seconds_of(name) for name in commands}, turns)
        return {name: {**spread(times[name]), "memory": max(memory[name])} for name in commands}


def run(command: Sequence[str]) -> tuple[float, int]:
    """Seconds that a command took from start to end, and the bytes that it needed at most."""
    spawn = [PYTHON, "-I", str(HERE / "spawn.py"), *command]
    found = subprocess.run(spawn, check=True, capture_output=True, env=ENVIRONMENT)
    code, seconds, peak = json.loads(found.stdout)
    if code:
        raise RuntimeError(f"{' '.join(command)} failed")
    return seconds, peak


def page(found: dict[str, Any]) -> Iterator[str]:
    """A table of tasks, and one of starts."""
    yield "## A whole process"
    yield ""
    yield (
        "From pressing Enter to a saved model: start, imports, reading the rows, training as the "
        "built-in config "
        "says (digits for 30 epochs, iris for 60, xor for 200; plain gradient descent for the first two), "
        "validation after every epoch, saving. The peers are run by `benchmarks/speed/process.py`. "
        "Seconds, median (from – to), and the largest memory."
    )
    yield ""
    tasks = found["tasks"]
    yield f"| | {' | '.join(tasks)} | MB, digits |"
    yield f"|---|{'---:|' * (len(tasks) + 1)}"
    for name in sorted(tasks["digits"], key=lambda name: tasks["digits"][name]["median"]):
        cells = (
            f"{task[name]['median']:.2f} ({task[name]['from']:.2f} – {task[name]['to']:.2f})"
            for task in tasks.values()
        )
        yield f"| {NAMES[name]} | {' | '.join(cells)} | {tasks['digits'][name]['memory'] / 1e6:.0f} |"
    yield ""
    yield "## Starting"
    yield ""
    yield "| | ms, median | from | to |"
    yield "|---|---:|---:|---:|"
    for name, times in found["starts"].items():
        median, low, high = (1e3 * times[key] for key in ("median", "from", "to"))
        yield f"| `{name}` | {median:.0f} | {low:.0f} | {high:.0f} |"
