"""Files that are larger than memory give the same numbers as others."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import bpnet
from bpnet.core.arrays import Array
from bpnet.data import DataRequest, FileSource, PairSource, columns, load_dataset, memory
from bpnet.data.dataset import Dataset
from bpnet.data.on_demand import OnDemand, slices
from bpnet.data.reading import read_with_targets
from bpnet.data.scaling import learn_scaling, means
from bpnet.training import trainer
from tests.data.files import refusal
from tests.tolerances import ROUNDING

N, COLUMNS = 3000, 12
FREE = 100_000
"""Bytes; the rows are 144,000 in float32."""


@pytest.fixture
def files(tmp_path: Path) -> PairSource:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, N)
    X = rng.normal(labels[:, np.newaxis], 1.0, (N, COLUMNS)).astype(np.float32)
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", labels)
    np.savez(tmp_path / "both.npz", X=X, y=labels)
    return PairSource(tmp_path / "X.npy", tmp_path / "y.npy")


def loaded(source: PairSource | FileSource, **asked: Any) -> Dataset:
    request = DataRequest(source, classes_by_loss=True, validation=0.2, **asked)
    return load_dataset(request, np.random.default_rng(1))


def parts(dataset: Dataset) -> list[Array]:
    assert dataset.validation is not None
    given = (dataset.train, dataset.validation)
    return [np.concatenate(list(slices(part.X))) for part in given] + [part.Y for part in given]


def test_a_pair_of_npy_files_is_what_an_npz_file_is(files: PairSource) -> None:
    both = FileSource(files.features.with_name("both.npz"))
    one, other = loaded(files, scale="standard"), loaded(both, scale="standard")
    assert one.columns == other.columns
    for a, b in zip(parts(one), parts(other), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("scale", ["none", "minmax", "standard"])
def test_what_does_not_fit_is_encoded_on_demand(
    files: PairSource, scale: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "_MANY_NUMBERS", 10_000)  # what is learnt does not rest on the memory
    expected = loaded(files, scale=scale)
    monkeypatch.setattr(memory, "available_memory", lambda: FREE)
    found = loaded(files, scale=scale)
    assert type(found.train.X).__name__ == OnDemand.__name__
    assert found.train.X.shape == expected.train.X.shape
    assert found.train.X.dtype == np.float32
    for a, b in zip(parts(expected), parts(found), strict=True):
        assert np.array_equal(a, b)
    rows = np.array([7, 3, 2000, 3])
    assert np.array_equal(found.train.X[rows], np.concatenate(list(slices(found.train.X)))[rows])
    with pytest.raises(MemoryError, match="slice by slice"):
        np.asarray(found.train.X)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_training_gives_the_same_bits(
    files: PairSource, tmp_path: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(
        "data: {train: {features: X.npy, target: y.npy}, validation: 0.2, scale: minmax}\n"
        "network: {layers: [auto, 6, auto], activation: tanh}\n"
        "training: {loss: cross_entropy, learning_rate: 0.5, epochs: 2, batch_size: 50, "
        f"backend: {backend}}}"
    )
    monkeypatch.setattr(trainer, "_CHUNK_NUMBERS", 2**13)
    expected = bpnet.train(config, output=tmp_path / "runs")
    monkeypatch.setattr(memory, "available_memory", lambda: FREE)
    found = bpnet.train(config, output=tmp_path / "runs")
    assert found.model.network.parameters.tobytes() == expected.model.network.parameters.tobytes()
    assert found.summary["train"] == expected.summary["train"]
    answers, others = (each.model.predict(files.features) for each in (expected, found))
    assert np.array_equal(answers, others)
    assert found.model.score(files) == expected.model.score(files)


def test_blank_cells_are_counted_slice_by_slice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    X = np.random.default_rng(0).normal(5, 1, (N, COLUMNS))
    X[:1500, 0] = X[2999, 3] = np.nan
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", np.arange(N) % 2)
    source = PairSource(tmp_path / "X.npy", tmp_path / "y.npy")
    expected = loaded(source, missing="indicator", scale="standard").columns
    monkeypatch.setattr(columns, "_MANY_NUMBERS", 10_000)
    assert loaded(source, missing="most_frequent").columns.fill[1] in X[:, 1]
    monkeypatch.setattr(memory, "available_memory", lambda: FREE)
    found = loaded(source, missing="indicator", scale="standard").columns
    assert found.indicators == expected.indicators == ("x1", "x4")
    np.testing.assert_allclose(found.fill, expected.fill, rtol=1e-12)
    np.testing.assert_allclose(found.scaling.factor, expected.scaling.factor, rtol=1e-12)
    assert "X.npy is larger than memory, where data.missing: most_frequent has to count" in refusal(
        lambda: loaded(source, missing="most_frequent")
    )
    assert "column 'x1' is blank" in refusal(lambda: loaded(source))


CELLS = st.one_of(st.floats(-1e6, 1e6).map(lambda x: round(x, 3)), st.just(float("nan")))


@given(hnp.arrays(np.float64, st.tuples(st.integers(2, 12), st.just(2)), elements=CELLS), st.data())
def test_slices_are_learnt_from_as_the_whole_is(values: Array, data: st.DataObject) -> None:
    values[0] = [3.0, -1.0]  # each column has a number
    cuts = sorted(data.draw(st.sets(st.integers(1, len(values) - 1), max_size=3)))
    cut = np.split(values, cuts)
    size = np.abs(np.nan_to_num(values)).max()
    np.testing.assert_allclose(means(cut), means([values]), rtol=0, atol=ROUNDING * size)
    for scale in ("minmax", "standard"):
        one, many = (learn_scaling(each, 2, scale) for each in ([values], cut))
        np.testing.assert_allclose(many.offset, one.offset, rtol=0, atol=ROUNDING * size)
        one_size, many_size = (1 / np.array(each.factor) for each in (one, many))
        np.testing.assert_allclose(many_size, one_size, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "X.npy is no NPY file, or is damaged"),
        (b"\x93NUMPY\x01\x00", "X.npy is no NPY file, or is damaged"),
        (b"1,2\n3,4\n", "X.npy is no NPY file, or is damaged"),
        (np.array([{}], dtype=object), "X.npy is no NPY file, or is damaged"),
        (np.empty((0, 3)), "X.npy holds a single number, or nothing"),
        (np.array(7), "X.npy holds a single number, or nothing"),
        (b"PK\x03\x04" + bytes(30), "X.npy is no NPY file, or is damaged"),
        (b"\x93NUMPY\x01\x00\x10\x00{'descr': '<f4', ", "X.npy is no NPY file, or is damaged"),
        (b"\x93NUMPY\x01\x00\x08\x00{1: 2}  ", "X.npy is no NPY file, or is damaged"),
        (np.arange(3.0), "X.npy has shape (3,) of float64, expected rows of numbers."),
        (np.array([["a", "b"]]), "X.npy has shape (1, 2) of <U1, expected rows of numbers."),
        (np.zeros((2, 3)), "X.npy has 2 rows, but"),
        (np.full((3, 3), np.inf), "(the first is 1): column 'x1' is inf, which is no finite number."),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes | Array, said: str) -> None:
    path = tmp_path / "X.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content, allow_pickle=True)
    np.save(tmp_path / "y.npy", np.arange(3) % 2)
    assert said in refusal(lambda: loaded(PairSource(path, tmp_path / "y.npy")))


def test_inputs_alone_are_no_rows_to_learn_from(files: PairSource) -> None:
    said = refusal(lambda: read_with_targets(FileSource(files.features)))
    assert said.startswith(
        f"{files.features} holds inputs alone. | Name the file of the targets, too: --targets"
    )
