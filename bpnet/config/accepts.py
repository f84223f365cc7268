"""What a value may be: one small class a kind, each with its check, its wording and its JSON Schema."""

import math
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema

from bpnet.config.hints import suggestion
from bpnet.config.places import KeyPath

_LONGEST_SHOWN = 40
_LONGEST_WHOLE = 1e15
"""Above this a float no longer stands for one whole number."""
_QUOTED_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")


class Mistakes(ValueError):  # noqa: N818 - it carries mistakes through pydantic and never leaves this room
    """What is wrong with one value, each with its path inside that value."""

    def __init__(self, *mistakes: tuple[KeyPath, str]) -> None:
        super().__init__("; ".join(message for _, message in mistakes))
        self.mistakes = mistakes


def found(value: object) -> str:
    """Show a value of the file in a few words."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."


def counted(number: int, noun: str, plural: str = "") -> str:
    """``1 row`` or ``2 rows``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


@dataclass(frozen=True)
class Bases:
    """Where relative paths start.

    Attributes
    ----------
    file : Path
        Folder of the config file.
    typed : frozenset of str
        Keys of ``data`` that ``--set`` gave: a path that is typed starts where the person is.
    """

    file: Path
    typed: frozenset[str] = frozenset()


class Accepts(ABC):
    """A kind of value; stands in ``Annotated[type, kind]`` and checks what YAML holds there."""

    @property
    @abstractmethod
    def phrase(self) -> str:
        """What is accepted, in words that follow "expected"."""

    @abstractmethod
    def read(self, value: object, base: Path) -> Any:  # noqa: ANN401 - whatever type is annotated
        """Turn the YAML value into the config's; relative paths start at ``base``.

        Raises
        ------
        Mistakes
            If the value is not of this kind.
        """

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """JSON Schema of the YAML value."""

    def refusal(self, value: object, hint: str = "") -> Mistakes:
        """Say that ``value`` is not of this kind."""
        return Mistakes(((), f"found {found(value)}, expected {self.phrase}{hint}"))

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        def read(value: object, info: ValidationInfo) -> object:
            if not isinstance(info.context, Bases):  # a path within a value, which has the value's base
                return self.read(value, info.context or Path())
            # Data paths start at `data.folder`, which is read before them, and that at the file's folder.
            folder = (info.data or {}).get("folder", info.context.file)
            typed = info.field_name in info.context.typed
            return self.read(value, Path.cwd() if typed else folder)

        return core_schema.with_info_plain_validator_function(read)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return self.schema()


@dataclass(frozen=True)
class OrNull(Accepts):
    """Another kind, or nothing."""

    kind: Accepts

    @property
    def phrase(self) -> str:
        return f"{self.kind.phrase}, or null"

    def read(self, value: object, base: Path) -> Any:  # noqa: ANN401 - as the base class
        return None if value is None else self.kind.read(value, base)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.kind.schema(), {"type": "null"}]}


@dataclass(frozen=True)
class Number(Accepts):
    """A finite number within bounds: ``minimum`` and ``maximum`` included, ``above`` and ``below`` not."""

    type: type
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None

    @property
    def phrase(self) -> str:
        words = {
            "of at least": self.minimum,
            "above": self.above,
            "at most": self.maximum,
            "below": self.below,
        }
        given = [f"{word} {bound:g}" for word, bound in words.items() if bound is not None]
        return f"a {'whole ' if self.type is int else ''}number {' and '.join(given)}".rstrip()

    def read(self, value: object, base: Path) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not self._fits(value):
            raise self.refusal(value, self._hint(value))
        return self.type(value)  # type: ignore[no-any-return]  # int or float: an int stands for a float

    def _fits(self, value: float) -> bool:
        if isinstance(value, float) and (self.type is int or not math.isfinite(value)):
            return False
        return (
            (self.minimum is None or value >= self.minimum)
            and (self.maximum is None or value <= self.maximum)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    def _hint(self, value: object) -> str:
        if isinstance(value, float) and value.is_integer() and self._fits(int(value)):
            return f" (write {value:.0f})" if value < _LONGEST_WHOLE else ""
        return " (without the quotes)" if isinstance(value, str) and _QUOTED_NUMBER.fullmatch(value) else ""

    def schema(self) -> dict[str, Any]:
        words = {
            "minimum": self.minimum,
            "maximum": self.maximum,
            "exclusiveMinimum": self.above,
            "exclusiveMaximum": self.below,
        }
        bounds = {word: bound for word, bound in words.items() if bound is not None}
        return {"type": "integer" if self.type is int else "number", **bounds}


@dataclass(frozen=True)
class TrueOrFalse(Accepts):
    """``true`` or ``false``, and not the ``yes`` and ``no`` of older YAML."""

    phrase = "true or false"

    def read(self, value: object, base: Path) -> bool:
        if not isinstance(value, bool):
            raise self.refusal(value)
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


class OneOf(Accepts):
    """One of a few words."""

    def __init__(self, *words: str) -> None:
        self.words = words

    @property
    def phrase(self) -> str:
        return " or ".join((", ".join(self.words[:-1]), self.words[-1])) if self.words[1:] else self.words[0]

    def read(self, value: object, base: Path) -> str:
        if not isinstance(value, str) or value not in self.words:
            raise self.refusal(value, suggestion(value, self.words))
        return value

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.words)}


def quotes_hint(value: object) -> str:
    """Advice for a number where text belongs."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return " (put it in quotes)" if is_number else ""


@dataclass(frozen=True)
class Text(Accepts):
    """Text, of a certain form if ``pattern`` is given."""

    phrase: str = "text"
    pattern: str = r"[^\0]+"

    def read(self, value: object, base: Path) -> str:
        if not isinstance(value, str) or not re.fullmatch(self.pattern, value, re.DOTALL):
            raise self.refusal(value, quotes_hint(value))
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^({self.pattern})$"}


class LayerSize(Accepts):
    """Units of a layer."""

    number = Number(int, minimum=1)
    phrase = f"{number.phrase}, or auto"

    def read(self, value: object, base: Path) -> int | str:
        if value == "auto":
            return "auto"
        try:
            return int(self.number.read(value, base))
        except Mistakes as error:
            raise Mistakes(((), f"{error}, or auto")) from None

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.number.schema(), {"const": "auto"}]}
