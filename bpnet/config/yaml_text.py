"""YAML text into plain values that remember where they stood; strict, and never running anything."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from bpnet.config.places import Document, KeyPath, Mistake, Place, Written
from bpnet.config.scalars import resolve

if TYPE_CHECKING:
    from yaml._yaml import Mark as FastMark
    from yaml.error import Mark

MAX_BYTES = 1_000_000
MAX_DEPTH = 50

TEXT_KEYS: KeyPath = ("training", "class_weights")
"""The one mapping whose keys are the data's words, so that a number there is a class name."""

# libyaml's parser gives the same events and marks, some ten times faster.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NO_YAML = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_TAB_INDENT = re.compile(r"[ ]*\t")
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


class _Unreadable(Exception):  # noqa: N818 - it ends the reading and never leaves this module
    """Reading cannot go on after this mistake."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake.message)
        self.mistake = mistake


@dataclass
class _Open:
    """A mapping or list whose end is still to come."""

    values: Any
    path: KeyPath
    key: str | None = None
    key_place: Place | None = None


class _Builder:
    """Builds values from parser events with a stack of its own, so that depth costs no recursion."""

    def __init__(self, source: str, within: KeyPath) -> None:
        self.source = source
        self.within = within
        self.document = Document(None, {})
        self.open: list[_Open] = []
        self.begun = False

    def place(self, mark: "Mark | FastMark | None") -> Place:
        assert mark is not None, "the parser marks every event"
        return Place(f"{self.source}:{mark.line + 1}:{mark.column + 1}", (0, mark.line, mark.column))

    def mistake(self, path: KeyPath, message: str, place: Place, *, at_key: bool = False) -> None:
        self.document.mistakes.append(Mistake(path, message, place, at_key))

    def feed(self, event: yaml.Event) -> None:
        place = self.place(event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent):
            if self.begun:
                raise _Unreadable(Mistake((), "a second document starts here; a config is one", place))
            self.begun = True
        elif isinstance(event, yaml.CollectionEndEvent):
            self.open.pop()
        elif isinstance(event, yaml.NodeEvent):
            self.feed_node(event, place)

    def feed_node(self, event: yaml.NodeEvent, place: Place) -> None:
        top = self.open[-1] if self.open else None
        if top is not None and isinstance(top.values, dict) and top.key is None:
            self.feed_key(top, event, place)
            return
        path = self.next_path(top)
        self.refuse_magic(path, event, place)
        self.remember(path, top, place)
        if isinstance(event, yaml.CollectionStartEvent):
            if len(self.open) == MAX_DEPTH:
                raise _Unreadable(Mistake((), f"nested deeper than {MAX_DEPTH} levels", place))
            value: object = {} if isinstance(event, yaml.MappingStartEvent) else []
            self.put(top, value)
            self.open.append(_Open(value, path))
        else:
            self.put(top, self.scalar(path, event, place) if isinstance(event, yaml.ScalarEvent) else None)

    def feed_key(self, top: _Open, event: yaml.NodeEvent, place: Place) -> None:
        if not isinstance(event, yaml.ScalarEvent):
            raise _Unreadable(Mistake(top.path, "a key must be a plain word", place))
        if _NO_TEXT.search(event.value):
            raise _Unreadable(Mistake(top.path, "the key holds a character that no text can have", place))
        path = (*top.path, event.value)
        self.refuse_magic(path, event, place)
        if event.value == "<<" and event.implicit[0]:
            self.mistake(path, "merge keys (<<) are not accepted: write the keys out", place, at_key=True)
        elif (*self.within, *top.path) != TEXT_KEYS and not _is_text(event):
            message = f'the key {event.value} is not text: put it in quotes, "{event.value}"'
            self.mistake(path, message, place, at_key=True)
        elif event.value in top.values:
            first = self.document.places[path].key.text
            self.mistake(path, f"the key is given twice, first at {first}", place)
        top.key, top.key_place = event.value, place

    def refuse_magic(self, path: KeyPath, event: yaml.NodeEvent, place: Place) -> None:
        if isinstance(event, yaml.AliasEvent):
            self.mistake(path, f"aliases (*{event.anchor}) are not accepted: write the value out", place)
        elif event.anchor is not None:
            self.mistake(path, f"anchors (&{event.anchor}) are not accepted: write the value out", place)
        elif (tag := getattr(event, "tag", None)) is not None:
            shown = tag.replace("tag:yaml.org,2002:", "!!")
            self.mistake(path, f"tags ({shown}) are not accepted: leave the tag out", place)

    def scalar(self, path: KeyPath, event: yaml.ScalarEvent, place: Place) -> object:
        if _NO_TEXT.search(event.value):
            self.mistake(path, "the text holds an escaped character that no text can have", place)
            return ""
        try:
            return resolve(event.value) if event.implicit[0] else event.value
        except ValueError as error:
            self.mistake(path, str(error), place)
            return None

    @staticmethod
    def next_path(top: _Open | None) -> KeyPath:
        if top is None:
            return ()
        return (*top.path, len(top.values) if isinstance(top.values, list) else str(top.key))

    def remember(self, path: KeyPath, top: _Open | None, place: Place) -> None:
        key = (top.key_place if top else None) or place
        # A mapping that starts on the next line is best shown by its key.
        value = place if place.order[1] == key.order[1] else key
        self.document.places[path] = Written(key, value)

    def put(self, top: _Open | None, value: object) -> None:
        if top is None:
            self.document.value = value
        elif isinstance(top.values, list):
            top.values.append(value)
        else:
            top.values[top.key] = value
            top.key = top.key_place = None


def _is_text(event: yaml.ScalarEvent) -> bool:
    try:
        return not event.implicit[0] or isinstance(resolve(event.value), str)
    except ValueError:
        return False


def read_yaml(text: bytes | str, source: str, within: KeyPath = ()) -> Document:
    """Read one YAML document.

    Parameters
    ----------
    text : bytes or str
        Bytes must be UTF-8; a byte-order mark is skipped.
    source : str
        The file's name, for places.
    within : KeyPath
        Where in a config the value of ``--set`` is to stand; () for a whole config.

    Returns
    -------
    Document
        With every mistake of the language in it; it raises nothing.
    """
    builder = _Builder(source, within)
    document = builder.document
    start = Place(f"{source}:1:1", (0, 0, 0))
    document.places[()] = Written(start, start)
    try:
        decoded = _decode(text, source, start)
        _build(decoded, builder, start)
    except _Unreadable as stop:
        document.mistakes.append(stop.mistake)
        document.readable = False
    document.places[()] = Written(start, start)
    return document


def _build(text: str, builder: _Builder, start: Place) -> None:
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.feed(event)
    except yaml.MarkedYAMLError as error:
        raise _Unreadable(_syntax_mistake(error, text, builder.source)) from error
    if not builder.begun:
        raise _Unreadable(Mistake((), f"the {'value' if builder.within else 'config'} is empty", start))


def _decode(raw: bytes | str, source: str, start: Place) -> str:
    if len(raw) > MAX_BYTES:
        raise _Unreadable(Mistake((), f"larger than {MAX_BYTES // 10**6} MB, too large for a config", start))
    try:
        text = raw if isinstance(raw, str) else raw.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"byte {error.start + 1} (0x{raw[error.start]:02x}) is not UTF-8: save it as UTF-8 text"
        before = error.object[: error.start].decode("utf-8").removeprefix("\ufeff")
        raise _Unreadable(Mistake((), message, _place_at(before, len(before), source))) from error
    text = text.removeprefix("\ufeff")
    if bad := _NO_YAML.search(text):
        message = f"the character U+{ord(bad[0]):04X} cannot stand in YAML text"
        raise _Unreadable(Mistake((), message, _place_at(text, bad.start(), source)))
    return text


def _place_at(text: str, index: int, source: str) -> Place:
    breaks = [found.end() for found in _LINE_BREAK.finditer(text, 0, index)]
    line, column = len(breaks), index - (breaks[-1] if breaks else 0)
    return Place(f"{source}:{line + 1}:{column + 1}", (0, line, column))


def _syntax_mistake(error: yaml.MarkedYAMLError, text: str, source: str) -> Mistake:
    index = error.problem_mark.index if error.problem_mark else 0
    place = _place_at(text, index, source)
    _, _, column = place.order
    if tab := _TAB_INDENT.match(text, index - column):
        return Mistake((), "a tab in the indentation: use spaces", _place_at(text, tab.end() - 1, source))
    message = f"not valid YAML: {error.problem or 'unreadable'}"
    if error.context:
        message += f" ({error.context})"
    return Mistake((), message, place)
