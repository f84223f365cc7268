"""Columns learn from training rows how rows become inputs, and do it alike for any later row."""

import json
from pathlib import Path

import numpy as np
import pytest

from bpnet.core.arrays import Array
from bpnet.data.columns import Columns
from bpnet.data.rows import Matrix
from bpnet.data.sources import FileSource, InlineSource
from tests.data.files import columns_of, refusal, table, write
from tests.tolerances import ROUNDING

MIXED = "n,shade,m\n1,red,10\n2,blue,20\n6,red,30\n"
HOLES = "n,shade,m\n1,red,10\n,blue,20\n4,,20\n4,red,60\n"


def encoded(columns: Columns, folder: Path, content: str) -> list[list[float]]:
    inputs: list[list[float]] = columns.encode(table(folder, content, "new.csv"), np.float64).tolist()
    return inputs


def test_inputs_are_numbers_then_categories_in_the_order_of_the_file(tmp_path: Path) -> None:
    rows = table(tmp_path, MIXED)
    columns = columns_of(rows)
    assert columns.features == ("n", "shade", "m")
    assert columns.input_names == ("n", "m", "shade=blue", "shade=red")
    assert columns.encode(rows, np.float64).tolist() == [[1, 10, 0, 1], [2, 20, 1, 0], [6, 30, 0, 1]]


def test_features_may_be_chosen_in_another_order(tmp_path: Path) -> None:
    rows = table(tmp_path, MIXED)
    columns = columns_of(rows, "m", "n")
    assert columns.input_names == ("m", "n")
    assert columns.encode(rows, np.float64).tolist() == [[10, 1], [20, 2], [30, 6]]


def test_texts_alone_are_enough(tmp_path: Path) -> None:
    rows = table(tmp_path, "a\nx\ny\n")
    assert columns_of(rows, scale="standard").encode(rows, np.float64).tolist() == [[1, 0], [0, 1]]


def test_numbers_that_are_names_become_categories(tmp_path: Path) -> None:
    rows = table(tmp_path, "zip,n\n02139,1\n94110,2\n02139.0,3\n")
    columns = columns_of(rows, categorical=["zip"])
    assert columns.categories == {"zip": ("02139", "94110")}
    assert columns.encode(rows, np.float64).tolist() == [[1, 1, 0], [2, 0, 1], [3, 1, 0]]
    pixels = Matrix(np.array([[3, 1], [7, 2], [3, 3]]), "a", "x")
    assert columns_of(pixels, categorical=["x1"]).input_names == ("x2", "x1=3", "x1=7")


@pytest.mark.parametrize("scale", ["minmax", "standard"])
def test_numbers_are_scaled_by_what_the_training_rows_hold(tmp_path: Path, scale: str) -> None:
    columns = columns_of(table(tmp_path, MIXED), "n", scale=scale)
    middle, size = (1, 5) if scale == "minmax" else (3, (14 / 3) ** 0.5)
    wanted = [[(n - middle) / size] for n in (1, -4, 1000)]
    np.testing.assert_allclose(encoded(columns, tmp_path, "n\n1\n-4\n1000\n"), wanted, rtol=ROUNDING)


# --- missing cells


def test_a_blank_cell_is_an_error_by_default(tmp_path: Path) -> None:
    rows = table(tmp_path, "n,shade,k\n1,red,1\n,,2\nNA,,3\n")
    advice = (
        "Fill it in, or train with data.missing set to mean, most_frequent or indicator. "
        "Cells like NA, NaN and null count as blank."
    )
    said = refusal(lambda: columns_of(rows, "n").encode(rows, np.float64))
    assert said == f"{tmp_path / 't.csv'}:3: column 'n' is blank. | {advice}"
    one = rows.take(np.array([0, 1]))
    said = refusal(lambda: columns_of(one, "shade").encode(one, np.float64))
    assert said == f"{tmp_path / 't.csv'}:3: column 'shade' is blank. | {advice}"


def test_mean_fills_numbers_by_their_mean_and_texts_by_the_most_frequent(tmp_path: Path) -> None:
    rows = table(tmp_path, HOLES)
    columns = columns_of(rows, missing="mean")
    assert (columns.fill, columns.fill_text) == ((3, 27.5), {"shade": "red"})
    assert columns.encode(rows, np.float64).tolist() == [
        [1, 10, 0, 1],
        [3, 20, 1, 0],
        [4, 20, 0, 1],
        [4, 60, 0, 1],
    ]


def test_most_frequent_fills_by_the_most_frequent(tmp_path: Path) -> None:
    rows = table(tmp_path, HOLES)
    columns = columns_of(rows, missing="most_frequent")
    assert (columns.fill, columns.fill_text) == ((4, 20), {"shade": "red"})
    assert columns.encode(rows, np.float64).tolist() == [
        [1, 10, 0, 1],
        [4, 20, 1, 0],
        [4, 20, 0, 1],
        [4, 60, 0, 1],
    ]


@pytest.mark.parametrize("order", ["2 1 2 1", "1 2 1 2"])
def test_of_equally_frequent_values_the_smallest_fills(tmp_path: Path, order: str) -> None:
    rows = table(tmp_path, "n,t\n" + "".join(f"{n},t{n}\n" for n in order.split()) + "\n,t1\n")
    assert columns_of(rows, missing="most_frequent").fill == (1,)
    texts = table(tmp_path, "t\n" + "".join(f"t{n}\n" for n in order.split()))
    assert columns_of(texts, missing="most_frequent").fill_text == {"t": "t1"}


def test_indicator_says_where_cells_were_blank(tmp_path: Path) -> None:
    rows = table(tmp_path, HOLES)
    columns = columns_of(rows, missing="indicator")
    assert columns.indicators == ("n", "shade")
    assert columns.input_names == ("n", "m", "n is blank", "shade is blank", "shade=blue", "shade=red")
    assert columns.encode(rows, np.float64).tolist() == [
        [1, 10, 0, 0, 0, 1],
        [3, 20, 1, 0, 1, 0],
        [4, 20, 0, 1, 0, 0],
        [4, 60, 0, 0, 0, 1],
    ]


@pytest.mark.parametrize(
    ("missing", "wanted"),
    [("mean", [3, 20, 0, 1]), ("most_frequent", [1, 10, 0, 1]), ("indicator", [3, 20, 0, 0])],
)
def test_blanks_that_training_did_not_have_are_filled_too(
    tmp_path: Path, missing: str, wanted: list[float]
) -> None:
    columns = columns_of(table(tmp_path, MIXED), missing=missing)
    assert columns.indicators == ()
    assert encoded(columns, tmp_path, "k,n,shade,m\n1,,NA,\n") == [wanted]


@pytest.mark.parametrize("scale", ["minmax", "standard"])
def test_a_filled_cell_is_scaled_like_the_number_it_stands_for(tmp_path: Path, scale: str) -> None:
    columns = columns_of(table(tmp_path, HOLES), "n", missing="mean", scale=scale)
    filled, same = encoded(columns, tmp_path, "n,k\n,1\n3,1\n")
    assert filled == same


def test_blanks_in_an_array_are_filled() -> None:
    rows = Matrix(np.array([[1, np.nan], [3, 5]], "f4"), "a", "x")
    assert columns_of(rows, missing="mean").encode(rows, np.float64).tolist() == [[1, 5], [3, 5]]
    assert columns_of(rows, missing="indicator").input_names == ("x1", "x2", "x2 is blank")
    assert "a, row 1 (the first is 1): column 'x2' is blank" in refusal(
        lambda: columns_of(rows).encode(rows, np.float64)
    )


def test_a_mean_is_taken_in_double_precision() -> None:
    values = np.array([[1e8], [1], [1], [np.nan]], "f4")
    assert columns_of(Matrix(values, "a", "x"), missing="mean").fill == ((1e8 + 2) / 3,)


@pytest.mark.parametrize("missing", ["error", "mean", "most_frequent", "indicator"])
def test_a_column_without_any_value_is_refused(tmp_path: Path, missing: str) -> None:
    rows = table(tmp_path, "a,b,c\n1,,\n2,,NA\n")
    assert refusal(lambda: columns_of(rows, missing=missing)) == (
        "Column 'b', 'c' has no value in any of the 2 training rows. | Leave it out: data.drop: [b, c]."
    )


# --- kinds


def test_a_column_of_numbers_and_texts_is_refused_at_the_first_text(tmp_path: Path) -> None:
    rows = table(tmp_path, "a\n1\n2\nthree\n4\n")
    said = refusal(lambda: columns_of(rows))
    assert said.startswith(
        f"{tmp_path / 't.csv'}:4: column 'a' is 'three', expected a number. | Correct the cell;"
    )
    assert columns_of(rows, categorical=["a"]).categories == {"a": ("1", "2", "4", "three")}


def test_a_column_that_names_rows_is_refused(tmp_path: Path) -> None:
    names = table(tmp_path, "name\n" + "".join(f"n{k}\n" for k in range(101)) + "n1\n" * 100)
    assert refusal(lambda: columns_of(names)).startswith(
        "Column 'name' holds 101 different texts in 201 rows: it names rows, and tells nothing about "
        "new ones. | Leave it out: data.drop: [name]."
    )
    rows = table(tmp_path, "name\n" + "".join(f"n{k}\n" for k in range(101)) + "n1\n" * 101)
    assert len(columns_of(rows).categories["name"]) == 101


# --- later rows


def test_columns_are_found_by_name_whatever_their_order(tmp_path: Path) -> None:
    columns = columns_of(table(tmp_path, MIXED))
    assert encoded(columns, tmp_path, "extra,m,shade,n\n?,10,red,1\n") == [[1, 10, 0, 1]]


def test_missing_columns_are_all_named_with_the_nearest(tmp_path: Path) -> None:
    columns = columns_of(table(tmp_path, MIXED))
    said = refusal(lambda: encoded(columns, tmp_path, "N,shape\n1,red\n"))
    assert said == (
        f"{tmp_path / 'new.csv'} has no column 'n' (did you mean 'N'?), 'shade' (did you mean 'shape'?), "
        "'m'. | It has N, shape."
    )


def test_long_lists_of_missing_columns_are_cut(tmp_path: Path) -> None:
    names = [f"p{k}" for k in range(12)]
    columns = columns_of(table(tmp_path, ",".join(names) + "\n" + ",".join("1" * 12) + "\n"))
    said = refusal(
        lambda: encoded(columns, tmp_path, ",".join(f"q{k}" for k in range(12)) + "\n" + "1," * 11 + "1\n")
    )
    assert "'p9'" in said
    assert "'p10'" not in said
    assert "and 2 more. | It has q0, q1," in said
    assert said.endswith("q9, ...")


def test_a_category_that_training_did_not_have_is_none_of_the_known(tmp_path: Path) -> None:
    columns = columns_of(table(tmp_path, MIXED))
    content = "n,shade,m\n1,green,1\n1,Red,1\n1,red,1\n1,,1\n"
    (note,) = columns.unknown(table(tmp_path, content), "these rows")
    assert note.startswith(
        "Column 'shade' of these rows holds 'Red', 'green', which the training rows do not"
    )
    assert encoded(columns, tmp_path, content.replace("1,,1\n", "")) == [
        [1, 1, 0, 0],
        [1, 1, 0, 0],
        [1, 1, 0, 1],
    ]
    assert columns.unknown(table(tmp_path, MIXED), "these rows") == []


@pytest.mark.parametrize(
    "data",
    [
        np.array([[1.0, 10], [2, 20]]),
        np.array([[1, 10], [2, 20]], "u1"),
        InlineSource([[1, 10], [2, 20]], [[0], [0]]),
    ],
)
def test_arrays_are_read_by_position(tmp_path: Path, data: Array | InlineSource) -> None:
    columns = columns_of(table(tmp_path, MIXED), "n", "m")
    assert columns.encode_inputs(data, np.float32).tolist() == [[1, 10], [2, 20]]
    assert columns.encode_inputs(data, np.float32).dtype == np.float32


def test_paths_are_read_by_their_ending(tmp_path: Path) -> None:
    columns = columns_of(table(tmp_path, MIXED), "n", "m")
    path = write(tmp_path / "new.tsv", "m\tn\n10\t1\n")
    np.savez(tmp_path / "new.npz", X=[[1, 10]])
    for data in (path, str(path), FileSource(path), tmp_path / "new.npz"):
        assert columns.encode_inputs(data, np.float64).tolist() == [[1, 10]]


def test_a_model_of_an_array_reads_a_table_by_position(tmp_path: Path) -> None:
    columns = columns_of(Matrix(np.array([[1, 2], [3, 4]]), "a", "x"))
    assert encoded(columns, tmp_path, "b,a\n7,8\n") == [[7, 8]]


def test_a_wrong_number_of_columns_is_told(tmp_path: Path) -> None:
    columns = columns_of(table(tmp_path, MIXED))
    said = refusal(lambda: columns.encode_inputs(np.zeros((2, 2)), np.float64))
    assert said == "the inputs: the number of columns is 2, expected 3. | In order: n, shade, m."
    wide = columns_of(Matrix(np.zeros((1, 12)), "a", "x"))
    said = refusal(lambda: encoded(wide, tmp_path, "a\n1\n"))
    assert said.endswith(
        "new.csv: the number of columns is 1, expected 12. | "
        "In order: x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, ..."
    )


@pytest.mark.parametrize("data", [np.zeros(3), np.zeros((1, 1, 3)), np.array([["a"]]), np.array([[1j]])])
def test_other_arrays_are_refused(tmp_path: Path, data: Array) -> None:
    columns = columns_of(table(tmp_path, MIXED))
    assert "expected rows of numbers" in refusal(lambda: columns.encode_inputs(data, np.float64))


def test_numbers_too_large_for_the_dtype_are_refused(tmp_path: Path) -> None:
    rows = table(tmp_path, "a,b\n1,2\n3,1e39\n")
    assert columns_of(rows).encode(rows, np.float64)[1, 1] == 1e39
    assert (
        f"{tmp_path / 't.csv'}:3: column 'b' is 1e+39 after scaling, which is too large for float32"
        in refusal(lambda: columns_of(rows).encode(rows, np.float32))
    )
    assert columns_of(rows, scale="minmax").encode(rows, np.float32).tolist() == [[0, 0], [1, 1]]


@pytest.mark.parametrize("slice_rows", [1, 2, 3, 100])
def test_slices_make_no_difference(tmp_path: Path, slice_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = table(tmp_path, HOLES)
    columns = columns_of(rows, missing="indicator", scale="standard")
    wanted = columns.encode(rows, np.float64).tobytes()
    monkeypatch.setattr("bpnet.data.columns._SLICE_ROWS", slice_rows)
    assert columns.encode(rows, np.float64).tobytes() == wanted
    bad = table(tmp_path, HOLES + "x,red,1\n")
    assert f"{tmp_path / 't.csv'}:6: column 'n' is 'x'" in refusal(lambda: columns.encode(bad, np.float64))


@pytest.mark.parametrize("missing", ["error", "mean", "most_frequent", "indicator"])
@pytest.mark.parametrize("scale", ["none", "minmax", "standard"])
def test_columns_are_kept_as_json(tmp_path: Path, missing: str, scale: str) -> None:
    columns = columns_of(table(tmp_path, HOLES), missing=missing, scale=scale)
    assert Columns.from_json(json.loads(json.dumps(columns.to_json()))) == columns
