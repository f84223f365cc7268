import copy
from collections.abc import Iterator
from typing import Any, get_args

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from bpnet.config import builtin_configs, dump_config, json_schema, key_table, load_config
from bpnet.config.dumping import flow
from bpnet.config.models import ExperimentConfig
from bpnet.config.places import read_path
from bpnet.config.reference import accepted_at, fields_at
from bpnet.config.sources import FilePair
from bpnet.config.yaml_text import read_yaml
from bpnet.errors import ConfigError
from tests.config.strategies import documents
from tests.config.texts import INLINE, TABLE, load, problems, with_line

SCHEMA = jsonschema.Draft202012Validator(json_schema())


def valid(text: str) -> bool:
    return SCHEMA.is_valid(read_yaml(text, "c.yaml").value)


def accepted(text: str) -> bool:
    try:
        load(text)
    except ConfigError:
        return False
    return True


def paths_of(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Walk the models in another way than the table does."""
    for name, info in model.model_fields.items():
        yield prefix + name
        for is_list, inner in sections_in(info.annotation):
            yield from paths_of(inner, f"{prefix}{name}{'[]' if is_list else ''}.")


def sections_in(annotation: Any, *, in_tuple: bool = False) -> Iterator[tuple[bool, type[BaseModel]]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation is not FilePair:
        yield in_tuple, annotation
    for inner in get_args(annotation):
        yield from sections_in(inner, in_tuple=in_tuple or getattr(annotation, "__origin__", None) is tuple)


def test_the_table_has_every_key_once() -> None:
    paths = [key.path for key in key_table()]
    assert paths == list(paths_of(ExperimentConfig))
    assert len(paths) == len(set(paths))
    for path in ("seed", "data.train", "network.layers[].dropout", "network.parameters[].W", "training.loss"):
        assert path in paths
    assert "training.early_stopping.patience" in paths


def test_every_key_says_what_it_accepts_and_means() -> None:
    for key in key_table():
        assert key.meaning, key.path
        assert key.accepts, key.path
        assert "anything" not in key.accepts, key.path
        if key.required:
            assert key.default is None


def test_every_default_of_the_table_is_accepted_and_changes_nothing() -> None:
    keys = [
        key for key in key_table() if not key.required and "[]" not in key.path and key.path.count(".") == 1
    ]
    assert len(keys) > 20
    for key in keys:
        if key.path not in ("data.train", "data.target", "data.inputs", "data.targets"):
            assert load(with_line(f"{key.path}: {flow(key.default)}")) == load(TABLE), key.path


def test_a_required_key_is_missed() -> None:
    required = {key.path for key in key_table() if key.required}
    assert {"data", "network", "training", "network.layers", "training.loss"} <= required
    without = with_line("network.activation: relu").splitlines()
    without = [line for line in without if "layers" not in line and "loss" not in line]
    said = "\n".join(problems("\n".join(without)))
    assert "network.layers: required, but missing" in said
    assert "training.loss: required, but missing" in said


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    assert json_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def properties_of(node: Any) -> Iterator[dict[str, Any]]:
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    if isinstance(node, dict) and isinstance(node.get("properties"), dict):
        yield from node["properties"].values()
    for part in inner:
        yield from properties_of(part)


def test_every_default_of_the_schema_fits_it() -> None:
    schema: dict[str, Any] = json_schema()
    with_default = [node for node in properties_of(schema) if "default" in node]
    assert len(with_default) > 30
    for node in with_default:
        SCHEMA.evolve(schema={**node, "$defs": schema["$defs"]}).validate(node["default"])


@pytest.mark.parametrize("text", [TABLE, INLINE])
def test_the_schema_accepts_examples(text: str) -> None:
    SCHEMA.validate(read_yaml(text, "c.yaml").value)
    SCHEMA.validate(read_yaml(dump_config(load(text)), "c.yaml").value)


@pytest.mark.parametrize("name", sorted(builtin_configs()))
def test_the_schema_accepts_every_builtin_config(name: str) -> None:
    SCHEMA.validate(read_yaml(builtin_configs()[name].read_bytes(), name).value)
    SCHEMA.validate(read_yaml(dump_config(load_config(name)), name).value)


@given(documents())
@settings(max_examples=50)
def test_the_schema_accepts_whatever_is_right(values: dict[str, Any]) -> None:
    SCHEMA.validate(values)
    SCHEMA.validate(read_yaml(dump_config(load(flow(values))), "c.yaml").value)


@pytest.mark.parametrize(
    "line",
    [
        "sed: 1",
        "seed: -1",
        "seed: 1.5",
        "seed: '1'",
        "seed: null",
        "name: a/b",
        "name: ''",
        "data: table.csv",
        "data.train: table.txt",
        "data.train: {features: a}",
        "data.train: {features: a, target: b, more: c}",
        "data.target: 5",
        "data.target: ''",
        "data.target: []",
        "data.features: a",
        "data.features: []",
        "data.features: [a, a]",
        "data.drop: null",
        "data.validation: 1",
        "data.validation: 0",
        "data.validation: 20%",
        "data.scale: zscore",
        "data.task: null",
        "network.layers: 5",
        "network.layers: [5]",
        "network.layers: [4, 0, 2]",
        "network.layers: [4, x, 2]",
        "network.layers: [4, {}, 2]",
        "network.layers: [4, {size: 3, dropout: 1}, 2]",
        "network.layers: [4, {size: 3, colour: red}, 2]",
        "network.activation: no",
        "network.activation: auto",
        "network.activation: {name: elu, alpha: x}",
        "network.activation: {name: elu, beta: 1}",
        "network.activation: {alpha: 1}",
        "network.parameters: [{W: [[1]]}]",
        "network.parameters: [{W: [], b: [1]}, {W: [[1]], b: [1]}]",
        "network.parameters: [{W: [[x]], b: [1]}]",
        "training.loss: mse",
        "training.optimizer: {name: sgd, momentum: 1}",
        "training.learning_rate: 0",
        "training.learning_rate: -1",
        "training.learning_rate: '0.1'",
        "training.epochs: 0",
        "training.epochs: true",
        "training.class_weights: {}",
        "training.class_weights: {a: 0}",
        "training.early_stopping: {}",
        "training.early_stopping: 5",
        "training.monitor: val_loss",
        "training.train_biases: 'yes'",
        "training.dtype: float16",
        "training.clip_norm: 0",
        "training.schedule: {name: step, every: 0}",
    ],
)
def test_the_schema_refuses_what_the_program_refuses(line: str) -> None:
    text = TABLE if line != "data: table.csv" else TABLE[TABLE.index("network:") :]
    assert valid(TABLE)
    assert not accepted(with_line(line, text))
    assert not valid(with_line(line, text))


@pytest.mark.parametrize(
    "key", ["data", "network", "training", "train", "layers", "loss", "learning_rate", "epochs"]
)
def test_the_schema_misses_what_is_missing(key: str) -> None:
    values = read_yaml(TABLE, "c.yaml").value
    assert isinstance(values, dict)
    for holder in (values, *values.values()):
        holder.pop(key, None)
    assert not SCHEMA.is_valid(values)


ANY = st.sampled_from(
    [None, True, 0, 1, 3, -1, 0.5, 2.0, "", "no", "a.csv", "auto", [], ["a"], [[1]], {}, {"a": 1}]
)


@given(st.data(), st.sampled_from([TABLE, INLINE]))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_the_schema_refuses_nothing_that_the_program_accepts(data: st.DataObject, text: str) -> None:
    values = copy.deepcopy(read_yaml(text, "c.yaml").value)
    assert isinstance(values, dict)
    keys = [key.path for key in key_table() if "[]" not in key.path]
    path = read_path(data.draw(st.sampled_from(keys))) or ()
    holder = values
    for step in path[:-1]:
        holder = holder.setdefault(step, {})
    holder[path[-1]] = data.draw(ANY)
    if accepted(flow(values)):
        SCHEMA.validate(values)


def test_what_is_accepted_is_known_at_any_path() -> None:
    assert accepted_at(()) == "a mapping with data, network and training"
    assert accepted_at(("training", "epochs")) == "a whole number of at least 1"
    assert accepted_at(("network", "layers", 1)) == "a mapping with size, activation, dropout"
    assert accepted_at(("data", "train", "features")) == "a path"
    assert fields_at(("data", "validation")) == ("features", "target")
    assert fields_at(("training", "nothing")) == ()
