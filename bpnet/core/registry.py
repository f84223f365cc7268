"""One table a kind of thing: the YAML name, the class behind it and the numbers it takes."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar


class Named(Protocol):
    """What a class needs to be registered."""

    name: ClassVar[str]


T = TypeVar("T", bound=Named)


@dataclass(frozen=True)
class Parameter:
    """A hyperparameter as the YAML language, the schema and ``--help`` see it.

    Attributes
    ----------
    name : str
    type : type
        ``float``, ``int``, ``bool`` or ``str``.
    default : object
    minimum, maximum : float or None
        Inclusive bounds.
    above, below : float or None
        Exclusive bounds.
    text : str
        One line of help.
    """

    name: str
    type: type
    default: Any
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None
    text: str = ""


def parameter(
    default: Any,  # noqa: ANN401 - the default has the annotated type of the field it is given to
    text: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> Any:  # noqa: ANN401 - a dataclass field stands for a value of any type, as in dataclasses.field
    """Declare a dataclass field that the YAML language accepts and checks.

    Returns
    -------
    dataclasses.Field
        With the bounds and the help text in its metadata, where :func:`parameters_of` finds them.
    """
    bounds = {"minimum": minimum, "maximum": maximum, "above": above, "below": below}
    return dataclasses.field(default=default, metadata={"text": text, **bounds})


def parameters_of(cls: type) -> tuple[Parameter, ...]:
    """Hyperparameters of a registered dataclass, in the order of their declaration."""
    return tuple(
        Parameter(field.name, type(field.default), field.default, **field.metadata)
        for field in dataclasses.fields(cls)
    )


def describe(thing: Named) -> dict[str, Any]:
    """Name and hyperparameters of a registered thing: what :meth:`Registry.create` builds it again from."""
    return {"name": thing.name, **{p.name: getattr(thing, p.name) for p in parameters_of(type(thing))}}


class Registry(Generic[T]):
    """Classes of one kind under their YAML names.

    Parameters
    ----------
    kind : str
        What the classes are, for messages: ``"activation"``.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._classes: dict[str, type[T]] = {}

    def register(self, cls: type[T]) -> type[T]:
        """Add a class under its ``name``; usable as a decorator.

        Raises
        ------
        ValueError
            If the name is taken.
        """
        if cls.name in self._classes:
            raise ValueError(f"{self.kind} {cls.name!r} is registered twice")
        self._classes[cls.name] = cls
        return cls

    def __iter__(self) -> Iterator[str]:
        return iter(self._classes)

    def __contains__(self, name: object) -> bool:
        return name in self._classes

    def __getitem__(self, name: str) -> type[T]:
        return self._classes[name]

    def create(self, name: str, **hyperparameters: Any) -> T:  # noqa: ANN401 - each class has its own
        """Build the thing called ``name``.

        Raises
        ------
        KeyError
            If nothing of that name is registered.
        """
        return self._classes[name](**hyperparameters)
