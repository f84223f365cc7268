"""Where data come from: a file, a pair of files, or a share of the training data."""

import os
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict

from bpnet.config.accepts import Accepts, Mistakes, Number
from bpnet.config.places import printable

TABLE_SUFFIXES = (".csv", ".tsv", ".parquet", ".csv.gz", ".tsv.gz", ".parquet.gz")
ARRAY_SUFFIXES = (".npz",)
DATA_SUFFIXES = TABLE_SUFFIXES + ARRAY_SUFFIXES

_NOT_UTF8 = re.compile("[\ud800-\udfff]")
"""What Python makes of the bytes of a file's name that are not text."""


class FilePath(Accepts):
    """A path; ``~`` is the home folder, and a relative path starts at the base folder."""

    phrase = "a path"

    def read(self, value: object, base: Path) -> Path:
        if not isinstance(value, str) or not value:
            raise self.refusal(value)
        try:
            expanded = Path(value).expanduser()
        except RuntimeError:
            raise self.refusal(value, " (there is no such user's folder)") from None
        path = Path(os.path.abspath(base / expanded))  # noqa: PTH100 - resolve() would follow links
        if _NOT_UTF8.search(str(path)):
            raise self.refusal(value, f" (the name of the folder {printable(str(base))} is not UTF-8)")
        return path

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1}


class Section(BaseModel):
    """A mapping of the YAML language: frozen, and strict about unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, validate_default=True, defer_build=True
    )


class FilePair(Section):
    """Two IDX files, as MNIST has them, or two NPY files: one of inputs, one of targets."""

    features: Annotated[Path, FilePath()]
    target: Annotated[Path, FilePath()]


class Source(Accepts):
    """A table, an NPZ file, or a pair of files."""

    phrase = (
        "a path ending in .csv, .tsv, .parquet (or these with .gz) or .npz, or {features: path, target: path}"
    )

    def read(self, value: object, base: Path) -> Path | FilePair:
        if isinstance(value, dict):
            return FilePair.model_validate(value, context=base)
        if not _is_data_file(value):
            raise self.refusal(value)
        return FilePath().read(value, base)

    def schema(self) -> dict[str, Any]:
        path = FilePath().schema()
        data_file = {"type": "string", "pattern": f"({'|'.join(map(_in_any_case, DATA_SUFFIXES))})$"}
        pair = {
            "type": "object",
            "properties": {"features": path, "target": path},
            "required": ["features", "target"],
            "additionalProperties": False,
        }
        return {"anyOf": [data_file, pair]}


def _is_data_file(value: object) -> bool:
    return isinstance(value, str) and value.lower().endswith(DATA_SUFFIXES)


def _in_any_case(suffix: str) -> str:
    """Regular expression; JSON Schema has no flag for it."""
    return "".join(f"[{c}{c.upper()}]" if c.isalpha() else f"\\{c}" for c in suffix)


class Part(Accepts):
    """A held-out part: a fraction of the training data, or data of its own."""

    fraction = Number(float, above=0, below=1)
    phrase = f"a fraction above 0 and below 1, {Source.phrase}"

    def read(self, value: object, base: Path) -> float | Path | FilePair:
        if isinstance(value, dict) or _is_data_file(value):
            return Source().read(value, base)
        try:
            return self.fraction.read(value, base)
        except Mistakes:
            raise self.refusal(value) from None

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.fraction.schema(), *Source().schema()["anyOf"]]}
