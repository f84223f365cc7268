"""Formulas written out, as plain text with Unicode's own signs or as LaTeX, with names or with numbers."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, TypeAlias

from bpnet.inspection.explanation.blocks import Matrix
from bpnet.inspection.formulas import (
    Call,
    Cases,
    Condition,
    Expression,
    Name,
    Negative,
    Number,
    Partial,
    Power,
    Product,
    Quantity,
    Quotient,
    Rest,
    Slope,
    Sum,
    evaluate,
)
from bpnet.report.numbers import superscript

DIGITS = 6
"""Significant digits that numbers are shown with, unless others are asked for."""

Inner: TypeAlias = Callable[[Expression, int], str]
"""Writes a part, in brackets if it holds together less tightly than it must."""

_SUM, _PRODUCT, _POWER, _ATOM = range(4)
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_ONE_DIGIT = 10


class Notation(ABC):
    """A way to write formulas.

    Parameters
    ----------
    digits : int
        Significant digits of numbers.
    """

    minus: ClassVar[str]

    def __init__(self, digits: int = DIGITS) -> None:
        self.digits = digits

    def formula(self, expression: Expression) -> str:
        """The formula with its names."""
        return self._write(expression, numbers=False)[0]

    def numbers(self, expression: Expression) -> str:
        """The formula with the numbers in place of the names."""
        return self._write(expression, numbers=True)[0]

    @abstractmethod
    def matrix(self, matrix: Matrix) -> str:
        """A matrix by its name."""

    def words(self, text: str) -> str:
        """Words within a formula."""
        return text

    def number(self, value: float) -> str:
        """A number, rounded to the digits asked for."""
        return self._rounded(f"{value + 0.0:.{self.digits}g}")  # + 0.0 makes 0 of −0

    def _write(self, expression: Expression, *, numbers: bool) -> tuple[str, int]:  # noqa: C901, PLR0911, PLR0912 - one a kind
        """The text, and how tightly it holds together."""

        def inner(part: Expression, least: int) -> str:
            text, tightness = self._write(part, numbers=numbers)
            return text if tightness >= least else self._bracketed(text)

        match expression:
            case Sum(terms):
                return self._sum(terms, inner), _SUM
            case Product(factors):
                return self._product([inner(factor, _PRODUCT) for factor in factors]), _PRODUCT
            case Quotient(top, bottom):
                return self._quotient(top, bottom, inner)
            case Power(base, exponent):
                text = inner(base, _ATOM)
                if isinstance(base, Name) and base.layer and not numbers:
                    text = self._bracketed(text)  # a² is layer 2's, its square (a²)²
                return self._power(text, exponent, inner(exponent, _SUM)), _POWER
            case Negative(part):
                return f"{self.minus}{inner(part, _PRODUCT)}", _SUM
            case Call(function, arguments):
                return self._call(function, [inner(each, _SUM) for each in arguments]), _ATOM
            case Condition(left, relation, right):
                text = f"{inner(left, _SUM)} {self._relation(relation)} {inner(right, _SUM)}"
                return f"[{text}]", _ATOM
            case Cases(then, condition, otherwise):
                if numbers:  # with numbers it is known which case it is
                    return self._write(then if evaluate(condition) else otherwise, numbers=True)
                asked = inner(condition, _SUM)[1:-1]
                return self._cases(inner(then, _SUM), asked, inner(otherwise, _SUM)), _ATOM
            case Number(value):
                return self._rounded(f"{value:.10g}"), _ATOM if value >= 0 else _SUM
            case _:
                if numbers and not _is_constant(expression):
                    return self.number(expression.value), _ATOM if expression.value >= 0 else _SUM
                return self._named(expression), _ATOM

    def _term(self, term: Expression, inner: Inner) -> tuple[str, str]:
        """Sign and text of a term of a sum."""
        if isinstance(term, Negative):
            return self.minus, inner(term.inner, _PRODUCT)
        return "+", inner(term, _PRODUCT)

    def _sum(self, terms: tuple[Expression, ...], inner: Inner) -> str:
        signed = [self._term(term, inner) for term in terms]
        if signed[0][0] == "+":
            signed[0] = "+", inner(terms[0], _SUM)  # nothing stands before it
        (sign, first), *others = signed
        return (sign if sign != "+" else "") + first + "".join(f" {sign} {text}" for sign, text in others)

    @abstractmethod
    def _named(self, quantity: Quantity) -> str:
        """A quantity by its name."""

    @abstractmethod
    def _rounded(self, text: str) -> str:
        """A number that Python has rounded, in this notation."""

    @abstractmethod
    def _bracketed(self, text: str) -> str: ...

    @abstractmethod
    def _product(self, factors: list[str]) -> str: ...

    @abstractmethod
    def _quotient(self, top: Expression, bottom: Expression, inner: Inner) -> tuple[str, int]: ...

    @abstractmethod
    def _power(self, base: str, exponent: Expression, text: str) -> str: ...

    @abstractmethod
    def _call(self, function: str, arguments: list[str]) -> str: ...

    @abstractmethod
    def _relation(self, relation: str) -> str: ...

    @abstractmethod
    def _cases(self, then: str, condition: str, otherwise: str) -> str: ...


def _is_constant(quantity: Quantity) -> bool:
    """Whether a name stands for the same number everywhere, and is left as it is."""
    return isinstance(quantity, Name) and quantity.letter in ("e", "π") and quantity.layer is None


class Plain(Notation):
    """Unicode's own signs: w²₁₂·a¹₂ + b²₁."""

    minus = "−"

    def matrix(self, matrix: Matrix) -> str:
        name = matrix.letter + ("" if matrix.layer is None else superscript(matrix.layer))
        if matrix.letter == "σ′":
            name = f"σ′(z{superscript(matrix.layer or 0)})"
        return f"({name})ᵀ" if matrix.transposed else name

    def _named(self, quantity: Quantity) -> str:
        match quantity:
            case Name(letter, _, layer, units, after, sample):
                above = ("" if layer is None else superscript(layer)) + ("⁺" if after else "")
                return (
                    letter
                    + above
                    + _subscript(units)
                    + ("" if sample is None else f"⁽{superscript(sample)}⁾")
                )
            case Slope(of):
                return f"σ′({self._named(of)})"
            case Partial(top, bottom):
                return f"∂{self._named(top)}/∂{self._named(bottom)}"
            case Rest(count):
                return f"({count:,} more)"
            case Number(value):
                return self._rounded(f"{value:.10g}")

    def _rounded(self, text: str) -> str:
        return text.replace("-", self.minus)

    def _bracketed(self, text: str) -> str:
        return f"({text})"

    def _product(self, factors: list[str]) -> str:
        return "·".join(factors)

    def _quotient(self, top: Expression, bottom: Expression, inner: Inner) -> tuple[str, int]:
        if (top, bottom) == (Number(1), Number(2)):
            return "½", _ATOM
        return f"{inner(top, _PRODUCT)}/{inner(bottom, _ATOM)}", _PRODUCT

    def _power(self, base: str, exponent: Expression, text: str) -> str:
        if exponent in (Number(2), Number(3)):
            return base + ("²" if exponent == Number(2) else "³")
        return f"{base}^({text})"

    def _call(self, function: str, arguments: list[str]) -> str:
        if function == "abs":
            return f"|{arguments[0]}|"
        return f"{'√' if function == 'sqrt' else function}({', '.join(arguments)})"

    def _relation(self, relation: str) -> str:
        return relation

    def _cases(self, then: str, condition: str, otherwise: str) -> str:
        return f"({then} if {condition} else {otherwise})"


def _subscript(units: tuple[int, ...]) -> str:
    """₁₂ for a weight to unit 1 from unit 2; with a comma in brackets where digits would run together."""
    if len(units) > 1 and max(units) >= _ONE_DIGIT:
        return f"[{','.join(map(str, units))}]"
    return "".join(str(unit).translate(_SUBSCRIPTS) for unit in units)


class Latex(Notation):
    """LaTeX's mathematics, without the dollars: w^{2}_{12} a^{1}_{2} + b^{2}_{1}."""

    minus = "-"

    def words(self, text: str) -> str:
        return rf"\text{{{text}}}"

    def matrix(self, matrix: Matrix) -> str:
        above = "" if matrix.layer is None else f"^{{{matrix.layer}}}"
        name = _LETTERS.get(matrix.letter, matrix.letter) + above
        if matrix.letter == "σ′":
            name = rf"\sigma'(z{above})"
        return rf"\left({name}\right)^\mathsf{{T}}" if matrix.transposed else name

    def _named(self, quantity: Quantity) -> str:
        match quantity:
            case Name(letter, _, layer, units, after, sample):
                comma = "," if len(units) > 1 and max(units) >= _ONE_DIGIT else ""
                above = ("" if layer is None else str(layer)) + ("+" if after else "")
                above += "" if sample is None else f"({sample})"
                above = f"^{{{above}}}" if above else ""
                below = f"_{{{comma.join(map(str, units))}}}" if units else ""
                return _LETTERS.get(letter, letter) + above + below
            case Slope(of):
                return rf"\sigma'({self._named(of)})"
            case Partial(top, bottom):
                return rf"\frac{{\partial {self._named(top)}}}{{\partial {self._named(bottom)}}}"
            case Rest(count):
                return rf"(\text{{{count:,} more}})"
            case Number(value):
                return self._rounded(f"{value:.10g}")

    def _rounded(self, text: str) -> str:
        mantissa, e, exponent = text.partition("e")
        return mantissa + (rf" \cdot 10^{{{int(exponent)}}}" if e else "")

    def _bracketed(self, text: str) -> str:
        return rf"\left({text}\right)"

    def _product(self, factors: list[str]) -> str:
        return r" \cdot ".join(factors)

    def _quotient(self, top: Expression, bottom: Expression, inner: Inner) -> tuple[str, int]:
        return rf"\frac{{{inner(top, _SUM)}}}{{{inner(bottom, _SUM)}}}", _PRODUCT

    def _power(self, base: str, exponent: Expression, text: str) -> str:
        return f"{base}^{{{text}}}"

    def _call(self, function: str, arguments: list[str]) -> str:
        inside = ", ".join(arguments)
        if function == "abs":
            return rf"\left|{inside}\right|"
        if function == "sqrt":
            return rf"\sqrt{{{inside}}}"
        name = r"\operatorname{sign}" if function == "sign" else rf"\{function}"
        return rf"{name}\left({inside}\right)"

    def _relation(self, relation: str) -> str:
        return {"≤": r"\le"}.get(relation, relation)

    def _cases(self, then: str, condition: str, otherwise: str) -> str:
        return rf"\left({then} \text{{ if }} {condition} \text{{ else }} {otherwise}\right)"


_LETTERS = {
    "δ": r"\delta ",
    "η": r"\eta ",
    "λ": r"\lambda ",
    "α": r"\alpha ",
    "π": r"\pi ",
    "∇ₐC": r"\nabla_a C",
    "Σw²": r"\textstyle\sum w^2",
}
