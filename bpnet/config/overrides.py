"""``--set path=value``: changes to the values of a file, made before they are validated."""

import re
from collections.abc import Sequence
from typing import Any

from bpnet.config.accepts import found
from bpnet.config.places import Document, KeyPath, Mistake, Place, Written, printable, read_path, write_path
from bpnet.config.yaml_text import read_yaml

_LONGEST_SHOWN = 80
_INDEX = re.compile("[0-9]{1,9}")


class _NoSuchPlace(Exception):  # noqa: N818 - it ends one override and never leaves this module
    """The path of an override leads through something that holds no keys."""


def apply_overrides(document: Document, overrides: Sequence[str]) -> None:
    """Change a document's values and places; what cannot be done is added to its mistakes."""
    for number, argument in enumerate(overrides):
        # The command line may hold bytes that are no text, which could not be printed again.
        override = argument.encode("utf-8", "backslashreplace").decode()
        shown = printable(override[:_LONGEST_SHOWN]) + "..." * (len(override) > _LONGEST_SHOWN)
        place = Place(f"--set {shown}", (1, number, 0))
        path_text, equals, value_text = override.partition("=")
        path = read_path(path_text.strip())
        if not equals or path is None:
            message = "expected a key's path and its value, such as training.epochs=5"
            document.mistakes.append(Mistake((), message, place))
            continue
        value = read_yaml(value_text if value_text.strip() else "null", "value", path)
        if value.mistakes:
            document.mistakes += [Mistake((*path, *m.path), m.message, place) for m in value.mistakes]
            continue
        try:
            path = _put(document.value, path, value.value)
        except _NoSuchPlace as error:
            document.mistakes.append(Mistake(path, str(error), place))
            continue
        _move_places(document, path, value, place)


def _put(root: object, path: KeyPath, value: object) -> KeyPath:
    """Set the value; returns the path with ``.1`` understood as ``[1]`` where a list is."""
    holder: Any = root
    taken: KeyPath = ()
    for depth, step in enumerate(path[:-1], start=1):
        key = _key(holder, step, taken)
        # A missing section is made, unless an index asks for the item of a list that is not there.
        wants_no_list = all(isinstance(later, str) for later in path[depth:])
        if isinstance(holder, dict) and holder.get(key) is None and wants_no_list:
            holder[key] = {}
        holder = holder.get(key) if isinstance(holder, dict) else holder[key]
        taken = (*taken, key)
    key = _key(holder, path[-1], taken)
    holder[key] = value
    return (*taken, key)


def _key(holder: object, step: str | int, taken: KeyPath) -> str | int:
    """Check that ``holder`` has room for ``step``; returns it as a key or an index."""
    name = write_path(taken) or "the config"
    if isinstance(holder, list):
        if not holder:
            raise _NoSuchPlace(f"{name} is an empty list: set {name} as a whole")
        if not _INDEX.fullmatch(str(step)):
            raise _NoSuchPlace(f"{name} is a list: {step!r} should be a number from 0 to {len(holder) - 1}")
        if int(step) >= len(holder):
            raise _NoSuchPlace(f"{name} has {len(holder)} items: the last is {name}[{len(holder) - 1}]")
        return int(step)
    if isinstance(holder, dict) and isinstance(step, str):
        return step
    wanted = "list" if isinstance(step, int) else "mapping"
    raise _NoSuchPlace(f"{name} is {found(holder)}, not a {wanted}: set {name} as a whole")


def _move_places(document: Document, path: KeyPath, value: Document, place: Place) -> None:
    """Forget where the old value and its mistakes were; all of the new one is at the option."""
    depth = len(path)
    document.mistakes[:] = [m for m in document.mistakes if m.path[:depth] != path]
    for old in [known for known in document.places if known[:depth] == path]:
        del document.places[old]
    for length in range(1, depth):
        document.places.setdefault(path[:length], Written(place, place))
    document.places.update({(*path, *under): Written(place, place) for under in value.places})
