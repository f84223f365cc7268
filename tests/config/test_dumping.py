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
from bpnet.core.activations import ACTIVATIONS
from bpnet.core.initializers import INITIALIZERS
from bpnet.core.losses import LOSSES
from bpnet.core.optimizers import OPTIMIZERS
from bpnet.core.registry import Parameter, Registry, parameters_of
from bpnet.core.schedules import SCHEDULES
from tests.config.texts import FOLDER, INLINE, TABLE, load, with_line

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
POSITIVE = st.floats(0, exclude_min=True, allow_infinity=False)
FRACTION = st.floats(0, 0.5, exclude_min=True, exclude_max=True)
SHARE = st.floats(0, 1, exclude_max=True)
WHOLE = st.integers(1, 10**9)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
FILE = st.from_regex(r"[^\0\ud800-\udfff~][^\0\ud800-\udfff]*\.(csv|TSV|npz|parquet\.gz)", fullmatch=True)


def back(config: ExperimentConfig) -> ExperimentConfig:
    """Read what was dumped, as another file in another folder."""
    return parse_config(dump_config(config), source="other.yaml", folder=Path("/elsewhere"))


def of_parameter(parameter: Parameter) -> st.SearchStrategy[Any]:
    if parameter.type is bool:
        return st.booleans()
    if parameter.type is str:
        return st.just(parameter.default)
    low = parameter.minimum if parameter.above is None else parameter.above
    high = parameter.maximum if parameter.below is None else parameter.below
    if parameter.type is int:
        return st.integers(None if low is None else int(low), None if high is None else int(high))
    open_low, open_high = parameter.above is not None, parameter.below is not None
    return st.floats(
        low, high, exclude_min=open_low, exclude_max=open_high, allow_nan=False, allow_infinity=False
    )


@st.composite
def named(draw: st.DrawFn, registry: Registry[Any], *, only: str = "") -> Any:
    """Draw a name of the registry, alone or with some of its hyperparameters."""
    name = only or draw(st.sampled_from(list(registry)))
    if draw(st.booleans()):
        return name
    known = {parameter.name: of_parameter(parameter) for parameter in parameters_of(registry[name])}
    return {"name": name, **draw(st.fixed_dictionaries({}, optional=known))}


SOURCE = FILE | st.fixed_dictionaries({"features": TEXT, "target": TEXT}).filter(
    lambda pair: not any(path.startswith("~") for path in pair.values())
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the values of a config that is right."""
    loss = draw(named(LOSSES))
    partner = getattr(LOSSES[loss["name"] if isinstance(loss, dict) else loss], "partner", "")
    train = draw(SOURCE)
    is_table = isinstance(train, str) and not train.endswith("npz")
    names = draw(st.lists(TEXT, min_size=3, max_size=6, unique=True))
    columns = {"target": names[0], "features": names[1:2], "drop": names[2:]} if is_table else {}
    layer = st.fixed_dictionaries(
        {"size": WHOLE}, optional={"activation": st.none() | named(ACTIVATIONS), "dropout": SHARE}
    )
    data = {
        "train": st.just(train),
        "validation": st.none() | FRACTION | SOURCE,
        "test": st.none() | FRACTION | SOURCE,
    }
    optional_data = {
        "obtain": st.none() | TEXT,
        "missing": st.sampled_from(["error", "mean", "most_frequent", "indicator"]),
        "scale": st.sampled_from(["none", "minmax", "standard"]),
        "scale_target": st.sampled_from(["none", "minmax", "standard"]),
        "folder": TEXT.filter(lambda path: not path.startswith("~")),
    }
    network = {
        "layers": st.lists(WHOLE | layer, max_size=4).map(lambda hidden: ["auto", *hidden, "auto"]),
        "output_activation": st.just("auto") | named(ACTIVATIONS, only=partner),
    }
    optional_network = {"activation": named(ACTIVATIONS), "initializer": named(INITIALIZERS)}
    training = {"loss": st.just(loss), "learning_rate": POSITIVE, "epochs": WHOLE}
    optional_training = {
        "optimizer": named(OPTIMIZERS),
        "schedule": named(SCHEDULES),
        "batch_size": WHOLE,
        "weight_decay": POSITIVE,
        "clip_norm": st.none() | POSITIVE,
        "early_stopping": st.none()
        | st.fixed_dictionaries({"patience": WHOLE}, optional={"min_delta": POSITIVE}),
        "train_biases": st.booleans(),
        "dtype": st.sampled_from(["float32", "float64"]),
        "monitor": st.sampled_from(["auto", "loss"]),
    }
    if partner:
        optional_training["class_weights"] = st.just("balanced") | st.dictionaries(TEXT, POSITIVE, min_size=1)
    return {
        "seed": draw(st.integers(0, 10**99)),
        "data": draw(st.fixed_dictionaries(data, optional=optional_data)) | columns,
        "network": draw(st.fixed_dictionaries(network, optional=optional_network)),
        "training": draw(st.fixed_dictionaries(training, optional=optional_training)),
    }


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
