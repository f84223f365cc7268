"""Saying that data are too large before the machine runs out of memory."""

import sys
from pathlib import Path

from bpnet.errors import DataError

_KEEP_FREE = 0.9
"""Share of the free memory that data may take."""


def available_memory() -> int | None:
    """Bytes that this process may still take; None where the system does not tell."""
    found = [amount for amount in (_free(), _allowed()) if amount is not None]
    return min(found, default=None)


def is_too_large(needed: int) -> bool:
    """Whether so many bytes are more than most of the free memory."""
    free = available_memory()
    return free is not None and needed > _KEEP_FREE * free


def refuse_if_too_large(what: object, needed: int) -> None:
    """Stop if reading would take more memory than there is.

    Parameters
    ----------
    what : object
        The file, for the message.
    needed : int
        Bytes.

    Raises
    ------
    DataError
        If that is more than most of the free memory.
    """
    if is_too_large(needed):
        free = available_memory() or 0
        raise DataError(
            f"{what} would take about {_size(needed)} of memory, and {_size(free)} are free.",
            advice="Train on part of the rows, or leave out columns before reading.",
        )


def _size(amount: int) -> str:
    return f"{amount / 1e9:.1f} GB" if amount >= 1e9 else f"{amount / 1e6:.0f} MB"  # noqa: PLR2004 - units


def _free() -> int | None:
    """Free memory of the machine."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return None  # not Linux: the system call for memory will have to fail by itself
    return None


def _allowed() -> int | None:
    """What ``ulimit -v`` and ``ulimit -d`` leave to this process."""
    if sys.platform == "win32":
        return None
    import resource

    limits = {"VmSize:": resource.RLIMIT_AS, "VmData:": resource.RLIMIT_DATA}
    left = {name: resource.getrlimit(kind)[0] for name, kind in limits.items()}
    left = {name: limit for name, limit in left.items() if limit != resource.RLIM_INFINITY}
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines() if left else []
    except OSError:
        status = []
    for line in status:
        name, *words = line.split()
        if name in left:
            left[name] = max(0, left[name] - int(words[0]) * 1024)
    return min(left.values(), default=None)
