"""Where data come from: a file, a pair of IDX files, or a share of the training data."""

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict

from bpnet.config.accepts import Accepts, Number

TABLE_SUFFIXES = (".csv", ".tsv", ".parquet", ".csv.gz", ".tsv.gz", ".parquet.gz")
ARRAY_SUFFIXES = (".npz",)


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
        return Path(os.path.abspath(base / expanded))  # noqa: PTH100 - resolve() would follow links

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1}


class Section(BaseModel):
    """A mapping of the YAML language: frozen, and strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)


class IdxPair(Section):
    """Two IDX files, as MNIST has them: one of images, one of labels."""

    features: Annotated[Path, FilePath()]
    target: Annotated[Path, FilePath()]


class Source(Accepts):
    """A table, an NPZ file, or an IDX pair."""

    phrase = (
        "a path ending in .csv, .tsv, .parquet (or these with .gz) or .npz, or {features: path, target: path}"
    )

    def read(self, value: object, base: Path) -> Path | IdxPair:
        if isinstance(value, dict):
            return IdxPair.model_validate(value, context=base)
        if not isinstance(value, str) or not value:
            raise self.refusal(value)
        if not value.lower().endswith(TABLE_SUFFIXES + ARRAY_SUFFIXES):
            raise self.refusal(value)
        return FilePath().read(value, base)

    def schema(self) -> dict[str, Any]:
        path = FilePath().schema()
        pair = {
            "type": "object",
            "properties": {"features": path, "target": path},
            "required": ["features", "target"],
            "additionalProperties": False,
        }
        return {"anyOf": [path, pair]}


class Part(Accepts):
    """A held-out part: a fraction of the training data, or data of its own."""

    fraction = Number(float, above=0, below=1)
    phrase = "a fraction above 0 and below 1, a data file's path, or {features: path, target: path}"

    def read(self, value: object, base: Path) -> float | Path | IdxPair:
        if isinstance(value, str | dict):
            return Source().read(value, base)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
            raise self.refusal(value)
        return float(value)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.fraction.schema(), *Source().schema()["anyOf"]]}
