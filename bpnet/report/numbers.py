"""Numbers as people read them."""

import math

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_MINUTE, _HOUR = 60, 3600


def superscript(number: int) -> str:
    """A layer number as an exponent: δ³."""
    return str(number).translate(_SUPERSCRIPTS)


def short(value: float) -> str:
    """Four significant digits, without an exponent where that stays short."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    exponent = math.floor(math.log10(abs(value)))
    if -3 <= exponent <= 5:  # noqa: PLR2004 - beyond these an exponent is shorter
        return f"{value:.{max(0, 3 - exponent)}f}"
    return f"{value:.2e}"


def metric(name: str, value: float) -> str:
    """A metric's value: an accuracy with three decimals or more, anything else like a loss."""
    return f"{value:.4f}" if name in {"accuracy", "r2"} else short(value)


def duration(seconds: float) -> str:
    """Seconds as ``0.06 s``, ``4.2 s``, ``3 min 05 s`` or ``2 h 10 min``."""
    if seconds < _MINUTE:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    if seconds < _HOUR:
        return f"{int(seconds) // _MINUTE} min {int(seconds) % _MINUTE:02d} s"
    return f"{int(seconds) // _HOUR} h {int(seconds) % _HOUR // _MINUTE:02d} min"
