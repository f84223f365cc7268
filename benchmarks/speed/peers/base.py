"""What every peer can do."""

import time
from pathlib import Path

from workloads import Array, Data, Workload


class Peer:
    """Trains one network; goes on with it each time it is told to train, and starts again to be timed.

    Parameters
    ----------
    workload : Workload
    data : Data
    """

    def __init__(self, workload: Workload, data: Data) -> None:
        self.workload, self.data = workload, data

    @staticmethod
    def version() -> str:
        """What is measured."""
        raise NotImplementedError

    def restart(self) -> None:
        """Take the weights again that it began with; what compiling brought may stay."""
        raise NotImplementedError

    def epoch(self) -> tuple[float, float]:
        """Train through all rows; returns the loss, and the accuracy on the rows to judge by."""
        raise NotImplementedError

    def outputs(self, X: Array) -> Array:
        """Probabilities of shape (N, classes)."""
        raise NotImplementedError

    def save(self, path: Path) -> None:
        """Keep what was learnt."""
        raise NotImplementedError

    def train(self, epochs: int) -> float:
        """Train; returns the last epoch's loss."""
        for _ in range(epochs):
            loss, _ = self.epoch()
        return loss

    def timed(self, epochs: int) -> dict[str, float | None]:
        """Seconds of so many epochs behind one that does not count, and the last one's loss."""
        self.restart()
        self.train(1)
        began = time.perf_counter()
        loss = self.train(epochs)
        return {"seconds": time.perf_counter() - began, "loss": loss}

    def until(self, accuracy: float, most_epochs: int) -> dict[str, float]:
        """Train until the rows to judge by are answered so well; seconds, epochs and the best accuracy."""
        began, best, epochs = time.perf_counter(), 0.0, 0
        while best < accuracy and epochs < most_epochs:
            best, epochs = max(best, self.epoch()[1]), epochs + 1
        return {"seconds": time.perf_counter() - began, "epochs": epochs, "accuracy": best}

    def peak_memory(self) -> int:
        """Bytes that this process has needed at most, as Linux tells it."""
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        (most,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
        return 1024 * int(most)
