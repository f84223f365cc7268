# /// script
# requires-python = ">=3.11"
# dependencies = ["scikit-learn==1.9.1"]
# ///
"""Write the tables of this folder from the package data of scikit-learn.

Run ``python data/make.py`` where scikit-learn is installed. Rows keep their order, feature names become
snake_case and class numbers become text. A column whose every value is whole is written as integers, any
other as the shortest decimals that read back as the same float64. README.md says where the data come from.
"""

import csv
import gzip
import hashlib
import io
import re
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn import datasets
from sklearn.utils import Bunch

FOLDER = Path(__file__).parent
DILUTED = "_of_diluted_wines"  # left off the name of one wine column


def snake_case(name: str) -> str:
    """Return a feature's name in lower-case words joined by underscores."""
    return re.sub("[^a-z0-9]+", "_", name.lower()).strip("_").removesuffix(DILUTED)


def numbers(column: npt.NDArray[np.float64]) -> list[int] | list[float]:
    """Return a column as Python integers if all its values are whole, else as floats."""
    return [int(v) for v in column] if (column == np.floor(column)).all() else column.tolist()


def classes(table: Bunch, names: list[str]) -> list[str]:
    """Return each row's class as text; ``names`` are in the order of the class numbers."""
    return [names[label] for label in table.target]


def as_csv(table: Bunch, target: str, values: list[str] | list[int] | list[float]) -> bytes:
    """Return the table as UTF-8 CSV with a header, the target last."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*(snake_case(name) for name in table.feature_names), target])
    writer.writerows(zip(*(numbers(column) for column in table.data.T), values, strict=True))
    return text.getvalue().encode()


def gzipped(content: bytes) -> bytes:
    """Compress without a time or a file name, so that equal content gives equal bytes."""
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=packed, mtime=0) as file:
        file.write(content)
    return packed.getvalue()


def main() -> None:
    """Write every table beside this script and print its SHA-256."""
    digits, iris, wine = datasets.load_digits(), datasets.load_iris(), datasets.load_wine()
    cancer, diabetes = datasets.load_breast_cancer(), datasets.load_diabetes(scaled=False)
    tables = {
        "digits.csv.gz": gzipped(as_csv(digits, "digit", numbers(digits.target))),
        "iris.csv": as_csv(iris, "species", classes(iris, ["setosa", "versicolor", "virginica"])),
        "wine.csv": as_csv(wine, "cultivar", classes(wine, ["cultivar_0", "cultivar_1", "cultivar_2"])),
        "breast_cancer.csv": as_csv(cancer, "diagnosis", classes(cancer, ["malignant", "benign"])),
        "diabetes.csv": as_csv(diabetes, "progression", numbers(diabetes.target)),
    }
    for name, content in tables.items():
        (FOLDER / name).write_bytes(content)
        sys.stdout.write(f"{hashlib.sha256(content).hexdigest()}  {name}\n")


if __name__ == "__main__":
    main()
