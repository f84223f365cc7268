"""Nothing that a file may hold ends in anything but a config or a ConfigError, or takes long."""

import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bpnet.config.dumping import flow
from bpnet.config.models import ExperimentConfig
from bpnet.config.places import KeyPath
from bpnet.errors import ConfigError
from tests.config.strategies import documents
from tests.config.texts import INLINE, TABLE, load, with_line

PIECES = st.sampled_from(
    [
        *TABLE.splitlines(keepends=True),
        *INLINE.splitlines(keepends=True),
        "- ",
        ": ",
        "? ",
        "{",
        "}",
        "[",
        "]",
        ",",
        "&a ",
        "*a ",
        "!!x ",
        "|\n",
        ">-\n",
        "'",
        '"',
        "\\",
        "#",
        "%YAML 9",
        "---\n",
        "...\n",
        "<<: ",
        "\t",
        "  ",
        "\n",
        "\r",
        "\x85",
        "\u2028",
        "\ufeff",
        "null",
        "010",
        ".inf",
        "1e999",
        "é",
    ]
)
WORDS = st.sampled_from(
    ["auto", "no", "sgd", "", "a.csv", "~nobody-here/a.csv", "x" * 99, "\x85", "name", "size", "W"]
)
NUMBERS = st.sampled_from([0, 1, -1, 2, 10**99, 0.5, -0.5, 1e300, 5.0])
VALUES = st.recursive(
    st.none() | st.booleans() | WORDS | NUMBERS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


def survives(text: bytes | str) -> ExperimentConfig | None:
    try:
        return load(text)
    except ConfigError as error:
        problems = error.problems
    assert problems
    assert all(problem.message for problem in problems)
    assert all(problem.where.startswith("c.yaml:") for problem in problems)
    return None


@given(st.binary() | st.text(st.characters()))
@example(b"\xef\xbb\xbf\xef\xbb\xbf: 1")
@example("%YAML 99999999999.9\n--- a")
@example("%TAG ! tag:x,2000:\n--- !y a")
@example('"\\U0011ffff"')
@example('"\\ud800": 1')
def test_any_text_or_bytes(text: bytes | str) -> None:
    assert survives(text) is None


@given(st.lists(PIECES, max_size=30).map("".join))
def test_any_heap_of_pieces_of_yaml(text: str) -> None:
    survives(text)
    survives(text.encode())


def spots(value: Any, path: KeyPath = ()) -> list[KeyPath]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(spot for key, inner in below for spot in spots(inner, (*path, key)))]


@given(documents(), st.data())
def test_a_right_config_with_one_thing_changed(values: dict[str, Any], data: st.DataObject) -> None:
    *way, last = data.draw(st.sampled_from(spots(values)[1:]))
    holder: Any = values
    for step in way:
        holder = holder[step]
    change = data.draw(st.sampled_from(["replace", "remove", "add"]))
    if change == "remove":
        del holder[last]
    elif change == "add" and isinstance(holder, dict):
        holder[data.draw(WORDS)] = data.draw(VALUES)
    else:
        holder[last] = data.draw(VALUES)
    survives(flow(values))


@given(st.dictionaries(st.sampled_from(["data", "network", "training", "name", "seed"]), VALUES))
def test_sections_that_hold_anything(values: dict[str, Any]) -> None:
    assert survives(flow(values)) is None


@pytest.mark.parametrize(
    "text",
    [
        with_line(f"data.features: [{', '.join(f'c{n}' for n in range(30_000))}]"),
        with_line(
            f"data.drop: [{', '.join(f'd{n}' for n in range(15_000))}]",
            with_line(f"data.features: [{', '.join(f'c{n}' for n in range(15_000))}]"),
        ),
    ],
)
def test_many_columns_are_read_in_linear_time(text: str) -> None:
    began = time.process_time()
    assert survives(text)
    assert time.process_time() - began < 3  # comparing every pair took 10 s
