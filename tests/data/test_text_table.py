"""Lines are counted as an editor counts them, whatever the cells hold."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpnet.data.text_table import even_rows, line_of, read_header
from tests.data.files import cells, refusal, table, write

pytestmark = pytest.mark.usefixtures("both_readers")


def header(folder: Path, content: str | bytes, separator: str = ",") -> tuple[str, ...]:
    return read_header(write(folder / "t.csv", content), None, separator)


@pytest.mark.parametrize(
    "first",
    [
        "a,b c",
        "\ufeffa,b c",
        '\ufeff"a","b c"',
        " a ,\tb c\xa0",
        '"a","b\nc"',
        "a,b\xa0c",
        "\n\n,\n , \na,b c",
    ],
)
def test_names_are_stripped_and_blank_lines_above_them_left_out(tmp_path: Path, first: str) -> None:
    assert header(tmp_path, first + "\n1,2\n") == ("a", "b c")
    assert cells(table(tmp_path, first + "\n1,2\n")) == [("1", "2")]


def test_names_may_be_unicode(tmp_path: Path) -> None:
    assert header(tmp_path, "größe,長さ\n1,2\n") == ("größe", "長さ")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "t.csv is empty. | The first line must hold the column names."),
        ("\n \n,,\n", "t.csv is empty. | The first line must hold the column names."),
        (
            "a,\n1,2\n",
            "t.csv:1: column 2 has no name. | Name it (and data.drop it, if it only numbers the rows).",
        ),
        ("\n\n,b\n", "t.csv:3: column 1 has no name. |"),
        (
            "a,b, a\n",
            "t.csv:1: column 3 is called 'a', as column 1 is. | Give every column a name of its own",
        ),
        (
            "a;b\n1;2\n",
            "t.csv:1: found one column, 'a;b'. | Is it separated by ';'? A .csv file needs commas",
        ),
        ("a\tb\n1\t2\n", "Is it separated by '\\t'?"),
        ("a|b\n1|2\n", "Is it separated by '|'?"),
        (
            "a\0,b\n",
            "t.csv does not look like a text table: its first line is no text. | Save the table as CSV",
        ),
        (b"\x01\x02,b\n", "does not look like a text table"),
        (b"PK\x03\x04rest", "t.csv is no text table: it is a zip or Excel file. | Save the table as CSV."),
        (b"\x1f\x8b\x08rest", "it is gzipped. | Let its name end in .gz."),
        (b"PAR1rest", "it is a Parquet file. | Let its name end in .parquet."),
        (b"\xff\xfe" + "a,b\n".encode("utf-16-le"), "it is UTF-16 text. | Save it as UTF-8 text."),
        (b"\xfe\xff" + "a,b\n".encode("utf-16-be"), "it is UTF-16 text. | Save it as UTF-8 text."),
        ("größe,b\n".encode("latin-1"), "t.csv:1: byte 0xf6 is not UTF-8. | Save the file as UTF-8 text."),
        ('"a,b\n1,2\n', "t.csv:1: a double quote is out of place in the row that begins here"),
        (
            "a,b\r1,2\r",
            "t.csv:1: a carriage return stands within the line. | Lines must end with a line feed",
        ),
    ],
)
def test_a_header_that_cannot_be_used_is_refused(tmp_path: Path, content: str | bytes, said: str) -> None:
    assert said in refusal(lambda: header(tmp_path, content))


def test_a_tsv_file_with_commas_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "t.tsv", "a,b\n1,2\n")
    assert "Is it separated by ','?" in refusal(lambda: read_header(path, None, "\t"))


def test_lines_are_counted_past_breaks_in_cells_and_blank_lines(tmp_path: Path) -> None:
    text = 'a,b\n"one\ntwo\n\nfour",1\n\n , \n"x ""y""",2\r\n\r\n3,"4\r\n5"\n6,7'
    path = write(tmp_path / "t.csv", text)
    assert [line_of(path, None, ",", row) for row in range(5)] == [2, 7, 8, 10, 12]
    assert line_of(path, text.encode(), ",", 4) == 12  # from an unpacked file's bytes
    assert cells(table(tmp_path, text)) == [
        ("one\ntwo\n\nfour", "1"),
        (None, None),
        ('x "y"', "2"),
        ("3", "4\r\n5"),
        ("6", "7"),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "a,b\n1,2\n3\n",
            "t.csv:3: found 1 cell, expected 2 as in the first line. | A cell that holds the sep",
        ),
        ("a,b\n1,2\n3,4,5\n", "t.csv:3: found 3 cells, expected 2"),
        ('a,b\n"1\n\n1",2\n\n3,4,\n', "t.csv:6: found 3 cells, expected 2"),
        (
            'a,b\n1,"2\n3,4\n',
            "t.csv:2: a double quote is out of place in the row that begins here (unexpected end",
        ),
        ('a,b\n1,2\n"3"4,5\n', "t.csv:3: a double quote is out of place"),
        (b"a,b\n" + b"1,2\n" * 70 + b"3,\xff\n" + b"1,2\n" * 70, "t.csv:72: byte 0xff is not UTF-8"),
        (b"a,b\n" + b"1,2\n" * 5000 + b"3,\xc3\n", "t.csv:5002: byte 0xc3 is not UTF-8"),
    ],
)
def test_a_mistake_below_the_header_is_found_at_its_line(
    tmp_path: Path, content: str | bytes, said: str
) -> None:
    path = write(tmp_path / "t.csv", content)
    assert said in refusal(lambda: list(even_rows(path, None, ",")))
    assert said in refusal(lambda: table(tmp_path, content))


# No carriage returns: alone and unquoted they are a mistake to one reader and part of a cell to the other.
CELL = st.text(st.sampled_from('ab1,;" \n\t'), max_size=4)
ROWS = st.lists(st.lists(CELL, min_size=2, max_size=2), max_size=6)


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, ending=st.sampled_from(["\n", "\r\n"]), gap=st.sampled_from(["", "\n", " ,\n"]))
def test_every_row_is_found_at_the_line_where_it_begins(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], ending: str, gap: str
) -> None:
    text, lines = f"a,b{ending}", []
    kept: list[list[str | None]] = []
    for row in rows:
        if gap.strip():
            lines.append(text.count("\n") + 1)
            kept.append([None, None])
        text += gap
        lines.append(text.count("\n") + 1)
        kept.append([cell.strip() or None for cell in row])
        text += ",".join(map(quoted, row)) + ending
    path = write(tmp_path_factory.getbasetemp() / "lines.csv", text)
    assert [line_of(path, None, ",", row) for row in range(len(lines))] == lines
    if kept:
        assert [list(row) for row in cells(table(path.parent, text, path.name))] == kept
