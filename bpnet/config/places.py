"""Paths of keys, and where in the text each of them is written."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from bpnet.errors import ConfigError, Problem

KeyPath: TypeAlias = tuple[str | int, ...]
"""Keys and list indices from the root, such as ``("network", "layers", 1)``."""

_STEP = re.compile(r"\.?([^.\[\]=\s]+)|\[([0-9]{1,9})\]")


def printable(text: str) -> str:
    """Text on one line that a terminal shows and does not obey."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def write_path(path: KeyPath) -> str:
    """Write a path as people do: ``network.layers[1].size``."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{printable(step)}" for step in path)
    return "".join(steps).removeprefix(".")


def read_path(text: str) -> KeyPath | None:
    """Read what :func:`write_path` writes; None if the text is no path."""
    steps: list[str | int] = []
    position = 0
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None or (step[0].startswith(".") == (position == 0) and step[1]):
            return None
        steps.append(step[1] or int(step[2]))
        position = step.end()
    return tuple(steps) or None


def ancestors(path: KeyPath) -> Iterator[KeyPath]:
    """Yield the path itself, what holds it, and so on up to the root ``()``."""
    for length in range(len(path), -1, -1):
        yield path[:length]


@dataclass(frozen=True)
class Place:
    """A point in the file, or an option of the command line.

    Attributes
    ----------
    text : str
        ``file:line:column``, or ``--set training.epochs=5``.
    order : tuple of three int
        Sorts places: the file's by line and column, then the options.
    """

    text: str
    order: tuple[int, int, int]

    @property
    def is_option(self) -> bool:
        """Whether it is an option, and not in the file."""
        return self.order[0] == 1


@dataclass(frozen=True)
class Written:
    """Where a key and its value are written; for an item of a list both are the item's place."""

    key: Place
    value: Place


@dataclass(frozen=True)
class Mistake:
    """What is wrong at a path.

    Attributes
    ----------
    path : KeyPath
    message : str
    place : Place, optional
        Where, if that is not simply where the path is written.
    at_key : bool
        The key itself is wrong, not its value.
    meant : KeyPath
        The key that was probably meant by this misspelt one, so that it is not called missing; () if unknown.
    """

    path: KeyPath
    message: str
    place: Place | None = None
    at_key: bool = False
    meant: KeyPath = ()


@dataclass
class Document:
    """A text read into plain values, with the place of every one of them.

    Attributes
    ----------
    value : object
        Dicts with text keys, lists, str, int, float, bool and None.
    places : dict of KeyPath to Written
    mistakes : list of Mistake
    readable : bool
        False if reading had to stop early, so that ``value`` means nothing.
    """

    value: object
    places: dict[KeyPath, Written]
    mistakes: list[Mistake] = field(default_factory=list)
    readable: bool = True

    def written(self, path: KeyPath) -> Written:
        """Where the path, or the nearest thing that holds it, is written."""
        return next(self.places[held] for held in ancestors(path) if held in self.places)

    def error(self, mistakes: list[Mistake]) -> ConfigError:
        """One error that tells every mistake, in the order of the file."""

        def place(mistake: Mistake) -> Place:
            written = self.written(mistake.path)
            return mistake.place or (written.key if mistake.at_key else written.value)

        ordered = sorted(mistakes, key=lambda mistake: place(mistake).order)
        problems = (Problem(place(m).text, write_path(m.path), m.message) for m in ordered)
        return ConfigError(tuple(dict.fromkeys(problems)))
