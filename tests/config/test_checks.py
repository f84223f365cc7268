import pytest

from tests.config.texts import INLINE, TABLE, load, problem, problems, with_line

REASON = {
    "cross_entropy": (
        "it reads the outputs as the probabilities of classes that exclude each other, which sum to 1"
    ),
    "binary_cross_entropy": "it reads each output as the probability of its own yes or no, from 0 to 1",
}


def with_lines(text: str, *lines: str) -> str:
    for line in lines:
        text = with_line(line, text)
    return text


def said_of(text: str, *lines: str) -> str:
    """Path and message of the only mistake."""
    return problem(with_lines(text, *lines)).partition(": ")[2]


@pytest.mark.parametrize(
    ("loss", "activation", "partner"),
    [
        ("cross_entropy", "sigmoid", "softmax"),
        ("cross_entropy", "identity", "softmax"),
        ("binary_cross_entropy", "softmax", "sigmoid"),
        ("binary_cross_entropy", "relu", "sigmoid"),
    ],
)
def test_a_loss_and_an_output_activation_that_do_not_go_together(
    loss: str, activation: str, partner: str
) -> None:
    said = said_of(TABLE, f"training.loss: {loss}", f"network.output_activation: {activation}")
    assert said == (
        f"network.output_activation: {loss} goes with {partner}, not with {activation}: {REASON[loss]}"
    )
    load(
        with_lines(
            TABLE, f"training.loss: {{name: {loss}}}", f"network.output_activation: {{name: {partner}}}"
        )
    )


def test_a_loss_and_output_with_hyperparameters_are_checked_alike() -> None:
    said = said_of(
        TABLE, "training.loss: {name: cross_entropy}", "network.output_activation: {name: elu, alpha: 2}"
    )
    assert said.startswith("network.output_activation: cross_entropy goes with softmax, not with elu")


def test_a_loss_that_is_refused_itself_is_not_judged_further() -> None:
    output = "network.output_activation: sigmoid"
    assert said_of(TABLE, "training.loss: crossentropy", output).startswith("training.loss: found")
    assert said_of(TABLE, "training.loss: {nam: cross_entropy}", output).startswith(
        "training.loss: the mapping"
    )
    assert said_of(TABLE, "training.loss: cross_entropy", "network.output_activation: sigmiod").startswith(
        "network.output_activation: found"
    )


def test_softmax_of_one_output() -> None:
    said = said_of(TABLE, "training.loss: cross_entropy", "network.layers: [4, 3, 1]")
    assert said == (
        "training.loss: cross_entropy needs one output for each class: "
        "with a single yes/no output, use binary_cross_entropy"
    )
    load(with_lines(TABLE, "training.loss: cross_entropy", "network.layers: [4, 3, auto]"))


def test_a_loss_for_classes_cannot_do_regression() -> None:
    said = said_of(TABLE, "training.loss: cross_entropy", "data.task: regression")
    assert said == "data.task: cross_entropy is a loss for classes, so the task cannot be regression"
    load(with_lines(TABLE, "training.loss: binary_cross_entropy", "data.task: classification"))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            ["data.inputs: [[1]]"],
            "data.inputs: data come from train or from inputs and targets, not from both",
        ),
        (
            ["data.targets: [[1]]"],
            "data.targets: data come from train or from inputs and targets, not from both",
        ),
    ],
)
def test_data_come_from_one_source(lines: list[str], said: str) -> None:
    assert said in [line.partition(": ")[2] for line in problems(with_lines(TABLE, *lines))]


def test_inline_data_need_both_parts() -> None:
    without_targets = INLINE.replace("  targets: [[1], [0]]\n", "")
    assert problem(without_targets) == "c.yaml:1:1: data.targets: required beside inputs, but missing"
    without_inputs = INLINE.replace("  inputs: [[0, 1], [1, 0]]\n", "")
    assert problem(without_inputs) == "c.yaml:1:1: data.inputs: required beside targets, but missing"


@pytest.mark.parametrize(
    "data", ["{}", "{train: null}", "{inputs: null, targets: null}", "{validation: 0.2}"]
)
def test_no_data_at_all(data: str) -> None:
    text = f"data: {data}\n" + TABLE[TABLE.index("network:") :]
    assert (
        problem(text).partition(": ")[2]
        == "data.train: required, but missing: give train, or inputs and targets"
    )


def test_data_that_are_no_mapping_are_told_once() -> None:
    text = "data: table.csv\n" + TABLE[TABLE.index("network:") :]
    assert problem(text).startswith(
        "c.yaml:1:7: data: found 'table.csv', expected a mapping with keys among "
    )


def test_inline_rows_must_fit_each_other_and_the_layers() -> None:
    load(INLINE)
    assert said_of(INLINE, "data.targets: [[1]]") == "data.targets: has 1 row, but inputs has 2"
    assert said_of(INLINE, "data.inputs: [[1, 2, 3], [4, 5, 6]]") == (
        "data.inputs: has 3 columns, but the first layer has 2 units"
    )
    assert said_of(INLINE, "data.targets: [[1, 2], [3, 4]]") == (
        "data.targets: has 2 columns, but the last layer has 1 unit"
    )


def test_automatic_sizes_fit_any_rows() -> None:
    auto = with_lines(INLINE, "network.layers: [auto, 3, {size: auto}]", "network.parameters: null")
    load(with_line("data.targets: [[1, 2, 3], [4, 5, 6]]", auto))


def test_one_column_may_hold_the_numbers_of_many_classes() -> None:
    many = with_lines(INLINE, "network.layers: [2, 3, 4]", "network.parameters: null")
    load(with_line("training.loss: cross_entropy", many))
    load(with_line("data.task: classification", many))
    said = "data.targets: has 1 column, but the last layer has 4 units"
    assert said_of(many) == said
    assert said_of(many, "data.task: regression") == said
    assert said_of(many, "training.loss: huber") == said


def test_a_table_needs_a_target() -> None:
    text = TABLE.replace("  target: kind\n", "")
    said = "c.yaml:1:1: data.target: required, but missing: a table needs the name of the column to predict"
    assert problem(text) == said


@pytest.mark.parametrize("key", ["target: kind", "features: [a]", "drop: [a]", "categorical: [a]"])
@pytest.mark.parametrize(
    ("train", "kind"),
    [("xor.npz", "an NPZ file"), ("XOR.NPZ", "an NPZ file"), ("{features: a, target: b}", "a pair of files")],
)
def test_arrays_have_no_column_names(train: str, kind: str, key: str) -> None:
    arrays = with_line(f"data.train: {train}", TABLE.replace("  target: kind\n", ""))
    load(arrays)
    name = key.partition(":")[0]
    assert said_of(arrays, f"data.{key}") == f"data.{name}: {kind} has no column names: leave {name} out"


def test_inline_data_have_no_column_names() -> None:
    assert (
        said_of(INLINE, "data.target: y") == "data.target: inline data has no column names: leave target out"
    )


def test_a_column_has_one_part() -> None:
    load(with_lines(TABLE, "data.features: [a, b]", "data.drop: [c]"))
    assert said_of(TABLE, "data.features: [a, kind]") == (
        "data.features[1]: the target 'kind' cannot be a feature too"
    )
    assert said_of(TABLE, "data.target: [kind, size]", "data.drop: [size]") == (
        "data.drop[0]: 'size' is a target, and cannot be dropped too"
    )
    assert said_of(TABLE, "data.features: [a, b]", "data.drop: [c, b]") == (
        "data.drop[1]: 'b' is a feature, and cannot be dropped too"
    )


@pytest.mark.parametrize("line", ["data.target: a", "data.features: [b]", "data.drop: [a]"])
def test_a_categorical_column_is_a_feature(line: str) -> None:
    load(with_lines(TABLE, "data.categorical: [a]", "data.features: [b, a]"))
    said = said_of(TABLE, "data.categorical: [a]", line)
    assert said == "data.categorical[0]: 'a' is not among the features, so leave it out"


def test_held_out_parts_must_leave_something() -> None:
    load(with_lines(TABLE, "data.validation: 0.5", "data.test: 0.4"))
    said = said_of(TABLE, "data.validation: 0.5", "data.test: 0.5")
    assert said == "data.test: validation 0.5 and test 0.5 leave nothing to train on"
    load(with_lines(TABLE, "data.validation: 0.9", "data.test: more.csv"))


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        (
            "[4, auto, 2]",
            "network.layers[1]: auto is for the first and the last layer: give this one a number of units",
        ),
        (
            "[4, {size: auto}, 2]",
            "network.layers[1]: auto is for the first and the last layer: give this one a number of units",
        ),
        (
            "[{size: 4, activation: relu}, 3, 2]",
            "network.layers[0].activation: the input layer has no activation: leave it out",
        ),
        (
            "[4, 3, {size: 2, activation: relu}]",
            (
                "network.layers[2].activation: the output layer's activation is not set here: "
                "write network.output_activation instead"
            ),
        ),
        (
            "[{size: 4, dropout: 0.1}, 3, 2]",
            "network.layers[0].dropout: the input layer takes no dropout: only hidden layers do",
        ),
        (
            "[4, 3, {size: 2, dropout: 0.1}]",
            "network.layers[2].dropout: the output layer takes no dropout: only hidden layers do",
        ),
    ],
)
def test_layers_that_do_not_belong_where_they_are(layers: str, said: str) -> None:
    assert said_of(TABLE, f"network.layers: {layers}") == said


def test_layers_that_say_nothing_special_may_be_mappings() -> None:
    plain = load(TABLE)
    assert (
        load(with_line("network.layers: [{size: 4}, {size: 3, dropout: 0}, {size: 2, activation: null}]"))
        == plain
    )


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ("[]", "network.parameters: has 0 entries, but 3 layers need 2"),
        ("[{W: [[1, 2]], b: [0]}]", "network.parameters: has 1 entry, but 3 layers need 2"),
        (
            "[{W: [[1, 2], [3, 4]], b: [0, 0, 0]}, {W: [[1, 2, 3]], b: [0]}]",
            "network.parameters[0].W: has 2 rows, but layer 2 has 3 units",
        ),
        (
            "[{W: [[1], [3], [5]], b: [0, 0, 0]}, {W: [[1, 2, 3]], b: [0]}]",
            "network.parameters[0].W: has 1 column, but layer 1 has 2 units",
        ),
        (
            "[{W: [[1, 2], [3, 4], [5, 6]], b: [0, 0, 0]}, {W: [[1, 2, 3]], b: [0, 1]}]",
            "network.parameters[1].b: has 2 numbers, but layer 3 has 1 unit",
        ),
    ],
)
def test_parameters_must_fit_the_layers(parameters: str, said: str) -> None:
    assert said_of(INLINE, f"network.parameters: {parameters}") == said


def test_biases_must_fit_the_weights_where_the_size_is_automatic() -> None:
    said = said_of(
        INLINE,
        "network.layers: [auto, auto]",
        "network.parameters: [{W: [[1, 2]], b: [0, 1]}]",
    )
    assert said == "network.parameters[0].b: has 2 numbers, but W has 1 row"
    load(with_lines(INLINE, "network.layers: [auto, auto]", "network.parameters: [{W: [[1, 2]], b: [0]}]"))


def test_mistaken_parameters_are_not_measured() -> None:
    said = said_of(INLINE, "network.parameters: [{W: [[1, x]], b: [0, 0, 0]}, {W: [[1, 2, 3]], b: [0]}]")
    assert said.startswith("network.parameters[0].W[0][1]: found 'x'")


@pytest.mark.parametrize("monitor", ["validation_loss", "validation_accuracy"])
def test_a_monitored_validation_quantity_needs_validation_data(monitor: str) -> None:
    assert said_of(TABLE, f"training.monitor: {monitor}") == (
        f"training.monitor: {monitor} needs validation data: give data.validation"
    )
    load(with_lines(TABLE, f"training.monitor: {monitor}", "data.validation: 0.2"))


def test_a_monitored_quantity_must_fit_the_task() -> None:
    assert said_of(TABLE, "training.monitor: accuracy", "data.task: regression") == (
        "training.monitor: accuracy is for classes, but the task is regression"
    )
    assert said_of(TABLE, "training.monitor: r2", "data.task: classification") == (
        "training.monitor: r2 is for regression, but the task is classification"
    )
    assert said_of(TABLE, "training.monitor: mae", "training.loss: cross_entropy") == (
        "training.monitor: mae is for regression, but the task is classification"
    )
    load(with_lines(TABLE, "training.monitor: r2"))
    load(with_lines(TABLE, "training.monitor: mae", "training.loss: binary_cross_entropy"))


def test_class_weights_need_classes() -> None:
    balanced = "training.class_weights: balanced"
    assert said_of(TABLE, balanced, "training.loss: huber") == (
        "training.class_weights: class weights need a loss for classes, which huber is not"
    )
    assert said_of(TABLE, balanced, "data.task: regression") == (
        "training.class_weights: class weights need classes, but the task is regression"
    )
    assert load(with_line(balanced)).training.class_weights == "balanced"
    weights = load(with_line("training.class_weights: {0: 1, no: 2.5, 010: 3}")).training.class_weights
    assert weights == {"0": 1.0, "no": 2.5, "010": 3.0}


def test_checks_run_beside_other_mistakes() -> None:
    text = with_lines(
        TABLE, "training.epochs: 0", "training.loss: cross_entropy", "network.layers: [4, x, 1]"
    )
    said = [line.partition(": ")[2].partition(": ")[0] for line in problems(text)]
    assert sorted(said) == ["network.layers[1]", "training.epochs", "training.loss"]


def test_adamw_has_a_decay_of_its_own() -> None:
    said = problem(with_line("training.weight_decay: 0.1", with_line("training.optimizer: adamw")))
    assert "training.weight_decay: adamw has a decay of its own" in said
    assert load(with_line("training.optimizer: {name: adamw, weight_decay: 0.1}"))


def test_nesterov_needs_momentum() -> None:
    said = problem(with_line("training.optimizer: {name: sgd, nesterov: true}"))
    assert "training.optimizer.nesterov: looks ahead along the momentum" in said
