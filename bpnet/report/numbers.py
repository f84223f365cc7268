"""Numbers as people read them."""

import math

LONGEST = 8
"""Columns that :func:`short` and :func:`metric` need at most."""

WIDE = 60
"""Below so many columns of a terminal every one counts."""

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_MINUTE, _HOUR = 60, 3600


def superscript(number: int) -> str:
    """A layer number as an exponent: δ³."""
    return str(number).translate(_SUPERSCRIPTS)


def short(value: float) -> str:
    """Four significant digits, without an exponent where that stays short; eight columns at most."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    exponent = math.floor(math.log10(abs(value)))
    if -3 <= exponent <= 5:  # noqa: PLR2004 - beyond these an exponent is shorter
        plain = f"{value:.{max(0, 3 - exponent)}f}"
        if len(plain) <= LONGEST:
            return plain
    return next(text for text in (f"{value:.{digits}e}" for digits in (2, 1, 0)) if len(text) <= LONGEST)


def metric(name: str, value: float) -> str:
    """A metric's value: an accuracy with four decimals, anything else like a loss."""
    fixed = f"{value:.4f}"
    return fixed if name in {"accuracy", "r2"} and len(fixed) <= LONGEST else short(value)


def factor(value: float) -> str:
    """How many times as much: ``400``, ``54,901``, ``3e+12``."""
    return f"{value:,.0f}" if value < 1e6 else f"{value:.0e}"  # noqa: PLR2004 - more digits tell no more


def percent(share: float) -> str:
    """A share in per cent, with a space before the sign: ``61 %``."""
    return f"{factor(100 * share)} %"


def duration(seconds: float) -> str:
    """Seconds as ``0.06 s``, ``4.2 s``, ``3 min 05 s`` or ``2 h 10 min``."""
    if seconds < _MINUTE:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    if seconds < _HOUR:
        return f"{int(seconds) // _MINUTE} min {int(seconds) % _MINUTE:02d} s"
    return f"{int(seconds) // _HOUR} h {int(seconds) % _HOUR // _MINUTE:02d} min"
