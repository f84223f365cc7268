import errno
import io
import json
import os
import pickle
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from bpnet.errors import ModelError, OutputError
from bpnet.training import files
from bpnet.training.files import fingerprint, load_tensors, save_tensors, write_atomically

TENSORS = {"W": np.arange(6, dtype=np.float32).reshape(2, 3) - 2.5, "t": np.array([7], dtype=np.int64)}
METADATA = {"name": "Größe 1", "numbers": [1, 2.5, None], "deep": {"a": [True]}}


def forged(tensors: dict[str, Any], metadata: Any) -> bytes:
    """A file whose checksum is right, whatever it holds."""
    text = json.dumps(metadata)
    header = {files._METADATA: f"{files._checksum(tensors, text)} {text}"}
    return safetensors.numpy.save(tensors, metadata=header)


# Writing a file


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_atomically(path, b"old")
    with path.open("rb") as reader:
        write_atomically(path, b"new and longer")
        assert reader.read() == b"old"  # who has it open still sees all of the old one
    assert path.read_bytes() == b"new and longer"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("step", ["fsync", "replace", "write"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_on_the_way_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, error: BaseException
) -> None:
    path = tmp_path / "a.txt"
    write_atomically(path, b"old")

    def fail(*_: object) -> None:
        raise error

    where = {"fsync": (os, "fsync"), "replace": (Path, "replace"), "write": (Path, "open")}[step]
    monkeypatch.setattr(*where, fail)
    expected = OutputError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as caught:
        write_atomically(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    if isinstance(caught.value, OutputError):
        assert caught.value.message == f"{path} could not be written: No space left on device."
        assert caught.value.advice == "Free some space."
        assert caught.value.exit_code == 6


# A pipe of our own stands for /dev/null and its like: run by root, a fault would replace the real one.


def test_a_device_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(OutputError, match="pipe could not be written: No space left on device"):
        write_atomically(tmp_path / "pipe", b"answers")
    assert (tmp_path / "pipe").is_fifo()


def test_a_pipe_gets_what_is_written(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_atomically(pipe, b"answers")
        assert os.read(reader, 100) == b"answers"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_a_link_goes_on_pointing_to_what_is_written(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "a.txt", tmp_path / "link.txt"
    link.symlink_to(target)
    for content in (b"first", b"second"):
        write_atomically(link, content)
        assert link.is_symlink()
        assert target.read_bytes() == content


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("missing/a.txt", "No such file or directory"),
        ("file/a.txt", "Not a directory"),
        (".", "Is a directory"),
    ],
)
def test_a_place_that_cannot_be_written(tmp_path: Path, place: str, reason: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match=reason):
        write_atomically(tmp_path / place, b"new")


def test_a_read_only_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    if os.geteuid() == 0:  # whom the file system refuses nothing
        monkeypatch.setattr(Path, "open", refuse)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match=r"a\.txt could not be written: Permission denied\."):
            write_atomically(tmp_path / "a.txt", b"new")
    finally:
        tmp_path.chmod(0o700)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_umask_says_who_may_read(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "a.txt", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == mode


# Tensors there and back


def test_tensors_and_metadata_come_back(tmp_path: Path) -> None:
    save_tensors(tmp_path / "m", TENSORS, METADATA)
    tensors, metadata = load_tensors(tmp_path / "m")
    assert metadata == METADATA
    assert tensors.keys() == TENSORS.keys()
    for name, array in TENSORS.items():
        assert tensors[name].dtype == array.dtype
        np.testing.assert_array_equal(tensors[name], array)


LAID_OUT: dict[str, Callable[[Any], Any]] = {
    "transposed": lambda a: a.T,
    "every other row": lambda a: a[::2],
    "every other column": lambda a: a[:, ::2],
    "backwards": lambda a: a[::-1, ::-1],
    "by columns": np.asfortranarray,
    "one row many times": lambda a: np.broadcast_to(a[0], (4, 3)),
    "part of a larger one": lambda a: a[1:3, 1:],
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", list(LAID_OUT))
def test_arrays_that_do_not_lie_row_by_row(tmp_path: Path, layout: str, dtype: Any) -> None:
    array = LAID_OUT[layout](np.arange(12, dtype=dtype).reshape(4, 3) / 7)
    assert not array.flags.c_contiguous
    save_tensors(tmp_path / "m", {"a": array}, {})
    np.testing.assert_array_equal(load_tensors(tmp_path / "m")[0]["a"], array)


def test_the_library_alone_scrambles_them() -> None:
    """Why the guard is there; once this fails, it may go."""
    array = np.arange(6.0).reshape(2, 3).T
    assert (safetensors.numpy.load(safetensors.numpy.save({"a": array}))["a"] != array).any()


def test_what_does_not_read_back_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m"
    save_tensors(path, TENSORS, METADATA)
    before, real = path.read_bytes(), safetensors.numpy.save

    def scramble(tensors: dict[str, Any], metadata: dict[str, str]) -> bytes:
        return real({name: array[::-1].copy() for name, array in tensors.items()}, metadata=metadata)

    monkeypatch.setattr(safetensors.numpy, "save", scramble)
    with pytest.raises(OutputError, match=r"m: tensor 'W' does not read back as it was written\."):
        save_tensors(path, {name: array + 1 for name, array in TENSORS.items()}, METADATA)
    assert path.read_bytes() == before


# Damage


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("files") / "m"
    save_tensors(path, TENSORS, METADATA)
    return path.read_bytes()


def refused(tmp_path: Path, content: bytes) -> str:
    """What is said of a file that must not load."""
    path = tmp_path / "damaged"
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        load_tensors(path)
    assert str(path) in caught.value.message
    return caught.value.message


def test_the_file_that_is_damaged_below_is_right(tmp_path: Path, written: bytes) -> None:
    (tmp_path / "m").write_bytes(written)
    load_tensors(tmp_path / "m")


@pytest.mark.parametrize("bit", range(8))
def test_one_bit_anywhere(tmp_path: Path, written: bytes, bit: int) -> None:
    for position in range(len(written)):
        damaged = bytearray(written)
        damaged[position] ^= 1 << bit
        refused(tmp_path, bytes(damaged))


def test_cut_short_anywhere(tmp_path: Path, written: bytes) -> None:
    for length in range(len(written)):
        refused(tmp_path, written[:length])


@pytest.mark.parametrize("more", [b"\0", b"trailing bytes"])
def test_longer_than_it_was(tmp_path: Path, written: bytes, more: bytes) -> None:
    refused(tmp_path, written + more)


def archive(name: str, content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr(name, content)
    return packed.getvalue()


def npz() -> bytes:
    packed = io.BytesIO()
    np.savez(packed, W=np.ones(3))
    return packed.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"epoch,loss\n1,0.5\n", id="text"),
        pytest.param(pickle.dumps({"W": [1.0]}), id="pickle"),
        pytest.param(npz(), id="npz"),
        pytest.param(archive("a", b"b"), id="zip"),
        pytest.param(b"\x89HDF\r\n\x1a\n" + bytes(2000), id="h5"),
        pytest.param(b"\xff" * 8 + b"{}", id="a header of 2^64 bytes"),
        pytest.param((10**8).to_bytes(8, "little") + b"{}", id="a header that is not there"),
        pytest.param((2).to_bytes(8, "little") + b"[]", id="a header that is a list"),
        pytest.param((2000).to_bytes(8, "little") + b"[" * 2000, id="a header of brackets"),
    ],
)
def test_files_of_another_kind(tmp_path: Path, content: bytes) -> None:
    message = refused(tmp_path, content)
    assert "is not a model file, or is damaged (" in message


def described(dtype: str, shape: list[int], size: int, **metadata: str) -> bytes:
    """A file with one tensor of zeros, its header written by hand."""
    tensor = {"dtype": dtype, "shape": shape, "data_offsets": [0, size]}
    header = json.dumps({"__metadata__": metadata, "a": tensor}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(size)


@pytest.mark.parametrize(
    ("dtype", "shape", "size"),
    [("BF16", [1], 2), ("F8_E4M3", [1], 1), ("F32", [2**40, 2**40], 4), ("F32", [5], 4)],
)
def test_tensors_that_numpy_does_not_have(tmp_path: Path, dtype: str, shape: list[int], size: int) -> None:
    message = refused(tmp_path, described(dtype, shape, size, bpnet="0 {}"))
    assert "is not a model file, or is damaged (" in message


@pytest.mark.parametrize("metadata", [{}, {"sha256": "0"}, {"format": "pt"}])
def test_a_file_of_another_program(tmp_path: Path, metadata: dict[str, str]) -> None:
    message = refused(tmp_path, described("BF16", [1], 2, **metadata))
    assert message.endswith("is a safetensors file, but bpnet did not write it.")


def test_a_file_without_any_metadata(tmp_path: Path) -> None:
    message = refused(tmp_path, safetensors.numpy.save(TENSORS))
    assert message.endswith("is a safetensors file, but bpnet did not write it.")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite(tmp_path: Path, value: float) -> None:
    save_tensors(tmp_path / "m", {"a": np.ones(2), "b": np.array([1, value])}, {})
    message = refused(tmp_path, (tmp_path / "m").read_bytes())
    assert message.endswith("tensor 'b' holds numbers that are not finite.")


@pytest.mark.parametrize("metadata", [[], 5, None, "text"])
def test_metadata_that_are_no_mapping(tmp_path: Path, metadata: Any) -> None:
    message = refused(tmp_path, forged(TENSORS, metadata))
    assert message.endswith("its metadata are not what bpnet writes.")


def test_metadata_that_are_no_json(tmp_path: Path) -> None:
    for text in ("{", "[" * 100_000):
        header = {files._METADATA: f"{files._checksum(TENSORS, text)} {text}"}
        message = refused(tmp_path, safetensors.numpy.save(TENSORS, metadata=header))
        assert message.endswith("its metadata are not what bpnet writes.")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nothing does not exist\."):
        load_tensors(tmp_path / "nothing")


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is not a model file, or is damaged"):
        load_tensors(tmp_path)


# Fingerprints


def test_a_fingerprint_sees_numbers_shape_dtype_and_order() -> None:
    a, b = np.arange(6.0), np.ones(2)
    marks = [
        fingerprint([a, b]),
        fingerprint([b, a]),
        fingerprint([np.append(a[:5], np.nextafter(5.0, 6.0)), b]),
        fingerprint([a.reshape(2, 3), b]),
        fingerprint([a.reshape(3, 2), b]),
        fingerprint([a.astype(np.float32), b]),
        fingerprint([a]),
        fingerprint([]),
    ]
    assert len(set(marks)) == len(marks)
    assert fingerprint(iter([a.copy(), b.copy()])) == marks[0]


def test_a_fingerprint_does_not_see_how_an_array_lies() -> None:
    a = np.arange(6.0).reshape(2, 3)
    assert fingerprint([a.T]) == fingerprint([np.ascontiguousarray(a.T)])


def test_equal_contents_give_equal_files(tmp_path: Path) -> None:
    written = set()
    for number in range(20):
        files.save_tensors(tmp_path / f"{number}", TENSORS, {"a": 1, "b": [2, 3]})
        written.add((tmp_path / f"{number}").read_bytes())
    assert len(written) == 1
