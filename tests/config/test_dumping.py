import io
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bpnet.config import builtin_configs, dump_config, load_config, parse_config
from bpnet.config.dumping import flow
from bpnet.config.models import ExperimentConfig
from bpnet.config.yaml_text import read_yaml
from tests.config.strategies import NUMBER, TEXT, documents
from tests.config.texts import FOLDER, INLINE, TABLE, load, with_line


def back(config: ExperimentConfig) -> ExperimentConfig:
    """Read what was dumped, as another file in another folder."""
    return parse_config(dump_config(config), source="other.yaml", folder=Path("/elsewhere"))


@given(documents())
def test_a_dumped_config_reads_back_equal(values: dict[str, Any]) -> None:
    config = load(flow(values))
    text = dump_config(config)
    assert back(config) == config
    assert dump_config(back(config)) == text
    text.encode()


@given(
    st.recursive(
        TEXT | st.just("") | st.none() | st.booleans() | NUMBER | st.integers(-(10**98), 10**98),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT | st.just(""), inner, max_size=3),
        max_leaves=8,
    )
)
def test_any_value_on_one_line_reads_back_equal(value: Any) -> None:
    text = flow(value)
    assert len(text.splitlines()) <= 1
    document = read_yaml(text, "c.yaml")
    assert not document.mistakes
    assert document.value == value
    assert repr(document.value) == repr(value)


@pytest.mark.parametrize(
    "text", ["no", "yes", "1e-3", "010", "0o7", "1:30", "null", "~", "", " a", "a ", "a: b"]
)
@pytest.mark.parametrize("place", ["{}", "[{}, {}]", "{{a: {}}}"])
def test_a_word_stays_a_word_wherever_it_stands(text: str, place: str) -> None:
    written = flow(text)
    document = read_yaml(place.format(written, written), "c.yaml")
    leaves = {"{}": text, "[{}, {}]": [text, text], "{{a: {}}}": {"a": text}}
    assert document.value == leaves[place]


@pytest.mark.parametrize(
    "character", "#:-?{}[],&*!|>'\"%@`\\\t\n\r\x1b\x7f\x85\xa0\u2028\u2029\ufeff\uffff😀é"
)
def test_a_strange_character_survives(character: str) -> None:
    name = f"{character}x{character}"
    config = load(with_line(f"data.target: {flow(name)}"))
    assert config.data.target == (name,)
    assert back(config).data.target == (name,)


def test_plain_words_need_no_quotes() -> None:
    assert (
        flow(["relu", "my file.csv", "/data/a-b_c+d.csv", "a.b"])
        == "[relu, my file.csv, /data/a-b_c+d.csv, a.b]"
    )
    assert flow({"a b": 1, "1": True, "x": None}) == '{a b: 1, "1": true, x: null}'


@pytest.mark.parametrize("text", [TABLE, INLINE])
def test_a_dump_tells_every_default_and_absolute_paths(text: str) -> None:
    config = load(text)
    dumped = dump_config(config)
    values = yaml.safe_load(dumped)
    assert values["data"]["folder"] == str(FOLDER)
    assert values["network"]["activation"] == "sigmoid"
    assert values["network"]["output_activation"] == "identity"
    assert values["training"]["optimizer"] == {"name": "sgd", "momentum": 0.0, "nesterov": False}
    assert values["training"]["monitor"] == "loss"
    assert list(values) == ["name", "seed", "data", "network", "training"]
    assert set(values["training"]) == set(type(config.training).model_fields)
    assert back(config) == config


def test_a_dump_is_meant_for_people() -> None:
    lines = dump_config(load(INLINE, "network.layers=[2, {size: 3, dropout: 0.5}, 1]")).splitlines()
    assert lines[:3] == ["name: c", "seed: 0", "data:"]
    network = lines[lines.index("network:") :]
    assert network[: network.index("training:")] == [
        "network:",
        "  layers: [2, {size: 3, activation: null, dropout: 0.5}, 1]",
        "  activation: sigmoid",
        "  output_activation: identity",
        "  initializer: glorot_uniform",
        "  parameters:",
        "    - {W: [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], b: [0.0, 0.0, 0.0]}",
        "    - {W: [[1.0, 2.0, 3.0]], b: [0.0]}",
    ]


def test_keys_that_shut_each_other_out_are_left_out() -> None:
    table, inline = yaml.safe_load(dump_config(load(TABLE))), yaml.safe_load(dump_config(load(INLINE)))
    assert {"inputs", "targets"}.isdisjoint(table["data"])
    assert {"train", "target"}.isdisjoint(inline["data"])


def test_a_very_long_class_name() -> None:
    name = "n" * 5000
    config = load(TABLE, "training.loss=cross_entropy", f'training.class_weights={{? "{name}" : 2}}')
    assert config.training.class_weights == {name: 2.0}
    assert back(config) == config


@pytest.mark.parametrize("name", sorted(builtin_configs()))
def test_every_builtin_config_reads_back_equal(name: str) -> None:
    config = load_config(name)
    assert config.name == name
    assert load_config("-", stdin=io.BytesIO(dump_config(config).encode())) == config
