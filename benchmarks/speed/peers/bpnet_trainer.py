"""bpnet through its public way in: a config, a run folder, a history, checkpoints, measured layers."""

import tempfile
import time
from pathlib import Path

import yaml
from workloads import Workload

from bpnet.config import load_config
from bpnet.experiment import run_experiment
from bpnet.training.events import EpochEnded, Event


def version() -> str:
    """What is measured."""
    import bpnet

    return f"bpnet {bpnet.__version__}"


class Peer:
    """Trains again from the start each time, and counts from the end of the first epoch."""

    backend = "numpy"

    def __init__(self, workload: Workload, folder: Path) -> None:
        self._config = folder / f"{self.backend}.yaml"
        self._config.write_text(yaml.safe_dump(_config(workload, self.backend)))

    def run(self) -> tuple[float, float]:
        """Train; returns the seconds of the timed epochs and the last one's loss."""
        ends: list[tuple[float, float]] = []

        def watch(event: Event) -> None:
            if isinstance(event, EpochEnded):
                ends.append((time.perf_counter(), event.train.loss))

        with tempfile.TemporaryDirectory() as runs:
            run_experiment(load_config(str(self._config), []), Path(runs), watch)
        return ends[-1][0] - ends[0][0], ends[-1][1]


def _config(workload: Workload, backend: str) -> dict[str, object]:
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
            "epochs": workload.epochs + 1,
            "batch_size": workload.batch_size,
            "dtype": "float32",
            "backend": backend,
        },
    }
