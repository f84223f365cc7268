"""Train feed-forward networks from a YAML file, and see every layer's error as it learns."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bpnet.errors import BpnetError

if TYPE_CHECKING:
    from bpnet.experiment import TrainingResult
    from bpnet.inspection.records import GradientCheck
    from bpnet.training.model import Model

__version__ = "0.1.0"

__all__ = ["BpnetError", "__version__", "grad_check", "load", "train"]


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


def grad_check(
    reference: str | Path | None = None,
    *,
    overrides: Sequence[str] = (),
    budget: float = 10.0,
    self_test: bool = False,
) -> "GradientCheck":
    """Prove the gradients of a config or a run, as ``bpnet grad-check`` does.

    Parameters
    ----------
    reference : str, Path or None
        A config's path or built-in name, or a run folder; None for the newest run under ``runs``,
        else the source's 2-2-1 network.
    overrides : sequence of str
        As ``--set`` takes them.
    budget : float
        Seconds that the check may take, about.
    self_test : bool
        Plant faults at every point, not only at the last.

    Returns
    -------
    GradientCheck
        With ``verdict``, ``layers``, ``stages``, ``self_test`` and ``diagnosis``.

    Raises
    ------
    BpnetError
        If there is nothing to check there.
    """
    from bpnet.experiment.checking import grad_check as check

    return check(
        None if reference is None else str(reference),
        overrides=overrides,
        budget=budget,
        self_test=self_test,
    )
