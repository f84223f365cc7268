"""Rows of an array: names made up, cells in place, blanks told from numbers."""

import numpy as np
import pytest

from bpnet.core.arrays import Array
from bpnet.data.rows import Matrix, is_blank, is_nan, narrow, write_number
from tests.data.files import refusal


def matrix(values: object) -> Matrix:
    return Matrix(np.array(values), "a.npz: X", "x")


def test_columns_are_numbered_unless_there_is_one() -> None:
    assert matrix([[1, 2, 3]]).names == ("x1", "x2", "x3")
    assert matrix([[1], [2]]).names == ("x",)
    assert not matrix([[1]]).named


def test_rows_keep_their_places_however_often_they_are_picked() -> None:
    rows = matrix([[1.0], [2.0], [3.0], [np.inf]]).take(np.array([3, 1, 0])).take(np.array([1, 0]))
    assert len(rows) == 2
    assert rows.values[0, 0] == 2
    assert rows.place(0) == "a.npz: X, row 2 (the first is 1)"
    assert refusal(lambda: rows.numbers(["x"])).startswith(
        "a.npz: X, row 4 (the first is 1): column 'x' is inf, which is no finite number. | Correct the cell"
    )


def test_columns_are_picked_by_name_in_any_order() -> None:
    rows = matrix([[1, 2, 3], [4, 5, 6]])
    assert rows.numbers(["x3", "x1"]).tolist() == [[3, 1], [6, 4]]
    assert rows.numbers(rows.names) is rows.values  # millions of pixels are not copied


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_floats_of_any_size_are_measured(dtype: str) -> None:
    rows = Matrix(np.array([[1, np.nan], [np.finfo("f2").max, -np.finfo("f2").max]], dtype), "a", "x")
    assert np.array_equal(rows.numbers(rows.names), rows.values, equal_nan=True)
    rows.values[1, 1] = -np.inf
    assert "column 'x2' is -inf, which is no finite number" in refusal(lambda: rows.numbers(rows.names))


def test_numbers_beyond_all_sense_are_refused() -> None:
    assert matrix([[1e100]]).numbers(["x"]) == 1e100
    for number in (1.01e100, -1.01e100):
        assert "which is too large a number" in refusal(matrix([[number]]).numbers, ["x"])


def test_texts_are_no_numbers() -> None:
    rows = matrix([["red", "7"], ["", "nan"]])
    assert (rows.kind("x1"), matrix([[1]]).kind("x"), matrix([[True]]).kind("x")) == (
        "text",
        "number",
        "number",
    )
    assert rows.texts("x1").tolist() == ["red", None]
    assert rows.texts("x2").tolist() == ["7", None]
    assert "a.npz: X, row 1 (the first is 1): found 'red', expected a number" in refusal(
        lambda: rows.numbers(["x1"])
    )


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (np.array([[3], [-1], [0]], "i8"), ["3", "-1", "0"]),
        (np.array([[3], [200]], "u1"), ["3", "200"]),
        (np.array([[3.0], [2.5], [np.nan], [-0.0]]), ["3", "2.5", None, "0"]),
        (np.array([[0.1]], "f4"), ["0.10000000149011612"]),
        (np.array([[True], [False]]), ["1", "0"]),
    ],
)
def test_numbers_become_the_names_of_classes(values: Array, texts: list[str | None]) -> None:
    assert Matrix(values, "a", "y").texts("y").tolist() == texts


def test_a_number_is_written_so_that_it_reads_back() -> None:
    assert [write_number(x) for x in (1e20, 1e-7, 1 / 3)] == ["1" + "0" * 20, "1e-07", "0.3333333333333333"]


def test_blanks_are_told_from_cells() -> None:
    assert is_nan(np.array([1.0, np.nan])).tolist() == [False, True]
    assert is_nan(np.array([1, 2], "u1")).tolist() == [False, False]
    assert is_blank(np.array(["", None, "x"], dtype=object)).tolist() == [False, True, False]


def test_scaled_numbers_must_fit_their_dtype() -> None:
    rows, scaled = matrix([[1, 2], [3, 4]]), np.array([[1.0, 2.0], [3.0, 1e39]])
    assert narrow(rows, scaled, np.float64, ["a", "b"]).tolist() == scaled.tolist()
    assert refusal(lambda: narrow(rows, scaled, np.float32, ["a", "b"])) == (
        "a.npz: X, row 2 (the first is 1): column 'b' is 1e+39 after scaling, which is too large for float32."
        " | Correct the cell; or set data.scale (data.scale_target for a target) to standard."
    )
