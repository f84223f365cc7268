"""Reading printed equations back, and evaluating them: an arithmetic of its own, made for the tests."""

import math
import re
from typing import Any

NAMES: dict[str, Any] = {
    "e": math.e,
    "pi": math.pi,
    "exp": math.exp,
    "log": math.log,
    "tanh": math.tanh,
    "sqrt": math.sqrt,
    "max": max,
    "min": min,
    "abs": abs,
    "sign": lambda x: (x > 0) - (x < 0),
}
_WORDS = {*NAMES, "if", "else"}


def value_of(python: str) -> float | None:
    """What a Python expression comes to; None if there are names in it."""
    names = set(re.findall(r"[^\W\d]\w*", re.sub(r"\d(?:\.\d+)?e[-+]?\d+", "0", python)))
    if names - _WORDS:
        return None
    return float(eval(python, {"__builtins__": {}}, NAMES))  # noqa: S307 - our own page


def from_plain(text: str) -> str:
    """Unicode's signs as Python."""
    text = (
        text.replace("e^(", "exp(")
        .replace("−", "-")
        .replace("·", "*")
        .replace("≤", "<=")
        .replace("√", "sqrt")
    )
    text = (
        text.replace("½", "(1/2)")
        .replace("π", "pi")
        .replace("²", "**2")
        .replace("³", "**3")
        .replace("^", "**")
    )
    text = re.sub(r"\|([^|]*)\|", r"abs(\1)", text)
    return re.sub(r"\[([^\]]*)\]", lambda m: f"({re.sub(r'(?<![<>=])=(?!=)', '==', m[1])})", text)


def from_latex(text: str) -> str:
    """LaTeX's mathematics as Python."""
    text = re.sub(r"\\text\{( if | else )\}", r"\1", text)
    text = text.replace(r"\operatorname{sign}", "sign").replace(r"\le ", "<= ").replace(r"\pi", "pi")
    text = (
        text.replace(r"\left|", "abs(")
        .replace(r"\right|", ")")
        .replace(r"\left(", "(")
        .replace(r"\right)", ")")
    )
    text = text.replace(r"\cdot", "*")
    for name in ("tanh", "log", "max", "min"):
        text = text.replace(f"\\{name}", name)
    before = ""
    while before != text:
        before = text
        text = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", text)
        text = re.sub(r"\\sqrt\{([^{}]*)\}", r"sqrt(\1)", text)
        text = re.sub(r"\^\{([^{}]*)\}", r"**(\1)", text)
    return re.sub(r"\[([^\]]*)\]", lambda m: f"({re.sub(r'(?<![<>=])=(?!=)', '==', m[1])})", text)
