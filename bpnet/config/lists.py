"""Lists that a config may hold: column names, rows of numbers, and matrices of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bpnet.config.accepts import Accepts, Mistakes, Number, Text, counted, quotes_hint

if TYPE_CHECKING:
    from bpnet.config.places import KeyPath

_COLUMN = Text("a column name")


@dataclass(frozen=True)
class Names(Accepts):
    """Different column names.

    Attributes
    ----------
    alone : bool
        A single name, or nothing at all, stands for a list.
    empty : bool
        The list may be empty.
    """

    alone: bool = False
    empty: bool = False

    @property
    def phrase(self) -> str:
        return "a column name or a list of them" if self.alone else "a list of column names"

    def read(self, value: object, base: Path) -> tuple[str, ...]:
        if self.alone and value is None:
            return ()
        if self.alone and isinstance(value, str):
            return (_COLUMN.read(value, base),)
        if not isinstance(value, list) or not (value or self.empty):
            raise self.refusal(value, quotes_hint(value) if self.alone else "")
        wrong: list[tuple[KeyPath, str]] = []
        seen: set[str] = set()
        for index, item in enumerate(value):
            try:
                name = _COLUMN.read(item, base)
            except Mistakes as error:
                wrong.append(((index,), str(error)))
            else:
                if name in seen:
                    wrong.append(((index,), f"the column {name!r} is listed twice"))
                seen.add(name)
        if wrong:
            raise Mistakes(*wrong)
        return tuple(value)

    def schema(self) -> dict[str, Any]:
        name = {"type": "string", "minLength": 1}
        names: dict[str, Any] = {"type": "array", "items": name, "uniqueItems": True}
        if not self.empty:
            names["minItems"] = 1
        if not self.alone:
            return names
        return {"anyOf": [name, names, {"type": "null"}]}


@dataclass(frozen=True)
class Vector(Accepts):
    """A row of finite numbers."""

    phrase = "a list of numbers"

    def read(self, value: object, base: Path) -> tuple[float, ...]:
        if not isinstance(value, list) or not value:
            raise self.refusal(value)
        number = Number(float)
        wrong: list[tuple[KeyPath, str]] = []
        row: list[float] = []
        for index, item in enumerate(value):
            try:
                row.append(number.read(item, base))
            except Mistakes as error:
                wrong.append(((index,), str(error)))
        if wrong:
            raise Mistakes(*wrong)
        return tuple(row)

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "number"}, "minItems": 1}


@dataclass(frozen=True)
class Matrix(Accepts):
    """Rows of numbers, all of one length."""

    phrase = "a list of rows of numbers, all of one length"

    def read(self, value: object, base: Path) -> tuple[tuple[float, ...], ...]:
        if not isinstance(value, list) or not value:
            raise self.refusal(value)
        rows: list[tuple[float, ...]] = []
        wrong: list[tuple[KeyPath, str]] = []
        for index, item in enumerate(value):
            try:
                rows.append(Vector().read(item, base))
            except Mistakes as error:
                wrong += [((index, *path), message) for path, message in error.mistakes]
            else:
                if len(rows[-1]) != len(rows[0]):
                    wrong.append(
                        (
                            (index,),
                            f"has {counted(len(rows[-1]), 'number')}, the first row has {len(rows[0])}",
                        )
                    )
        if wrong:
            raise Mistakes(*wrong)
        return tuple(rows)

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": Vector().schema(), "minItems": 1}
