"""A peer from start to end, as a user's script would be: python process.py PEER TASK OUTPUT."""

import csv
import gzip
import importlib
import sys
from pathlib import Path

import numpy as np
from workloads import Array, Data, Workload, classifier

DATA = Path(__file__).parents[2] / "data"


def main(peer: str, task: str, output: str) -> None:
    """Read the rows, train, save."""
    workload, data = TASKS[task]()
    model = importlib.import_module(f"peers.{peer}").Peer(workload, data)
    model.train(workload.epochs)
    model.save(Path(output))


def _digits() -> tuple[Workload, Data]:
    with gzip.open(DATA / "digits.csv.gz", "rt") as file:
        table = np.loadtxt(file, np.float32, delimiter=",", skiprows=1)
    data = _dealt(table[:, :-1] / 16, table[:, -1].astype(int))
    workload = classifier(
        "digits", (64, 32, 10), 32, len(data.X), activation="sigmoid", learning_rate=0.5, epochs=30
    )
    return workload, data


def _iris() -> tuple[Workload, Data]:
    with (DATA / "iris.csv").open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    X = np.array([row[:-1] for row in rows], np.float32)
    _, labels = np.unique([row[-1] for row in rows], return_inverse=True)
    data = _dealt((X - X.mean(axis=0)) / X.std(axis=0), labels)
    workload = classifier(
        "iris", (4, 10, 3), 16, len(data.X), activation="tanh", learning_rate=0.05, epochs=60
    )
    return workload, data


def _xor() -> tuple[Workload, Data]:
    X, labels = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32), np.array([0, 1, 1, 0])
    data = Data(X, labels, X, labels, Path())
    workload = classifier(
        "xor", (2, 8, 2), 4, 4, activation="tanh", optimizer="adam", learning_rate=0.1, epochs=200
    )
    return workload, data


def _dealt(X: Array, labels: Array) -> Data:
    """Three fifths to train on, one to judge by, one kept."""
    order = np.random.default_rng(0).permutation(len(X))
    train, validation, _ = np.split(order, [len(X) * 3 // 5, len(X) * 4 // 5])
    return Data(X[train], labels[train], X[validation], labels[validation], Path())


TASKS = {"digits": _digits, "iris": _iris, "xor": _xor}

if __name__ == "__main__":
    main(*sys.argv[1:])
