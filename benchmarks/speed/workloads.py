"""What is trained: networks of very different size, and the rows they are trained on."""

import itertools
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
    epochs: int = 1

    @property
    def steps(self) -> int:
        """Updates of the timed epochs."""
        return self.epochs * -(-self.rows // self.batch_size)

    @property
    def classifies(self) -> bool:
        """Whether it has softmax and cross-entropy."""
        return self.loss == "cross_entropy"

    @property
    def shape(self) -> str:
        """The layers in a word, as 64-32-10."""
        return "-".join(str(n) for n in self.sizes)

    def as_dict(self) -> dict[str, Any]:
        """For a message to another process."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Workload":
        """Read back what :meth:`as_dict` gave."""
        return cls(**{**values, "sizes": tuple(values["sizes"])})


def classifier(name: str, sizes: tuple[int, ...], batch_size: int, rows: int, **others: Any) -> Workload:
    """A network with softmax and cross-entropy."""
    values = {
        "activation": "relu",
        "optimizer": "sgd",
        "learning_rate": 0.05,
        "validation_rows": 256,
    } | others
    return Workload(
        name,
        sizes,
        output_activation="softmax",
        loss="cross_entropy",
        batch_size=batch_size,
        rows=rows,
        **values,
    )


DIGITS = classifier(
    "digits",
    (64, 32, 10),
    32,
    1_440,
    activation="sigmoid",
    learning_rate=0.5,
    validation_rows=357,
    epochs=40,
)
KEY_WORKLOADS = (
    DIGITS,
    Workload(
        "nielsen", (784, 30, 10), "sigmoid", "sigmoid", "quadratic", "sgd", 3.0, 10, 10_000, 2_000, epochs=2
    ),
    classifier(
        "keras",
        (784, 512, 512, 10),
        128,
        12_800,
        optimizer="adam",
        learning_rate=1e-3,
        validation_rows=1_280,
    ),
    classifier("wide", (2048, 2048, 2048, 10), 512, 16_384, validation_rows=512),
)
"""The four of the targets; ``rows`` are few enough that every peer has its turn several times."""


def _swept(name: str, sizes: tuple[int, ...], batch_size: int) -> Workload:
    work = sum(n_in * n_out for n_in, n_out in itertools.pairwise(sizes)) * batch_size
    steps = int(np.clip(2e9 / (work + 3e6), 4, 400))  # a turn of some tenths of a second
    return classifier(name, sizes, batch_size, steps * batch_size)


SWEEPS = {
    "width": [_swept(str(n), (n, n, n, 10), 128) for n in (16, 64, 256, 1024, 4096)],
    "depth": [_swept(str(n), (64, *[64] * n, 10), 32) for n in (1, 2, 5, 10, 20)],
    "batch": [_swept(str(n), (784, 128, 10), n) for n in (1, 16, 128, 1024, 4096)],
}
"""Units of each hidden layer; hidden layers of 64 units; rows of a batch."""

_MISLABELLED = 0.2
"""Share of rows with a label drawn at random."""


@dataclass(frozen=True)
class Data:
    """Rows to train on and rows to judge by: X of shape (N, n_1) in float32, labels of shape (N,).

    ``folder`` holds the same as NPZ files.
    """

    X: Array
    labels: Array
    validation_X: Array
    validation_labels: Array
    folder: Path

    def one_hot(self, classes: int) -> Array:
        """Training targets of shape (N, classes)."""
        hot: Array = np.eye(classes, dtype=np.float32)[self.labels]
        return hot


def make_data(workload: Workload, folder: Path) -> None:
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
    X += 0.5 * rng.standard_normal(X.shape, dtype=np.float32)
    wrong = rng.random(n) < _MISLABELLED
    labels[wrong] = rng.integers(0, classes, np.count_nonzero(wrong))
    write_data(X, labels, workload.rows, folder)


def write_data(X: Array, labels: Array, rows: int, folder: Path) -> None:
    """Write the first rows to train on, and the others to judge by."""
    np.savez(folder / "train.npz", X=X[:rows], y=labels[:rows])
    np.savez(folder / "validation.npz", X=X[rows:], y=labels[rows:])


def read_data(folder: Path) -> Data:
    """What :func:`write_data` wrote."""
    with np.load(folder / "train.npz") as train, np.load(folder / "validation.npz") as validation:
        return Data(train["X"], train["y"], validation["X"], validation["y"], folder)


def start(workload: Workload) -> tuple[list[Array], list[Array]]:
    """The weights (n_out, n_in) and biases (n_out,) that most peers begin with: Glorot's, as float32."""
    rng = np.random.default_rng(1)
    W, b = [], []
    for n_in, n_out in itertools.pairwise(workload.sizes):
        limit = np.sqrt(6 / (n_in + n_out))
        W.append(rng.uniform(-limit, limit, (n_out, n_in)).astype(np.float32))
        b.append(np.zeros(n_out, np.float32))
    return W, b
