"""Measure peers in turn: A B C, A B C, and so on, so that a machine that slows down slows all of them."""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workloads import Workload, make_data

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Measured:
    """What a peer took for a step.

    Attributes
    ----------
    version : str
    microseconds : tuple of float
        A step, one for each turn.
    loss : float or None
        Training loss of the last epoch: the sign that it does learn. None for what does not.
    """

    version: str
    microseconds: tuple[float, ...]
    loss: float | None

    @property
    def median(self) -> float:
        """Of the turns."""
        return statistics.median(self.microseconds)


class _Peer:
    """A worker process, and what it answered."""

    def __init__(self, name: str, workload: Workload, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "worker.py"), name, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._name, self._steps = name, workload.steps
        self.version = str(self._ask(json.dumps(workload.as_dict()))["version"])
        self.times: list[float] = []
        self.loss: float | None = None

    def _ask(self, line: str) -> dict[str, Any]:
        asked, answered = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answered is not None
        asked.write(line + "\n")
        asked.flush()
        answer = answered.readline()
        if not answer:
            raise RuntimeError(f"{self._name} failed; what it said is above")
        found: dict[str, Any] = json.loads(answer)
        return found

    def run(self) -> None:
        answer = self._ask("")
        self.times.append(1e6 * answer["seconds"] / self._steps)
        self.loss = answer["loss"]

    def close(self) -> None:
        self._process.communicate()


def measure(workload: Workload, peers: Sequence[str], turns: int) -> dict[str, Measured]:
    """Time a step of each peer, in interleaved turns after one that is not counted."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_data(workload, folder)
        running = {}
        for peer in peers:
            (folder / peer).mkdir()
            running[peer] = _Peer(peer, workload, folder)
        for _ in range(turns + 1):
            for peer in running.values():
                peer.run()
        for peer in running.values():
            peer.close()
    return {name: Measured(peer.version, tuple(peer.times[1:]), peer.loss) for name, peer in running.items()}
