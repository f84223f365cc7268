"""All parts are encoded by what the training rows alone have taught."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpnet.data import DataRequest, FileSource, InlineSource, PairSource, load_dataset
from bpnet.data.reading import read_inputs
from tests.data.files import idx, load, refusal, write

CROSS_ENTROPY: dict[str, Any] = {"classes_by_loss": True}


def lines(rows: int = 40) -> list[str]:
    """Rows of a number, a text, a blank now and then, and one of two classes."""
    rng = np.random.default_rng(5)
    return [
        f"{rng.normal():.3f},{rng.choice(['red', 'blue'])},{rng.integers(9) if k % 6 else ''},{'ab'[k % 2]}"
        for k in range(rows)
    ]


def text(rows: list[str]) -> str:
    return "x,shade,n,y\n" + "\n".join(rows) + "\n"


# --- no leakage


@pytest.mark.parametrize("missing", ["mean", "most_frequent", "indicator"])
@pytest.mark.parametrize("scale", ["minmax", "standard"])
def test_rows_that_do_not_train_teach_nothing(tmp_path: Path, missing: str, scale: str) -> None:
    options: dict[str, Any] = {
        "validation": 0.2,
        "test": 0.2,
        "missing": missing,
        "scale": scale,
        "task": "classification",
    }
    before = load(write(tmp_path / "t.csv", text(lines())), "y", **options)
    trained = set(map(tuple, before.train.X.tolist()))
    everything = before.columns.encode(read_inputs(tmp_path / "t.csv"), np.float64)
    changed = [
        row if tuple(values) in trained else f"999,green,-999,{row[-1]}"
        for row, values in zip(lines(), everything.tolist(), strict=True)
    ]
    assert sum(row.startswith("999") for row in changed) == 16
    after = load(write(tmp_path / "t.csv", text(changed)), "y", **options)
    assert after.columns.to_json() == before.columns.to_json()
    assert after.train.X.tobytes() == before.train.X.tobytes()
    assert before.validation is not None
    assert after.validation is not None
    assert after.validation.X.tobytes() != before.validation.X.tobytes()


@pytest.mark.parametrize("scale", ["minmax", "standard"])
def test_scales_of_numbers_to_predict_come_from_training_rows(tmp_path: Path, scale: str) -> None:
    rows = [f"{k},{k}" for k in range(20)]
    options: dict[str, Any] = {"validation": 0.25, "scale_target": scale, "scale": scale}
    before = load(write(tmp_path / "t.csv", "x,y\n" + "\n".join(rows)), "y", **options)
    target = before.columns.target
    trained = set(target.decode(before.train.Y).round().astype(int).tolist())
    assert len(trained) == 15
    changed = [row if k in trained else f"{k * 1e6},{k * 1e6}" for k, row in enumerate(rows)]
    after = load(write(tmp_path / "t.csv", "x,y\n" + "\n".join(changed)), "y", **options)
    assert after.columns.to_json() == before.columns.to_json()
    everything = load(tmp_path / "t.csv", "y", **options | {"validation": None})
    assert everything.columns.scaling != before.columns.scaling  # the changes would have been noticed


def test_files_of_their_own_teach_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", text(lines()))
    seen = []
    for k, other in enumerate((lines()[:4], ["1e6,green,5,a", "-1e6,red,5,b"])):
        part = FileSource(write(tmp_path / f"v{k}.csv", text(other)))
        options: dict[str, Any] = {"validation": part, "test": part, "missing": "mean", "scale": "standard"}
        seen.append(load(path, "y", **options, **CROSS_ENTROPY))
    assert seen[0].columns.to_json() == seen[1].columns.to_json()
    assert seen[0].train.X.tobytes() == seen[1].train.X.tobytes()
    assert [len(dataset.validation.X) for dataset in seen if dataset.validation] == [4, 2]


def test_categories_come_from_training_rows_alone(tmp_path: Path) -> None:
    rows = ["1,red,1,a", "1,blue,1,b"] * 10
    part = FileSource(write(tmp_path / "v.csv", text(["1,green,1,a", "1,red,1,b", "1,gold,1,b"])))
    dataset = load(write(tmp_path / "t.csv", text(rows)), "y", validation=part, **CROSS_ENTROPY)
    assert dataset.columns.categories == {"shade": ("blue", "red")}
    assert dataset.validation is not None
    assert dataset.validation.X.tolist() == [[1, 1, 0, 0], [1, 1, 0, 1], [1, 1, 0, 0]]
    assert dataset.warnings[-1] == (
        "Column 'shade' of the validation rows holds 'gold', 'green', which the training rows do not have: "
        "such a cell counts as none of the known categories."
    )


def test_a_long_list_of_unknown_texts_is_cut(tmp_path: Path) -> None:
    part = FileSource(write(tmp_path / "v.csv", text([f"{k},s{k},1,a" for k in range(7)])))
    dataset = load(write(tmp_path / "t.csv", text(lines())), "y", test=part, missing="mean", **CROSS_ENTROPY)
    assert "of the test rows holds 's0', 's1', 's2', 's3', 's4', ..., which" in dataset.warnings[0]


# --- parts


def test_parts_are_split_by_class(tmp_path: Path) -> None:
    rows = [f"{k},r,1,{'a' if k % 4 else 'b'}" for k in range(40)]
    dataset = load(write(tmp_path / "t.csv", text(rows)), "y", validation=0.2, test=0.2, **CROSS_ENTROPY)
    parts = [dataset.train, dataset.validation, dataset.test]
    assert [part.Y.sum(axis=0).tolist() for part in parts if part] == [[18, 6], [6, 2], [6, 2]]
    assert sorted(x for part in parts if part for x in part.X[:, 0]) == list(range(40))


def test_one_hot_columns_are_split_by_class_too(tmp_path: Path) -> None:
    rows = "x,a,b\n" + "".join(f"{k},{k % 4 > 0:d},{k % 4 == 0:d}\n" for k in range(40))
    dataset = load(write(tmp_path / "t.csv", rows), "a", "b", validation=0.2, **CROSS_ENTROPY)
    assert dataset.validation is not None
    assert dataset.validation.Y.sum(axis=0).tolist() == [6, 2]


def test_every_class_of_the_file_is_trained_on(tmp_path: Path) -> None:
    rows = [f"{k},r,1,{'rare' if k == 7 else 'ab'[k % 2]}" for k in range(30)]
    for seed in range(20):
        dataset = load(
            write(tmp_path / "t.csv", text(rows)), "y", seed=seed, validation=0.3, test=0.3, **CROSS_ENTROPY
        )
        assert dataset.train.Y.sum(axis=0).min() >= 1


def test_the_same_seed_gives_the_same_parts(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", text(lines()))
    options: dict[str, Any] = {"validation": 0.25, "missing": "mean", **CROSS_ENTROPY}
    first, again, other = (load(path, "y", seed=seed, **options).train.X.tobytes() for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_an_empty_part_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", text(lines(4)))
    said = refusal(lambda: load(path, "y", test=0.1, **CROSS_ENTROPY))
    assert said.startswith(
        "data.test: 0.1 of 4 rows leaves no row for the test part "
        "(every class keeps a row for training, and there are 2). | Take a larger share"
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_parts_are_of_the_dtype_of_training(tmp_path: Path, dtype: str) -> None:
    dataset = load(
        write(tmp_path / "t.csv", text(lines())),
        "y",
        validation=0.2,
        missing="mean",
        dtype=dtype,
        **CROSS_ENTROPY,
    )
    parts = [dataset.train, dataset.validation]
    assert {array.dtype for part in parts if part for array in (part.X, part.Y)} == {np.dtype(dtype)}


def test_a_few_rows_are_encoded_by_what_all_have_taught(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "x,y\n" + "".join(f"{k},{k}\n" for k in range(41)))
    absent = FileSource(tmp_path / "none.csv")
    few = load(path, "y", scale="minmax", most_rows=5, validation=absent, test=absent)
    assert few.columns == load(path, "y", scale="minmax").columns
    assert few.train.X.tolist() == [[0], [0.25], [0.5], [0.75], [1]]
    assert few.train.Y.tolist() == [[0], [10], [20], [30], [40]]
    assert few.validation is None
    assert few.test is None
    assert len(load(path, "y", most_rows=100).train.X) == 41


# --- columns asked for


def test_features_are_all_columns_but_targets_and_dropped(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", text(lines()))
    options: dict[str, Any] = {"missing": "mean", **CROSS_ENTROPY}
    assert load(path, "y", **options).columns.features == ("x", "shade", "n")
    assert load(path, "y", drop=("shade",), **options).columns.features == ("x", "n")
    assert load(path, "y", features=("n", "x"), **options).columns.features == ("n", "x")
    assert "n=3" in load(path, "y", categorical=("n",), **options).columns.input_names


@pytest.mark.parametrize("key", ["features", "drop", "categorical"])
def test_columns_that_are_not_there_are_refused(tmp_path: Path, key: str) -> None:
    path = write(tmp_path / "t.csv", text(lines()))
    options: dict[str, Any] = {key: ("shape",), **CROSS_ENTROPY}
    said = refusal(load, path, "y", **options)
    assert said.startswith(f"{path} has no column 'shape' (did you mean 'shade'?).")


def test_a_column_must_be_left_to_learn_from(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "a,b\n1,2\n3,4\n")
    said = refusal(lambda: load(path, "a", drop=("b",)))
    assert said == f"{path} has no column left to learn from: all are targets or dropped."


def test_a_validation_file_must_fit_too(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "x,y\n1,a\n2,b\n")
    for content, said in (
        ("x,y\n1,a\n2,c\n", "v.csv:3: the target 'y' is 'c', a class that the training rows do not have."),
        ("y\na\n", "v.csv has no column 'x'."),
        ("x\n1\n", "v.csv has no column 'y'."),
        ("x,y\n1,a\n?,b\n", "v.csv:3: column 'x' is '?', expected a number."),
        ("x,y\n,a\n", "v.csv:2: column 'x' is blank."),
    ):
        part = FileSource(write(tmp_path / "v.csv", content))
        assert said in refusal(load, path, "y", validation=part, **CROSS_ENTROPY)


# --- notes


def test_columns_that_never_vary_are_noted(tmp_path: Path) -> None:
    rows = "x,same,text,y,still\n" + "".join(f"{k},0.1,red,{k},7\n" for k in range(5))
    dataset = load(write(tmp_path / "t.csv", rows), "y", scale="standard", dtype="float32")
    assert dataset.warnings == (
        "Columns 'same', 'text', 'still' have the same value in every training row, and cannot help.",
    )
    one = load(write(tmp_path / "t.csv", rows), "y", drop=("same", "text"))
    assert one.warnings == ("Column 'still' has the same value in every training row, and cannot help.",)


def test_many_columns_that_never_vary_are_counted(tmp_path: Path) -> None:
    rows = "y," + ",".join(f"c{k}" for k in range(8)) + "\n" + "".join(f"{k}{',1' * 8}\n" for k in range(3))
    (note,) = load(write(tmp_path / "t.csv", rows), "y").warnings
    assert note.startswith("Columns 'c0', 'c1', 'c2', 'c3', 'c4' and 3 more have the same value")


def test_a_column_that_varies_by_its_blanks_is_not_noted(tmp_path: Path) -> None:
    rows = "n,t,y\n1,red,1\n,,2\n1,red,3\n"
    assert load(write(tmp_path / "t.csv", rows), "y", missing="indicator").warnings == ()
    assert "Columns 'n', 't' have" in load(tmp_path / "t.csv", "y", missing="mean").warnings[0]


def test_one_row_cannot_vary(tmp_path: Path) -> None:
    assert load(write(tmp_path / "t.csv", "x,y\n1,2\n"), "y").warnings == ()


# --- other sources


def test_numbers_of_the_config_are_data_too() -> None:
    source = InlineSource([[0, 1], [1, 0]], [[1], [0]])
    dataset = load_dataset(DataRequest(source, dtype=np.float64), np.random.default_rng(0))
    assert dataset.train.X.tolist() == [[0, 1], [1, 0]]
    assert dataset.train.Y.tolist() == [[1], [0]]
    assert (dataset.columns.input_names, dataset.columns.target.names) == (("x1", "x2"), ("y",))
    assert str(source) == "data.inputs"


def test_a_pair_of_idx_files_is_scaled_as_one(tmp_path: Path) -> None:
    images = np.array([[[0, 0], [100, 0]], [[50, 0], [200, 0]], [[50, 0], [250, 0]]])
    source = PairSource(write(tmp_path / "i", idx(images)), write(tmp_path / "l", idx(np.array([7, 3, 7]))))
    dataset = load_dataset(
        DataRequest(source, scale="minmax", classes_by_loss=True, dtype=np.float64), np.random.default_rng(0)
    )
    np.testing.assert_allclose(dataset.train.X, images.reshape(3, 4) / 250, rtol=1e-15)
    assert dataset.train.Y.tolist() == [[0, 1], [1, 0], [0, 1]]
    assert dataset.columns.target.decode(dataset.train.Y).tolist() == [7, 3, 7]
    assert dataset.warnings == ()  # pixels that never vary trouble nobody
    assert str(source) == str(tmp_path / "i")


def test_a_table_may_be_judged_by_an_array(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "size,kind,x\n1,0,5\n2,1,6\n")
    np.savez(tmp_path / "v.npz", X=[[3, 7]], y=[1])
    dataset = load(path, "kind", validation=FileSource(tmp_path / "v.npz"), **CROSS_ENTROPY)
    assert dataset.validation is not None
    assert dataset.validation.X.tolist() == [[3, 7]]
    assert dataset.validation.Y.tolist() == [[0, 1]]
    assert str(FileSource(path)) == str(path)
