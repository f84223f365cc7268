"""The formulas of the registry, read from their LaTeX: so there is one formula, and it is what is explained.

The LaTeX of an activation or a loss is simple: fractions, powers, a few functions, sums over units, an "if"
and definitions after a comma. It is read with the values of the names at hand.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from bpnet.inspection.formulas import (
    Call,
    Cases,
    Condition,
    E,
    Expression,
    Name,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
)

Lookup = Callable[[str, int | None], Expression]
"""A name and the unit it is asked for (from 1, or None) to a quantity."""

_PIECE = re.compile(
    r"\\(?:text|operatorname)\{[^}]*\}|\\[a-zA-Z]+|\\[,;]|\d+(?:\.\d+)?|[a-zA-Z]|[-+/^_(){}\[\]|=<>,]"
)
_SKIPPED = {r"\left", r"\right", r"\,", r"\;"}
_FUNCTIONS = {r"\tanh", r"\log", r"\max", r"\min", r"\sqrt", r"\operatorname{sign}"}
_RELATIONS = {">": ">", r"\le": "≤", "=": "="}
_GREEK = {r"\alpha": "α", r"\pi": "π"}
_IF, _ELSE = r"\text{ if }", r"\text{ else }"
_ENDS = {")", "]", "}", "|", ",", "+", "-", "/", ">", "=", r"\le", _IF, _ELSE}
"""What no product goes on with."""


def read_formula(
    latex: str, lookup: Lookup, n_units: int, unit: int | None = None, **indices: int
) -> Expression:
    """Read a formula.

    Parameters
    ----------
    latex : str
        As the registry has it.
    lookup : callable
        Gives ``z``, ``a``, ``y`` of a unit, and hyperparameters by their letter.
    n_units : int
        How many units sums go over.
    unit : int, optional
        The unit that names without an index belong to, and j.
    **indices : int
        Values of other letters that stand as indices.

    Raises
    ------
    ValueError
        If it holds something that is not known here.
    """
    formula, *definitions = re.split(r",\\;\s*", latex)
    known = {}
    for definition in definitions:
        name, _, body = definition.partition("=")
        known[name.strip()] = body
    own = {} if unit is None else {"j": unit}
    return _Reader(formula, _Scope(lookup, n_units, known, {**own, **indices}, unit)).read()


@dataclass(frozen=True)
class _Scope:
    """What names mean."""

    lookup: Lookup
    n_units: int
    definitions: Mapping[str, str]
    indices: Mapping[str, int]
    unit: int | None


class _Reader:
    """Reads one formula from left to right."""

    def __init__(self, text: str, scope: _Scope) -> None:
        if unknown := _PIECE.sub("", text).strip():
            raise ValueError(f"cannot read {unknown!r} in {text}")
        self._pieces = [piece for piece in _PIECE.findall(text) if piece not in _SKIPPED]
        self._at, self._text, self._scope = 0, text, scope

    def read(self) -> Expression:
        expression = self._cases(self._sum)
        if self._peek():
            raise ValueError(f"cannot read {self._peek()!r} in {self._text}")
        return expression

    def _peek(self) -> str:
        return self._pieces[self._at] if self._at < len(self._pieces) else ""

    def _take(self, expected: str = "") -> str:
        piece = self._peek()
        if not piece or (expected and piece != expected):
            raise ValueError(f"expected {expected or 'more'}, found {piece!r} in {self._text}")
        self._at += 1
        return piece

    def _cases(self, part: Callable[[], Expression]) -> Expression:
        then = part()
        if self._peek() != _IF:
            return then
        self._take()
        condition = self._condition()
        self._take(_ELSE)
        return Cases(then, condition, part())

    def _condition(self) -> Condition:
        left, relation = self._sum(), _RELATIONS[self._take()]
        return Condition(left, relation, self._sum())

    def _sum(self) -> Expression:
        terms = [self._product()]
        while self._peek() in ("+", "-"):
            sign = self._take()
            term = self._product()
            terms.append(term if sign == "+" else Negative(term))
        return terms[0] if len(terms) == 1 else Sum(tuple(terms))

    def _product(self) -> Expression:
        if self._peek() == "-":
            self._take()
            return Negative(self._product())
        factors = [self._power()]
        while self._peek() and self._peek() not in _ENDS:
            factors.append(self._power())
        whole = factors[0] if len(factors) == 1 else Product(tuple(factors))
        if self._peek() == "/":
            self._take()
            return Quotient(whole, self._product())
        return whole

    def _power(self) -> Expression:
        base = self._atom()
        if self._peek() == "^":
            self._take()
            return Power(base, self._group())
        return base

    def _group(self) -> Expression:
        """What stands in braces, or one piece without them."""
        if self._peek() != "{":
            return self._atom()
        return self._between("{", "}", self._sum)

    def _between(self, first: str, last: str, part: Callable[[], Expression]) -> Expression:
        self._take(first)
        inner = self._cases(part)
        self._take(last)
        return inner

    def _atom(self) -> Expression:
        piece = self._peek()
        if piece in ("(", "[", "|"):
            return self._bracket(piece)
        if piece in (r"\frac", r"\tfrac"):
            self._take()
            return Quotient(self._group(), self._group())
        if piece in _FUNCTIONS:
            return self._call()
        if piece == r"\sum":
            return self._sum_over_units()
        self._take()
        if piece[0].isdigit():
            return Number(float(piece))
        return self._name(_GREEK.get(piece, piece))

    def _bracket(self, piece: str) -> Expression:
        if piece == "(":
            return self._between("(", ")", self._sum)
        if piece == "|":
            return Call("abs", (self._between("|", "|", self._sum),))
        self._take("[")
        condition = self._condition()
        self._take("]")
        return condition

    def _call(self) -> Expression:
        function = self._take().removeprefix("\\").removeprefix("operatorname{").removesuffix("}")
        if self._peek() == "{":
            return Call(function, (self._group(),))
        if self._peek() != "(":
            return Call(function, (self._power(),))
        self._take()
        arguments = [self._sum()]
        while self._peek() == ",":
            self._take()
            arguments.append(self._sum())
        self._take(")")
        return Call(function, tuple(arguments))

    def _sum_over_units(self) -> Expression:
        self._take()
        self._take("_")
        index, start, terms, outside = self._take(), self._at, [], self._scope
        for unit in range(1, outside.n_units + 1):
            self._at = start
            self._scope = replace(outside, indices={**outside.indices, index: unit})
            terms.append(self._cases(self._product))
        self._scope = outside
        return Sum(tuple(terms)) if len(terms) > 1 else terms[0]

    def _name(self, name: str) -> Expression:
        scope = self._scope
        unit = scope.unit
        if self._peek() == "_":
            self._take()
            unit = scope.indices[self._take()]
        elif name in scope.indices:
            return Number(scope.indices[name])
        if name in scope.definitions:
            return _Reader(scope.definitions[name], replace(scope, unit=unit)).read()
        constants: dict[str, Expression] = {
            "e": E,
            "π": Name("π", math.pi),
            "n": Number(scope.n_units),
        }
        return constants[name] if name in constants else scope.lookup(name, unit)
