"""What steps through the batches: NumPy, or the same step compiled by Numba where that saves time."""

from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

from bpnet.errors import ConfigError, Problem
from bpnet.training.threads import has_large_products

if TYPE_CHECKING:
    from bpnet.experiment.preparing import Experiment

_NEEDED = ("numba", "scipy", "platformdirs")

_SAVED_A_LAYER, _SAVED_A_PARAMETER = 15e-6, 1e-9
"""Seconds that a compiled step saves, of NumPy's calls and of its passes over long vectors, at least.

As measured in docs/performance.md.
"""

_START_UP, _START_UP_A_LAYER = 2.0, 3.0
"""Seconds that the first run of a kind spends on loading Numba and compiling."""


def settle_backend(experiment: "Experiment", *, to_train: bool) -> "Experiment":
    """Put in the config and the recipe what ``training.backend: auto`` stands for.

    It rests on the config, the data and what is installed, never on a clock, and is written to the run
    folder: a run repeats itself, and one that is gone on with stays with what it began with.

    Parameters
    ----------
    experiment : Experiment
    to_train : bool
        Whether a run is about to be made; others do with NumPy where ``numba`` cannot be had.

    Raises
    ------
    ConfigError
        If a run asks for ``numba`` where that cannot be had.
    """
    config, backend = experiment.config, experiment.config.training.backend
    if backend == "auto":
        compiled = _pays(experiment) and why_not_compiled(experiment) is None
        backend = "numba" if compiled and _has_threads_to_spare(experiment) else "numpy"
    elif backend == "numba" and (reason := why_not_compiled(experiment)) is not None:
        if to_train:
            path = "training.backend"
            message = f"found numba, but {reason}; auto does without it"
            raise ConfigError((Problem(config.locate(path), path, message),))
        backend = "numpy"
    training = config.training.model_copy(update={"backend": backend})
    return replace(
        experiment,
        config=config.model_copy(update={"training": training}),
        recipe=replace(experiment.recipe, backend=backend),
    )


def _pays(experiment: "Experiment") -> bool:
    recipe, network, rows = experiment.recipe, experiment.model.network, len(experiment.dataset.train.X)
    steps, layers = recipe.epochs * -(-rows // recipe.batch_size), len(network.layers)
    saved = layers * _SAVED_A_LAYER + len(network.parameters) * _SAVED_A_PARAMETER
    return steps * saved > _START_UP + _START_UP_A_LAYER * layers


def _has_threads_to_spare(experiment: "Experiment") -> bool:
    """Whether compiled products have NumPy's threads, or need one only: two pairs would hinder each other."""
    from bpnet.training.compiled.products import declare_products

    network, rows = experiment.model.network, len(experiment.dataset.train.X)
    small = not has_large_products(network, min(experiment.recipe.batch_size, rows))
    return small or bool(declare_products(network.parameters.dtype))


def why_not_compiled(experiment: "Experiment") -> str | None:
    """Why Numba cannot step through this experiment's batches; None if it can."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        return f"{', '.join(missing)} missing: pip install 'bpnet-trainer[fast]'"
    recipe, network = experiment.recipe, experiment.model.network
    if recipe.clip_norm is not None:
        return "clip_norm is not compiled"
    if not recipe.train_biases:
        return "train_biases: false is not compiled"
    if any(layer.dropout for layer in network.layers.values()):
        return "dropout is not compiled"
    from bpnet.training.compiled.recording import NotRecordableError
    from bpnet.training.compiled.source import write_steps

    own = network.with_parameters(network.parameters.copy())
    memory, batch = recipe.optimizer.start(own.parameters), experiment.train_samples.take(slice(0, 1))
    try:
        write_steps(own, recipe.loss, recipe.optimizer, memory, batch, weight_decay=recipe.weight_decay)
    except NotRecordableError as error:
        return f"this cannot be compiled: {error}"
    return None
