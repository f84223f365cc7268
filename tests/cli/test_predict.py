import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

import bpnet as package
from tests.cli.running import DATA, bpnet, process, refused

FLOWERS = (DATA / "iris.csv").read_text("utf-8").splitlines()
COLUMNS = FLOWERS[0].split(",")


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def write(path: Path, columns: list[str], every: int = 10) -> Path:
    """Write some of the flowers, with these columns in this order."""
    flowers = csv.DictReader(FLOWERS)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(row for number, row in enumerate(flowers) if number % every == 0)
    return path


def test_classes_come_with_the_probability_of_each(iris: Path, folder: Path) -> None:
    ran = bpnet("predict", iris, write(folder / "few.csv", COLUMNS))
    assert (ran.code, ran.err) == (0, "")
    heading = "prediction,probability_setosa,probability_versicolor,probability_virginica"
    assert ran.out.splitlines()[0] == heading
    rows = rows_of(ran.out)
    assert len(rows) == 15
    for row in rows:
        shares = {name: float(row[f"probability_{name}"]) for name in ("setosa", "versicolor", "virginica")}
        assert sum(shares.values()) == pytest.approx(1, abs=1e-6)
        assert row["prediction"] == max(shares, key=lambda name: shares[name])
    assert [row["prediction"] for row in rows[:5]] == ["setosa"] * 5


def test_the_order_of_rows_is_kept(iris: Path, folder: Path) -> None:
    forward = bpnet("predict", iris, write(folder / "a.csv", COLUMNS)).out.splitlines()[1:]
    lines = (folder / "a.csv").read_text("utf-8").splitlines()
    (folder / "b.csv").write_text("\n".join([lines[0], *lines[:0:-1]]), encoding="utf-8")
    backward = bpnet("predict", iris, folder / "b.csv").out.splitlines()[1:]
    names = [[line.partition(",")[0] for line in part] for part in (forward, backward[::-1])]
    assert names[0] == names[1]
    shares = [np.array([line.split(",")[1:] for line in part], float) for part in (forward, backward[::-1])]
    np.testing.assert_allclose(shares[0], shares[1], rtol=1e-5)


@pytest.mark.parametrize(
    "columns",
    [COLUMNS[:-1], COLUMNS[::-1], COLUMNS[2:4] + COLUMNS[:2]],
    ids=["no target", "reversed", "mixed"],
)
def test_columns_are_found_by_name(columns: list[str], iris: Path, folder: Path) -> None:
    expected = bpnet("predict", iris, write(folder / "a.csv", COLUMNS))
    found = bpnet("predict", iris, write(folder / "b.csv", columns))
    assert (found.code, found.out) == (0, expected.out)


def test_a_missing_column_is_named(iris: Path, folder: Path) -> None:
    said = refused("predict", iris, write(folder / "a.csv", COLUMNS[1:]))
    assert "a.csv has no column 'sepal_length_cm'" in said


def test_numbers_stand_under_the_targets_name(diabetes: Path, folder: Path) -> None:
    lines = (DATA / "diabetes.csv").read_text("utf-8").splitlines()
    (folder / "few.csv").write_text("\n".join(lines[:6]), encoding="utf-8")
    ran = bpnet("predict", diabetes, "few.csv")
    rows = rows_of(ran.out)
    assert list(rows[0]) == ["progression"]
    expected = package.load(diabetes).predict(folder / "few.csv")
    np.testing.assert_allclose([float(row["progression"]) for row in rows], expected, rtol=1e-6)


def test_yes_or_no_has_the_probability_of_the_second_class(folder: Path) -> None:
    (folder / "a.csv").write_text("x,y\n" + "0,no\n1,yes\n" * 5, encoding="utf-8")
    config = "data: {train: a.csv, target: y}\nnetwork: {layers: [1, 4, 1]}\n"
    config += "training: {loss: binary_cross_entropy, optimizer: adam, learning_rate: 0.1, epochs: 100}\n"
    (folder / "a.yaml").write_text(config, encoding="utf-8")
    bpnet("train", "a.yaml", "-q")
    rows = rows_of(bpnet("predict", "runs/a-1", "a.csv").out)
    assert list(rows[0]) == ["prediction", "probability_yes"]
    assert [row["prediction"] for row in rows] == ["no", "yes"] * 5
    assert [float(row["probability_yes"]) > 0.5 for row in rows] == [False, True] * 5


def test_labels_are_those_of_the_file(folder: Path) -> None:
    (folder / "a.csv").write_text("x,y\n" + '0,"a, b"\n1,ö\n2,3\n' * 4, encoding="utf-8")
    config = "data: {train: a.csv, target: y}\nnetwork: {layers: [1, 3]}\n"
    config += "training: {loss: cross_entropy, learning_rate: 0.1, epochs: 1}\n"
    (folder / "a.yaml").write_text(config, encoding="utf-8")
    bpnet("train", "a.yaml", "-q")
    rows = rows_of(bpnet("predict", "runs/a-1", "a.csv").out)
    assert set(rows[0]) == {"prediction", "probability_a, b", "probability_ö", "probability_3"}


def test_a_model_file_is_enough(iris: Path, folder: Path) -> None:
    (folder / "alone.safetensors").write_bytes((iris / "model.safetensors").read_bytes())
    few = write(folder / "few.csv", COLUMNS)
    assert bpnet("predict", "alone.safetensors", few).out == bpnet("predict", iris, few).out


def test_json_has_the_same_columns(iris: Path, folder: Path) -> None:
    few = write(folder / "few.csv", COLUMNS)
    answers = json.loads(bpnet("predict", iris, few, "--json").out)
    rows = rows_of(bpnet("predict", iris, few).out)
    assert list(answers) == list(rows[0])
    assert answers["prediction"] == [row["prediction"] for row in rows]
    assert answers["probability_setosa"] == [float(row["probability_setosa"]) for row in rows]


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_file_gets_what_would_be_printed(options: list[str], iris: Path, folder: Path) -> None:
    few = write(folder / "few.csv", COLUMNS)
    (folder / "answers").write_text("old and much longer\n" * 100, encoding="utf-8")
    ran = bpnet("predict", iris, few, "-o", "answers", "-f", *options)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert (folder / "answers").read_text("utf-8") == bpnet("predict", iris, few, *options).out
    assert sorted(path.name for path in folder.iterdir()) == ["answers", "few.csv"]


def test_a_file_that_cannot_be_written_stays_as_it_was(
    iris: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(*_: object) -> None:
        raise OSError(28, "No space left on device")

    few = write(folder / "few.csv", COLUMNS)
    (folder / "answers").write_text("old", encoding="utf-8")
    monkeypatch.setattr("os.fsync", fill)
    assert "answers could not be written: No space left" in refused(
        "predict", iris, few, "-o", "answers", "-f", code=6
    )
    assert sorted(path.name for path in folder.iterdir()) == ["answers", "few.csv"]
    assert (folder / "answers").read_text("utf-8") == "old"


@pytest.mark.parametrize("place", ["nowhere/answers", "."])
def test_a_place_where_no_file_can_be(place: str, iris: Path, folder: Path) -> None:
    few = write(folder / "few.csv", COLUMNS)
    assert "could not be written" in refused("predict", iris, few, "-o", place, code=6)


@pytest.mark.parametrize("bytes_kept", [0, 7, 100, -1])
def test_a_damaged_model_is_refused(bytes_kept: int, iris: Path, folder: Path) -> None:
    (folder / "cut").write_bytes((iris / "model.safetensors").read_bytes()[:bytes_kept])
    assert "damaged" in refused("predict", "cut", write(folder / "few.csv", COLUMNS))


def test_a_changed_bit_is_noticed(iris: Path, folder: Path) -> None:
    content = bytearray((iris / "model.safetensors").read_bytes())
    content[-3] ^= 1
    (folder / "bit").write_bytes(content)
    assert "its checksum does not fit" in refused("predict", "bit", write(folder / "few.csv", COLUMNS))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("{columns}\n", "no rows"),
        ("{columns}\n1,2,3\n", "bad.csv:2: found 3 cells, expected 5"),
        ("{columns}\n1,2,3,tall,setosa\n", "tall"),
        ("{columns}\n1,2,3,,setosa\n", "petal_width_cm"),
        ("{columns}\n1,2,3,inf,setosa\n", "petal_width_cm"),
    ],
)
def test_data_that_do_not_fit_are_refused(content: str, message: str, iris: Path, folder: Path) -> None:
    (folder / "bad.csv").write_text(content.format(columns=",".join(COLUMNS)), encoding="utf-8")
    assert message in refused("predict", iris, "bad.csv")


def test_data_that_are_not_there_or_a_folder(iris: Path) -> None:
    assert "nowhere.csv does not exist" in refused("predict", iris, "nowhere.csv")
    assert "is a folder" in refused("predict", iris, ".")


@pytest.mark.parametrize("redirected", ["| head -1", "| true"])
def test_a_reader_who_leaves_early_sees_no_traceback(redirected: str, iris: Path, folder: Path) -> None:
    many = "\n".join([FLOWERS[0], *FLOWERS[1:] * 100])
    (folder / "many.csv").write_text(many, encoding="utf-8")
    ran = process("predict", iris, "many.csv", cwd=folder, redirected=redirected)
    assert (ran.code, ran.err) == (0, "")


def test_a_standard_output_that_cannot_be_written(iris: Path, folder: Path) -> None:
    ran = process("predict", iris, write(folder / "few.csv", COLUMNS), cwd=folder, redirected="1</dev/null")
    assert ran.code == 6
    assert ran.err == "Error: Standard output could not be written: Bad file descriptor.\n"


def test_ctrl_c_is_told_in_a_word(iris: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(package, "load", interrupt)
    ran = bpnet("predict", iris, "few.csv")
    assert (ran.code, ran.out, ran.err) == (130, "", "Interrupted.\n")


def test_no_file_is_lost(iris: Path, folder: Path) -> None:
    few = write(folder / "few.csv", COLUMNS)
    before, there = few.read_bytes(), folder / "there.csv"
    there.write_text("mine", encoding="utf-8")
    assert "there.csv exists.\nChoose another name, or add --force." in refused(
        "predict", iris, few, "-o", there, code=6
    )
    assert there.read_text("utf-8") == "mine"
    for made_from in (few, iris / "model.safetensors"):
        said = refused("predict", iris, few, "-o", made_from, "--force", code=6)
        assert "is what the answers are made from" in said
    assert few.read_bytes() == before
    assert bpnet("predict", iris, few, "-o", there, "--force").code == 0
    assert there.read_text("utf-8") == bpnet("predict", iris, few).out


def test_a_text_that_training_did_not_have_is_noted(folder: Path) -> None:
    (folder / "t.csv").write_text("colour,y\n" + "red,1\nblue,0\n" * 9, encoding="utf-8")
    (folder / "t.yaml").write_text(
        "data: {train: t.csv, target: y}\nnetwork: {layers: [auto, auto]}\n"
        "training: {loss: cross_entropy, learning_rate: 0.1, epochs: 1}\n",
        encoding="utf-8",
    )
    run = bpnet("train", "t.yaml", "-q").out.strip()
    (folder / "new.csv").write_text("colour\nred\ngreen\n", encoding="utf-8")
    ran = bpnet("predict", run, "new.csv")
    assert ran.code == 0
    assert len(ran.out.splitlines()) == 3
    assert "Note: Column 'colour' of new.csv holds 'green', which the training rows do not have" in ran.err
