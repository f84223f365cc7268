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
    free = available_memory()
    if free is not None and needed > _KEEP_FREE * free:
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
    """What ``ulimit -v`` leaves to this process."""
    if sys.platform == "win32":
        return None
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return None
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:
        return limit
    return max(0, limit - pages * resource.getpagesize())
