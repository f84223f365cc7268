"""What is looked into: a config at its start, or a run at its saved weights."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bpnet.core.network import Network
from bpnet.errors import ModelError
from bpnet.experiment.preparing import Experiment, prepare
from bpnet.inspection.point import Point
from bpnet.training.evaluation import Samples
from bpnet.training.model import Model
from bpnet.training.run_folder import CONFIG, MODEL, newest_run

DEFAULT = "source"
"""The built-in config that is looked at where there is no run."""


@dataclass(frozen=True)
class Opened:
    """An experiment in float64, with the weights to look at.

    Attributes
    ----------
    name : str
        What it is: ``config digits`` or ``run runs/digits-1``.
    weights : str
        Which weights: ``at its starting weights``.
    source : str or Path
        Where its config is.
    experiment : Experiment
    """

    name: str
    weights: str
    source: str | Path
    experiment: Experiment

    @property
    def what(self) -> str:
        """Name and weights, to be said first."""
        return f"{self.name}, {self.weights}"


def open_experiment(
    reference: str | None,
    overrides: Sequence[str] = (),
    *,
    runs: Path = Path("runs"),
    most_rows: int | None = None,
) -> Opened:
    """Open a config, a run folder, or what is nearest at hand.

    Parameters
    ----------
    reference : str or None
        A path or built-in name of a config, a run folder, or ``-``; None for the newest run under
        ``runs``, else the source's 2-2-1 network.
    overrides : sequence of str
        As ``--set`` takes them.
    runs : Path
    most_rows : int, optional
        Encode no more than so many rows.

    Raises
    ------
    BpnetError
        Of the kind that fits, if it cannot be opened.
    """
    from bpnet.config import load_config

    run = newest_run(runs) if reference is None else _run_folder(reference)
    in_float64 = [*overrides, "training.dtype=float64"]
    if run is not None:
        if not (run / CONFIG).is_file():
            raise ModelError(f"{run} is no run folder: it has no {CONFIG}.")
        config = load_config(run / CONFIG, in_float64)
        experiment = prepare(config, most_rows=most_rows)
        why = ", the newest run here" if reference is None else ""
        trained = _with_saved_weights(experiment, run)
        return Opened(f"run {run}{why}", "at its saved weights", run / CONFIG, trained)
    name = DEFAULT if reference is None else reference
    experiment = prepare(load_config(name, in_float64), most_rows=most_rows)
    why = ", the source's 2-2-1 network (there is no run here)" if reference is None else ""
    return Opened(f"config {name}{why}", "at its starting weights", name, experiment)


def point_of(experiment: Experiment, samples: Samples, name: str, network: Network | None = None) -> Point:
    """An experiment's cost over some samples, without dropout, at its own weights or others.

    Parameters
    ----------
    experiment : Experiment
    samples : Samples
    name : str
        What people call it.
    network : Network, optional
    """
    model = experiment.model
    return Point(
        name=name,
        network=model.network if network is None else network,
        X=samples.X,
        Y=samples.Y,
        loss=model.loss,
        sample_weight=samples.weight,
        weight_decay=experiment.recipe.weight_decay,
    )


def _run_folder(reference: str) -> Path | None:
    """The folder of that name, unless it is no run and a built-in config has the name."""
    from bpnet.config import builtin_configs

    folder = Path(reference)
    if not folder.is_dir() or (reference in builtin_configs() and not (folder / CONFIG).is_file()):
        return None
    return folder


def _with_saved_weights(experiment: Experiment, run: Path) -> Experiment:
    saved, network = Model.load(run).network, experiment.model.network
    if saved.sizes != network.sizes:
        raise ModelError(
            f"{run / MODEL} has layers {'-'.join(map(str, saved.sizes))}, "
            f"but the config {'-'.join(map(str, network.sizes))}."
        )
    trained = network.with_parameters(saved.parameters.astype(np.float64))
    return replace(experiment, model=replace(experiment.model, network=trained))
