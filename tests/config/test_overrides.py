import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpnet.config import parse_config
from bpnet.config.choices import Choice
from bpnet.config.models import ExperimentConfig
from bpnet.config.sources import FilePair
from bpnet.errors import ConfigError
from tests.config.texts import INLINE, TABLE, load, problem, problems, with_line


def value_at(config: ExperimentConfig, path: str) -> Any:
    value: Any = config
    for step in path.split("."):
        value = getattr(value, step)
    return value


def test_the_option_wins_over_the_file_and_the_file_over_the_default() -> None:
    assert load(TABLE).training.batch_size == 32
    in_file = with_line("training.batch_size: 10")
    assert load(in_file).training.batch_size == 10
    assert load(in_file, "training.batch_size=7").training.batch_size == 7
    assert load(TABLE, "training.batch_size=7").training.batch_size == 7


def test_the_last_option_wins() -> None:
    assert load(TABLE, "training.epochs=6", "seed=1", "training.epochs=7").training.epochs == 7


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("seed=3", "seed", 3),
        (" seed = 3 ", "seed", 3),
        ("training.learning_rate=1e-3", "training.learning_rate", 0.001),
        ("training.loss=huber", "training.loss", Choice("huber", {"threshold": 1.0})),
        ("training.loss={name: huber, threshold: 2}", "training.loss", Choice("huber", {"threshold": 2.0})),
        ("data.target=a = b", "data.target", ("a = b",)),
        ("data.target=[a, b]", "data.target", ("a", "b")),
        ("data.target='5'", "data.target", ("5",)),
        ("data.target=no", "data.target", ("no",)),
        ("training.clip_norm=", "training.clip_norm", None),
        ("training.clip_norm=null", "training.clip_norm", None),
        ("training.early_stopping.patience=4", "training.early_stopping.patience", 4),
        ("training.class_weights={0: 1, no: 2}", "training.class_weights", {"0": 1.0, "no": 2.0}),
        ("training.class_weights.0=2", "training.class_weights", {"0": 2.0}),
    ],
)
def test_a_value_is_read_as_yaml(override: str, path: str, value: object) -> None:
    assert value_at(load(TABLE, override), path) == value


def test_a_section_can_be_set_as_a_whole_or_made_key_by_key() -> None:
    without = TABLE[: TABLE.index("training:")]
    options = ["training.loss=quadratic", "training.learning_rate=0.1", "training.epochs=5"]
    assert load(without, *options) == load(TABLE)
    assert load(without, "training={loss: quadratic, learning_rate: 0.1, epochs: 5}") == load(TABLE)
    assert load(TABLE.replace("loss:", "x:").replace("x: quadratic", "loss: huber"), options[0]) == load(
        TABLE
    )


@pytest.mark.parametrize("override", ["network.layers[1]=9", "network.layers.1=9"])
def test_an_index_changes_one_item_of_a_list(override: str) -> None:
    assert [layer.size for layer in load(TABLE, override).network.layers] == [4, 9, 2]


def test_an_index_can_lead_further() -> None:
    config = load(INLINE, "network.parameters[0].W[2][1]=60", "network.parameters.1.b.0=7")
    parameters = config.network.parameters or ()
    assert [layer.W[-1][1] for layer in parameters] == [60, 2]
    assert [layer.b[0] for layer in parameters] == [0, 7]


def test_an_option_can_change_what_an_earlier_one_made() -> None:
    config = load(TABLE, "network.layers[1]={size: 8}", "network.layers[1].dropout=0.5")
    assert config.network.layers[1].dropout == 0.5


@pytest.mark.parametrize(
    "override", ["", "training.epochs", "=5", "a b=5", "layers[]=5", "layers[-1]=5", ".seed=1"]
)
def test_an_option_that_is_no_assignment(override: str) -> None:
    said = problem(TABLE, override)
    assert said == f"--set {override}: expected a key's path and its value, such as training.epochs=5"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        (
            "network.layers[3]=5",
            "network.layers[3]: network.layers has 3 items: the last is network.layers[2]",
        ),
        (
            "network.layers.x=5",
            "network.layers.x: network.layers is a list: 'x' should be a number from 0 to 2",
        ),
        ("training[0]=5", "training[0]: training is a mapping, not a list: set training as a whole"),
        ("[0]=5", "[0]: the config is a mapping, not a list: set the config as a whole"),
        (
            "training.epochs.x=5",
            "training.epochs.x: training.epochs is 5, not a mapping: set training.epochs as a whole",
        ),
        (
            "network.parameters[0].b=5",
            (
                "network.parameters[0].b: network.parameters is nothing, not a list: "
                "set network.parameters as a whole"
            ),
        ),
        (
            "training.early_stopping.x[0]=5",
            (
                "training.early_stopping.x[0]: training.early_stopping is nothing, not a mapping: "
                "set training.early_stopping as a whole"
            ),
        ),
    ],
)
def test_a_path_that_leads_nowhere(override: str, said: str) -> None:
    assert problem(TABLE, override) == f"--set {override}: {said}"


def test_an_empty_list_has_no_items_to_set() -> None:
    said = problems(TABLE, "network.layers=[]", "network.layers[0]=5")
    expected = "network.layers[0]: network.layers is an empty list: set network.layers as a whole"
    assert said[-1] == f"--set network.layers[0]=5: {expected}"


def test_an_absurd_index() -> None:
    assert "should be a number from 0 to 2" in problem(TABLE, f"network.layers.{'9' * 5000}=1")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("training.epochs=-1", "training.epochs: found -1, expected a whole number of at least 1"),
        ("training.epohcs=5", "training.epohcs: unknown key; did you mean 'epochs'?"),
        ("training.epochs=[", "training.epochs: not valid YAML: "),
        ("training.epochs=010", "training.epochs: found 010, which some read as 10"),
        ("training.epochs=#5", "training.epochs: the value is empty"),
        ("training.loss={name: quadratic, name: huber}", "training.loss.name: the key is given twice"),
        ("data.target=*x", "data.target: aliases (*x) are not accepted"),
        ("data={1: 2, train: a.csv, target: b}", "data.1: the key 1 is not text"),
    ],
)
def test_a_mistake_in_a_value_is_at_the_option(override: str, said: str) -> None:
    assert problem(TABLE, override).startswith(f"--set {override}: {said}")


def test_bytes_of_the_command_line_that_are_no_text_are_escaped() -> None:
    assert load(TABLE, "data.target=\udcff").data.target == (r"\udcff",)


def test_an_option_repairs_a_mistake_of_the_file() -> None:
    broken = TABLE.replace("epochs: 5", "epochs: 010") + "  epochs: -1\n"
    assert len(problems(broken)) == 2
    assert load(broken, "training.epochs=5") == load(TABLE)


def test_an_option_repairs_a_mistake_of_an_earlier_option() -> None:
    assert load(TABLE, "training.epochs=[", "training.epochs=5") == load(TABLE)


def test_mistakes_of_the_file_come_before_those_of_the_options_in_their_order() -> None:
    said = problems(with_line("seed: -1"), "training.epochs=0", "nonsense", "training.batch_size=0")
    assert [line.split(": ")[0] for line in said] == [
        "c.yaml:1:7",
        "--set training.epochs=0",
        "--set nonsense",
        "--set training.batch_size=0",
    ]


def test_a_mistake_between_keys_is_at_the_option_that_made_it() -> None:
    said = problem(TABLE, "network.output_activation=softmax", "training.loss=binary_cross_entropy")
    assert said.startswith("--set network.output_activation=softmax: network.output_activation: ")


def test_a_value_set_by_an_option_is_located_there() -> None:
    config = load(
        TABLE, "training.epochs=6", "training.early_stopping.patience=2", "network.layers=[4, 5, 2]"
    )
    assert config.locate("training.epochs") == "--set training.epochs=6"
    assert config.locate("training.early_stopping") == "--set training.early_stopping.patience=2"
    assert config.locate("network.layers[2]") == "--set network.layers=[4, 5, 2]"
    assert config.locate("training.loss") == "c.yaml:7:9"


def test_a_long_option_is_shortened_and_cannot_command_the_terminal() -> None:
    said = problem(TABLE, "data.target=\x1b" + "a" * 200)
    assert said.startswith(r"--set data.target=\x1b" + "a" * 67 + "...: data.target: ")


@given(
    st.lists(
        st.text() | st.builds("network.{}={}".format, st.text(max_size=8), st.text(max_size=8)), max_size=3
    )
)
def test_any_options_are_accepted_or_explained(overrides: list[str]) -> None:
    with contextlib.suppress(ConfigError):
        load(TABLE, *overrides)


def test_a_relative_path_starts_where_the_person_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    monkeypatch.chdir(here)
    text = with_line("data.test: b.csv", TABLE)
    config = parse_config(text, source="c.yaml", folder=there, overrides=["data.train=new/a.csv"])
    assert (config.data.train, config.data.test) == (here / "new" / "a.csv", there / "b.csv")
    config = parse_config(text, source="c.yaml", folder=there, overrides=["data.folder=data"])
    assert (config.data.train, config.data.test) == (here / "data" / "table.csv", here / "data" / "b.csv")
    pair = ["data.train={features: x, target: y}", "data.target=null"]
    config = parse_config(text, source="c.yaml", folder=there, overrides=pair)
    assert isinstance(config.data.train, FilePair)
    assert (config.data.train.features, config.data.train.target) == (here / "x", here / "y")
