"""What is trained: four networks of very different size, and the rows they are trained on."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Workload:
    """A network and its training, the same for every peer.

    Attributes
    ----------
    name : str
    sizes : tuple of int
        Units of layers 1 to L.
    activation, output_activation, loss : str
        As bpnet names them.
    optimizer : str
        ``sgd``, without momentum, or ``adam``.
    learning_rate : float
    batch_size : int
    rows, validation_rows : int
    epochs : int
        Timed in one go; one more, before them, is not.
    """

    name: str
    sizes: tuple[int, ...]
    activation: str
    output_activation: str
    loss: str
    optimizer: str
    learning_rate: float
    batch_size: int
    rows: int
    validation_rows: int
    epochs: int

    @property
    def steps(self) -> int:
        """Updates of the timed epochs."""
        return self.epochs * -(-self.rows // self.batch_size)

    @property
    def multiplications(self) -> int:
        """Of one sample's forward pass."""
        return sum(n_in * n_out for n_in, n_out in zip(self.sizes, self.sizes[1:], strict=False))

    def as_dict(self) -> dict[str, Any]:
        """For a message to another process."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Workload":
        """Read back what :meth:`as_dict` gave."""
        return cls(**{**values, "sizes": tuple(values["sizes"])})


WORKLOADS = (
    Workload(
        "digits", (64, 32, 10), "sigmoid", "softmax", "cross_entropy", "sgd", 0.5, 32, 1_440, 357, epochs=40
    ),
    Workload(
        "nielsen", (784, 30, 10), "sigmoid", "sigmoid", "quadratic", "sgd", 3.0, 10, 10_000, 2_000, epochs=2
    ),
    Workload(
        "keras", (784, 512, 512, 10), "relu", "softmax", "cross_entropy", "adam", 1e-3, 128, 12_800, 1_280, 1
    ),
    Workload(
        "wide", (2048, 2048, 2048, 10), "relu", "softmax", "cross_entropy", "sgd", 0.05, 512, 4_096, 512, 1
    ),
)
"""The four of the tables; ``rows`` are few enough that every peer has its turn several times."""


_MISLABELLED = 0.2
"""Share of rows with a label drawn at random."""


def make_data(workload: Workload, path: Path) -> None:
    """Write rows that can be learnt, but not by heart: a cloud for each class, and labels that are wrong.

    Without the wrong labels the loss falls to nothing, and numbers too small for full precision, which
    processors are slow at, would be measured.
    """
    rng = np.random.default_rng(0)
    classes = workload.sizes[-1]
    centres = rng.random((classes, workload.sizes[0]), dtype=np.float32)
    n = workload.rows + workload.validation_rows
    labels = rng.integers(0, classes, n)
    X = centres[labels]
    X += rng.normal(0, 0.5, X.shape).astype(np.float32)
    wrong = rng.random(n) < _MISLABELLED
    labels[wrong] = rng.integers(0, classes, np.count_nonzero(wrong))
    np.savez(path / "train.npz", X=X[: workload.rows], y=labels[: workload.rows])
    np.savez(path / "validation.npz", X=X[workload.rows :], y=labels[workload.rows :])


@dataclass(frozen=True)
class Data:
    """Both parts, as arrays: X of shape (N, n_1) in float32, labels of shape (N,)."""

    X: Array
    labels: Array
    validation_X: Array
    validation_labels: Array

    def one_hot(self, classes: int) -> Array:
        """Training targets of shape (N, classes)."""
        hot: Array = np.eye(classes, dtype=np.float32)[self.labels]
        return hot


def read_data(path: Path) -> Data:
    """What :func:`make_data` wrote."""
    with np.load(path / "train.npz") as train, np.load(path / "validation.npz") as validation:
        return Data(train["X"], train["y"], validation["X"], validation["y"])


def start(workload: Workload) -> tuple[list[Array], list[Array]]:
    """The weights (n_out, n_in) and biases (n_out,) that every peer begins with: Glorot's, as float32."""
    rng = np.random.default_rng(1)
    W, b = [], []
    for n_in, n_out in zip(workload.sizes, workload.sizes[1:], strict=False):
        limit = np.sqrt(6 / (n_in + n_out))
        W.append(rng.uniform(-limit, limit, (n_out, n_in)).astype(np.float32))
        b.append(np.zeros(n_out, np.float32))
    return W, b
