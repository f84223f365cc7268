from dataclasses import dataclass
from typing import Any, ClassVar, get_type_hints

import pytest

from bpnet.core.activations import ACTIVATIONS
from bpnet.core.initializers import INITIALIZERS
from bpnet.core.losses import LOSSES
from bpnet.core.optimizers import OPTIMIZERS
from bpnet.core.registry import Named, Parameter, Registry, describe, parameter, parameters_of
from bpnet.core.schedules import SCHEDULES

REGISTRIES: list[Registry[Any]] = [ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, SCHEDULES]
EVERY = [
    pytest.param(registry[name], id=f"{registry.kind}-{name}") for registry in REGISTRIES for name in registry
]


class Fruit:
    name: ClassVar[str] = "fruit"


@dataclass(frozen=True)
class Apple(Fruit):
    name = "apple"

    weight: float = parameter(0.2, "in kg", above=0.0, maximum=1.0)
    seeds: int = parameter(5, "how many", minimum=0, below=20.0)
    sweet: bool = parameter(default=True, text="or sour")


class Pear(Fruit):
    name = "pear"


def fruits() -> Registry[Named]:
    registry: Registry[Named] = Registry("fruit")
    registry.register(Pear)
    registry.register(Apple)
    return registry


def test_a_class_is_found_under_its_name_in_the_order_of_registration() -> None:
    registry = fruits()
    assert list(registry) == ["pear", "apple"]
    assert registry["apple"] is Apple
    assert "apple" in registry
    assert "plum" not in registry
    assert registry.kind == "fruit"


def test_registering_returns_the_class_as_a_decorator_must() -> None:
    registry: Registry[Named] = Registry("fruit")
    assert registry.register(Apple) is Apple


def test_a_name_is_taken_once() -> None:
    registry = fruits()
    with pytest.raises(ValueError, match=r"^fruit 'pear' is registered twice$"):
        registry.register(Pear)
    assert registry["pear"] is Pear


def test_things_are_built_with_their_hyperparameters() -> None:
    assert fruits().create("apple") == Apple(0.2, 5, sweet=True)
    assert fruits().create("apple", seeds=7) == Apple(seeds=7)
    with pytest.raises(KeyError):
        fruits().create("plum")


def test_hyperparameters_are_described_in_the_order_of_their_declaration() -> None:
    assert parameters_of(Apple) == (
        Parameter("weight", float, 0.2, above=0.0, maximum=1.0, text="in kg"),
        Parameter("seeds", int, 5, minimum=0, below=20.0, text="how many"),
        Parameter("sweet", bool, default=True, text="or sour"),
    )


@pytest.mark.parametrize("cls", EVERY)
def test_every_registered_class_can_be_built_from_its_name_alone(cls: Any) -> None:
    assert cls() == cls()
    assert cls.__dataclass_params__.frozen
    assert cls.__doc__


@pytest.mark.parametrize("cls", EVERY)
def test_every_hyperparameter_is_of_its_type_within_its_bounds_and_explained(cls: Any) -> None:
    hints = get_type_hints(cls)
    for each in parameters_of(cls):
        assert each.type is hints[each.name]  # a default of 1 for a float would make it an int to YAML
        assert each.text
        assert each.minimum is None or each.minimum <= each.default
        assert each.maximum is None or each.default <= each.maximum
        assert each.above is None or each.above < each.default
        assert each.below is None or each.default < each.below


def test_a_thing_is_described_by_what_builds_it_again() -> None:
    for thing in (LOSSES.create("huber", threshold=0.5), LOSSES.create("quadratic")):
        described = describe(thing)
        assert LOSSES.create(described.pop("name"), **described) == thing
    assert describe(LOSSES.create("huber", threshold=0.5)) == {"name": "huber", "threshold": 0.5}
