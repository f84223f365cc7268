import pytest
import yaml

from bpnet.config import yaml_text
from bpnet.config.yaml_text import MAX_BYTES, MAX_DEPTH, read_yaml
from tests.config.texts import TABLE, load, problem, problems, with_line


@pytest.fixture(params=["CSafeLoader", "SafeLoader"], autouse=True)
def _either_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_text, "_LOADER", getattr(yaml, request.param))


@pytest.mark.parametrize("text", ["", " \n\n", "# only a comment\n", b"", b"\xef\xbb\xbf", "\ufeff"])
def test_an_empty_config(text: bytes | str) -> None:
    assert problem(text) == "c.yaml:1:1: the config is empty"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("---\n", "nothing"),
        ("[1]", "a list"),
        ("just words", "'just words'"),
        ("{}", None),
        ("false", "false"),
    ],
)
def test_a_config_is_a_mapping(text: str, found: str | None) -> None:
    if found is None:
        assert len(problems(text)) == 3
    else:
        expected = "expected a mapping with data, network and training"
        assert problem(text) == f"c.yaml:1:1: found {found}, {expected}"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (TABLE.replace("  layers", "\tlayers"), "5:1"),
        (TABLE.replace("  layers", " \tlayers"), "5:2"),
        (TABLE.replace("  layers", "  \tlayers"), "5:3"),
        ("\tdata: 1", "1:1"),
        ("a:\r\tb: 1\r", "2:1"),
    ],
)
def test_a_tab_in_the_indentation(text: str, place: str) -> None:
    assert problem(text) == f"c.yaml:{place}: a tab in the indentation: use spaces"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: [1, 2\nb: 3\n", "2:2"),
        ("a: b: c", "1:5"),
        ("é: [ü,\n }]", "2:2"),
        ("a: 'open", "1:9"),
        ("a: {\r\n  b: 1\r\n]", "3:1"),
        ("a: @b", "1:4"),
    ],
)
def test_a_syntax_error_is_located(text: str, place: str) -> None:
    assert problem(text).startswith(f"c.yaml:{place}: not valid YAML: ")


def test_mistakes_before_a_syntax_error_are_told_too() -> None:
    said = problems("a: 1\na: 2\nb: ]\n")
    assert said[0] == "c.yaml:2:1: a: the key is given twice, first at c.yaml:1:1"
    assert said[1].startswith("c.yaml:3:4: not valid YAML")
    assert len(said) == 2


def test_a_duplicate_key_names_its_first_place() -> None:
    said = problem(TABLE + "  loss: huber\n")
    assert said == "c.yaml:10:3: training.loss: the key is given twice, first at c.yaml:7:3"


def test_a_duplicate_section() -> None:
    said = problem(TABLE + "network:\n  layers: [4, 2]\n")
    assert said == "c.yaml:10:1: network: the key is given twice, first at c.yaml:4:1"


def test_equal_keys_in_different_mappings_are_no_duplicates() -> None:
    document = read_yaml("a: {x: 1}\nb: {x: 2}\nc: [{x: 3}, {x: 4}]\n", "c.yaml")
    assert document.value == {"a": {"x": 1}, "b": {"x": 2}, "c": [{"x": 3}, {"x": 4}]}
    assert not document.mistakes


def test_an_alias_bomb_is_refused_without_being_built() -> None:
    levels = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 30)]
    document = read_yaml("\n".join(levels), "c.yaml")
    said = [mistake.message for mistake in document.mistakes]
    assert said.count("aliases (*a0) are not accepted: write the value out") == 2
    assert said.count("anchors (&a29) are not accepted: write the value out") == 1
    assert document.value == {"a0": ["x", "x"]} | {f"a{n}": [None, None] for n in range(1, 30)}


def test_an_alias_that_holds_itself() -> None:
    said = problems("data: &a [*a]\n")
    assert "c.yaml:1:7: data: anchors (&a) are not accepted: write the value out" in said
    assert "c.yaml:1:11: data[0]: aliases (*a) are not accepted: write the value out" in said


def test_an_anchor_or_tag_on_a_key() -> None:
    assert "c.yaml:1:1: a: anchors (&x) are not accepted: write the value out" in problems("&x a: 1\n")
    assert "c.yaml:1:1: a: tags (!!str) are not accepted: leave the tag out" in problems("!!str a: 1\n")


@pytest.mark.parametrize(
    ("tag", "shown"),
    [
        ("!!python/object/apply:os.system", "!!python/object/apply:os.system"),
        ("!!python/name:os.system", "!!python/name:os.system"),
        ("!mine", "!mine"),
        ("!!int", "!!int"),
        ("!", "!"),
    ],
)
def test_a_tag_is_refused_and_nothing_is_run(tag: str, shown: str) -> None:
    said = problem(with_line(f"seed: {tag} '7'"))
    assert said == f"c.yaml:1:7: seed: tags ({shown}) are not accepted: leave the tag out"


def test_a_tag_on_a_mapping_or_list() -> None:
    said = problem(with_line("network.layers: !!python/tuple [4, 2]"))
    assert said == "c.yaml:5:11: network.layers: tags (!!python/tuple) are not accepted: leave the tag out"


@pytest.mark.parametrize(
    ("key", "shown"), [("1", "1"), ("null", "null"), ("010", "010"), (".5", ".5"), ("~", "~")]
)
def test_a_key_that_is_not_text(key: str, shown: str) -> None:
    said = problem(f"{key}: 1\n{TABLE}")
    assert said.endswith(f'the key {shown} is not text: put it in quotes, "{shown}"')
    assert said.startswith("c.yaml:1:1: ")


def test_a_merge_key() -> None:
    said = problem(f"<<: {{seed: 1}}\n{TABLE}")
    assert said == "c.yaml:1:1: <<: merge keys (<<) are not accepted: write the keys out"


@pytest.mark.parametrize("key", ["[1, 2]", "{a: 1}", "? [1]\n"])
def test_a_key_that_is_a_list_or_mapping(key: str) -> None:
    assert any("a key must be a plain word" in said for said in problems(f"{key}: 1\n"))


def test_a_second_document() -> None:
    said = problem(TABLE + "---\nseed: 1\n")
    assert said == "c.yaml:10:1: a second document starts here; a config is one"


@pytest.mark.parametrize("text", ["#" * (MAX_BYTES + 1), b"#" * (MAX_BYTES + 1)])
def test_more_than_a_megabyte(text: bytes | str) -> None:
    assert problem(text) == "c.yaml:1:1: larger than 1 MB, too large for a config"


def test_a_megabyte_is_read() -> None:
    comment = "#" * (MAX_BYTES - len(TABLE))
    assert load(TABLE + comment) == load(TABLE)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "[{a: "])
def test_nested_ten_thousand_deep(opening: str) -> None:
    said = problem(opening * 10_000)
    assert f"nested deeper than {MAX_DEPTH} levels" in said or "exceeded maximum nesting depth" in said


def test_the_deepest_nesting_that_is_read() -> None:
    assert read_yaml("[" * MAX_DEPTH + "]" * MAX_DEPTH, "c.yaml").readable
    document = read_yaml("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "c.yaml")
    assert [mistake.message for mistake in document.mistakes] == [f"nested deeper than {MAX_DEPTH} levels"]
    assert document.mistakes[0].place is not None
    assert document.mistakes[0].place.text == f"c.yaml:1:{MAX_DEPTH + 1}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"name: a\nseed: \xff", "c.yaml:2:7: byte 15 (0xff) is not UTF-8: save it as UTF-8 text"),
        (b"\xef\xbb\xbf\xc3\xa9: \xe9", "c.yaml:1:4: byte 8 (0xe9) is not UTF-8: save it as UTF-8 text"),
        ("seed: 1".encode("utf-16"), "c.yaml:1:1: byte 1 (0xff) is not UTF-8: save it as UTF-8 text"),
    ],
)
def test_bytes_that_are_not_utf8_are_located(text: bytes, said: str) -> None:
    assert problem(text) == said


@pytest.mark.parametrize("text", [b"\xef\xbb\xbf" + TABLE.encode(), "\ufeff" + TABLE])
def test_a_byte_order_mark_is_skipped(text: bytes | str) -> None:
    assert load(text) == load(TABLE)


def test_a_byte_order_mark_moves_no_place() -> None:
    assert problem("\ufeffsed: 1\n" + TABLE) == problem("sed: 1\n" + TABLE)


@pytest.mark.parametrize(
    ("character", "code"),
    [("\x00", "0000"), ("\x07", "0007"), ("\x9b", "009B"), ("\ud800", "D800"), ("\ufffe", "FFFE")],
)
def test_a_character_that_yaml_forbids(character: str, code: str) -> None:
    said = problem(f"name: a\nseed: {character}\n")
    assert said == f"c.yaml:2:7: the character U+{code} cannot stand in YAML text"


def test_an_escaped_nul() -> None:
    said = problem(with_line(r'data.target: "a\0b"'))
    assert said == "c.yaml:2:11: data.target: the text holds an escaped character that no text can have"
    assert problem(r'"a\0b": 1').endswith("the key holds a character that no text can have")


@pytest.mark.parametrize("line", ["\n", "\r\n", "\r"])
def test_every_line_break_counts_lines_alike(line: str) -> None:
    text = TABLE.replace("epochs: 5", "epochs: -5").replace("\n", line)
    assert problem(text).startswith("c.yaml:9:11: training.epochs")


def test_columns_count_characters() -> None:
    assert problem(with_line("network.layers: [é, 2]")).startswith(
        "c.yaml:5:12: network.layers[0]: found 'é'"
    )


def test_a_value_on_the_next_line_is_shown_by_its_key() -> None:
    said = problem(with_line("network.layers: \n    - 4\n    - -1\n    - 2"))
    assert said.startswith("c.yaml:7:7: network.layers[1]: ")
    said = problem(TABLE.replace("  layers: [4, 3, 2]", "  layers:\n    - 4"))
    assert said.startswith("c.yaml:5:3: network.layers: found 1 layer, ")


def test_values_remember_where_they_stand() -> None:
    config = load(TABLE)
    assert config.locate("training.epochs") == "c.yaml:9:11"
    assert config.locate("network.layers[1]") == "c.yaml:5:15"
    assert config.locate("training.batch_size") == "c.yaml:6:1"
    assert config.locate("seed") == "c.yaml:1:1"
    assert config.locate("no path") == "c.yaml:1:1"
