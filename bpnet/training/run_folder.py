"""The run folder: a numbered place where one training's config, history, model and summary stand."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bpnet.errors import ModelError, OutputError
from bpnet.training.events import EpochEnded
from bpnet.training.files import write_atomically

CONFIG, HISTORY, MODEL, SUMMARY = "config.yaml", "history.csv", "model.safetensors", "summary.json"
CHECKPOINT = Path("checkpoints") / "last.safetensors"


def create_run_folder(parent: Path, name: str) -> Path:
    """Make the folder ``<parent>/<name>-<n>``, with the number after the largest that is there.

    Two runs that start at once get two folders, because making a folder succeeds for one of them only.

    Raises
    ------
    OutputError
        If the parent folder cannot be made or written.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        start = f"{name}-"
        names = (entry.name for entry in parent.iterdir())
        taken = [taken.removeprefix(start) for taken in names if taken.startswith(start)]
        number = max((int(rest) for rest in taken if rest.isascii() and rest.isdigit()), default=0)
        while True:
            number += 1
            folder = parent / f"{name}-{number}"
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            (folder / CHECKPOINT).parent.mkdir()
            return folder
    except OSError as error:
        raise OutputError(
            f"No run folder could be made in {parent}: {error.strerror or error}.",
            advice="Choose another place with --output.",
        ) from error


def saved_epochs(folder: Path) -> int | None:
    """How many epochs the summary of a run tells of; None if there is none that can be read."""
    try:
        return int(json.loads((folder / SUMMARY).read_text(encoding="utf-8"))["epochs"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep other processes from training into the folder while the block runs.

    The system gives the folder free again when this process ends, however it ends. Where it has no such
    locks (Windows), nothing is held.

    Raises
    ------
    OutputError
        If another process is training into it.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(f"Another process is training into {folder}.") from error
        yield
    finally:
        os.close(descriptor)


def newest_run(parent: Path) -> Path | None:
    """Return the run folder under ``parent`` that was last finished, or None if there is none."""
    runs = sorted(parent.glob(f"*/{MODEL}"), key=lambda path: path.stat().st_mtime)
    return runs[-1].parent if runs else None


class History:
    """``history.csv``: one row an epoch, each written at once.

    Parameters
    ----------
    path : Path
    metrics : sequence of str
        Names of the metrics.
    layer_numbers : sequence of int
        Layers 2 to L.
    """

    def __init__(self, path: Path, metrics: Sequence[str], layer_numbers: Sequence[int]) -> None:
        self._path = path
        self._metrics = tuple(metrics)
        self.columns = (
            "epoch",
            *(prefix + name for name in ("loss", *metrics) for prefix in ("", "validation_")),
            "learning_rate",
            "seconds",
            *(f"{quantity}_{l}" for quantity in ("delta", "nabla") for l in layer_numbers),
        )

    @contextmanager
    def open(self, *, keep_epochs: int = 0) -> Iterator[None]:
        """Write the heading, and behind it the first ``keep_epochs`` rows of the file that is there.

        Rows can be added inside the block.

        Raises
        ------
        ModelError
            If a row to keep is missing.
        OutputError
            If the file cannot be written.
        """
        lines = [_line(self.columns)]
        if keep_epochs:
            lines.extend(self._rows(keep_epochs))
        write_atomically(self._path, b"".join(lines))
        with self._told():
            self._file = self._path.open("ab", buffering=0)
        with self._file:
            yield

    def _rows(self, epochs: int) -> list[bytes]:
        try:
            rows = self._path.read_bytes().splitlines(keepends=True)[1 : epochs + 1]
        except FileNotFoundError:
            rows = []
        except OSError as error:
            raise ModelError(f"{self._path} cannot be read: {error.strerror or error}.") from error
        whole = len(rows) == epochs
        if not whole or any(not row.startswith(b"%d," % number) for number, row in enumerate(rows, start=1)):
            raise ModelError(
                f"{self._path} does not hold the {epochs} epochs of the checkpoint, each once.",
                advice="Bring the file back as it was, or start a new run.",
            )
        return rows

    def add(self, event: EpochEnded) -> None:
        """Append the row of an epoch, inside a block of :meth:`open`.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        scores: list[float | None] = []
        for name in ("loss", *self._metrics):
            scores.extend((event.train[name], None if event.validation is None else event.validation[name]))
        layers = [layer.delta for layer in event.layers] + [layer.nabla for layer in event.layers]
        row = [event.epoch, *scores, event.learning_rate, round(event.seconds, 6), *layers]
        rest = memoryview(_line(row))
        with self._told():
            while rest:  # a full disk may take a part
                rest = rest[self._file.write(rest) :]

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(f"{self._path} could not be written: {error.strerror or error}.") from error


def _line(cells: Iterable[object]) -> bytes:
    """Numbers and plain names, which need no quotes."""
    return (",".join("" if cell is None else str(cell) for cell in cells) + "\n").encode()


def write_summary(folder: Path, summary: Mapping[str, Any]) -> None:
    """Write ``summary.json``.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    write_atomically(folder / SUMMARY, json.dumps(summary, indent=2, ensure_ascii=False).encode() + b"\n")
