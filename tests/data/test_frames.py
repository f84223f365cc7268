from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from bpnet.data.dataset import DataRequest, load_dataset
from bpnet.data.reading import read_inputs
from bpnet.data.sources import FileSource, InlineSource, PairSource
from bpnet.data.splitting import split_rows
from bpnet.errors import DataError

ROWS = {"length": [1.0, 2.0, 3.0], "colour": ["red", "blue", "red"]}


class Frame:
    """What a data frame of any library has: columns, and each by its name."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)
        self.columns = list(values)

    def __getitem__(self, name: str) -> Any:
        return np.array(self._values[name], dtype=object)


@pytest.mark.parametrize("make", [dict, Frame, pl.DataFrame])
def test_the_columns_of_a_data_frame_are_found_by_name(make: Any) -> None:
    rows = read_inputs(make(ROWS))
    assert rows.named
    assert rows.names == ("length", "colour")
    assert rows.numbers(["length"]).ravel().tolist() == [1, 2, 3]
    assert rows.texts("colour").tolist() == ["red", "blue", "red"]
    assert rows.place(1) == "the data frame, row 2 (the first is 1)"


def test_blank_cells_of_a_data_frame() -> None:
    rows = read_inputs({"a": [1.0, float("nan"), None], "b": ["x", None, " "]})
    assert np.isnan(rows.numbers(["a"]).ravel()).tolist() == [False, True, True]
    assert rows.texts("b").tolist() == ["x", None, None]


@pytest.mark.parametrize("values", [{"a": [1, 2], "b": [1]}, {"a": 5}])
def test_a_data_frame_that_is_none(values: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="The data frame cannot be read"):
        read_inputs(values)


def test_idx_files_are_known_by_their_names(tmp_path: Path) -> None:
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    path = tmp_path / "t10k-images-idx3-ubyte"
    path.write_bytes(b"\0\0\x08\x03" + np.array(images.shape, ">u4").tobytes() + images.tobytes())
    assert read_inputs(path).numbers(read_inputs(path).names).tolist() == images.reshape(2, 12).tolist()
    assert len(read_inputs(FileSource(path))) == len(read_inputs(PairSource(path, tmp_path / "none"))) == 2


def test_yes_and_no_of_labels_are_learnt_from_training_rows_alone() -> None:
    inputs = [[float(k)] for k in range(20)]
    targets = [[float(k % 2), 5.0 if k == 0 else 0.0] for k in range(20)]  # a single yes
    request = DataRequest(InlineSource(inputs, targets), test=0.25, classes_by_loss=None)
    outcomes = set()
    for seed in range(12):
        in_training = 0 in split_rows(np.zeros(20, int), None, 0.25, np.random.default_rng(seed)).train
        outcomes.add(in_training)
        if in_training:
            columns = load_dataset(request, np.random.default_rng(seed)).columns
            assert columns.target.classes[1] == ("0", "5")
        else:
            with pytest.raises(DataError, match="'5', a class that the training rows do not have"):
                load_dataset(request, np.random.default_rng(seed))
    assert outcomes == {True, False}
