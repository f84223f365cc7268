"""Everything that can go wrong for a user, each kind with the exit code it ends the program with."""

from dataclasses import dataclass
from typing import ClassVar


class BpnetError(Exception):
    """A mistake or mishap told in one message: what, where, and what to do.

    Parameters
    ----------
    message : str
        What happened, with the file, row or key where it happened.
    advice : str, optional
        What the reader can do about it.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.message}\n{self.advice}" if self.advice else self.message


@dataclass(frozen=True)
class Problem:
    """One mistake in a config, located.

    Attributes
    ----------
    where : str
        ``file:line:column``, or the option (``--set training.epochs``) that the value came from.
    path : str
        The key's path, such as ``network.layers[1].activation``; empty for a file that is no YAML.
    message : str
        What was found and what is accepted.
    """

    where: str
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.path}: {self.message}" if self.path else f"{self.where}: {self.message}"


class ConfigError(BpnetError):
    """A config that cannot be used; carries every mistake found in it, not only the first."""

    def __init__(self, problems: tuple[Problem, ...], *, advice: str = "") -> None:
        super().__init__("\n".join(str(problem) for problem in problems), advice=advice)
        self.problems = problems


class DataError(BpnetError):
    """A data file that cannot be read, or whose contents do not fit the config or the model."""


class MissingDataError(DataError):
    """A data file that is not there."""


class ModelError(BpnetError):
    """A model file or run folder that is damaged, hostile or does not fit."""


class ShapeError(BpnetError):
    """Arrays whose shapes do not fit the network."""


class DivergenceError(BpnetError):
    """Training met a loss or gradient that is not a finite number."""

    exit_code = 5


class OutputError(BpnetError):
    """A result could not be written."""

    exit_code = 6
