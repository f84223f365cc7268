import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpnet.config.scalars import LONGEST_NUMBER, resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-0.5", -0.5),
        ("+7", 7),
        ("0", 0),
        ("0.10", 0.1),
        ("0o17", 15),
        ("0x1F", 31),
        ("true", True),
        ("False", False),
        ("NULL", None),
        ("~", None),
        ("", None),
        (".inf", math.inf),
        ("+.Inf", math.inf),
        ("-.INF", -math.inf),
    ],
)
def test_numbers_and_constants_of_yaml_1_2(text: str, value: object) -> None:
    found = resolve(text)
    assert found == value
    assert type(found) is type(value)


def test_nan() -> None:
    found = resolve(".nan")
    assert isinstance(found, float)
    assert math.isnan(found)


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "yes",
        "on",
        "OFF",
        "y",
        "n",
        "1:30",
        "1_000",
        "1e",
        ".",
        "-",
        "0b1",
        "0xg",
        "1.2.3",
        "inf",
        "nan",
        "2001-12-14",
        "tRUE",
        "=",
        "<<",
        "e5",
        "--1",
    ],
)
def test_words_that_older_yaml_reads_as_something_else_are_text(text: str) -> None:
    assert resolve(text) == text


@pytest.mark.parametrize(("text", "plain"), [("010", 10), ("-010", -10), ("00", 0), ("+08", 8)])
def test_a_leading_zero_is_ambiguous(text: str, plain: int) -> None:
    with pytest.raises(ValueError, match="octal") as caught:
        resolve(text)
    assert f"found {text}, " in str(caught.value)
    assert f'write {plain}, or "{text}" in quotes' in str(caught.value)


@pytest.mark.parametrize("text", ["9" * (LONGEST_NUMBER + 1), "9" * 5000, "0x" + "f" * 98, "0o" + "7" * 5000])
def test_absurdly_long_numbers_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"at most {LONGEST_NUMBER} are read"):
        resolve(text)


@pytest.mark.parametrize("text", ["9" * LONGEST_NUMBER, "0x" + "f" * 83, "0o" + "7" * 98])
def test_a_number_that_is_read_can_be_written_in_decimal_and_read_again(text: str) -> None:
    assert resolve(str(resolve(text))) == resolve(text)


@given(st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False))
def test_python_numbers_read_back_equal(number: float) -> None:
    found = resolve(repr(number))
    assert found == number
    assert type(found) is type(number)
