"""The room's front door: it loads YAML and pydantic only when a config is at hand."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from bpnet.config.builtin import builtin_configs, read_reference

if TYPE_CHECKING:
    from bpnet.config.models import ExperimentConfig
    from bpnet.config.reference import Key

__all__ = ["builtin_configs", "dump_config", "json_schema", "key_table", "load_config", "parse_config"]


def load_config(
    reference: str | Path, overrides: Sequence[str] = (), stdin: BinaryIO | None = None
) -> "ExperimentConfig":
    """Read and validate a config.

    Parameters
    ----------
    reference : str or Path
        A path, the name of a built-in config, or ``-`` for standard input.
    overrides : sequence of str
        What ``--set`` got, such as ``training.epochs=5``; the last wins.
    stdin : binary stream, optional
        Stands in for standard input.

    Raises
    ------
    ConfigError
        With every mistake found.
    """
    from bpnet.config.yaml_text import MAX_BYTES

    text, source, folder = read_reference(reference, stdin, MAX_BYTES + 1)
    return parse_config(text, source=source, folder=folder, overrides=overrides)


def parse_config(
    text: bytes | str, *, source: str, folder: Path, overrides: Sequence[str] = ()
) -> "ExperimentConfig":
    """Validate the text of a config.

    Parameters
    ----------
    text : bytes or str
    source : str
        The file's name, for messages; its stem is the experiment's default name.
    folder : Path
        Relative data paths start here.
    overrides : sequence of str
        As in :func:`load_config`.

    Raises
    ------
    ConfigError
        With every mistake found.
    """
    from bpnet.config.loading import read_config

    return read_config(text, source, folder, overrides)


def dump_config(config: "ExperimentConfig") -> str:
    """Write the resolved config as YAML: absolute paths, every default; it loads back equal."""
    from bpnet.config.dumping import dump

    return dump(config)


def json_schema() -> dict[str, object]:
    """JSON Schema (2020-12) of the language, for editors."""
    from bpnet.config.reference import schema

    return schema()


def key_table() -> list["Key"]:
    """Every key of the language: path, what it accepts, default and meaning."""
    from bpnet.config.reference import keys

    return keys()
