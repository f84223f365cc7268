"""Targets are classes, labels or numbers, and outputs become answers in their terms."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpnet.data.rows import Matrix, Rows
from bpnet.data.targets import Target, learn_target
from tests.data.files import refusal, table
from tests.tolerances import ROUNDING


def learn(rows: Rows, *names: str, **options: Any) -> Target:
    """Learn a target as for the loss quadratic, unless told otherwise."""
    defaults: dict[str, Any] = {
        "task": "auto",
        "classes_by_loss": False,
        "output_units": None,
        "scale": "none",
    }
    return learn_target(rows, names or rows.names, **defaults | options)


def column(folder: Path, *cells: object, name: str = "y") -> Rows:
    return table(folder, f"{name}\n" + "".join(f"{cell}\n" for cell in cells), f"{name}.csv")


CROSS_ENTROPY: dict[str, Any] = {"classes_by_loss": True}
BINARY: dict[str, Any] = {"classes_by_loss": None}


# --- classes


@pytest.mark.parametrize(
    ("cells", "classes", "answers"),
    [
        (("b", "a", "c", "b"), ("a", "b", "c"), ["b", "a", "c", "b"]),
        (("7", "10", "0", "7"), ("0", "7", "10"), [7, 10, 0, 7]),
        (("1.0", "-2", "10.0", "1"), ("-2", "1", "10"), [1, -2, 10, 1]),
        (("2.5", "0.5", "1", "2.5"), ("0.5", "1", "2.5"), ["2.5", "0.5", "1", "2.5"]),
        (("07", "1", "7", "07"), ("07", "1", "7"), ["07", "1", "7", "07"]),
        (("--1", "-0", "1", "--1"), ("--1", "-0", "1"), ["--1", "-0", "1", "--1"]),
        (("9" * 19, "8" * 19, "7", "9" * 19), ("7", "8" * 19, "9" * 19), ["9" * 19, "8" * 19, "7", "9" * 19]),
        (("²", "1", "2", "²"), ("1", "2", "²"), ["²", "1", "2", "²"]),
    ],
)
def test_classes_are_outputs_in_order_and_answers_by_name(
    tmp_path: Path, cells: tuple[str, ...], classes: tuple[str, ...], answers: list[object]
) -> None:
    rows = column(tmp_path, *cells)
    target = learn(rows, **CROSS_ENTROPY)
    assert (target.kind, target.units, target.classes) == ("classification", 3, (classes,))
    Y = target.encode(rows, np.float32)
    assert Y.dtype == np.float32
    assert Y.tolist() == [[float(k == Y[row].argmax()) for k in range(3)] for row in range(4)]
    assert target.decode(Y).tolist() == answers
    assert target.decode(0.2 + Y / 10).tolist() == answers  # the largest output wins


def test_class_numbers_may_have_gaps() -> None:
    target = learn(Matrix(np.array([[5], [0], [2]], "u1"), "labels", "y"), **CROSS_ENTROPY)
    assert target.classes == (("0", "2", "5"),)
    assert target.decode(np.eye(3)).tolist() == [0, 2, 5]


@pytest.mark.parametrize(("units", "width"), [(None, 1), (1, 1), (2, 2)])
def test_two_classes_take_one_output_or_two(tmp_path: Path, units: int | None, width: int) -> None:
    rows = column(tmp_path, "no", "yes", "yes")
    target = learn(rows, output_units=units)
    assert (target.kind, target.units) == ("classification", width)
    Y = target.encode(rows, np.float64)
    assert Y.tolist() == ([[0], [1], [1]] if width == 1 else [[1, 0], [0, 1], [0, 1]])
    assert target.decode(Y).tolist() == ["no", "yes", "yes"]


def test_one_output_says_yes_above_one_half(tmp_path: Path) -> None:
    target = learn(column(tmp_path, 0, 1), **BINARY)
    assert target.decode(np.array([[0.5], [0.51], [0.0]])).tolist() == [0, 1, 0]


def test_a_loss_for_classes_has_an_output_for_each_of_two(tmp_path: Path) -> None:
    assert learn(column(tmp_path, "a", "b"), **CROSS_ENTROPY).units == 2
    assert learn(column(tmp_path, "a", "b"), **BINARY).units == 1


@pytest.mark.parametrize(
    ("cells", "options", "kind"),
    [
        (("1", "2", "3"), {}, "regression"),
        (("1", "2", "3"), {"output_units": 1}, "regression"),
        (("1", "2", "3"), {"output_units": 3}, "classification"),
        (("1", "2", "3"), {"task": "classification"}, "classification"),
        (("1", "2", "3"), CROSS_ENTROPY, "classification"),
        (("a", "b", "c"), {}, "classification"),
        (("a", "b", "c"), {"output_units": 1}, "classification"),
        (("0", "1", "1"), BINARY, "classification"),
        (("0", "1", "1"), BINARY | {"task": "regression"}, "regression"),
    ],
)
def test_what_targets_are_is_asked_of_the_loss_the_outputs_and_the_cells(
    tmp_path: Path, cells: tuple[str, ...], options: dict[str, Any], kind: str
) -> None:
    assert learn(column(tmp_path, *cells), **options).kind == kind


@pytest.mark.parametrize("cells", [("a", "a"), ("3", "3.0"), ("0", "0")])
def test_one_class_only_is_nothing_to_learn(tmp_path: Path, cells: tuple[str, str]) -> None:
    said = refusal(lambda: learn(column(tmp_path, *cells), **CROSS_ENTROPY))
    assert said.startswith(
        f"{tmp_path / 'y.csv'}: the target 'y' has one class only, {cells[0]!r}: there is noth"
    )


def test_a_yes_no_question_may_be_answered_alike_throughout(tmp_path: Path) -> None:
    target = learn(column(tmp_path, 1, 1), **BINARY, output_units=1)
    assert target.classes == (("0", "1"),)
    assert target.encode(column(tmp_path, 0, 1), np.float64).tolist() == [[0], [1]]
    assert "one class only, '2'" in refusal(lambda: learn(column(tmp_path, 2, 2), **BINARY, output_units=1))


def test_one_output_cannot_tell_three_classes_apart(tmp_path: Path) -> None:
    rows = column(tmp_path, *"abc")
    assert refusal(lambda: learn(rows, **BINARY, output_units=1)) == (
        f"{tmp_path / 'y.csv'}: the target 'y' has 3 classes (a, b, c), but its one output can only say "
        "yes or no. | Use loss: cross_entropy, or loss: quadratic for a number."
    )


def test_a_class_that_training_did_not_have_is_refused_at_its_place(tmp_path: Path) -> None:
    target = learn(column(tmp_path, *range(12)), **CROSS_ENTROPY)
    assert refusal(lambda: target.encode(column(tmp_path, 3, 12), np.float64)) == (
        f"{tmp_path / 'y.csv'}:3: the target 'y' is '12', a class that the training rows do not have. | "
        "They have 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more."
    )


def test_formats_may_write_a_class_differently(tmp_path: Path) -> None:
    target = learn(column(tmp_path, 0, 1, 2), **CROSS_ENTROPY)
    assert target.encode(column(tmp_path, "2.0", "0.0"), np.float64).tolist() == [[0, 0, 1], [1, 0, 0]]
    array = Matrix(np.array([[2.0], [0.0]]), "a", "y")
    assert target.encode(array, np.float64).tolist() == [[0, 0, 1], [1, 0, 0]]


# --- one-hot columns


ONE_HOT = "a,b,c\n1,0,0\n0,0,1\n0,1.0000001,0\n"


def test_one_hot_columns_are_classes_by_their_names(tmp_path: Path) -> None:
    rows = table(tmp_path, ONE_HOT)
    target = learn(rows, "a", "b", "c", **CROSS_ENTROPY)
    assert (target.kind, target.units, target.classes) == ("classification", 3, (("a", "b", "c"),))
    assert target.encode(rows, np.float64).tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert target.decode(np.array([[0.1, 0.3, 0.2]])).tolist() == ["b"]


def test_one_hot_columns_may_say_true_and_false(tmp_path: Path) -> None:
    rows = table(tmp_path, "a,b\nTrue,False\nFalse,True\n")
    assert learn(rows, **CROSS_ENTROPY).encode(rows, np.float64).tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("row", "shown"),
    [("1,1,0", "1, 1, 0"), ("0,0,0", "0, 0, 0"), ("0.5,0.5,0", "0.5, 0.5, 0"), ("2,-1,0", "2, -1, 0")],
)
def test_a_row_that_is_not_one_hot_is_refused_at_its_place(tmp_path: Path, row: str, shown: str) -> None:
    rows = table(tmp_path, f"{ONE_HOT}{row}\n")
    said = refusal(lambda: learn(rows, **CROSS_ENTROPY))
    assert said.startswith(f"{tmp_path / 't.csv'}:5: the targets are {shown}, expected one 1 and otherwise 0")
    target = learn(table(tmp_path, ONE_HOT), **CROSS_ENTROPY)
    assert f"the targets are {shown}" in refusal(
        lambda: target.encode(table(tmp_path, f"a,b,c\n{row}\n"), "f8")
    )


# --- labels


def test_several_yes_no_questions_are_labels(tmp_path: Path) -> None:
    rows = table(tmp_path, "wet,cold,loud\nyes,0,false\nno,1,true\nyes,1,true\n")
    target = learn(rows, "wet", "cold", "loud", **BINARY)
    assert (target.kind, target.units) == ("labels", 3)
    assert target.classes == (("no", "yes"), ("0", "1"), ("false", "true"))
    Y = target.encode(rows, np.float64)
    assert Y.tolist() == [[1, 0, 0], [0, 1, 1], [1, 1, 1]]
    assert target.decode(Y).tolist() == [["yes", "0", "false"], ["no", "1", "true"], ["yes", "1", "true"]]
    whole = learn(table(tmp_path, "a,b\n0,1\n1,1\n"), **BINARY)
    assert whole.decode(np.array([[0.4, 0.6]])).tolist() == [[0, 1]]


def test_a_label_of_three_classes_is_refused(tmp_path: Path) -> None:
    assert "the target 'b' has 3 classes (0, 1, 2)" in refusal(
        lambda: learn(table(tmp_path, "a,b\n0,0\n1,1\n1,2\n"), **BINARY)
    )


# --- numbers


def test_one_number_is_answered_alone(tmp_path: Path) -> None:
    rows = column(tmp_path, 1, 3.5)
    target = learn(rows)
    Y = target.encode(rows, np.float32)
    assert Y.tolist() == [[1], [3.5]]
    assert target.decode(Y).tolist() == [1, 3.5]
    assert target.decode(Y).dtype == np.float64


@pytest.mark.parametrize("scale", ["none", "minmax", "standard"])
def test_several_numbers_come_back_in_their_own_units(tmp_path: Path, scale: str) -> None:
    rows = table(tmp_path, "a,b\n1,1000\n2,3000\n5,8000\n")
    target = learn(rows, "b", "a", scale=scale)
    assert (target.kind, target.units, target.names) == ("regression", 2, ("b", "a"))
    Y = target.encode(rows, np.float64)
    np.testing.assert_allclose(target.decode(Y), [[1000, 1], [3000, 2], [8000, 5]], rtol=ROUNDING)
    if scale == "minmax":
        assert (Y.min(axis=0).tolist(), Y.max(axis=0).tolist()) == ([0, 0], [1, 1])
        np.testing.assert_allclose(target.unit, [7000, 4], rtol=ROUNDING)


def test_a_number_too_large_for_the_dtype_is_refused(tmp_path: Path) -> None:
    rows = column(tmp_path, 1, "1e39")
    assert "y.csv:3: column 'y' is 1e+39 after scaling, which is too large for float32" in refusal(
        lambda: learn(rows).encode(rows, np.float32)
    )


def test_texts_are_no_numbers(tmp_path: Path) -> None:
    rows = table(tmp_path, "a,b\n1,x\n2,y\n")
    for names in (["b"], ["a", "b"]):
        said = refusal(learn, rows, *names, task="regression")
        assert said == f"{tmp_path / 't.csv'}:2: the target 'b' is text, but the task is regression."
    mixed = column(tmp_path, 1, "x", 2)
    assert "y.csv:3: column 'y' is 'x', expected a number" in refusal(lambda: learn(mixed))


# --- blanks, absences, names


@pytest.mark.parametrize("options", [{}, CROSS_ENTROPY, BINARY, {"task": "classification"}])
@pytest.mark.parametrize("blank", ["", "NA"])
def test_a_blank_target_is_refused_at_its_place(tmp_path: Path, options: dict[str, Any], blank: str) -> None:
    rows = table(tmp_path, f"x,y\n1,0\n1,1\n1,{blank}\n")
    said = refusal(lambda: learn(rows, "y", **options))
    assert said == f"{tmp_path / 't.csv'}:4: the target 'y' is blank. | Fill it in, or take the row out."


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [("specis", "species"), ("SPECIES", "species"), ("Sepal_Width", "sepal width"), ("zzz", None)],
)
def test_a_target_that_is_not_there_brings_the_nearest_name(
    tmp_path: Path, wrong: str, hint: str | None
) -> None:
    rows = table(tmp_path, "sepal width,species\n1,a\n2,b\n")
    meant = "" if hint is None else f" (did you mean {hint!r}?)"
    assert refusal(lambda: learn(rows, wrong)) == (
        f"{tmp_path / 't.csv'} has no column {wrong!r}{meant}. | It has sepal width, species."
    )


@pytest.mark.parametrize("options", [{}, CROSS_ENTROPY])
def test_targets_of_an_array_are_found_by_position(tmp_path: Path, options: dict[str, Any]) -> None:
    one = learn(column(tmp_path, 0, 1, 2, name="size"), **options)
    assert one.encode(Matrix(np.array([[1]]), "a", "y"), "f8").tolist() in ([[1]], [[0, 1, 0]])
    two = learn(table(tmp_path, "a,b\n1,0\n0,1\n"), "b", "a", **options)
    assert two.encode(Matrix(np.array([[1, 0]]), "a", "y"), "f8").tolist() == [[1, 0]]
    assert "a has no column 'b', 'a'" in refusal(lambda: two.encode(Matrix(np.array([[1]]), "a", "y"), "f8"))


CELLS = st.lists(st.sampled_from(["0", "1", "2", "-7", "2.5", "red", "blue"]), min_size=2, max_size=9)


@given(cells=CELLS, by_loss=st.booleans(), units=st.sampled_from([None, 1, 2]))
def test_what_is_encoded_is_decoded_after_json_too(
    *, cells: list[str], by_loss: bool, units: int | None
) -> None:
    rows = Matrix(np.array([[cell] for cell in cells]), "a", "y")
    if len(set(cells)) == 1:
        assert "one class only" in refusal(lambda: learn(rows, task="classification"))
        return
    target = learn(rows, task="classification", classes_by_loss=by_loss, output_units=units)
    assert Target.from_json(json.loads(json.dumps(target.to_json()))) == target
    assert [str(answer) for answer in target.decode(target.encode(rows, np.float32))] == cells


@pytest.mark.parametrize("options", [{}, {"scale": "standard"}, CROSS_ENTROPY, BINARY])
def test_several_targets_are_kept_as_json(tmp_path: Path, options: dict[str, Any]) -> None:
    target = learn(table(tmp_path, "a,b\n1,0\n0,1\n"), **options)
    assert Target.from_json(json.loads(json.dumps(target.to_json()))) == target
