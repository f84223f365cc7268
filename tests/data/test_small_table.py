"""Small tables are read as polars reads large ones."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpnet.data import tables
from bpnet.data.rows import Rows
from bpnet.data.small_table import SmallTable
from bpnet.data.tables import Table, read_table
from bpnet.data.text_table import BLANKS
from bpnet.errors import DataError
from tests.data.files import refusal, table, write

NUMBERS = ["0", "7", "-3.0", "3.000", "+2.5", "1e5", "1E-400", "1e400", "-inf", "Infinity", ".5", "5.", "NAN"]
OTHERS = [
    "true",
    "False",
    "1_0",
    "٣",
    "0x10",
    "1,5",
    "1e",
    "--5",
    "+.",
    "x",
    "3.0a",
    "\x1c5",
    "-0.0",
    "007.0",
]

CELLS = st.one_of(
    st.sampled_from(NUMBERS),
    st.sampled_from(OTHERS),
    st.sampled_from(BLANKS),
    st.floats().map(repr),
    st.text(st.characters(exclude_characters='"\n\r', exclude_categories=["Cs"]), max_size=4),
)


def both(path: Path) -> tuple[SmallTable, Table]:
    small = read_table(path)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tables, "_SMALL", -1)
        large = read_table(path)
    assert isinstance(small, SmallTable)
    assert isinstance(large, Table)
    return small, large


def found(rows: Rows, name: str) -> tuple[str, list[object], str | list[object]]:
    try:
        numbers: str | list[object] = [repr(x) for x in rows.numbers([name])[:, 0].tolist()]
    except DataError as error:
        numbers = str(error)
    return rows.kind(name), rows.texts(name).tolist(), numbers


@settings(max_examples=300)
@given(st.lists(st.tuples(CELLS, st.sampled_from([*NUMBERS, "NA"])), min_size=1, max_size=6))
def test_whatever_the_cells(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    path = tmp_path_factory.mktemp("t") / "t.csv"
    write(path, "a,b\n" + "".join(f'"{a}",{b}\n' for a, b in rows))
    small, large = both(path)
    picked = np.arange(len(rows))[::-2]
    for one, other in ((small, large), (small.take(picked), large.take(picked))):
        assert one.names == other.names
        assert len(one) == len(other)
        assert [one.place(row) for row in range(len(one))] == [other.place(row) for row in range(len(one))]
        for name in one.names:
            assert found(one, name) == found(other, name)


def test_the_first_wrong_cell_of_several_columns_is_told(tmp_path: Path) -> None:
    rows = table(tmp_path, "a,b\n1,x\ny,2\n")
    assert isinstance(rows, SmallTable)
    assert "t.csv:2: column 'b' is 'x', expected a number." in refusal(lambda: rows.numbers(["b", "a"]))
    assert "t.csv:3: column 'a' is 'y', expected a number." in refusal(lambda: rows.numbers(["a", "b"]))


def test_the_built_in_tables_need_no_polars() -> None:
    for path in (Path(__file__).parents[2] / "data").glob("*.csv*"):
        small, large = both(path)
        numbers = [name for name in small.names if small.kind(name) == "number"]
        assert np.array_equal(small.numbers(numbers), large.numbers(numbers), equal_nan=True)
