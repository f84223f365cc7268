"""Measure peers in turn: A B C, A B C, and so on, so that a machine that slows down slows all of them."""

import json
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workloads import Workload, make_data

HERE = Path(__file__).parent
LIMIT = 600
"""Seconds for one answer of a peer: a compiler was seen to hang."""


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, smallest and largest."""
    return {"median": statistics.median(values), "from": min(values), "to": max(values)}


def in_turn(what: Mapping[str, Callable[[], float]], turns: int) -> dict[str, list[float]]:
    """Numbers of each, one a turn, after a first that does not count."""
    found: dict[str, list[float]] = {name: [] for name in what}
    for turn in range(turns + 1):
        for name, measure in what.items():
            value = measure()
            if turn:
                found[name].append(value)
    return found


class Worker:
    """A peer's process.

    Parameters
    ----------
    name : str
    workload : Workload
    folder : Path
        Holds the rows.
    """

    def __init__(self, name: str, workload: Workload, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "worker.py"), name, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._name = name
        self.version: str = self._ask(workload.as_dict())

    def ask(self, method: str, *arguments: Any) -> Any:
        """What the peer's method answers."""
        return self._ask([method, *arguments])

    def _ask(self, message: Any) -> Any:
        asked, answered = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answered is not None
        asked.write(json.dumps(message) + "\n")
        asked.flush()
        limit = threading.Timer(LIMIT, self._process.kill)
        limit.start()
        answer = answered.readline()
        limit.cancel()
        if not answer:
            raise RuntimeError(f"{self._name} failed, or took over {LIMIT} s; what it said is above")
        return json.loads(answer)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


@contextmanager
def working(workload: Workload, peers: Sequence[str], folder: Path) -> Iterator[dict[str, Worker]]:
    """Workers on the rows in the folder."""
    workers = {name: Worker(name, workload, folder) for name in peers}
    try:
        yield workers
    finally:
        for worker in workers.values():
            worker.close()


def measure_steps(workload: Workload, peers: Sequence[str], turns: int) -> dict[str, dict[str, Any]]:
    """Microseconds a step of each peer: median and spread of interleaved turns, one more before them."""
    with tempfile.TemporaryDirectory() as name:
        make_data(workload, Path(name))
        with working(workload, peers, Path(name)) as workers:
            losses = {}

            def timed(peer: str) -> float:
                answer = workers[peer].ask("timed", workload.epochs)
                losses[peer] = answer["loss"]
                return 1e6 * float(answer["seconds"]) / workload.steps

            times = in_turn({peer: lambda peer=peer: timed(peer) for peer in workers}, turns)
            return {
                peer: {"version": worker.version, "loss": losses[peer], **spread(times[peer])}
                for peer, worker in workers.items()
            }
