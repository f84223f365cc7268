"""The shipped tables are what data/README.md says they are."""

import csv
import gzip
import hashlib
import io
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

DATA = Path(__file__).parents[2] / "data"
README = (DATA / "README.md").read_text(encoding="utf-8")
SUMS = {name: digest for digest, name in re.findall(r"^([0-9a-f]{64})  (\S+)$", README, re.MULTILINE)}
ROWS = re.findall(r"^\| `(\S+)` \| (\d+) \| (\d+) \| `(\w+)` \|", README, re.MULTILINE)
SHAPES = {name: (int(rows), int(columns), target) for name, rows, columns, target in ROWS}
TABLES = ("digits.csv.gz", "iris.csv", "wine.csv", "breast_cancer.csv", "diabetes.csv")

FEATURES = {
    "digits.csv.gz": [f"pixel_{row}_{column}" for row in range(8) for column in range(8)],
    "iris.csv": ["sepal_length_cm", "sepal_width_cm", "petal_length_cm", "petal_width_cm"],
    "wine.csv": [
        "alcohol",
        "malic_acid",
        "ash",
        "alcalinity_of_ash",
        "magnesium",
        "total_phenols",
        "flavanoids",
        "nonflavanoid_phenols",
        "proanthocyanins",
        "color_intensity",
        "hue",
        "od280_od315",
        "proline",
    ],
    "breast_cancer.csv": [
        form.format(name)
        for form in ("mean_{}", "{}_error", "worst_{}")
        for name in [
            "radius",
            "texture",
            "perimeter",
            "area",
            "smoothness",
            "compactness",
            "concavity",
            "concave_points",
            "symmetry",
            "fractal_dimension",
        ]
    ],
    "diabetes.csv": ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"],
}
CLASSES = {
    "digits.csv.gz": dict(zip("0123456789", (178, 182, 177, 183, 181, 182, 181, 179, 174, 180), strict=True)),
    "iris.csv": {"setosa": 50, "versicolor": 50, "virginica": 50},
    "wine.csv": {"cultivar_0": 59, "cultivar_1": 71, "cultivar_2": 48},
    "breast_cancer.csv": {"malignant": 212, "benign": 357},
}

pytestmark = pytest.mark.usefixtures("both_readers")


def content(name: str) -> bytes:
    stored = (DATA / name).read_bytes()
    return gzip.decompress(stored) if name.endswith(".gz") else stored


def read(name: str) -> tuple[list[str], list[list[str]]]:
    header, *rows = csv.reader(io.StringIO(content(name).decode(), newline=""))
    return header, rows


def test_readme_lists_every_table() -> None:
    shipped = sorted(path.name for path in DATA.iterdir() if ".csv" in path.suffixes)
    assert shipped == sorted(TABLES) == sorted(SUMS) == sorted(SHAPES)


@pytest.mark.parametrize("name", TABLES)
def test_file_has_the_documented_sha256(name: str) -> None:
    assert hashlib.sha256((DATA / name).read_bytes()).hexdigest() == SUMS[name]


@pytest.mark.parametrize("name", TABLES)
def test_table_has_the_documented_shape(name: str) -> None:
    header, rows = read(name)
    assert (len(rows), len(header), header[-1]) == SHAPES[name]
    assert {len(row) for row in rows} == {len(header)}


@pytest.mark.parametrize("name", TABLES)
def test_columns_are_named_in_order(name: str) -> None:
    header, _ = read(name)
    assert header[:-1] == FEATURES[name]


@pytest.mark.parametrize("name", TABLES)
def test_features_are_finite_numbers(name: str) -> None:
    _, rows = read(name)
    assert np.isfinite(np.array([row[:-1] for row in rows], dtype=np.float64)).all()


@pytest.mark.parametrize("name", CLASSES)
def test_classes_are_counted(name: str) -> None:
    _, rows = read(name)
    assert Counter(row[-1] for row in rows) == CLASSES[name]


def test_digits_are_integers_from_0_to_16() -> None:
    header, rows = read("digits.csv.gz")
    pixels = np.array([row[:-1] for row in rows], dtype=np.int64)
    assert (pixels.min(), pixels.max()) == (0, 16)
    assert pixels[0, header.index("pixel_0_3")] == 13


def test_digits_are_packed_without_time_or_name() -> None:
    head = (DATA / "digits.csv.gz").read_bytes()[:8]
    assert head == b"\x1f\x8b\x08\x00" + bytes(4)
    assert hashlib.sha256(content("digits.csv.gz")).hexdigest() in README


def test_iris_follows_fishers_paper() -> None:
    _, rows = read("iris.csv")
    assert rows[34] == ["4.9", "3.1", "1.5", "0.2", "setosa"]
    assert rows[37] == ["4.9", "3.6", "1.4", "0.1", "setosa"]


def test_diabetes_is_raw() -> None:
    _, rows = read("diabetes.csv")
    values = np.array(rows, dtype=np.float64)
    assert rows[0] == ["59", "2", "32.1", "101.0", "157", "93.2", "38.0", "4.0", "4.8598", "87", "151"]
    assert (values[:, -1].min(), values[:, -1].max()) == (25, 346)


@pytest.mark.parametrize("name", TABLES)
def test_a_column_is_integers_or_decimals_throughout(name: str) -> None:
    _, rows = read(name)
    for column in list(zip(*rows, strict=True))[:-1]:
        assert len({"." in value for value in column}) == 1
