import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpnet.core.activations import ACTIVATIONS
from bpnet.core.losses import LOSSES
from bpnet.core.network import Layer, Network, forward
from bpnet.data import Columns, InlineSource, Target
from bpnet.data.scaling import Scaling
from bpnet.errors import DataError, ModelError, OutputError
from bpnet.training.files import load_tensors, save_tensors
from bpnet.training.model import Model
from bpnet.training.run_folder import MODEL
from tests.core.nets import make_network
from tests.tolerances import ROUNDING

SPECIES = Target("classification", ("kind",), (("b", "a", "Käse"),), 3, Scaling.none(0))
YES_NO = Target("classification", ("kind",), (("no", "yes"),), 1, Scaling.none(0))
SIZE = Target("regression", ("size",), (), 1, Scaling((100.0,), (0.25,)))
SIZES = Target("regression", ("size", "weight"), (), 2, Scaling((100.0, -5.0), (0.25, 10.0)))
LABELS = Target("labels", ("wet", "cold"), (("0", "1"), ("0", "1")), 2, Scaling.none(0))

FITTING = {
    "classes": (SPECIES, "softmax", "cross_entropy"),
    "yes or no": (YES_NO, "sigmoid", "binary_cross_entropy"),
    "number": (SIZE, "identity", "quadratic"),
    "numbers": (SIZES, "identity", "huber"),
    "labels": (LABELS, "sigmoid", "binary_cross_entropy"),
    "classes by distance": (SPECIES, "sigmoid", "quadratic"),
}


def make_columns(target: Target) -> Columns:
    """Two number columns, scaled, and one of two texts: four inputs."""
    return Columns(
        named=True,
        features=("x", "colour", "y"),
        numbers=("x", "y"),
        scaling=Scaling((1.0, 2.0), (0.5, 3.0)),
        fill=(0.0, 0.0),
        indicators=(),
        categories={"colour": ("blue", "red")},
        fill_text={"colour": None},
        missing="error",
        target=target,
    )


def make_model(kind: str = "classes", dtype: Any = np.float32, **changes: Any) -> Model:
    target, output, loss = FITTING[kind]
    network = make_network((4, 5, target.units), "tanh", output, dropout=0.25)
    network = network.with_parameters(network.parameters.astype(dtype))
    return replace(Model(network, LOSSES.create(loss), make_columns(target)), **changes)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("y,note,colour,x\n2.5,n,red,1\n-1,n,blue,0.5\n3,n,green,7\n", encoding="utf-8")
    return path


ENCODED = np.array([[0, 1.5, 0, 1], [-0.25, -9, 1, 0], [3, 3, 0, 0]])
"""What the table's rows are as inputs: x, y, blue, red."""


# There and back


@pytest.mark.parametrize("kind", list(FITTING))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_model_comes_back_with_its_bits(tmp_path: Path, table: Path, kind: str, dtype: Any) -> None:
    model = make_model(kind, dtype)
    if kind == "classes":
        model = replace(model, class_weights=(0.5, 1.0, 2.5))
    model.save(tmp_path / "m.safetensors", {"name": "test", "epoch": 3})
    loaded = Model.load(tmp_path / "m.safetensors")
    assert loaded.network.parameters.dtype == dtype
    assert loaded.network.parameters.tobytes() == model.network.parameters.tobytes()
    assert loaded.network.layers == model.network.layers
    assert (loaded.loss, loaded.columns, loaded.class_weights) == (
        model.loss,
        model.columns,
        model.class_weights,
    )
    assert loaded.outputs(table).tobytes() == model.outputs(table).tobytes()
    np.testing.assert_array_equal(loaded.predict(table), model.predict(table))


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_every_activation_comes_back(tmp_path: Path, name: str) -> None:
    model = make_model()
    layers = list(model.network.layers.values())
    network = Network(
        [replace(layers[0], activation=ACTIVATIONS.create(name)), layers[1]], model.network.parameters
    )
    replace(model, network=network).save(tmp_path / "m", {})
    assert Model.load(tmp_path / "m").network.layers == network.layers


def test_hyperparameters_come_back(tmp_path: Path) -> None:
    model = make_model("numbers", loss=LOSSES.create("huber", threshold=2.5))
    layers = list(model.network.layers.values())
    leaky = Layer(4, 5, ACTIVATIONS.create("leaky_relu", slope=0.3))
    replace(model, network=Network([leaky, layers[1]], model.network.parameters)).save(tmp_path / "m", {})
    loaded = Model.load(tmp_path / "m")
    assert loaded.loss == LOSSES.create("huber", threshold=2.5)
    assert loaded.network.layers[2] == leaky


def test_the_file_tells_where_it_comes_from(tmp_path: Path) -> None:
    make_model().save(tmp_path / "m", {"name": "test", "versions": {"numpy": "2"}})
    tensors, metadata = load_tensors(tmp_path / "m")
    assert metadata["info"] == {"name": "test", "versions": {"numpy": "2"}}
    assert {name: array.shape for name, array in tensors.items()} == {
        "W2": (5, 4),
        "b2": (5,),
        "W3": (3, 5),
        "b3": (3,),
    }


def test_a_run_folder_stands_for_its_model(tmp_path: Path) -> None:
    make_model().save(tmp_path / MODEL, {})
    assert Model.load(tmp_path).columns == make_columns(SPECIES)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"empty/model\.safetensors does not exist"):
        Model.load(tmp_path / "empty")


PREDICT = """
import sys
import bpnet
print(bpnet.load(sys.argv[1]).outputs(sys.argv[2]).tobytes().hex())
"""


def test_a_copied_file_predicts_on_its_own(tmp_path: Path, table: Path) -> None:
    model, run = make_model(), tmp_path / "run"
    run.mkdir()
    model.save(run / MODEL, {})
    expected = model.outputs(table).tobytes().hex()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.move(run / MODEL, elsewhere / "copied.bin")
    shutil.move(table, elsewhere / "rows.csv")
    run.rmdir()
    command = [sys.executable, "-c", PREDICT, "copied.bin", "rows.csv"]
    ran = subprocess.run(command, cwd=elsewhere, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == expected


def test_a_model_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No such file or directory"):
        make_model().save(tmp_path / "missing" / "m", {})


# Answers


def test_outputs_are_those_of_the_encoded_rows(table: Path) -> None:
    model = make_model(dtype=np.float64)
    np.testing.assert_allclose(
        model.outputs(table), forward(model.network, ENCODED).outputs, rtol=0, atol=ROUNDING
    )


def test_a_class_and_its_probabilities_in_the_classes_order(table: Path) -> None:
    model = make_model()
    outputs, answers = model.outputs(str(table)), model.answers(table)
    assert list(answers) == ["prediction", "probability_b", "probability_a", "probability_Käse"]
    expected = [["b", "a", "Käse"][k] for k in outputs.argmax(axis=1)]
    assert answers["prediction"].tolist() == model.predict(table).tolist() == expected
    for k, name in enumerate(("b", "a", "Käse")):
        np.testing.assert_array_equal(answers[f"probability_{name}"], outputs[:, k])


@pytest.mark.parametrize("winner", [0, 1, 2])
def test_each_class_can_win(table: Path, winner: int) -> None:
    model = make_model()
    model.network.b[3][winner] = 50
    assert model.predict(table).tolist() == [("b", "a", "Käse")[winner]] * 3


def test_outputs_that_are_no_probabilities_are_not_called_so(table: Path) -> None:
    assert list(make_model("classes by distance").answers(table))[1:] == [
        "output_b",
        "output_a",
        "output_Käse",
    ]


@pytest.mark.parametrize(("bias", "answer"), [(50.0, "yes"), (-50.0, "no")])
def test_one_output_is_the_second_class(table: Path, bias: float, answer: str) -> None:
    model = make_model("yes or no")
    model.network.b[3][:] = bias
    answers = model.answers(table)
    assert list(answers) == ["prediction", "probability_yes"]
    assert answers["prediction"].tolist() == [answer] * 3
    assert (answers["probability_yes"] > 0.5).tolist() == [answer == "yes"] * 3


def test_numbers_come_in_the_targets_own_unit(table: Path) -> None:
    model = make_model("number", np.float64)
    answers = model.answers(table)
    assert list(answers) == ["size"]
    np.testing.assert_allclose(answers["size"], model.outputs(table)[:, 0] * 4 + 100, rtol=ROUNDING)
    assert model.predict(table).shape == (3,)
    both = make_model("numbers", np.float64)
    assert list(both.answers(table)) == ["size", "weight"]
    np.testing.assert_allclose(both.answers(table)["weight"], both.outputs(table)[:, 1] / 10 - 5, rtol=1e-12)
    assert both.predict(table).shape == (3, 2)


def test_labels_are_answered_one_by_one(table: Path) -> None:
    model = make_model("labels")
    model.network.b[3][:] = [50, -50]
    found = {name: values.round(3).tolist() for name, values in model.answers(table).items()}
    assert found == {
        "wet": [1, 1, 1],
        "cold": [0, 0, 0],
        "probability_wet": [1, 1, 1],
        "probability_cold": [0, 0, 0],
    }


def numeric_model(dtype: Any = np.float64) -> Model:
    """Without a text column, so that arrays of numbers will do."""
    columns = replace(make_columns(SIZE), features=("x", "y"), categories={}, fill_text={})
    network = make_network((2, 5, 1), "tanh", "identity")
    network = network.with_parameters(network.parameters.astype(dtype))
    return Model(network, LOSSES.create("quadratic"), columns)


def test_a_path_a_text_an_array_and_a_source_say_the_same(tmp_path: Path) -> None:
    model, rows = numeric_model(), [[1.0, 2.5], [0.5, -1.0]]
    path = tmp_path / "n.csv"
    path.write_text("y,x\n2.5,1\n-1,0.5\n", encoding="utf-8")
    expected = model.predict(path)
    for data in (str(path), np.array(rows), InlineSource(rows, [])):
        np.testing.assert_array_equal(model.predict(data), expected)


def test_numbers_too_large_are_refused_with_their_row() -> None:
    model = numeric_model(np.float32)
    model.network.W[2][:] = 1
    model.network.W[3][:] = 3e38  # five units at 1 overflow
    model.network.b[2][:] = 0
    X = np.array([[1.0, 2.0], [1.000001, 2.0], [1e30, 1e30], [1e30, 1e30]])
    assert np.isfinite(model.predict(X[:2])).all()
    with pytest.raises(DataError, match=r"^Row 3 \(the first is 1\) gives outputs that are not finite"):
        model.predict(X)


def test_data_of_other_columns(tmp_path: Path) -> None:
    path = tmp_path / "n.csv"
    path.write_text("y,z\n1,2\n", encoding="utf-8")
    with pytest.raises(DataError, match="has no column 'x'"):
        numeric_model().predict(path)


# Scores


def test_a_score_in_the_targets_own_unit(tmp_path: Path) -> None:
    model = numeric_model()
    path = tmp_path / "n.csv"
    path.write_text("size,y,x\n104,2.5,1\n90,-1,0.5\n", encoding="utf-8")
    sizes, answers = np.array([104.0, 90.0]), model.predict(path)
    score = model.score(path)
    assert list(score) == ["loss", "r2", "mae"]
    assert score["mae"] == pytest.approx(np.abs(answers - sizes).mean(), rel=ROUNDING)
    assert score["loss"] == pytest.approx((0.5 * ((answers - sizes) / 4) ** 2).mean(), rel=1e-12)
    spread = ((sizes - sizes.mean()) ** 2).sum()
    assert score["r2"] == pytest.approx(1 - ((answers - sizes) ** 2).sum() / spread, rel=1e-12)
    inline = InlineSource([[1.0, 2.5], [0.5, -1.0]], [[104.0], [90.0]])
    assert replace(model, columns=replace(model.columns, target=replace(SIZE, names=("y",)))).score(
        inline
    ) == pytest.approx(score, rel=ROUNDING)
    assert model.score(str(path)) == score


def test_classes_are_scored_with_their_weights(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("x,y,colour,kind\n1,2,red,a\n3,4,blue,b\n1,1,red,Käse\n", encoding="utf-8")
    model = make_model(dtype=np.float64)
    outputs = model.outputs(path)
    each = -np.log(outputs[[0, 1, 2], [1, 0, 2]])
    plain, weighted = model.score(path), replace(model, class_weights=(2.0, 3.0, 0.5)).score(path)
    assert plain["loss"] == pytest.approx(each.mean(), rel=1e-12)
    assert weighted["loss"] == pytest.approx((each * [3.0, 2.0, 0.5]).mean(), rel=1e-12)
    right = outputs.argmax(axis=1) == [1, 0, 2]
    assert plain["accuracy"] == weighted["accuracy"] == right.mean()


def test_a_score_needs_the_target(table: Path) -> None:
    with pytest.raises(DataError, match="has no column 'kind'"):
        make_model().score(table)


def test_one_outputs_weights_are_of_no_and_yes() -> None:
    samples = make_model("yes or no", class_weights=(0.5, 4.0)).samples(
        np.zeros((3, 4), np.float32), np.array([[1.0], [0.0], [1.0]], np.float32)
    )
    assert samples.weight is not None
    assert samples.weight.dtype == np.float32
    assert samples.weight.tolist() == [4.0, 0.5, 4.0]
    assert make_model("yes or no").samples(samples.X, samples.Y).weight is None


def test_metrics_suit_the_target() -> None:
    names = {kind: make_model(kind).metric().names for kind in FITTING}
    assert names == {kind: ("r2", "mae") if kind.startswith("number") else ("accuracy",) for kind in FITTING}
    labels = make_model("labels").metric()
    labels.add(np.array([[0.9, 0.1]]), np.array([[1.0, 1.0]]))
    assert labels.result() == {"accuracy": 0.5}  # of labels, not of rows


# Files that describe something else

Change = Callable[[dict[str, Any], dict[str, Any]], object]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda _, m: m.pop("columns"), id="no columns"),
        pytest.param(lambda _, m: m.pop("class_weights"), id="no class weights"),
        pytest.param(lambda _, m: m["loss"].pop("name"), id="no loss"),
        pytest.param(lambda t, _: t.pop("b3"), id="no biases"),
        pytest.param(lambda _, m: m.update(layers=[]), id="no layers"),
        pytest.param(lambda _, m: m.update(layers=5), id="layers that are a number"),
        pytest.param(lambda _, m: m.update(loss=[1]), id="a loss that is a list"),
        pytest.param(lambda _, m: m["layers"][0].update(n_in=5), id="another input"),
        pytest.param(lambda _, m: m["layers"].reverse(), id="layers the other way round"),
        pytest.param(
            lambda _, m: m["layers"][0]["activation"].update(name="swoosh"), id="unknown activation"
        ),
        pytest.param(lambda _, m: m["layers"][0]["activation"].update(heat=1), id="unknown hyperparameter"),
        pytest.param(lambda _, m: m["columns"].update(categories=[1]), id="categories that are a list"),
        pytest.param(lambda _, m: m["columns"]["numbers"].pop(), id="fewer inputs"),
        pytest.param(lambda _, m: m["columns"]["target"].update(units=2), id="fewer outputs"),
        pytest.param(lambda t, _: t.update(W2=t["W2"].T), id="weights transposed"),
        pytest.param(lambda t, _: t.update(W2=t["W2"].ravel()), id="weights in one row"),
        pytest.param(lambda t, _: t.update({k: v.astype(int) for k, v in t.items()}), id="whole numbers"),
        pytest.param(
            lambda t, _: t.update({k: v.astype(np.float16) for k, v in t.items()}), id="half numbers"
        ),
    ],
)
def test_a_file_that_describes_another_network(tmp_path: Path, change: Change) -> None:
    make_model().save(tmp_path / "m", {})
    tensors, metadata = load_tensors(tmp_path / "m")
    change(tensors, metadata)
    save_tensors(tmp_path / "m", tensors, metadata)
    with pytest.raises(ModelError, match="m describes a network that cannot be built: "):
        Model.load(tmp_path / "m")


@pytest.mark.parametrize("version", [None, 0, 2, "1"])
def test_a_file_of_another_version(tmp_path: Path, version: object) -> None:
    save_tensors(tmp_path / "m", {"W2": np.ones(1)}, {} if version is None else {"model": version})
    with pytest.raises(ModelError, match="m holds no model of this version of bpnet"):
        Model.load(tmp_path / "m")
