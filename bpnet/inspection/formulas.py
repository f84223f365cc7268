"""Formulas with their numbers: trees of named values that can be written in any notation, and evaluated.

A name carries its value, so that one tree is the formula, the same with numbers put in, and the result.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Number:
    """A number that belongs to the formula, such as the 1 of 1 − a."""

    value: float


@dataclass(frozen=True)
class Name:
    """A quantity of the network: w²₁₂ is ``Name("w", 0.2, layer=2, units=(1, 2))``.

    Attributes
    ----------
    letter : str
        ``w``, ``b``, ``z``, ``a``, ``y``, ``x``, ``δ``, ``C``, ``η``, ``λ`` or another.
    value : float
        Not a number where the name stands for a whole layer.
    layer : int or None
    units : tuple of int
        Counted from 1; of a weight, the unit it leads to and the one it comes from.
    after : bool
        Whether it is the quantity after the step.
    sample : int or None
        Whose it is, of several samples, from 1.
    """

    letter: str
    value: float = math.nan
    layer: int | None = None
    units: tuple[int, ...] = ()
    after: bool = False
    sample: int | None = None


@dataclass(frozen=True)
class Slope:
    """σ′(z) of a unit."""

    of: Name
    value: float


@dataclass(frozen=True)
class Partial:
    """∂top/∂bottom."""

    top: Name
    bottom: Name
    value: float


@dataclass(frozen=True)
class Rest:
    """What is left out of a long sum: how many terms, and their sum."""

    count: int
    value: float


@dataclass(frozen=True)
class Sum:
    """Terms, one after the other."""

    terms: "tuple[Expression, ...]"


@dataclass(frozen=True)
class Product:
    """Factors, one after the other."""

    factors: "tuple[Expression, ...]"


@dataclass(frozen=True)
class Quotient:
    """One expression over another."""

    top: "Expression"
    bottom: "Expression"


@dataclass(frozen=True)
class Power:
    """One expression to the power of another."""

    base: "Expression"
    exponent: "Expression"


@dataclass(frozen=True)
class Negative:
    """Minus an expression."""

    inner: "Expression"


@dataclass(frozen=True)
class Call:
    """A function: ``tanh``, ``log``, ``sqrt``, ``max``, ``min``, ``sign`` or ``abs``."""

    function: str
    arguments: "tuple[Expression, ...]"


@dataclass(frozen=True)
class Condition:
    """A comparison: ``>``, ``≤`` or ``=``; as a number 1 if it holds, else 0."""

    left: "Expression"
    relation: str
    right: "Expression"


@dataclass(frozen=True)
class Cases:
    """One expression if a condition holds, else another."""

    then: "Expression"
    condition: Condition
    otherwise: "Expression"


Expression: TypeAlias = (
    Number
    | Name
    | Slope
    | Partial
    | Rest
    | Sum
    | Product
    | Quotient
    | Power
    | Negative
    | Call
    | Condition
    | Cases
)
Quantity: TypeAlias = Number | Name | Slope | Partial | Rest
"""What has a value of its own."""

E = Name("e", math.e)

_FUNCTIONS: dict[str, Callable[..., float]] = {
    "tanh": math.tanh,
    "log": math.log,
    "sqrt": math.sqrt,
    "max": max,
    "min": min,
    "abs": abs,
    "sign": lambda x: float((x > 0) - (x < 0)),
}
_RELATIONS: dict[str, Callable[[float, float], bool]] = {
    ">": lambda left, right: left > right,
    "≤": lambda left, right: left <= right,
    "=": lambda left, right: left == right,
}


def evaluate(expression: Expression) -> float:  # noqa: PLR0911 - one line a kind
    """The number that a formula comes to, from the values of its names.

    Raises
    ------
    OverflowError, ValueError, ZeroDivisionError
        Where it has no finite value.
    """
    match expression:
        case Sum(terms):
            return math.fsum(map(evaluate, terms))
        case Product(factors):
            return math.prod(map(evaluate, factors))
        case Quotient(top, bottom):
            return evaluate(top) / evaluate(bottom)
        case Power(base, exponent):
            return float(evaluate(base) ** evaluate(exponent))
        case Negative(inner):
            return -evaluate(inner)
        case Call(function, arguments):
            return float(_FUNCTIONS[function](*map(evaluate, arguments)))
        case Condition(left, relation, right):
            return float(_RELATIONS[relation](evaluate(left), evaluate(right)))
        case Cases(then, condition, otherwise):
            return evaluate(then) if evaluate(condition) else evaluate(otherwise)
        case _:
            return expression.value


def short(expression: Expression, most: int) -> Expression:
    """Shorten every sum in a formula, as :func:`shortened` does."""
    match expression:
        case Sum(terms):
            return shortened(tuple(short(term, most) for term in terms), most)
        case Product(factors):
            return Product(tuple(short(factor, most) for factor in factors))
        case Quotient(top, bottom):
            return Quotient(short(top, most), short(bottom, most))
        case Negative(inner):
            return Negative(short(inner, most))
        case Call(function, arguments):
            return Call(function, tuple(short(each, most) for each in arguments))
        case _:
            return expression


def shortened(terms: tuple[Expression, ...], most: int) -> Expression:
    """Add terms up, at most ``most`` of them one by one: the largest, in their order, and the rest."""
    if len(terms) == 1:
        return terms[0]
    if len(terms) <= most:
        return Sum(terms)
    values = [evaluate(term) for term in terms]
    largest = sorted((k for k, value in enumerate(values) if value), key=lambda k: -abs(values[k]))[
        : most - 1
    ]
    if not largest:
        largest = [0]
    left = math.fsum(value for k, value in enumerate(values) if k not in largest)
    return Sum((*(terms[k] for k in sorted(largest)), Rest(len(terms) - len(largest), left)))
