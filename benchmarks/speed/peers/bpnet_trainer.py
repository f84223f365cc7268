"""bpnet through its public way in: a config, a run folder, a history, checkpoints, measured layers."""

import tempfile
import time
from pathlib import Path
from typing import Any

import yaml
from workloads import Data, Workload

from bpnet import __version__
from bpnet.config import load_config
from bpnet.experiment import run_experiment
from bpnet.training.events import EpochEnded, Event
from peers import base


class Peer(base.Peer):
    """Trains again from the start each time, and counts from the end of the first epoch."""

    backend = "numpy"

    def __init__(self, workload: Workload, data: Data) -> None:
        super().__init__(workload, data)
        self._config = data.folder / f"{self.backend}.yaml"
        self._config.write_text(yaml.safe_dump(_config(workload, self.backend)))

    @staticmethod
    def version() -> str:
        return f"bpnet {__version__}"

    def _run(self, epochs: int, accuracy: float = 2.0) -> list[tuple[float, EpochEnded]]:
        """When each epoch ended, and how; the run ends where the accuracy is reached."""
        ends: list[tuple[float, EpochEnded]] = []

        def watch(event: Event) -> None:
            if isinstance(event, EpochEnded):
                ends.append((time.perf_counter(), event))

        def is_reached() -> bool:
            last = ends[-1][1].validation if ends else None
            return last is not None and last["accuracy"] >= accuracy

        config = load_config(str(self._config), [f"training.epochs={epochs}"])
        with tempfile.TemporaryDirectory() as runs:
            run_experiment(config, Path(runs), watch, stop=is_reached)
        return ends

    def train(self, epochs: int) -> float:
        return self._run(epochs)[-1][1].train.loss

    def timed(self, epochs: int) -> dict[str, float | None]:
        ends = self._run(epochs + 1)
        return {"seconds": ends[-1][0] - ends[0][0], "loss": ends[-1][1].train.loss}

    def until(self, accuracy: float, most_epochs: int) -> dict[str, float]:
        began = time.perf_counter()
        ends = self._run(most_epochs, accuracy)
        best = max(event.validation["accuracy"] for _, event in ends if event.validation)
        return {"seconds": ends[-1][0] - began, "epochs": len(ends), "accuracy": best}


def _config(workload: Workload, backend: str) -> dict[str, Any]:
    return {
        "data": {"train": "train.npz", "validation": "validation.npz"},
        "network": {
            "layers": list(workload.sizes),
            "activation": workload.activation,
            "output_activation": workload.output_activation,
            "initializer": "glorot_uniform",
        },
        "training": {
            "loss": workload.loss,
            "optimizer": workload.optimizer,
            "learning_rate": workload.learning_rate,
            "epochs": workload.epochs,
            "batch_size": workload.batch_size,
            "dtype": "float32",
            "backend": backend,
        },
    }
