"""Part 6: answers a second, reading a table, and checking gradients; and what the live view costs."""

import io
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rich.console import Console
from turns import in_turn, spread
from workloads import DIGITS, make_data, start

import bpnet
from bpnet.config import load_config
from bpnet.core.activations import ACTIVATIONS
from bpnet.core.network import Layer, from_arrays
from bpnet.data.reading import read_inputs
from bpnet.data.sources import FileSource
from bpnet.experiment import run_experiment
from bpnet.experiment.checking import SAMPLES
from bpnet.report.live import LiveView
from bpnet.training.evaluation import SLICE_ROWS, predict

ROWS = (1, 1_000, 1_000_000)
_CSV_ROWS = 200_000


def measure(turns: int) -> dict[str, Any]:
    """Each against what others need for the same, in turn."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return {
            "prediction": {rows: _predict(rows, turns) for rows in ROWS},
            "csv": _read_csv(folder, turns),
            "gradients": _check_gradients(folder, turns),
            "live": _live_view(folder),
        }


def _spreads(what: dict[str, Callable[[], object]], turns: int, repeat: int = 1) -> dict[str, Any]:
    def seconds_of(do: Callable[[], object]) -> Callable[[], float]:
        def once() -> float:
            began = time.perf_counter()
            for _ in range(repeat):
                do()
            return (time.perf_counter() - began) / repeat

        return once

    times = in_turn({name: seconds_of(do) for name, do in what.items()}, turns)
    return {name: spread(each) for name, each in times.items()}


def _predict(rows: int, turns: int) -> dict[str, Any]:
    """The same float32 rows and weights, in the same batches; both with their softmax."""
    import torch
    from peers.torch_eager import build

    X = np.random.default_rng(0).random((rows, DIGITS.sizes[0]), dtype=np.float32)
    W, b = start(DIGITS)
    names = (DIGITS.activation, DIGITS.output_activation)
    layers = [
        Layer(w.shape[1], w.shape[0], ACTIVATIONS.create(name)) for w, name in zip(W, names, strict=True)
    ]
    network = from_arrays(layers, W, b, np.float32)
    module, inputs = torch.nn.Sequential(*build(DIGITS)[:-1], torch.nn.Softmax(dim=1)), torch.from_numpy(X)

    def by_torch() -> Any:
        outputs = torch.empty(rows, DIGITS.sizes[-1])
        with torch.no_grad():
            for first in range(0, rows, SLICE_ROWS):
                outputs[first : first + SLICE_ROWS] = module(inputs[first : first + SLICE_ROWS])
        return outputs

    np.testing.assert_allclose(predict(network, X), by_torch().numpy(), rtol=1e-4, atol=1e-6)
    repeat = max(1, 100_000 // max(rows, 100))
    return _spreads({"bpnet": lambda: predict(network, X), "PyTorch": by_torch}, turns, repeat)


def _read_csv(folder: Path, turns: int) -> dict[str, Any]:
    """From a file to a float32 matrix."""
    import polars as pl

    numbers = np.random.default_rng(0).integers(0, 17, (_CSV_ROWS, 65))
    path = folder / "t.csv"
    pl.DataFrame(numbers, schema=[f"c{i}" for i in range(65)]).write_csv(path)

    def by_bpnet() -> object:
        rows = read_inputs(FileSource(path))
        return rows.numbers(rows.names).astype(np.float32)

    return _spreads(
        {"bpnet": by_bpnet, "polars": lambda: pl.read_csv(path).to_numpy().astype(np.float32)}, turns
    )


def _check_gradients(folder: Path, turns: int) -> dict[str, Any]:
    """The same network and rows, in float64: bpnet's seven parts, and gradcheck's one."""
    import torch
    from peers.torch_eager import build

    workload = DIGITS
    make_data(workload, folder)
    config = folder / "check.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "data": {"train": "train.npz"},
                "network": {"layers": list(workload.sizes), "activation": workload.activation},
                "training": {"loss": workload.loss, "learning_rate": 0.1, "epochs": 1},
            }
        )
    )
    module = build(workload).double()
    with np.load(folder / "train.npz") as rows:
        X, labels = torch.from_numpy(rows["X"][:SAMPLES]).double(), torch.from_numpy(rows["y"][:SAMPLES])
    names = [name for name, _ in module.named_parameters()]

    def cost(*parameters: Any) -> Any:
        outputs = torch.func.functional_call(module, dict(zip(names, parameters, strict=True)), (X,))
        return torch.nn.functional.cross_entropy(outputs, labels)

    parameters = tuple(parameter.detach().requires_grad_() for parameter in module.parameters())
    return _spreads(
        {
            "bpnet": lambda: bpnet.grad_check(config),
            "torch.autograd.gradcheck": lambda: torch.autograd.gradcheck(cost, parameters),
        },
        turns,
    )


def _live_view(folder: Path) -> dict[str, float]:
    """Seconds of a training in a terminal, and those of them that the view takes."""
    make_data(DIGITS, folder)
    config = folder / "live.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "data": {"train": "train.npz", "validation": "validation.npz"},
                "network": {"layers": list(DIGITS.sizes), "activation": DIGITS.activation},
                "training": {"loss": DIGITS.loss, "learning_rate": 0.1, "epochs": 2000, "backend": "numpy"},
            }
        )
    )
    console = Console(file=io.StringIO(), force_terminal=True, width=100, height=40)
    drawing = 0.0
    began = time.perf_counter()
    with LiveView(console) as view:

        def tell(event: Any) -> None:
            nonlocal drawing
            before = time.perf_counter()
            view.tell(event)
            drawing += time.perf_counter() - before

        run_experiment(load_config(str(config), []), folder, tell)
    return {"seconds": time.perf_counter() - began, "drawing": drawing}


def page(found: dict[str, Any]) -> Iterator[str]:
    """What there is to say of each."""
    yield "## Prediction"
    yield ""
    yield (
        f"Rows a second through {DIGITS.shape}, in batches of {SLICE_ROWS:,}, both with the same "
        f"weights; PyTorch "
        "under `no_grad`."
    )
    yield ""
    yield "| rows | bpnet | PyTorch | bpnet's time over PyTorch's |"
    yield "|---:|---:|---:|---:|"
    for rows, both in found["prediction"].items():
        times = [both[name]["median"] for name in ("bpnet", "PyTorch")]
        cells = " | ".join(f"{int(rows) / seconds:,.0f}" for seconds in times)
        yield f"| {int(rows):,} | {cells} | {times[0] / times[1]:.2f} |"
    yield ""
    yield "## Reading, checking, showing"
    yield ""
    ours, theirs = (found["csv"][name]["median"] for name in ("bpnet", "polars"))
    yield (
        f"- A CSV file of {_CSV_ROWS:,} rows and 65 columns to a matrix, every cell checked: {ours:.2f} "
        f"s; polars "
        f"alone, whose reader bpnet uses: {theirs:.2f} s."
    )
    ours, theirs = (found["gradients"][name]["median"] for name in ("bpnet", "torch.autograd.gradcheck"))
    yield (
        f"- `grad-check` of {DIGITS.shape} on {SAMPLES} rows, all of its parts: {ours:.2f} s; "
        f"`torch.autograd.gradcheck` on the same network and rows: {theirs:.2f} s."
    )
    live = found["live"]
    yield (
        f"- The live view in a terminal of 100 columns takes {live['drawing']:.2f} s of a training of "
        f"{live['seconds']:.1f} s: {live['drawing'] / live['seconds']:.1%}."
    )
