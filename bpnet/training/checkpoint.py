"""Checkpoints: all that training changes, so that a resumed run has the bits of an uninterrupted one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bpnet.core.arrays import Array
from bpnet.core.network import Network
from bpnet.core.registry import describe
from bpnet.errors import ModelError
from bpnet.training.files import load_tensors, save_tensors
from bpnet.training.trainer import TrainingState

_FORMAT = 1


def save_checkpoint(path: Path, state: TrainingState, data_fingerprint: str, judged_by: str) -> None:
    """Write the state of the last finished epoch.

    Parameters
    ----------
    path : Path
    state : TrainingState
    data_fingerprint : str
        Of the rows that training sees.
    judged_by : str
        What ``state.badness`` is.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    tensors = _updated_in_place(state)
    if state.best_epoch:
        tensors["best_parameters"] = state.best_parameters
    metadata = {
        "checkpoint": _FORMAT,
        "layers": _layers(state.network),
        "epoch": state.epoch,
        "seconds": state.seconds,
        "badness": state.badness,
        "best_epoch": state.best_epoch,
        "generator": state.rng.bit_generator.state,
        "data": data_fingerprint,
        "judged_by": judged_by,
    }
    save_tensors(path, tensors, metadata)


def restore_checkpoint(path: Path, state: TrainingState, data_fingerprint: str, judged_by: str) -> None:
    """Put a saved state in place of a fresh one, made from the same config and data.

    Parameters are those of :func:`save_checkpoint`.

    Raises
    ------
    ModelError
        If the file is damaged, or belongs to another network, optimizer, dtype or data.
    """
    tensors, metadata = load_tensors(path)
    if metadata.get("checkpoint") != _FORMAT:
        raise ModelError(f"{path} is no checkpoint of this version of bpnet.")
    try:
        wanted = _updated_in_place(state)
        if metadata["best_epoch"]:
            wanted["best_parameters"] = state.best_parameters = np.empty_like(state.network.parameters)
        if metadata["layers"] != _layers(state.network) or _forms(tensors) != _forms(wanted):
            raise ModelError(f"{path} does not fit the config: its network, optimizer or dtype is another.")
        if metadata["data"] != data_fingerprint:
            raise ModelError(
                f"{path} was trained on other rows: the data changed since, or the seed that deals them out.",
                advice="Bring back what was, or start a new run.",
            )
        if metadata["judged_by"] != judged_by:
            raise ModelError(
                f"{path} was judged by {metadata['judged_by']}, and the config judges by {judged_by}: "
                "its best epoch so far would mean nothing."
            )
        for name, array in wanted.items():
            array[...] = tensors[name]
        _restore_counts(state, metadata)
    except (LookupError, TypeError, ValueError) as error:
        raise ModelError(f"{path} describes a state that cannot be gone on from: {error}") from error


def _updated_in_place(state: TrainingState) -> dict[str, Array]:
    optimizer = {f"optimizer.{name}": array for name, array in state.optimizer_state.items()}
    return {"parameters": state.network.parameters, **optimizer}


def _layers(network: Network) -> list[list[Any]]:
    """What the parameters stand for, as JSON gives it back."""
    return [[layer.n_in, layer.n_out, describe(layer.activation)] for layer in network.layers.values()]


def _forms(arrays: Mapping[str, Array]) -> dict[str, Any]:
    return {name: (array.shape, array.dtype) for name, array in arrays.items()}


def _restore_counts(state: TrainingState, metadata: Mapping[str, Any]) -> None:
    state.epoch, state.seconds = metadata["epoch"], metadata["seconds"]
    state.badness, state.best_epoch = list(metadata["badness"]), metadata["best_epoch"]
    state.rng.bit_generator.state = metadata["generator"]
