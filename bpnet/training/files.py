"""Writing so that no file is ever seen half written, and tensors so that none is silently scrambled."""

import errno
import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bpnet.core.arrays import Array
from bpnet.data.on_demand import slices
from bpnet.errors import ModelError, OutputError

_METADATA = "bpnet"
_FULL = (errno.ENOSPC, errno.EDQUOT)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file under a passing name in the same folder and move it into place.

    What a link points to is written, not the link; a device or pipe is written as it stands.

    Raises
    ------
    OutputError
        If the folder cannot be written or the disk is full; the file is then as it was before.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(content)
        else:
            _replace(path.resolve(), content)
    except OSError as error:
        raise OutputError(
            f"{path} could not be written: {error.strerror or error}.",
            advice="Free some space." if error.errno in _FULL else "Choose another place.",
        ) from error


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def save_tensors(path: Path, tensors: Mapping[str, Array], metadata: Mapping[str, Any]) -> None:
    """Write arrays and JSON metadata as one safetensors file, with a checksum over both.

    Arrays are laid out C-contiguous first, because the library writes the memory of any other as it
    lies; what was made is read back and compared before it reaches the disk.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    from safetensors.numpy import load, save

    contiguous = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    text = json.dumps(metadata, ensure_ascii=False, sort_keys=True, allow_nan=False)
    # One entry, because the library writes several in an order of chance: equal runs give equal files.
    content = save(contiguous, metadata={_METADATA: f"{_checksum(contiguous, text)} {text}"})
    written = load(content)
    for name, array in tensors.items():
        if not np.array_equal(written[name], array, equal_nan=True):
            raise OutputError(f"{path}: tensor {name!r} does not read back as it was written.")
    write_atomically(path, content)


def load_tensors(path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """Read what :func:`save_tensors` wrote.

    Returns
    -------
    tensors : dict of str to ndarray
    metadata : dict

    Raises
    ------
    ModelError
        If the file is missing, cut short, altered, of another kind, or holds numbers that are not finite.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            if _METADATA not in header:
                raise ModelError(f"{path} is a safetensors file, but bpnet did not write it.")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except FileNotFoundError as error:
        raise ModelError(f"{path} does not exist.") from error
    except (OSError, SafetensorError, ValueError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{path} is not a model file, or is damaged ({error}).",
            advice="A model file is the model.safetensors of a run folder.",
        ) from error
    checksum, _, text = header[_METADATA].partition(" ")
    if checksum != _checksum(tensors, text):
        raise ModelError(f"{path} was altered or damaged after it was written: its checksum does not fit.")
    for name, array in tensors.items():
        if not np.isfinite(array).all():
            raise ModelError(f"{path}: tensor {name!r} holds numbers that are not finite.")
    return tensors, _mapping(text, path)


def _mapping(text: str, path: Path) -> dict[str, Any]:
    try:
        metadata = json.loads(text)
    except (ValueError, RecursionError):
        metadata = None
    if not isinstance(metadata, dict):
        raise ModelError(f"{path}: its metadata are not what bpnet writes.")
    return metadata


def _checksum(tensors: Mapping[str, Array], text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(f"{name}{array.dtype.str}{array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()


def fingerprint(arrays: Iterable[Array]) -> str:
    """A short mark of the arrays' contents, to notice that data changed since a checkpoint."""
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        for part in slices(array):
            digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()
