"""Where data come from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias


def is_npy(path: Path) -> bool:
    """Whether a file's name is that of one NumPy array."""
    return path.suffix.lower() == ".npy"


@dataclass(frozen=True)
class FileSource:
    """A table (CSV, TSV or Parquet, gzipped or not) or an NPZ file, by its name's ending."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True)
class PairSource:
    """A file of inputs and one of targets: IDX, as MNIST has them, gzipped or not, or NumPy's NPY."""

    features: Path
    target: Path

    @property
    def alike(self) -> bool:
        """Whether all inputs are of one kind, as pixels are; the columns of an NPY file may be of several."""
        return not is_npy(self.features)

    def __str__(self) -> str:
        return str(self.features)


@dataclass(frozen=True)
class InlineSource:
    """Numbers written in the config itself, a row a sample."""

    inputs: Sequence[Sequence[float]]
    targets: Sequence[Sequence[float]]

    def __str__(self) -> str:
        return "data.inputs"


Source: TypeAlias = FileSource | PairSource | InlineSource
