"""What an unquoted word of YAML means, by the core schema of YAML 1.2."""

import math
import re

LONGEST_NUMBER = 100
"""Digits; Python itself refuses to read integers of many thousands."""

_CONSTANTS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **{sign + word: math.inf for sign in ("", "+") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_DECIMAL = re.compile(r"[-+]?[0-9]+")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_NUMBER = re.compile(
    r"0o[0-7]+ | 0x[0-9a-fA-F]+ | [-+]? (\.[0-9]+ | [0-9]+(\.[0-9]*)?) ([eE][-+]?[0-9]+)?", re.VERBOSE
)


def resolve(text: str) -> object:
    """Value of an unquoted scalar: None, a bool, an int, a float or the text itself.

    Raises
    ------
    ValueError
        If people would read the number in different ways, or it is absurdly long.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if not _NUMBER.fullmatch(text):
        return text
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"a number of {len(text)} characters; at most {LONGEST_NUMBER} are read")
    if text.startswith(("0o", "0x")):
        number = int(text, 0)
        if number >= 10**LONGEST_NUMBER:
            raise ValueError(f"a number of {len(str(number))} digits; at most {LONGEST_NUMBER} are read")
        return number
    if _LEADING_ZERO.fullmatch(text):
        plain = int(text)
        raise ValueError(
            f"found {text}, which some read as {plain} and some as octal; "
            f'write {plain}, or "{text}" in quotes if it is text'
        )
    return int(text) if _DECIMAL.fullmatch(text) else float(text)
