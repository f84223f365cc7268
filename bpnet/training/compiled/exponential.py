"""The exponential as arithmetic that a compiler can do for many numbers at once."""

import math
from decimal import Decimal, localcontext
from typing import Any

import numpy as np

_DEGREES = {"float32": 7, "float64": 13}
"""Powers of r, |r| ≤ ½·ln 2, after which what is left of the series is below rounding."""

_FUNCTION = """@numba.njit
def power_of_2(k):
    return np.{integer}(np.{integer}(k + {bias}) << {bits}).view(np.{dtype})


@numba.njit
def exp(x):
    lowest, highest = number({lowest!r}), number({highest!r})  # beyond are 0 and infinity
    x = lowest if x < lowest else highest if x > highest else x
    n = np.rint(x * number({per_ln_2!r}))
    r = (x - n * number({ln_2!r})) - n * number({rest!r})
    y = number({first!r})
{terms}
    k = np.int32(n) if x == x else np.int32(0)  # nan is in y
    half = k >> 1  # 2 to the k alone may be too large or too small for a number
    return y * power_of_2(half) * power_of_2(k - half)"""


def write_exponential(dtype: np.dtype[Any]) -> str:
    """The source of ``exp``, for numbers of one kind.

    exp(x) = 2ⁿ·exp(r), where n is x / ln 2 rounded and r what that leaves: r from its series, and 2ⁿ by
    writing n where a number keeps its exponent. It is at most two units in the last place off, where a
    library's is at most one.

    Parameters
    ----------
    dtype : dtype
        float32 or float64.

    Returns
    -------
    str
        A function of one number, and one that it calls; ``number``, ``numba`` and ``np`` must be known.
    """
    known, bits = np.finfo(dtype), np.finfo(dtype).nmant
    bias = int(known.maxexp) - 1
    with localcontext(prec=50):
        ln_2 = Decimal(2).ln()
        # So few digits that n times it is exact; the others come apart.
        short = round(ln_2 * 2 ** (bits - 12)) / Decimal(2 ** (bits - 12))
        rest = float(ln_2 - short)
    degree = _DEGREES[dtype.name]
    return _FUNCTION.format(
        lowest=-(bias + bits + 2) * math.log(2),
        highest=(bias + 2) * math.log(2),
        per_ln_2=1 / math.log(2),
        ln_2=float(short),
        rest=rest,
        first=1 / math.factorial(degree),
        terms="\n".join(
            f"    y = y * r + number({1 / math.factorial(power)!r})" for power in reversed(range(degree))
        ),
        integer=f"int{8 * dtype.itemsize}",
        bias=bias,
        bits=bits,
        dtype=dtype.name,
    )
