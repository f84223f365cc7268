import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpnet.config.places import KeyPath, ancestors, printable, read_path, write_path

KEYS = st.text(st.characters(codec="ascii", categories=["L", "N", "Pd", "Pc"]), min_size=1)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("seed", ("seed",)),
        ("training.epochs", ("training", "epochs")),
        ("network.layers[1].size", ("network", "layers", 1, "size")),
        ("a[0][12]", ("a", 0, 12)),
        ("[3].a", (3, "a")),
        ("network.layers.1", ("network", "layers", "1")),
    ],
)
def test_paths_are_read_as_people_write_them(text: str, path: KeyPath) -> None:
    assert read_path(text) == path


@pytest.mark.parametrize(
    "text",
    ["", ".a", "a.", "a..b", "a b", "a[", "a[]", "a[x]", "a[-1]", "a]b", "a=b", "[1]a", "a[1234567890]"],
)
def test_what_is_no_path_is_refused(text: str) -> None:
    assert read_path(text) is None


@given(st.builds(lambda first, rest: (first, *rest), KEYS, st.lists(KEYS | st.integers(0, 10**9 - 1))))
def test_a_written_path_reads_back(path: KeyPath) -> None:
    assert read_path(write_path(path)) == path


def test_a_key_cannot_command_the_terminal() -> None:
    assert write_path(("a", "b\x1b[31m\nc")) == r"a.b\x1b[31m\nc"


@given(st.text(st.characters()))
def test_printable_text_is_one_line_that_can_be_encoded(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    shown.encode()


def test_ancestors_end_at_the_root() -> None:
    assert list(ancestors(("a", 1))) == [("a", 1), ("a",), ()]
