"""Named things, such as an optimizer, with their hyperparameters checked against the registry."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bpnet.config.accepts import Accepts, Mistakes, Number, OneOf, Text, TrueOrFalse, found
from bpnet.config.hints import nearest
from bpnet.core.registry import Parameter, Registry, T, parameters_of

if TYPE_CHECKING:
    from bpnet.config.places import KeyPath


@dataclass(frozen=True)
class Choice:
    """The name of a registered thing and all its hyperparameters, defaults included."""

    name: str
    parameters: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, registry: Registry[Any], name: str, **given: Any) -> "Choice":  # noqa: ANN401 - each has its own
        """Choose ``name`` with these hyperparameters and the defaults of the others."""
        thing = registry.create(name, **given)
        return cls(name, {p.name: getattr(thing, p.name) for p in parameters_of(registry[name])})

    def create(self, registry: Registry[T]) -> T:
        """Build the thing itself."""
        return registry.create(self.name, **self.parameters)


@dataclass(frozen=True)
class Named(Accepts):
    """A name of a registry, or a mapping with the name and hyperparameters; perhaps also ``auto``."""

    registry: Registry[Any]
    auto: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return (*(("auto",) if self.auto else ()), *self.registry)

    @property
    def phrase(self) -> str:
        return OneOf(*self.names).phrase

    def read(self, value: object, base: Path) -> Choice:
        if value == "auto" and self.auto:
            return Choice("auto")
        if not isinstance(value, dict):
            return Choice.of(self.registry, OneOf(*self.names).read(value, base))
        given = dict(value)
        if "name" not in given:
            raise Mistakes(((), f"the mapping has no name; expected name: {self.phrase}"))
        try:
            name = OneOf(*self.registry).read(given.pop("name"), base)
        except Mistakes as error:
            raise Mistakes((("name",), str(error))) from None
        return self._choose(name, given, base)

    def _choose(self, name: str, given: dict[str, Any], base: Path) -> Choice:
        known = {parameter.name: kind_of(parameter) for parameter in parameters_of(self.registry[name])}
        wrong: list[tuple[KeyPath, str]] = []
        for key, value in given.items():
            if key not in known:
                wrong.append(((key,), self._unknown(name, key, known)))
                continue
            try:
                given[key] = known[key].read(value, base)
            except Mistakes as error:
                wrong += [((key, *path), message) for path, message in error.mistakes]
        if wrong:
            raise Mistakes(*wrong)
        try:
            return Choice.of(self.registry, name, **given)
        except ValueError as error:  # a class's own check, which names the hyperparameter first
            key, _, message = str(error).partition(": ")
            raise Mistakes(((key,), message) if key in given else ((), str(error))) from None

    def _unknown(self, name: str, key: str, known: dict[str, Accepts]) -> str:
        if not known:
            return f"{name} takes no hyperparameters"
        near = nearest(key, known)
        if near:
            return f"unknown hyperparameter of {name}; did you mean {near!r}?"
        return f"unknown hyperparameter; {name} takes {', '.join(known)}"

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"enum": list(self.names)}, *map(self._mapping_schema, self.registry)]}

    def _mapping_schema(self, name: str) -> dict[str, Any]:
        cls = self.registry[name]
        properties: dict[str, Any] = {"name": {"const": name}}
        for parameter in parameters_of(cls):
            described = {"description": parameter.text, "default": parameter.default}
            properties[parameter.name] = kind_of(parameter).schema() | described
        return {
            "type": "object",
            "description": cls.summary,
            "properties": properties,
            "required": ["name"],
            "additionalProperties": False,
        }


def kind_of(parameter: Parameter) -> Accepts:
    """What a hyperparameter accepts, from its declaration."""
    if parameter.type is bool:
        return TrueOrFalse()
    if parameter.type is str:
        return Text("a name")
    bounds = (parameter.minimum, parameter.maximum, parameter.above, parameter.below)
    return Number(parameter.type, *bounds)


class ClassWeights(Accepts):
    """``balanced``, or a weight for each class."""

    phrase = "balanced, or a mapping of each class to a number above 0"

    def read(self, value: object, base: Path) -> str | dict[str, float]:
        if value == "balanced":
            return "balanced"
        if not isinstance(value, dict) or not value:
            raise self.refusal(value)
        weight = Number(float, above=0)
        wrong = [
            ((name,), f"found {found(item)}, expected {weight.phrase}")
            for name, item in value.items()
            if not _reads(weight, item)
        ]
        if wrong:
            raise Mistakes(*wrong)
        return {name: float(item) for name, item in value.items()}

    def schema(self) -> dict[str, Any]:
        weight = Number(float, above=0).schema()
        weights = {"type": "object", "additionalProperties": weight, "minProperties": 1}
        return {"anyOf": [{"const": "balanced"}, weights]}


def _reads(kind: Accepts, value: object) -> bool:
    try:
        kind.read(value, Path())
    except Mistakes:
        return False
    return True
