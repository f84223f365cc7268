import pytest

from bpnet.config import key_table
from bpnet.config.hints import KEYS, NAMES, nearest, suggestion
from tests.config.texts import load, with_line

WORDS = {word for key in key_table() for word in key.accepts.replace(" or ", ", ").split(", ")}


def test_every_key_that_is_suggested_exists() -> None:
    paths = {key.path for key in key_table()}
    assert {meant.partition(":")[0] for meant in KEYS.values()} <= paths


@pytest.mark.parametrize(
    "line", sorted({meant for meant in KEYS.values() if "..." not in meant and ": " in meant})
)
def test_every_line_that_is_suggested_is_accepted(line: str) -> None:
    assert load(with_line(line))


def test_every_word_that_is_suggested_is_accepted_somewhere() -> None:
    assert set(NAMES.values()) <= WORDS


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("Swish", "swish"),
        ("swich", "swish"),
        ("SILU", "silu"),
        ("logistic", "sigmoid"),
        ("xyzzy", None),
        ("", None),
        (5, None),
        (None, None),
    ],
)
def test_the_nearest_name_is_our_own_before_another_tools(word: object, near: str | None) -> None:
    assert nearest(word, ["silu", "swish", "sigmoid"], NAMES) == near


def test_nothing_near_suggests_nothing() -> None:
    assert suggestion("xyzzy", ["silu"]) == ""
    assert suggestion("sillu", ["silu"]) == "; did you mean 'silu'?"
