"""Checkpoints: all that training changes, so that a resumed run has the bits of an uninterrupted one."""

from pathlib import Path
from typing import Any

import numpy as np

from bpnet.errors import ModelError
from bpnet.training.files import load_tensors, save_tensors
from bpnet.training.trainer import TrainingState

_FORMAT = 1


def save_checkpoint(path: Path, state: TrainingState, data_fingerprint: str) -> None:
    """Write the state of the last finished epoch.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    tensors = {"parameters": state.network.parameters}
    if state.best_epoch:
        tensors["best_parameters"] = state.best_parameters
    tensors.update({f"optimizer.{name}": array for name, array in state.optimizer_state.items()})
    metadata = {
        "checkpoint": _FORMAT,
        "epoch": state.epoch,
        "seconds": state.seconds,
        "badness": state.badness,
        "best_epoch": state.best_epoch,
        "generator": state.rng.bit_generator.state,
        "data": data_fingerprint,
    }
    save_tensors(path, tensors, metadata)


def restore_checkpoint(path: Path, state: TrainingState, data_fingerprint: str) -> None:
    """Put a saved state in place of a fresh one, made from the same config and data.

    Raises
    ------
    ModelError
        If the file is damaged, or belongs to another network, optimizer, dtype or data.
    """
    tensors, metadata = load_tensors(path)
    if metadata.get("checkpoint") != _FORMAT:
        raise ModelError(f"{path} is no checkpoint of this version of bpnet.")
    if metadata["data"] != data_fingerprint:
        raise ModelError(
            f"{path} was trained on other data: the training rows changed since.",
            advice="Bring the old data back, or start a new run.",
        )
    wanted = {"parameters": state.network.parameters}
    wanted.update({f"optimizer.{name}": array for name, array in state.optimizer_state.items()})
    saved = {name: array for name, array in tensors.items() if name != "best_parameters"}
    if {k: (v.shape, v.dtype) for k, v in saved.items()} != {
        k: (v.shape, v.dtype) for k, v in wanted.items()
    }:
        raise ModelError(f"{path} does not fit the config: its network, optimizer or dtype is another.")
    for name, array in wanted.items():
        array[...] = saved[name]
    if metadata["best_epoch"]:
        state.best_parameters = np.array(tensors["best_parameters"])
    _restore_counts(state, metadata)


def _restore_counts(state: TrainingState, metadata: dict[str, Any]) -> None:
    state.epoch, state.seconds = metadata["epoch"], metadata["seconds"]
    state.badness, state.best_epoch = list(metadata["badness"]), metadata["best_epoch"]
    state.rng.bit_generator.state = metadata["generator"]
