import csv
import io
import json
import math

import numpy as np
import pytest

from bpnet.report.answers import answers_as_csv, answers_as_json, print_score, score_as_json
from tests.report.making import console, text_of

ANSWERS = {
    "prediction": np.array(["a,b", 'say "c"', "zwei\nZeilen", "ö"]),
    "probability_a,b": np.array([0.1, 1.0, 1e-12, 1 / 3], dtype=np.float32),
    "grams": np.array([0.1, -1e300, 2.0, 1 / 3]),
    "count": np.array([1, 2, 3, 4]),
}


def test_csv_reads_back_as_it_was() -> None:
    rows = list(csv.reader(io.StringIO(answers_as_csv(ANSWERS), newline="")))
    assert rows[0] == list(ANSWERS)
    for row, prediction, share, grams, count in zip(rows[1:], *ANSWERS.values(), strict=True):
        assert row[0] == prediction
        assert np.float32(row[1]) == share
        assert float(row[2]) == grams
        assert int(row[3]) == count


def test_numbers_are_no_longer_than_their_precision() -> None:
    lines = answers_as_csv({"p": ANSWERS["probability_a,b"]}).splitlines()
    assert lines == ["p", "0.1", "1.0", "1e-12", "0.33333334"]


def test_json_reads_back_as_it_was() -> None:
    text = answers_as_json(ANSWERS)
    assert text.count("\n") == 1
    assert "ö" in text
    read = json.loads(text)
    assert list(read) == list(ANSWERS)
    for name, values in ANSWERS.items():
        assert np.array_equal(np.array(read[name], dtype=values.dtype), values)


def test_no_rows_leave_the_heading() -> None:
    empty = {"prediction": np.array([], dtype=str), "probability_a": np.array([], dtype=np.float32)}
    assert answers_as_csv(empty) == "prediction,probability_a\n"
    assert json.loads(answers_as_json(empty)) == {"prediction": [], "probability_a": []}


def test_a_score_is_one_line() -> None:
    to = console()
    print_score(to, {"loss": 0.095931, "accuracy": 0.977715})
    assert text_of(to) == "loss 0.09593  accuracy 0.9777\n"


@pytest.mark.parametrize("hopeless", [math.nan, math.inf, -math.inf])
def test_a_score_in_json_has_null_for_what_is_no_number(hopeless: float) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(word)

    text = score_as_json({"loss": 0.5, "r2": hopeless})
    assert json.loads(text, parse_constant=refuse) == {"loss": 0.5, "r2": None}
    assert text.endswith("}\n")
