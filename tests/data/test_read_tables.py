"""Tables are read cell by cell as they stand, or refused with the place of the mistake."""

import contextlib
import datetime as dt
import decimal
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpnet.data import read_with_targets, tables
from bpnet.data.reading import read_inputs
from bpnet.data.sources import FileSource
from bpnet.data.tables import read_table
from bpnet.data.text_table import BLANKS
from bpnet.errors import DataError, MissingDataError
from tests.data.files import cells, columns_of, gz, load, refusal, table, write

pytestmark = pytest.mark.usefixtures("both_readers")


def test_cells_are_kept_as_they_stand(tmp_path: Path) -> None:
    rows = table(tmp_path, 'a,b\n 1 ,x\n"2","y, ""z"""\n3.50,\n')
    assert cells(rows) == [("1", "x"), ("2", 'y, "z"'), ("3.50", None)]
    assert (rows.names, rows.named, len(rows)) == (("a", "b"), True, 3)


@pytest.mark.parametrize(
    "content",
    ["\ufeffa,b\n1,x\n2,y\n", "a,b\r\n1,x\r\n2,y\r\n", "a,b\r\r\n1,x\r\r\n2,y", "a,b\n1,x\n2,y\n\n\n"],
)
def test_line_ends_and_byte_order_marks_do_not_matter(tmp_path: Path, content: str) -> None:
    assert cells(table(tmp_path, content)) == [("1", "x"), ("2", "y")]


def test_empty_lines_are_left_out(tmp_path: Path) -> None:
    rows = table(tmp_path, "a,b\n\n1,2\n\n \n\t\n3,4\n\n")
    assert cells(rows) == [("1", "2"), ("3", "4")]
    assert rows.place(1) == f"{tmp_path / 't.csv'}:7"


def test_a_row_of_blank_cells_is_a_row(tmp_path: Path) -> None:
    rows = table(tmp_path, 'a,b\n1,2\n\n,\n ,\t\n"",""\nNA,\n3,4\n\n')
    assert cells(rows) == [("1", "2"), *[(None, None)] * 4, ("3", "4")]
    assert [rows.place(row).rsplit(":")[-1] for row in range(6)] == ["2", "4", "5", "6", "7", "8"]


def test_a_table_may_have_one_column(tmp_path: Path) -> None:
    rows = table(tmp_path, "\na\n\n1\n\n2\n\n\n")
    assert cells(rows) == [(None,), ("1",), (None,), ("2",)]
    assert [rows.place(row).rsplit(":")[-1] for row in range(4)] == ["3", "4", "5", "6"]


@pytest.mark.parametrize("blank", [*BLANKS, " ", " NA ", '""', '" nan "'])
def test_blanks_come_in_many_spellings(tmp_path: Path, blank: str) -> None:
    rows = table(tmp_path, f"a,b\n{blank},1\nx,{blank}\n")
    assert cells(rows) == [(None, "1"), ("x", None)]
    np.testing.assert_array_equal(rows.numbers(["b"]), [[1], [np.nan]])


def test_quotes_within_a_cell_are_kept(tmp_path: Path) -> None:
    rows = table(tmp_path, 'a,b\n5" disk,1\n3,4\n7" x 9",6\n')
    assert cells(rows) == [('5" disk', "1"), ("3", "4"), ('7" x 9"', "6")]


def test_nul_bytes_and_very_long_cells_are_cells(tmp_path: Path) -> None:
    long = "x" * 3_000_000
    rows = table(tmp_path, f"a,b\n1,x\0y\n2,{long}\n")
    assert cells(rows) == [("1", "x\0y"), ("2", long)]
    columns = columns_of(rows)
    assert columns.categories["b"] == ("x\0y", long)
    assert columns.encode(rows, np.float64).tolist() == [[1, 1, 0], [2, 0, 1]]


def test_a_long_cell_is_shortened_in_a_message(tmp_path: Path) -> None:
    rows = table(tmp_path, f"a\n1\n{'x' * 1000}\n")
    assert len(refusal(lambda: rows.numbers(["a"]))) < 400


@pytest.mark.parametrize("name", ["b[1].csv", "b*.csv", "b?.tsv", "b{1}.csv"])
def test_a_name_is_no_pattern(tmp_path: Path, name: str) -> None:
    write(tmp_path / "b1.csv", "a\n9\n")
    assert cells(table(tmp_path, "a\n1\n", name)) == [("1",)]


def test_names_end_in_any_case(tmp_path: Path) -> None:
    assert cells(table(tmp_path, gz(b"a\tb\n1\t2\n"), "T.TSV.GZ")) == [("1", "2")]


@pytest.mark.parametrize("name", ["t.csv", "t.tsv.gz", "t.parquet", "t.parquet.gz", "t.npz"])
def test_a_file_must_be_there(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(MissingDataError, match="does not exist"):
        read_inputs(path)
    path.mkdir()
    assert refusal(lambda: read_inputs(path)) == f"{path} is a folder, not a file."


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet", "t.npz"])
def test_a_file_that_may_not_be_read_is_refused(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / name, "")
    if os.access(path, os.R_OK) and os.geteuid() == 0:  # root may read anything

        def deny(*_: object) -> None:
            raise PermissionError(13, "Permission denied", str(path))

        for place in ("io.open", "builtins.open"):
            monkeypatch.setattr(place, deny)
    else:
        path.chmod(0)
    assert refusal(lambda: read_inputs(path)) == f"{path} cannot be read: Permission denied."


def test_a_name_that_the_system_refuses_is_told(tmp_path: Path) -> None:
    assert "cannot be read: File name too long" in refusal(lambda: read_inputs(tmp_path / f"{'x' * 300}.csv"))


@pytest.mark.parametrize("content", ["a,b", "a,b\n", "a,b\n\n \n"])
def test_a_header_alone_is_refused(tmp_path: Path, content: str) -> None:
    assert refusal(lambda: table(tmp_path, content)) == (
        f"{tmp_path / 't.csv'} has column names, but no rows below them."
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gz(b"a,b\n" + b"1,2\n" * 999)[:-9], "is no gzip file, or is damaged"),
        (b"a,b\n1,2\n", "is no gzip file, or is damaged (Not a gzipped file"),
        (gz(b"a,b\n1,2\n")[:-8] + bytes(8), "is no gzip file, or is damaged (CRC check failed"),
        (b"\x1f\x8b\x08" + bytes(30), "is no gzip file, or is damaged"),
        (gz(b""), "t.csv.gz is empty"),
        (gz(gz(b"a,b\n1,2\n")), "is no text table: it is gzipped"),
        (gz(b"a,b\n1,2\n3\n"), "t.csv.gz:3: found 1 cell"),
    ],
)
def test_gzipped_tables_are_unpacked_with_care(tmp_path: Path, content: bytes, said: str) -> None:
    assert said in refusal(lambda: table(tmp_path, content, "t.csv.gz"))


def test_text_among_numbers_is_found_at_its_place(tmp_path: Path) -> None:
    rows = table(tmp_path, 'a,b\n1,"x\ny"\n2,z\n\nabc,z\n')
    assert [rows.kind(name) for name in rows.names] == ["mixed", "text"]
    assert refusal(lambda: rows.numbers(["b", "a"])).startswith(
        f"{tmp_path / 't.csv'}:2: column 'b' is 'x\\ny'"
    )
    assert refusal(lambda: rows.take(np.array([2, 0])).numbers(["a"])) == (
        f"{tmp_path / 't.csv'}:6: column 'a' is 'abc', expected a number. | Correct the cell; or say that "
        "the values are names: data.categorical for a feature, data.task: classification for the target."
    )
    unpacked = table(tmp_path, gz(b"a\n1\nx\n"), "t.csv.gz")
    assert "t.csv.gz:3: column 'a' is 'x'" in refusal(lambda: unpacked.numbers(["a"]))


@pytest.mark.parametrize("huge", ["inf", "-inf", "Infinity", "1e400", "1e101", "-1e101"])
def test_numbers_too_large_to_calculate_with_are_refused(tmp_path: Path, huge: str) -> None:
    rows = table(tmp_path, f"a,b\n1,2\n3,{huge}\n")
    said = refusal(lambda: rows.numbers(["a", "b"]))
    kind = "too large a number" if "101" in huge else "no finite number"
    assert said.startswith(f"{tmp_path / 't.csv'}:3: column 'b' is ")
    assert f"which is {kind}. | Correct the cell, or leave it blank and set data.missing." in said


@given(number=st.floats(-1e100, 1e100))
@settings(max_examples=200, deadline=None)
def test_numbers_are_read_to_the_last_bit(tmp_path_factory: pytest.TempPathFactory, number: float) -> None:
    rows = table(tmp_path_factory.getbasetemp(), f"a\n{number!r}\n", "bit.csv")
    assert rows.numbers(["a"]).tobytes() == np.float64(number).tobytes()


@pytest.mark.parametrize("text", ["1_000", "0x10", "1,5", "--1", "1e", "1d5", "\u0661"])
def test_what_is_no_number_in_a_table_is_text(tmp_path: Path, text: str) -> None:
    assert table(tmp_path, f'a\n"{text}"\n').kind("a") == "text"


@pytest.mark.parametrize("yes", ["true", "True", "TRUE"])
def test_true_and_false_are_1_and_0_among_numbers(tmp_path: Path, yes: str) -> None:
    rows = table(tmp_path, f"a\n{yes}\nfalse\nNA\n")
    assert rows.kind("a") == "number"
    np.testing.assert_array_equal(rows.numbers(["a"]), [[1], [0], [np.nan]])
    assert rows.texts("a").tolist() == [yes, "false", None]


def test_whole_numbers_are_one_class_however_they_are_written(tmp_path: Path) -> None:
    rows = table(tmp_path, "a\n3\n3.0\n-3.00\n3.5\n03\n1.0.0\nv1.0\n")
    assert rows.texts("a").tolist() == ["3", "3", "-3", "3.5", "03", "1.0.0", "v1.0"]


# --- formats


def frame() -> pl.DataFrame:
    rng = np.random.default_rng(3)
    x = rng.normal(size=40)
    x[7] = np.nan
    return pl.DataFrame(
        {
            "x": pl.Series(x).fill_nan(None),
            "n": rng.integers(-5, 5, 40),
            "yes": rng.random(40) < 0.5,
            "shade": rng.choice(["red", "sky blue", 'a "b", c'], 40).tolist(),
            "y": rng.choice([0.0, 1.0, 2.5], 40),
        }
    )


def written(data: pl.DataFrame, path: Path) -> Path:
    buffer = io.BytesIO()
    if ".parquet" in path.name:
        data.write_parquet(buffer)
    else:
        data.write_csv(buffer, separator="\t" if ".tsv" in path.name else ",")
    return write(path, gz(buffer.getvalue()) if path.suffix == ".gz" else buffer.getvalue())


@pytest.mark.parametrize("scale", ["none", "minmax", "standard"])
@pytest.mark.parametrize("name", ["t.tsv", "t.csv.gz", "t.tsv.gz", "t.parquet", "t.parquet.gz"])
def test_every_format_gives_the_same_bits(tmp_path: Path, name: str, scale: str) -> None:
    options: dict[str, Any] = {
        "missing": "indicator",
        "scale": scale,
        "classes_by_loss": True,
        "validation": 0.25,
    }
    wanted = load(written(frame(), tmp_path / "t.csv"), "y", **options)
    found = load(written(frame(), tmp_path / name), "y", **options)
    assert found.columns == wanted.columns
    assert wanted.columns.target.classes == (("0", "1", "2.5"),)
    for part in ("train", "validation"):
        assert getattr(found, part).X.tobytes() == getattr(wanted, part).X.tobytes()
        assert getattr(found, part).Y.tobytes() == getattr(wanted, part).Y.tobytes()


@pytest.mark.parametrize("scale", ["none", "minmax", "standard"])
def test_an_npz_file_of_the_same_numbers_gives_the_same_bits(tmp_path: Path, scale: str) -> None:
    data = frame().select("n", pl.col("x").fill_null(0.5), "y")
    np.savez(tmp_path / "t.npz", X=data.select("n", "x").to_numpy(), y=data["y"].to_numpy())
    options: dict[str, Any] = {"scale": scale, "classes_by_loss": True, "validation": 0.25}
    wanted = load(written(data, tmp_path / "t.csv"), "y", **options)
    found = load(tmp_path / "t.npz", **options)
    assert found.columns.scaling == wanted.columns.scaling
    assert found.columns.target == wanted.columns.target
    assert found.train.X.tobytes() == wanted.train.X.tobytes()
    assert found.train.Y.tobytes() == wanted.train.Y.tobytes()


# --- Parquet


def parquet(folder: Path, **columns: pl.Series) -> tables.Table:
    path = folder / "t.parquet"
    pl.DataFrame(columns).write_parquet(path)
    rows = read_table(path)
    assert isinstance(rows, tables.Table)
    return rows


def test_parquet_kinds_become_numbers_or_texts(tmp_path: Path) -> None:
    rows = parquet(
        tmp_path,
        u8=pl.Series([1, None], dtype=pl.UInt8),
        f32=pl.Series([0.5, float("nan")], dtype=pl.Float32),
        yes=pl.Series([True, None]),
        money=pl.Series([decimal.Decimal("1.50"), None]),
        shade=pl.Series(["red", None], dtype=pl.Categorical),
        size=pl.Series(["small", None], dtype=pl.Enum(["small", "large"])),
        text=pl.Series([" x ", "NA"]),
        digits=pl.Series(["7", ""]),
        nothing=pl.Series([None, None]),
    )
    numbers = ["u8", "f32", "yes", "money", "digits", "nothing"]
    assert [name for name in rows.names if rows.kind(name) == "number"] == numbers
    assert rows.numbers(numbers[:-1])[0].tolist() == [1, 0.5, 1, 1.5, 7]
    assert np.isnan(rows.numbers(numbers)[1]).all()
    texts = [rows.texts(name).tolist() for name in rows.names]
    assert texts == [[text, None] for text in ["1", "0.5", "true", "1.50", "red", "small", "x", "7", None]]
    assert rows.place(1) == f"{tmp_path / 't.parquet'}, row 2 (the first is 1)"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([dt.date(2020, 1, 1)], "Date"),
        ([dt.timedelta(1)], "Duration"),
        ([[1, 2]], "List(Int64)"),
        ([b"x"], "Binary"),
        ([{"a": 1}], "Struct"),
    ],
)
def test_a_parquet_column_of_another_kind_can_only_be_left_out(
    tmp_path: Path, values: list[object], kind: str
) -> None:
    rows = parquet(tmp_path, when=pl.Series(values), x=pl.Series([1.0]))
    assert columns_of(rows, "x").encode(rows, np.float64).tolist() == [[1]]
    for use in (lambda: rows.kind("when"), lambda: rows.numbers(["when"]), lambda: rows.texts("when")):
        said = refusal(use)
        assert f"t.parquet: column 'when' holds {kind}" in said
        assert said.endswith("Turn it into numbers or text first, or leave it out: data.drop: [when].")


@pytest.mark.parametrize("cut", [0, 3, 4, 100, -1, -9])
def test_a_damaged_parquet_file_is_refused(tmp_path: Path, cut: int) -> None:
    whole = written(frame(), tmp_path / "t.parquet").read_bytes()
    said = refusal(lambda: table(tmp_path, whole[:cut], "t.parquet"))
    assert said.startswith(f"{tmp_path / 't.parquet'} is no Parquet file, or is damaged (")
    assert "is no Parquet file" in refusal(lambda: table(tmp_path, gz(whole[:cut]), "t.parquet.gz"))


def test_a_csv_file_is_no_parquet_file(tmp_path: Path) -> None:
    assert "is no Parquet file" in refusal(lambda: table(tmp_path, "a,b\n1,2\n" * 9, "t.parquet"))


def test_a_panic_of_polars_is_a_damaged_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def panic(*_: object, **__: object) -> None:
        raise pl.exceptions.PanicException("")

    monkeypatch.setattr(pl, "scan_parquet", panic)
    said = refusal(lambda: table(tmp_path, "", "t.parquet"))
    assert "or is damaged (no reason given)" in said


def test_a_parquet_file_without_rows_is_refused(tmp_path: Path) -> None:
    assert "no rows below them" in refusal(lambda: parquet(tmp_path, x=pl.Series([], dtype=pl.Float64)))


# --- whatever the bytes

TEXTS = st.text(st.sampled_from('ab1,;.-e" \n\r\t\0\x1c\ufeff\xa0é'), max_size=40)


@settings(max_examples=150, deadline=None)
@given(content=st.one_of(st.binary(max_size=60), TEXTS, TEXTS.map(lambda text: "a,b\n" + text)))
@pytest.mark.parametrize("name", ["fuzz.csv", "fuzz.tsv", "fuzz.csv.gz"])
def test_any_bytes_are_a_table_or_a_data_error(
    tmp_path_factory: pytest.TempPathFactory, name: str, content: str | bytes
) -> None:
    raw = content.encode() if isinstance(content, str) else content
    path = write(tmp_path_factory.getbasetemp() / name, gz(raw) if name.endswith(".gz") else raw)
    try:
        rows, _ = read_with_targets(FileSource(path))
    except DataError:
        return
    for column in rows.names:
        rows.texts(column)
        with contextlib.suppress(DataError):
            rows.numbers([column])
