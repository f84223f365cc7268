"""Train feed-forward networks from a YAML file, and see every layer's error as it learns."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bpnet.experiment import TrainingResult
    from bpnet.training.model import Model

__version__ = "0.1.0"

__all__ = ["__version__", "load", "train"]


def train(
    config: str | Path, *, overrides: Sequence[str] = (), output: str | Path = "runs"
) -> "TrainingResult":
    """Train what a config says, without a word; ``bpnet train`` does the same and shows it.

    Parameters
    ----------
    config : str or Path
        A path, or the name of a built-in config such as ``digits``.
    overrides : sequence of str
        As ``--set`` takes them: ``["training.epochs=5"]``.
    output : str or Path
        Where the run folder is made.

    Returns
    -------
    TrainingResult
        With ``folder``, ``summary`` and ``model``.

    Raises
    ------
    BpnetError
        Of the kind that says what was wrong: see :mod:`bpnet.errors`.
    """
    from bpnet.config import load_config
    from bpnet.experiment import run_experiment

    return run_experiment(load_config(config, overrides), Path(output), lambda _: None)


def load(path: str | Path) -> "Model":
    """Read a trained model; ``bpnet.load(path).predict(X)`` answers.

    Parameters
    ----------
    path : str or Path
        A run folder, or a ``model.safetensors`` file on its own.

    Raises
    ------
    ModelError
        If there is no model, or it is damaged.
    """
    from bpnet.training.model import Model

    return Model.load(Path(path))
