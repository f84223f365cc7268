from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpnet.core.initializers import INITIALIZERS
from bpnet.core.losses import LOSSES
from bpnet.core.network import initialise
from bpnet.core.optimizers import OPTIMIZERS
from bpnet.core.schedules import SCHEDULES
from bpnet.errors import ConfigError, DataError, MissingDataError
from bpnet.experiment import Experiment, prepare
from bpnet.training.trainer import Recipe, Trainer, TrainingState
from tests.experiment.texts import CLASSES, INLINE, NUMBER, load, write_rows
from tests.tolerances import ROUNDING


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_rows(tmp_path)
    return tmp_path


def problem(folder: Path, text: str, *overrides: str) -> str:
    """The one mistake of a config that only the data show."""
    with pytest.raises(ConfigError) as caught:
        prepare(load(folder, text, *overrides))
    (found,) = caught.value.problems
    return str(found)


def place(text: str, key: str) -> str:
    """Where a key's value stands, as ``line:column``."""
    line, written = next((k, each) for k, each in enumerate(text.splitlines(), 1) if f" {key}: " in each)
    return f"c.yaml:{line}:{written.index(': ') + 3}"


# The recipe


def test_every_key_of_training_reaches_the_recipe(folder: Path) -> None:
    overrides = [
        "training.optimizer={name: rmsprop, rho: 0.8}",
        "training.schedule={name: step, every: 2}",
        "training.weight_decay=0.01",
        "training.clip_norm=2",
        "training.train_biases=false",
        "training.early_stopping={patience: 4, min_delta: 0.125}",
        "training.monitor=validation_accuracy",
    ]
    assert prepare(load(folder, CLASSES, *overrides)).recipe == Recipe(
        loss=LOSSES.create("cross_entropy"),
        optimizer=OPTIMIZERS.create("rmsprop", rho=0.8),
        schedule=SCHEDULES.create("step", every=2),
        learning_rate=0.02,
        epochs=6,
        batch_size=7,
        monitor="validation_accuracy",
        weight_decay=0.01,
        clip_norm=2.0,
        train_biases=False,
        patience=4,
        min_delta=0.125,
    )


def test_the_recipe_without_any_option(folder: Path) -> None:
    recipe = prepare(load(folder, NUMBER)).recipe
    assert (recipe.patience, recipe.min_delta, recipe.clip_norm, recipe.train_biases) == (None, 0, None, True)
    assert (recipe.monitor, recipe.batch_size, recipe.optimizer) == ("loss", 32, OPTIMIZERS.create("sgd"))


# The network


def test_parts_layers_and_dtype(folder: Path) -> None:
    experiment = prepare(load(folder))
    network, dataset = experiment.model.network, experiment.dataset
    assert network.sizes == (3, 5, 3)
    assert [layer.activation.name for layer in network.layers.values()] == ["tanh", "softmax"]
    assert [layer.dropout for layer in network.layers.values()] == [0.2, 0.0]
    assert network.parameters.dtype == dataset.train.X.dtype == np.float32
    assert dataset.validation is not None
    assert dataset.test is not None
    assert (len(dataset.train.X), len(dataset.validation.X), len(dataset.test.X)) == (33, 15, 12)
    assert experiment.warnings == ()


def test_auto_takes_what_the_data_have(folder: Path) -> None:
    sizes = {
        text: prepare(load(folder, text, "network.layers=[auto, 2, auto]")).model.network.sizes
        for text in (CLASSES, NUMBER)
    }
    assert sizes == {CLASSES: (3, 2, 3), NUMBER: (3, 2, 1)}


def test_each_layer_has_its_own_activation(folder: Path) -> None:
    layers = (
        "network.layers=[3, {size: 4, activation: relu}, 4, {size: 2, activation: {name: elu, alpha: 2}}, 3]"
    )
    network = prepare(load(folder, CLASSES, layers)).model.network
    assert [str(layer.activation) for layer in network.layers.values()] == [
        "Relu()",
        "Tanh()",
        "Elu(alpha=2.0)",
        "Softmax()",
    ]


PARAMETERS = "[{W: [[1, 2], [3, 4], [5, 6]], b: [7, 8, 9]}, {W: [[-1, -2, -3]], b: [-4]}]"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_given_parameters(folder: Path, dtype: str) -> None:
    config = load(folder, INLINE, f"network.parameters={PARAMETERS}", f"training.dtype={dtype}")
    network = prepare(config).model.network
    assert network.parameters.dtype == dtype
    assert network.parameters.tolist() == [1, 2, 3, 4, 5, 6, -1, -2, -3, 7, 8, 9, -4]


def test_given_parameters_that_do_not_fit_the_data(folder: Path) -> None:
    text = CLASSES.replace("[3, {size: 5, dropout: 0.2}, 3]", "[auto, 2, auto]").replace(
        "  activation: tanh\n",
        "  parameters:\n    - {W: [[1, 2], [3, 4]], b: [5, 6]}\n    - {W: [[1, 2]], b: [3]}\n",
    )
    assert problem(folder, text) == (
        "c.yaml:13:7: network.parameters[0]: found W of 2 × 2 and b of 2, "
        "expected 2 × 3 and 2 by the data and the layers"
    )
    text = text.replace("[[1, 2], [3, 4]]", "[[1, 2, 3], [4, 5, 6]]")
    assert problem(folder, text) == (
        "c.yaml:14:7: network.parameters[1]: found W of 1 × 2 and b of 1, "
        "expected 3 × 2 and 3 by the data and the layers"
    )


def test_given_biases_that_do_not_fit_the_data(folder: Path) -> None:
    """The config sees that W and b differ, where it knows no size; here W fits and b does not."""
    config = load(folder, INLINE, f"network.parameters={PARAMETERS}")
    parameters = config.network.parameters
    assert parameters is not None
    short = parameters[0].model_copy(update={"b": (1.0, 2.0)})
    network = config.network.model_copy(update={"parameters": (short, parameters[1])})
    with pytest.raises(ConfigError, match=r"network\.parameters\[0\]: found W of 3 × 2 and b of 2"):
        prepare(config.model_copy(update={"network": network}))


def test_a_first_layer_that_is_not_the_datas(folder: Path) -> None:
    text = CLASSES.replace("[3, {size", "[4, {size")
    assert problem(folder, text) == (
        "c.yaml:11:12: network.layers[0]: found 4, but the data have 3 inputs; auto takes them all"
    )


def test_texts_that_are_several_inputs_are_explained(folder: Path) -> None:
    text = NUMBER.replace("  drop: [kind]\n", "").replace("[auto, 4", "[4, 4")
    assert problem(folder, text) == (
        "c.yaml:8:12: network.layers[0]: found 4, but the data have 6 inputs "
        "(4 columns, texts being one input a category); auto takes them all"
    )


def test_a_last_layer_that_is_not_the_datas(folder: Path) -> None:
    text = CLASSES.replace("0.2}, 3]", "0.2}, 4]")
    assert problem(folder, text) == (
        "c.yaml:11:40: network.layers[2]: found 4, but the target 'kind' has 3 classes (a, b, c); auto fits"
    )


@pytest.mark.parametrize(
    ("target", "found", "expected"),
    [("size", 3, "1 target column"), ("[size, z]", 3, "2 target columns")],
)
def test_a_last_layer_for_other_numbers(folder: Path, target: str, found: int, expected: str) -> None:
    text = NUMBER.replace("target: size", f"target: {target}\n  task: regression")
    assert problem(folder, text, f"network.layers=[auto, {found}]").endswith(
        f"network.layers[1]: found {found}, but the data have {expected}; auto fits"
    )


def test_a_mistake_made_by_an_option_is_located_there(folder: Path) -> None:
    assert problem(folder, CLASSES, "network.layers=[7, 3]") == (
        "--set network.layers=[7, 3]: network.layers[0]: "
        "found 7, but the data have 3 inputs; auto takes them all"
    )


# Class weights


def test_balanced_weights_make_every_class_count_alike(folder: Path) -> None:
    experiment = prepare(load(folder, CLASSES, "training.class_weights=balanced"))
    samples = experiment.train_samples
    assert samples.weight is not None
    totals = [samples.weight[samples.Y[:, k] == 1].sum() for k in range(3)]
    assert totals == pytest.approx([len(samples) / 3] * 3, rel=1e-6)


def trained(text: str, folder: Path, *overrides: str) -> Any:
    experiment = prepare(load(folder, text, *overrides))
    network = experiment.model.network
    state = TrainingState(network, experiment.recipe.optimizer.start(network.parameters), experiment.rng)
    part, metric = experiment.train_samples, experiment.model.metric
    losses = [
        e.train.loss
        for e in Trainer(state, experiment.recipe, part, None, metric).run()
        if hasattr(e, "train")
    ]
    return network.parameters, losses


FULL_BATCH = CLASSES.replace("  validation: 0.25\n  test: 0.2\n  scale: standard\n", "").replace(
    ", dropout: 0.2", ""
)
TIMES = {"a": 1, "b": 2, "c": 4}
"""How often the rows of each class must stand in the file for all classes to be as frequent."""


@pytest.mark.parametrize(
    "weights", ["balanced", "{a: 0.5833333333333334, b: 1.1666666666666667, c: 2.3333333333333335}"]
)
def test_weights_are_worth_copies_of_rows(folder: Path, weights: str) -> None:
    """Balanced, or the same factors given, against a file in which the rarer rows stand several times."""
    path = write_rows(folder, rows=70)
    full = ["training.batch_size=1000", "training.dtype=float64", "training.optimizer=sgd"]
    parameters, losses = trained(FULL_BATCH, folder, *full, f"training.class_weights={weights}")
    plain, _ = trained(FULL_BATCH, folder, *full)
    heading, *rows = path.read_text(encoding="utf-8").splitlines()
    copies = [row for row in rows for _ in range(TIMES[row.split(",")[3]])]
    assert len(copies) == 120
    path.write_text("\n".join([heading, *copies]), encoding="utf-8")
    expected, expected_losses = trained(FULL_BATCH, folder, *full)
    np.testing.assert_allclose(parameters, expected, rtol=0, atol=ROUNDING)
    assert losses == pytest.approx(expected_losses, rel=ROUNDING)
    assert np.abs(plain - expected).max() > 1e-4


def test_classes_that_are_not_given_weigh_1(folder: Path) -> None:
    experiment = prepare(load(folder, CLASSES, "training.class_weights={b: 2.5}"))
    assert experiment.model.class_weights == (1.0, 2.5, 1.0)
    assert prepare(load(folder)).model.class_weights is None


def test_one_output_is_balanced_between_no_and_yes(folder: Path) -> None:
    overrides = ["data.targets=[[0], [1], [1], [1]]", "training.class_weights=balanced"]
    weights = prepare(load(folder, INLINE, *overrides)).model.class_weights
    assert weights == pytest.approx((2, 2 / 3))


def test_a_column_that_is_always_no_can_be_balanced(folder: Path) -> None:
    overrides = ["data.targets=[[0], [0], [0], [0]]", "training.class_weights=balanced"]
    weights = prepare(load(folder, INLINE, *overrides)).model.class_weights
    assert weights is not None
    assert weights[0] == 0.5
    assert np.isfinite(weights).all()


@pytest.mark.parametrize(
    ("name", "hint"), [("bb", "did you mean 'b'?"), ("Setosa", "the classes are a, b, c")]
)
def test_weights_of_a_class_that_is_not_there(folder: Path, name: str, hint: str) -> None:
    text = f"{CLASSES}  class_weights:\n    a: 2\n    {name}: 3\n"
    assert problem(folder, text) == (
        f"c.yaml:21:{7 + len(name)}: training.class_weights.{name}: the target has no class {name!r}; {hint}"
    )


def test_a_class_whose_name_is_no_step_of_a_path(folder: Path) -> None:
    text = f"{CLASSES}  class_weights: {{a: 2, Iris setosa: 3}}\n"
    assert problem(folder, text) == (
        "c.yaml:19:18: training.class_weights.Iris setosa: "
        "the target has no class 'Iris setosa'; the classes are a, b, c"
    )


def test_weights_where_there_are_no_classes(folder: Path) -> None:
    text = f"{NUMBER}  class_weights: balanced\n"
    assert problem(folder, text) == (
        f"{place(text, 'class_weights')}: training.class_weights: "
        "class weights need one target of classes, and this is regression"
    )
    labels = INLINE.replace("[2, 3, 1]", "[2, 3, 2]").replace(
        "[[0], [1], [1], [0]]", "[[0, 1], [1, 1], [1, 0], [0, 0]]"
    )
    assert problem(folder, labels, "training.class_weights=balanced").endswith("and this is labels")


# Monitor and warnings


def test_a_monitor_that_is_not_measured(folder: Path) -> None:
    text = f"{NUMBER}  monitor: accuracy\n"
    assert problem(folder, text) == (
        f"{place(text, 'monitor')}: training.monitor: "
        "found accuracy, but of this target are measured: loss, r2, mae"
    )
    assert problem(folder, CLASSES, "training.loss=quadratic", "training.monitor=validation_r2") == (
        "--set training.monitor=validation_r2: training.monitor: "
        "found validation_r2, but of this target are measured: loss, accuracy"
    )


def test_targets_out_of_reach_are_told(folder: Path) -> None:
    overrides = ["data.scale_target=none", "network.output_activation=sigmoid"]
    (warning,) = prepare(load(folder, NUMBER, *overrides)).warnings
    assert warning.startswith("Targets go from ")
    assert "but sigmoid outputs lie between 0 and 1: set data.scale_target, or " in warning


@pytest.mark.parametrize("scale", ["minmax", "standard", "none"])
def test_targets_within_reach_are_not(folder: Path, scale: str) -> None:
    output = "sigmoid" if scale == "minmax" else "identity"
    overrides = [f"data.scale_target={scale}", f"network.output_activation={output}"]
    assert prepare(load(folder, NUMBER, *overrides)).warnings == ()


@pytest.mark.parametrize(
    ("targets", "warns"), [("[[0.5], [1]]", False), ("[[-0.1], [1]]", True), ("[[0], [1.01]]", True)]
)
def test_either_end_can_be_out_of_reach(folder: Path, targets: str, *, warns: bool) -> None:
    overrides = ["data.inputs=[[0, 1], [1, 0]]", f"data.targets={targets}", "training.loss=quadratic"]
    config = load(folder, INLINE, *overrides, "network.output_activation=sigmoid")
    assert bool(prepare(config).warnings) is warns


def test_warnings_of_the_data_come_along(folder: Path) -> None:
    path = folder / "rows.csv"
    heading, *rows = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([f"{heading},still", *(f"{row},1" for row in rows)]), encoding="utf-8")
    layers = "network.layers=[auto, 3]"
    assert prepare(load(folder, CLASSES, layers)).warnings == (
        "Column 'still' has the same value in every training row, and cannot help.",
    )


# The seed's three streams


def shape_of(experiment: Experiment) -> dict[str, Any]:
    return {
        "rows": experiment.dataset.train.X.tobytes(),
        "weights": experiment.model.network.parameters.tobytes(),
        "order": experiment.rng.bit_generator.state,
    }


def test_a_seed_settles_everything(folder: Path) -> None:
    one, same, other = (shape_of(prepare(load(folder, CLASSES, f"seed={seed}"))) for seed in (3, 3, 4))
    assert one == same
    assert all(one[key] != other[key] for key in one)


def test_which_child_of_the_seed_draws_what(folder: Path) -> None:
    """Pinned: with other streams the same config and seed would give other runs than before."""
    experiment = prepare(load(folder))
    children = np.random.SeedSequence(3).spawn(3)
    network = experiment.model.network
    weights = initialise(
        list(network.layers.values()),
        INITIALIZERS.create("glorot_uniform"),
        np.random.default_rng(children[1]),
        np.float32,
    )
    assert network.parameters.tobytes() == weights.parameters.tobytes()
    assert experiment.rng.bit_generator.state == np.random.default_rng(children[2]).bit_generator.state


@pytest.mark.parametrize(
    ("override", "moved"),
    [
        ("data.validation=0.3", {"rows"}),
        ("network.initializer=he_normal", {"weights"}),
        ("network.layers=[3, 20, 3]", {"weights"}),
        ("training.epochs=50", set()),
    ],
)
def test_a_change_of_one_draw_does_not_shift_the_others(folder: Path, override: str, moved: set[str]) -> None:
    before, after = shape_of(prepare(load(folder))), shape_of(prepare(load(folder, CLASSES, override)))
    assert {key for key in before if before[key] != after[key]} == moved


# Data


def test_missing_data_and_how_to_get_them(tmp_path: Path) -> None:
    text = CLASSES.replace("  target: kind\n", "  target: kind\n  obtain: Ask the librarian.\n")
    for config, advice in ((text, "Ask the librarian."), (CLASSES, "")):
        with pytest.raises(MissingDataError) as caught:
            prepare(load(tmp_path, config))
        assert caught.value.message == f"{tmp_path / 'rows.csv'} does not exist."
        assert caught.value.advice == advice


def test_data_that_are_wrong_keep_their_own_advice(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("x,kind\n1,a\n,b\n", encoding="utf-8")
    text = CLASSES.replace("  drop: [size]\n", "  obtain: Ask the librarian.\n")
    with pytest.raises(DataError, match="is blank") as caught:
        prepare(load(tmp_path, text, "data.validation=null", "data.test=null"))
    assert "librarian" not in caught.value.advice


def test_a_part_of_its_own_file(folder: Path) -> None:
    lines = (folder / "rows.csv").read_text(encoding="utf-8").splitlines()
    (folder / "held.csv").write_text("\n".join([lines[0], *lines[1:8]]), encoding="utf-8")
    experiment = prepare(load(folder, CLASSES, f"data.validation={folder / 'held.csv'}", "data.test=null"))
    assert (len(experiment.dataset.train.X), experiment.dataset.test) == (60, None)
    held = experiment.samples(experiment.dataset.validation)
    assert held is not None
    np.testing.assert_array_equal(held.X, experiment.dataset.train.X[:7])
    assert experiment.samples(None) is None


@pytest.mark.parametrize("size", [10**9, 10**18, 10**23])
def test_a_network_larger_than_memory(folder: Path, size: int) -> None:
    said = problem(folder, CLASSES, f"network.layers=[auto, {size}, auto]")
    assert "network.layers: found " in said
    assert "GB of memory, and" in said


def test_a_system_that_does_not_tell_its_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bpnet.experiment.preparing.available_memory", lambda: None)
    assert prepare(load(folder, CLASSES)).model.network.sizes == (3, 5, 3)


def test_a_number_is_not_taken_for_classes(folder: Path) -> None:
    rows = "x,y\n" + "".join(f"{k},{k / 7}\n" for k in range(60))
    (folder / "rows.csv").write_text(rows, encoding="utf-8")
    text = (
        "data: {train: rows.csv, target: y, validation: 0.2}\nnetwork: {layers: [auto, auto]}\n"
        "training: {loss: cross_entropy, learning_rate: 0.1, epochs: 1}\n"
    )
    with pytest.raises(
        DataError, match="has 60 different values in 60 rows, too many to be classes"
    ) as caught:
        prepare(load(folder, text))
    assert "loss: quadratic" in caught.value.advice
