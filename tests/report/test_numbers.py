import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpnet.report.numbers import LONGEST, duration, factor, metric, percent, short, superscript

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0"),
        (1.0, "1.000"),
        (0.08431, "0.08431"),
        (0.001234567, "0.001235"),
        (0.0009, "9.00e-04"),
        (43.4372, "43.44"),
        (123456.7, "123457"),
        (1234567.0, "1.23e+06"),
        (1e-12, "1.00e-12"),
        (1e9, "1.00e+09"),
        (1e-300, "1.0e-300"),
        (-1.5, "-1.500"),
        (-0.0012345, "-1.2e-03"),
        (-1e300, "-1e+300"),
        (math.inf, "inf"),
        (math.nan, "nan"),
    ],
)
def test_short(value: float, expected: str) -> None:
    assert short(value) == expected


@given(FINITE)
def test_short_is_short_and_near(value: float) -> None:
    text = short(value)
    assert len(text) <= LONGEST
    if abs(value) < 1e308 and not 0 < abs(value) < 1e-300:  # beyond, rounding leaves the numbers there are
        digits = 1 if len(f"{value:.1e}") > LONGEST else 2 if len(f"{value:.2e}") > LONGEST else 3
        assert float(text) == pytest.approx(value, rel=0.5 * 10 ** (1 - digits))


@pytest.mark.parametrize("name", ["accuracy", "r2", "mae", "loss"])
@given(value=FINITE)
def test_a_metric_fits_into_its_column(name: str, value: float) -> None:
    assert len(metric(name, value)) <= LONGEST


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("accuracy", 0.96657, "0.9666"),
        ("accuracy", 1.0, "1.0000"),
        ("r2", -1.61581, "-1.6158"),
        ("r2", -123.45678, "-123.5"),
        ("r2", -1e9, "-1.0e+09"),
        ("mae", 0.5, "0.5000"),
        ("mae", 43.4372, "43.44"),
    ],
)
def test_metric(name: str, value: float, expected: str) -> None:
    assert metric(name, value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(99.6, "100"), (54901.2, "54,901"), (3e12, "3e+12"), (math.inf, "inf")]
)
def test_factor(value: float, expected: str) -> None:
    assert factor(value) == expected


def test_percent() -> None:
    assert [percent(0.61), percent(1.0), percent(92.0), percent(1e30)] == [
        "61 %",
        "100 %",
        "9,200 %",
        "1e+32 %",
    ]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0, "0.00 s"),
        (0.063, "0.06 s"),
        (4.21, "4.2 s"),
        (60.0, "1 min 00 s"),
        (185.9, "3 min 05 s"),
        (3600.0, "1 h 00 min"),
        (7859.0, "2 h 10 min"),
    ],
)
def test_duration(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


def test_superscript() -> None:
    assert superscript(1234567890) == "¹²³⁴⁵⁶⁷⁸⁹⁰"
