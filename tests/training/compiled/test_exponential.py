import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest

from bpnet.training.compiled.exponential import write_exponential

DTYPES = [np.float32, np.float64]


def compiled_exp(dtype: Any) -> Callable[[Any], Any]:
    """The function, compiled, over an array."""
    names: dict[str, Any] = {"numba": numba, "np": np, "number": dtype}
    exec(write_exponential(np.dtype(dtype)), names)  # noqa: S102 - the text is the thing under test
    exp = names["exp"]

    @numba.njit
    def over(x: Any, y: Any) -> Any:
        for i in range(len(x)):
            y[i] = exp(x[i])
        return y

    return lambda x: over(x, np.empty_like(x))


@pytest.mark.parametrize("dtype", DTYPES)
def test_within_two_units_in_the_last_place(dtype: Any) -> None:
    known = np.finfo(dtype)
    x = np.linspace(math.log(known.tiny), math.log(float(known.max)), 1_000_003).astype(dtype)[:-1]
    exact = np.exp(x.astype(np.longdouble))
    off = np.abs(compiled_exp(dtype)(x) - exact) / np.spacing(exact.astype(dtype))
    assert 0.4 < off.max() < 2  # a comparison that could not fail would find 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_around_0(dtype: Any) -> None:
    x = np.array([0, 1e-30, -1e-30, 1e-8, -1e-8], dtype)
    assert np.array_equal(compiled_exp(dtype)(x), np.exp(x))


@pytest.mark.parametrize("dtype", DTYPES)
def test_beyond_every_number(dtype: Any) -> None:
    known = np.finfo(dtype)
    most, least = math.log(float(known.max)), math.log(float(known.smallest_subnormal))
    x = np.array([np.inf, 10 * most, most + 1e-3, -np.inf, 10 * least, least - 1, np.nan], dtype)
    with np.errstate(over="ignore"):
        assert np.array_equal(compiled_exp(dtype)(x), np.exp(x), equal_nan=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_below_full_precision(dtype: Any) -> None:
    known = np.finfo(dtype)
    x = np.linspace(math.log(float(known.smallest_subnormal)), math.log(known.tiny), 1001).astype(dtype)
    y = compiled_exp(dtype)(x)
    assert np.abs(y - np.exp(x)).max() <= known.smallest_subnormal
