"""NPZ and IDX files are read as their formats say; damaged and hostile ones are refused unharmed."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpnet.core.arrays import Array
from bpnet.data import FileSource, PairSource, memory, read_with_targets
from bpnet.data.arrays import read_array, read_npz
from bpnet.data.reading import read_inputs
from bpnet.errors import DataError, MissingDataError
from tests.data.files import IDX_TYPES, gz, idx, idx_header, refusal, write


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def npz(folder: Path, **arrays: Any) -> Path:
    path = folder / "a.npz"
    np.savez(path, **arrays)
    return path


def zipped(folder: Path, **members: bytes) -> Path:
    path = folder / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return path


def npy(array: Array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


X = np.arange(12.0).reshape(3, 4)


# --- NPZ


@pytest.mark.parametrize("dtype", ["f2", "f4", ">f8", "i8", "u1", "?"])
def test_an_npz_file_holds_rows_and_targets(tmp_path: Path, dtype: str) -> None:
    inputs, targets = read_with_targets(
        FileSource(npz(tmp_path, X=X.astype(dtype), y=np.array(["a", "b", "a"])))
    )
    assert np.array_equal(inputs.numbers(inputs.names), X.astype(dtype))
    assert targets.texts("y").tolist() == ["a", "b", "a"]
    assert inputs.source == f"{tmp_path / 'a.npz'}: X"


def test_images_become_rows_and_targets_may_be_several(tmp_path: Path) -> None:
    inputs, targets = read_npz(npz(tmp_path, X=X.reshape(3, 2, 2), y=X[:, :2], names=np.array([None])))
    assert inputs.values.tolist() == X.tolist()
    assert targets is not None
    assert targets.names == ("y1", "y2")
    assert targets.values.tolist() == X[:, :2].tolist()


def test_targets_are_needed_for_learning_only(tmp_path: Path) -> None:
    path = npz(tmp_path, X=X)
    assert len(read_inputs(path)) == 3
    said = refusal(lambda: read_with_targets(FileSource(path)))
    assert said == f"{path} holds no array y, which is what there is to learn."


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({}, "a.npz holds nothing, but no array X. | Make it with numpy.savez(path, X=..., y=...)."),
        ({"x": X, "y": X}, "a.npz holds x, y, but no array X."),
        ({"X": X[0]}, "a.npz: X has shape (4,) of float64, expected numbers of shape (N, columns)."),
        ({"X": np.float64(1)}, "X has shape () of float64"),
        ({"X": X[:0]}, "X has shape (0, 4)"),
        ({"X": X[:, :0]}, "X has shape (3, 0)"),
        ({"X": X.astype(str)}, "X has shape (3, 4) of <U"),
        ({"X": X + 1j}, "of complex128"),
        ({"X": X.astype("M8[s]")}, "of datetime64[s]"),
        ({"X": np.zeros((3, 2), [("a", "i4")])}, "X has shape (3, 2) of [('a', '<i4')]"),
        (
            {"X": X, "y": X[0]},
            "a.npz: y has shape (4,) of float64, expected numbers or texts of shape (3,) or (3, columns).",
        ),
        ({"X": X, "y": np.float64(1)}, "y has shape () of float64"),
        ({"X": X, "y": X.reshape(3, 2, 2)}, "y has shape (3, 2, 2)"),
        ({"X": X, "y": X[:, :0]}, "y has shape (3, 0)"),
        ({"X": X, "y": X[:, 0] + 1j}, "y has shape (3,) of complex128"),
        ({"X": X, "y": np.array([b"a", b"b", b"c"])}, "y has shape (3,) of |S1"),
    ],
)
def test_other_arrays_are_refused(tmp_path: Path, arrays: dict[str, Any], said: str) -> None:
    assert said in refusal(lambda: read_npz(npz(tmp_path, **arrays)))


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    for arrays in ({"X": np.array([[Trap(sprung)]])}, {"X": X, "y": np.array([Trap(sprung)] * 3)}):
        said = refusal(read_npz, npz(tmp_path, **arrays))
        assert "is no NPZ file, or is damaged (" in said
        assert said.endswith(
            "An NPZ file is made with numpy.savez(path, X=..., y=...), of numbers and texts only."
        )
        assert not sprung.exists()
    np.load(npz(tmp_path, X=np.array([Trap(sprung)])), allow_pickle=True)["X"]
    assert sprung.exists()  # so the trap would have been noticed


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(tmp_path, X_npy=npy(np.zeros((1000, 1000))))
    assert path.stat().st_size < 10_000
    monkeypatch.setattr(memory, "available_memory", lambda: 15_000_000)
    monkeypatch.setattr(np, "load", pytest.fail)
    said = refusal(lambda: read_npz(path))
    assert said.startswith(f"{path} would take about 16 MB of memory, and 15 MB are free. | Train on part")


def test_a_header_that_promises_more_than_there_is_is_refused(tmp_path: Path) -> None:
    content = npy(X).replace(b"(3, 4)", b"(3, 9)")
    assert "is damaged (EOF: reading array data" in refusal(lambda: read_npz(zipped(tmp_path, X_npy=content)))


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"X,y\n1,2\n", npy(X), b"\x80\x04K\x01.", b"PK\x05\x06" + bytes(17)]
)
def test_another_file_is_no_npz_file(tmp_path: Path, content: bytes) -> None:
    said = refusal(lambda: read_npz(write(tmp_path / "a.npz", content)))
    assert said.startswith(f"{tmp_path / 'a.npz'} is no NPZ file, or is damaged (")


def test_a_member_that_is_no_array_is_refused(tmp_path: Path) -> None:
    said = refusal(lambda: read_npz(zipped(tmp_path, X_npy=b"1,2\n3,4\n")))
    assert "X has shape () of |S8" in said
    assert "holds X, but no array X" in refusal(lambda: read_npz(zipped(tmp_path, X=npy(X))))


def test_an_encrypted_or_foreign_member_is_refused(tmp_path: Path) -> None:
    content = bytearray(npz(tmp_path, X=X).read_bytes())
    for offset, said in ((8, "NPZ file, or is damaged (File 'X.npy' is encrypted"), (10, "compression")):
        changed = bytearray(content)
        changed[content.index(b"PK\x01\x02") + offset] |= 1 if offset == 8 else 99
        path = write(tmp_path / "b.npz", bytes(changed))
        assert said in refusal(read_npz, path)


@settings(max_examples=150, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4),
    data=st.data(),
)
def test_damaged_bytes_are_an_npz_file_or_a_data_error(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], data: st.DataObject
) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, X=X, y=np.array(["a", "b", "c"]))
    content = bytearray(buffer.getvalue())
    for position, byte in changes:
        content[position % len(content)] = byte
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    path = write(tmp_path_factory.getbasetemp() / "fuzz.npz", bytes(content))
    try:
        inputs, _ = read_with_targets(FileSource(path))
    except DataError:
        return
    assert inputs.numbers(inputs.names).shape == (3, 4)


# --- IDX


@pytest.mark.parametrize("kind", IDX_TYPES)
@pytest.mark.parametrize("name", ["images", "images.gz", "IMAGES.GZ"])
def test_an_idx_file_is_read_to_the_last_number(tmp_path: Path, kind: str, name: str) -> None:
    array = np.arange(-3, 9).reshape(3, 2, 2).astype(kind)
    content = idx(array, kind)
    found = read_array(write(tmp_path / name, gz(content) if name.lower().endswith(".gz") else content))
    assert found.tolist() == array.tolist()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no IDX file: it begins with nothing."),
        (b"\0\0\x08", "is no IDX file: it begins with 00 00 08."),
        (b"x,y\n1,2\n", "is no IDX file: it begins with 78 2c 79 0a."),
        (b"\0\1\x08\1" + bytes(8), "is no IDX file: it begins with 00 01 08 01."),
        (idx_header(1, kind=0x0A) + b"\0", "it begins with 00 00 0a 01."),
        (idx_header(), "it begins with 00 00 08 00."),
        (idx_header(*[1] * 9) + b"\0", "it begins with 00 00 08 09."),
        (idx_header(3, 2)[:-1], "is cut short within its header."),
        (idx_header(3, 2) + bytes(5), "is shorter than its header says: (3, 2) of 1 bytes each."),
        (idx_header(3, 2) + bytes(7), "is longer than its header says: (3, 2) of 1 bytes each."),
        (idx_header(0, 28, 28), "says that it holds 0 numbers: it is empty or damaged."),
        (idx_header(2**31 + 1), "is shorter than its header says: (2147483649,) of 1 bytes each."),
        (idx_header(*[2**32 - 1] * 8), "is shorter than its header says: "),
        (idx_header(0, *[2**32 - 1] * 7), "says that it holds 0 numbers"),
        (gz(idx_header(2) + b"ab"), "is gzipped. | Unpack it, or let its name end in .gz."),
    ],
)
def test_other_files_are_no_idx_files(tmp_path: Path, content: bytes, said: str) -> None:
    path = write(tmp_path / "labels", content)
    found = refusal(lambda: read_array(path))
    assert found.startswith(f"{path} ")
    assert said in found


def test_hostile_sizes_take_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "images.gz", gz(idx_header(2**27, kind=0x0E) + bytes(80)))
    monkeypatch.setattr(memory, "available_memory", lambda: 10**9)
    assert "images.gz would take about 2.1 GB of memory, and 1.0 GB are free" in refusal(
        lambda: read_array(path)
    )


@pytest.mark.parametrize(
    "content",
    [idx_header(2) + b"ab", gz(idx_header(2) + b"ab")[:-4], gz(idx_header(2) + b"ab")[:-8] + bytes(8)],
)
def test_what_ends_in_gz_must_be_gzipped(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path / "labels.gz", content)
    assert refusal(lambda: read_array(path)).startswith(f"{path} is no gzip file, or is damaged (")


def pair(folder: Path, images: Array, labels: Array) -> PairSource:
    return PairSource(write(folder / "images", idx(images)), write(folder / "labels", idx(labels)))


def test_images_and_labels_go_together(tmp_path: Path) -> None:
    images, labels = np.arange(12).reshape(3, 2, 2), np.array([2, 0, 7])
    inputs, targets = read_with_targets(pair(tmp_path, images, labels))
    assert inputs.numbers(inputs.names).tolist() == images.reshape(3, 4).tolist()
    assert targets.texts("y").tolist() == ["2", "0", "7"]
    assert len(read_inputs(PairSource(tmp_path / "images", tmp_path / "none"))) == 3


@pytest.mark.parametrize(
    ("images", "labels", "said"),
    [
        ((3, 2, 2), (2,), "images has 3 rows, but {folder}/labels has 2."),
        ((3, 2, 2), (3, 1), "labels has shape (3, 1), expected one label an image."),
        ((3,), (3,), "images has shape (3,) of uint8, expected rows of numbers."),
    ],
)
def test_images_and_labels_must_match(tmp_path: Path, images: Any, labels: Any, said: str) -> None:
    source = pair(tmp_path, np.zeros(images), np.zeros(labels))
    assert said.format(folder=tmp_path) in refusal(lambda: read_with_targets(source))


def test_the_missing_one_of_a_pair_is_named(tmp_path: Path) -> None:
    write(tmp_path / "images", idx(np.zeros((1, 1))))
    with pytest.raises(MissingDataError, match=r"labels\.gz does not exist"):
        read_with_targets(PairSource(tmp_path / "images", tmp_path / "labels.gz"))


HEADERS = st.builds(
    lambda kind, sizes, rest: idx_header(*sizes, kind=kind) + rest,
    st.sampled_from([*IDX_TYPES.values(), 0, 0x0A]),
    st.lists(st.one_of(st.integers(0, 4), st.integers(0, 2**32 - 1)), max_size=9),
    st.binary(max_size=40),
)


@settings(max_examples=200, deadline=None)
@given(content=st.one_of(st.binary(max_size=40), HEADERS), pack=st.booleans())
def test_any_bytes_are_an_idx_file_or_a_data_error(
    tmp_path_factory: pytest.TempPathFactory,
    content: bytes,
    *,
    pack: bool,
) -> None:
    path = write(tmp_path_factory.getbasetemp() / f"fuzz{'.gz' * pack}", gz(content) if pack else content)
    try:
        array = read_array(path)
    except DataError as error:
        assert len(str(error)) < 400  # noqa: PT017 - either outcome is right
        return
    assert idx_header(*array.shape, kind=content[2]) == content[: 4 + 4 * array.ndim]
