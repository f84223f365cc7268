import pytest

from bpnet.config import parse_config
from bpnet.errors import ConfigError
from tests.config.texts import FOLDER, INLINE, TABLE, load, problem, problems, with_line

ABOVE_0 = "expected a number above 0"
WHOLE = "expected a whole number of at least 1"
COLUMNS = "expected a column name or a list of them"
WEIGHTS = "expected balanced, or a mapping of each class to a number above 0"
FILE = "a path ending in .csv, .tsv, .parquet (or these with .gz) or .npz, or {features: path, target: path}"
SOURCE = f"expected {FILE}"
PART = f"expected a fraction above 0 and below 1, {FILE}"
ACTIVATION = "expected identity, sigmoid, tanh, relu, leaky_relu, elu, gelu, silu, softplus or softmax"
SIZES = "expected a list of sizes from input to output, each a number, auto, or {size, activation, dropout}"
STARTS = "expected a list with {W: [[...]], b: [...]} for each layer after the first, or null"
NAME = "expected letters, digits, dots, _ and -, starting with a letter or digit"
MONITOR = (
    "expected auto, loss, validation_loss, accuracy, validation_accuracy, r2, validation_r2, "
    "mae or validation_mae"
)
MATRIX = "expected a list of rows of numbers, all of one length"


def test_a_good_config_gets_every_default() -> None:
    config = load(TABLE)
    assert config.name == "c"
    assert config.seed == 0
    assert config.data.folder == FOLDER
    assert config.data.train == FOLDER / "table.csv"
    assert config.data.target == ("kind",)
    assert [layer.size for layer in config.network.layers] == [4, 3, 2]
    assert config.network.activation.name == "sigmoid"
    assert [choice.name for choice in config.network.activations()] == ["sigmoid", "identity"]
    assert config.training.optimizer.parameters == {"momentum": 0.0, "nesterov": False}
    assert config.training.learning_rate == 0.1
    assert config.training.dtype == "float32"


def test_a_config_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(TABLE).seed = 1


def test_equal_text_gives_equal_configs_and_other_text_others() -> None:
    assert load(TABLE) == load("# moved\n" + TABLE)
    assert load(TABLE) != load(with_line("seed: 1"))
    assert load(TABLE) != load(with_line("network.layers: [4, 3, 3]"))
    assert load(TABLE) != "a config"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("digits.yaml", "digits"),
        ("a/b/My net (2).yaml", "My-net-2-"),
        ("_-.x.yaml", "x"),
        ("數.yaml", "experiment"),
        ("", "experiment"),
        ("stdin", "stdin"),
        ("x" * 300 + ".yaml", "x" * 100),
    ],
)
def test_the_default_name_is_the_files_own_made_fit_for_a_folder(source: str, name: str) -> None:
    assert load(TABLE, source=source).name == name


def test_a_name_in_the_file_wins() -> None:
    assert load(with_line("name: mine"), source="digits.yaml").name == "mine"


@pytest.mark.parametrize(
    ("loss", "activation"),
    [
        ("cross_entropy", "softmax"),
        ("binary_cross_entropy", "sigmoid"),
        ("quadratic", "identity"),
        ("huber", "identity"),
    ],
)
def test_an_automatic_output_activation_goes_with_the_loss(loss: str, activation: str) -> None:
    assert load(with_line(f"training.loss: {loss}")).network.output_activation.name == activation


def test_a_chosen_output_activation_stays() -> None:
    assert load(with_line("network.output_activation: tanh")).network.output_activation.name == "tanh"


def test_an_automatic_monitor_is_the_validation_loss_if_there_is_one() -> None:
    assert load(TABLE).training.monitor == "loss"
    assert load(with_line("data.validation: 0.2")).training.monitor == "validation_loss"
    assert load(with_line("training.monitor: accuracy")).training.monitor == "accuracy"


def test_a_hidden_layer_may_have_its_own_activation() -> None:
    config = load(with_line("network.layers: [4, {size: 5, activation: {name: elu, alpha: 2}}, 3, 2]"))
    assert [choice.name for choice in config.network.activations()] == ["elu", "sigmoid", "identity"]
    assert config.network.activations()[0].parameters == {"alpha": 2.0}


FIVE_MISTAKES = """\
name: five
seed: -1
data:
  train: table.csv
  target: kind
  scale: min-max
network:
  layers: [4, 3, 2]
  activaton: relu
  output_activation: softmax
training:
  loss: binary_cross_entropy
  learning_rate: .nan
  epochs: 5
"""


def test_five_mistakes_give_five_located_problems_in_the_order_of_the_file() -> None:
    reason = (
        "binary_cross_entropy goes with sigmoid, not with softmax: "
        "it reads each output as the probability of its own yes or no, from 0 to 1"
    )
    assert problems(FIVE_MISTAKES) == [
        "c.yaml:2:7: seed: found -1, expected a whole number of at least 0",
        "c.yaml:6:10: data.scale: found 'min-max', expected none, minmax or standard; did you mean 'minmax'?",
        "c.yaml:9:3: network.activaton: unknown key; did you mean 'activation'?",
        f"c.yaml:10:22: network.output_activation: {reason}",
        "c.yaml:13:18: training.learning_rate: found nan, expected a number above 0",
    ]


def test_mistakes_of_every_stage_are_told_at_once() -> None:
    text = "1: x\n" + TABLE.replace("epochs: 5", "epochs: 0x") + "  loss: huber\n  monitor: validation_loss\n"
    said = problems(text, "seed=x")
    assert [line.split(": ")[0] for line in said] == [
        "c.yaml:1:1",
        "c.yaml:10:11",
        "c.yaml:11:3",
        "c.yaml:12:12",
        "--set seed=x",
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("training.learning_rate: -0.1", f"found -0.1, {ABOVE_0}"),
        ("training.learning_rate: 0", f"found 0, {ABOVE_0}"),
        ("training.learning_rate: .nan", f"found nan, {ABOVE_0}"),
        ("training.learning_rate: .inf", f"found inf, {ABOVE_0}"),
        ("training.learning_rate: 1e999", f"found inf, {ABOVE_0}"),
        ("training.learning_rate: true", f"found true, {ABOVE_0}"),
        ("training.learning_rate: fast", f"found 'fast', {ABOVE_0}"),
        ("training.learning_rate: 1:30", f"found '1:30', {ABOVE_0}"),
        ("training.learning_rate: 1_000", f"found '1_000', {ABOVE_0}"),
        ('training.learning_rate: "0.1"', "found '0.1', expected a number above 0 (without the quotes)"),
        ("training.learning_rate: 1.2.3", f"found '1.2.3', {ABOVE_0}"),
        ("training.learning_rate: [0.1]", f"found a list, {ABOVE_0}"),
        ("training.learning_rate: ", f"found nothing, {ABOVE_0}"),
        ("training.epochs: 5.0", f"found 5.0, {WHOLE} (write 5)"),
        ("training.epochs: 1e3", f"found 1000.0, {WHOLE} (write 1000)"),
        ("training.epochs: 1e300", f"found 1e+300, {WHOLE}"),
        ("training.epochs: -5.0", f"found -5.0, {WHOLE}"),
        ("training.epochs: 1.5", f"found 1.5, {WHOLE}"),
        (
            "training.epochs: 010",
            'found 010, which some read as 10 and some as octal; write 10, or "010" in quotes if it is text',
        ),
        ("training.epochs: 1:30", f"found '1:30', {WHOLE}"),
        ("training.train_biases: no", "found 'no', expected true or false"),
        ("training.train_biases: 1", "found 1, expected true or false"),
        ("training.dtype: double", "found 'double', expected float32 or float64; did you mean 'float64'?"),
        ("training.clip_norm: 0", f"found 0, {ABOVE_0}"),
        ("training.monitor: val_loss", f"found 'val_loss', {MONITOR}; did you mean 'validation_loss'?"),
        ("training.early_stopping: 5", "found 5, expected a mapping with patience, or null"),
        ("training.class_weights: {}", f"found an empty mapping, {WEIGHTS}"),
        ("data.target: 5", f"found 5, {COLUMNS} (put it in quotes)"),
        ("data.target: []", f"found an empty list, {COLUMNS}"),
        ("data.target: ''", "found '', expected a column name"),
        ("data.features: a", "found 'a', expected a list of column names"),
        ("data.train: table.txt", f"found 'table.txt', {SOURCE}"),
        (
            "data.train: ~nobody-here/table.csv",
            "found '~nobody-here/table.csv', expected a path (there is no such user's folder)",
        ),
        ("data.validation: 1", f"found 1, {PART}"),
        ("data.test: 20%", f"found '20%', {PART}"),
        ("data.folder: 5", "found 5, expected a path"),
        ("data.task: guess", "found 'guess', expected auto, classification or regression"),
        ("network.activation: no", f"found 'no', {ACTIVATION}"),
        ("network.activation: sigmiod", f"found 'sigmiod', {ACTIVATION}; did you mean 'sigmoid'?"),
        ("network.layers: 5", f"found 5, {SIZES}"),
        ("network.layers: []", "found 0 layers, expected at least 2: the input and the output"),
        ("network.layers: [4]", "found 1 layer, expected at least 2: the input and the output"),
        ("network.parameters: {}", f"found an empty mapping, {STARTS}"),
        ("name: a/b", f"found 'a/b', {NAME}"),
        ("name: 1.50", f"found 1.5, {NAME} (put it in quotes)"),
        ("name: ", f"found nothing, {NAME}"),
        ("name: true", f"found true, {NAME}"),
    ],
)
def test_a_value_that_is_refused(line: str, said: str) -> None:
    path, _, _ = line.partition(": ")
    place, _, rest = problem(with_line(line)).partition(": ")
    assert place.startswith("c.yaml:")
    assert rest == f"{path}: {said}"


def test_the_place_of_a_refused_value() -> None:
    assert problem(TABLE.replace("0.1", "-0.1")).startswith("c.yaml:8:18: training.learning_rate: ")
    assert problem(TABLE.replace("3, 2]", "-3, 2]")).startswith("c.yaml:5:15: network.layers[1]: ")
    assert problem(TABLE.replace("kind", "[kind, kind]")).startswith("c.yaml:3:18: data.target[1]: ")


@pytest.mark.parametrize(
    ("line", "path", "said"),
    [
        ("network.layers: [4, x, 2]", "network.layers[1]", f"found 'x', {WHOLE}, or auto"),
        ("network.layers: [4, [3], 2]", "network.layers[1]", f"found a list, {WHOLE}, or auto"),
        ("network.layers: [4, 0, 2]", "network.layers[1]", f"found 0, {WHOLE}, or auto"),
        ("network.layers: [4, {}, 2]", "network.layers[1].size", f"required, but missing: {WHOLE}, or auto"),
        ("network.layers: [4, {size: -1}, 2]", "network.layers[1].size", f"found -1, {WHOLE}, or auto"),
        (
            "network.layers: [4, {size: 3, dropout: 1}, 2]",
            "network.layers[1].dropout",
            "found 1, expected a number of at least 0 and below 1",
        ),
        ("network.layers: [4, {sise: 3}, 2]", "network.layers[1].sise", "unknown key; did you mean 'size'?"),
        (
            "network.layers: [4, {size: 3, activation: rellu}, 2]",
            "network.layers[1].activation",
            f"found 'rellu', {ACTIVATION}; did you mean 'relu'?",
        ),
        ("data.target: [a, a]", "data.target[1]", "the column 'a' is listed twice"),
        ("data.target: [a, 5]", "data.target[1]", "found 5, expected a column name (put it in quotes)"),
        ("data.drop: [[a]]", "data.drop[0]", "found a list, expected a column name"),
        (
            "data.validation: {features: a}",
            "data.validation.target",
            "required, but missing: expected a path",
        ),
        ("data.validation: {features: a, target: 5}", "data.validation.target", "found 5, expected a path"),
        (
            "data.validation: {features: a, target: b, labels: c}",
            "data.validation.labels",
            "unknown key; accepted here: features, target",
        ),
        ("training.early_stopping: {patience: 0}", "training.early_stopping.patience", f"found 0, {WHOLE}"),
        ("training.class_weights: {a: 1, b: 0}", "training.class_weights.b", f"found 0, {ABOVE_0}"),
        (
            "training.optimizer: {momentum: 0.9}",
            "training.optimizer",
            "the mapping has no name; expected name: sgd, rmsprop, adam or adamw",
        ),
        ("network.parameters: [5, 6]", "network.parameters[0]", "found 5, expected a mapping with W, b"),
        (
            "network.parameters: [{W: [[1]]}]",
            "network.parameters[0].b",
            "required, but missing: expected a list of numbers",
        ),
        (
            "network.parameters: [{W: [[1], [x]], b: [0]}]",
            "network.parameters[0].W[1][0]",
            "found 'x', expected a number",
        ),
        (
            "network.parameters: [{W: [[1], [1, 2]], b: [0]}]",
            "network.parameters[0].W[1]",
            "has 2 numbers, the first row has 1",
        ),
        ("network.parameters: [{W: 5, b: [0]}]", "network.parameters[0].W", f"found 5, {MATRIX}"),
        (
            "network.parameters: [{W: [[1]], b: []}]",
            "network.parameters[0].b",
            "found an empty list, expected a list of numbers",
        ),
    ],
)
def test_a_mistake_inside_a_value_has_its_own_path(line: str, path: str, said: str) -> None:
    found = problems(with_line(line))
    assert f"{path}: {said}" in [problem.partition(": ")[2] for problem in found]


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("training.lr: 0.1", "learning_rate"),
        ("training.optimiser: sgd", "optimizer"),
        ("training.max_epochs: 5", "epochs"),
        ("training.Batch-Size: 5", "batch_size"),
        ("training.momentum: 0.9", "optimizer: {name: sgd, momentum: 0.9}"),
        ("training.label: a", "data.target"),
        ("training.layers: [1, 2]", "network.layers"),
        ("training.seed: 1", "seed"),
        ("network.hidden_layers: [3]", "layers"),
        ("network.dropout: 0.1", "layers: [..., {size: 32, dropout: 0.1}, ...]"),
        ("data.tset: 0.1", "test"),
        ("learning_rate: 0.1", "training.learning_rate"),
        ("lambda: 0.1", "training.weight_decay"),
        ("random_state: 1", "seed"),
        ("trainin: {}", "training"),
    ],
)
def test_an_unknown_key_is_told_the_nearest(line: str, meant: str) -> None:
    path = line.partition(": ")[0]
    assert problem(with_line(line)).endswith(f": {path}: unknown key; did you mean {meant!r}?")


def test_an_unknown_key_near_nothing_is_told_what_is_accepted() -> None:
    said = problem(with_line("xyzzy: 1"))
    assert said == "c.yaml:1:1: xyzzy: unknown key; accepted here: name, seed, data, network, training"


def test_a_misspelt_key_is_not_called_missing_too() -> None:
    for key in ("train", "target", "layers", "loss", "learning_rate", "epochs", "network"):
        said = problem(TABLE.replace(f"{key}:", f"{key}x:"))
        assert said.endswith(f"unknown key; did you mean '{key}'?")
    monitored = with_line("training.monitor: validation_loss")
    assert "did you mean 'validation'" in problem(with_line("data.validaton: 0.2", monitored))
    assert "did you mean 'inputs'" in problem(INLINE.replace("inputs:", "input:"))


def test_a_missing_key_is_at_its_section() -> None:
    assert problem(TABLE.replace("  epochs: 5\n", "")) == (
        "c.yaml:6:1: training.epochs: required, but missing: expected a whole number of at least 1"
    )
    assert problem(TABLE.replace("  layers: [4, 3, 2]", "  activation: relu")).startswith(
        "c.yaml:4:1: network.layers: required, but missing: expected a list of sizes"
    )


def test_a_missing_section() -> None:
    assert problem(TABLE[: TABLE.index("training:")]).startswith(
        "c.yaml:1:1: training: required, but missing: expected a mapping with keys among loss, optimizer, "
    )


def test_a_section_that_is_no_mapping() -> None:
    text = "network: 5\n" + TABLE.replace("network:\n  layers: [4, 3, 2]\n", "")
    keys = "layers, activation, output_activation, initializer, parameters"
    assert problem(text) == f"c.yaml:1:10: network: found 5, expected a mapping with keys among {keys}"


def test_a_refused_value_is_told_once() -> None:
    assert len(problems(TABLE.replace("0.1", "010"))) == 1
    assert len(problems(TABLE.replace("[4, 3, 2]", "*layers"))) == 1
    assert len(problems(TABLE.replace("[4, 3, 2]", "[4, *size, 2]"))) == 1


def test_a_misspelt_key_that_is_also_given_twice_is_told_both() -> None:
    said = problems(TABLE + "  clip: 1\n  clip: 2\n")
    assert [line.partition(": ")[2] for line in said] == [
        "training.clip: the key is given twice, first at c.yaml:10:3",
        "training.clip: unknown key; did you mean 'clip_norm'?",
    ]


def test_paths_start_at_the_folder_of_the_config() -> None:
    config = parse_config(
        TABLE.replace("table.csv", "../data/./table.CSV.gz"), source="c.yaml", folder=FOLDER / "configs"
    )
    assert config.data.train == FOLDER / "data" / "table.CSV.gz"


def test_paths_start_at_data_folder_if_it_is_given() -> None:
    config = load(with_line("data.validation: /elsewhere/v.npz", with_line("data.folder: deep/er")))
    assert config.data.folder == FOLDER / "deep" / "er"
    assert config.data.train == FOLDER / "deep" / "er" / "table.csv"
    assert str(config.data.validation) == "/elsewhere/v.npz"


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert str(load(TABLE.replace("table.csv", "~/table.csv")).data.train) == "/home/ann/table.csv"


def test_a_folder_whose_name_is_no_text() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(TABLE, source="c.yaml", folder=FOLDER / "caf\udce9")
    reason = r"(the name of the folder /project/caf\udce9 is not UTF-8)"
    assert [problem.message for problem in caught.value.problems] == [
        f"found '.', expected a path {reason}",
        f"found 'table.csv', expected a path {reason}",
    ]
