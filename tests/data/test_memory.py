"""Data too large for the machine are refused with a message, not by the system."""

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bpnet.data import FileSource, PairSource, arrays, memory, read_with_targets, tables
from bpnet.data.memory import available_memory, refuse_if_too_large
from bpnet.data.reading import read_inputs
from tests.data.files import cells, columns_of, gz, refusal, table, write


def test_most_of_the_free_memory_may_be_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_memory", lambda: 1_000_000_000)
    refuse_if_too_large("a.csv", 900_000_000)
    assert refusal(lambda: refuse_if_too_large("a.csv", 900_000_001)) == (
        "a.csv would take about 900 MB of memory, and 1.0 GB are free. | "
        "Train on part of the rows, or leave out columns before reading."
    )


def test_nothing_is_refused_where_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_memory", lambda: None)
    refuse_if_too_large("a.csv", 10**18)


def proc(monkeypatch: pytest.MonkeyPatch, **files: str | None) -> None:
    """Let the system say this about memory; None for a file that is not there."""

    def read(path: Path, **_: object) -> str:
        text = files[path.name]
        if text is None:
            raise FileNotFoundError(path)
        return text

    monkeypatch.setattr(Path, "read_text", read)


UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


@pytest.mark.parametrize(
    ("meminfo", "free"),
    [("MemTotal: 9 kB\nMemAvailable:  500 kB\n", 512_000), ("MemTotal: 9 kB\n", None), (None, None)],
)
def test_free_memory_is_what_linux_says(
    monkeypatch: pytest.MonkeyPatch, meminfo: str | None, free: int | None
) -> None:
    proc(monkeypatch, meminfo=meminfo)
    monkeypatch.setattr(resource, "getrlimit", lambda _: UNLIMITED)
    assert available_memory() == free


@pytest.mark.parametrize(
    ("status", "limits", "left"),
    [
        ("VmSize:\t 20 kB\nVmData:\t 3 kB\n", {resource.RLIMIT_AS: 50_000}, 50_000 - 20 * 1024),
        ("VmSize:\t 20 kB\nVmData:\t 3 kB\n", {resource.RLIMIT_DATA: 50_000}, 50_000 - 3 * 1024),
        ("VmSize:\t 99 kB\nVmData:\t 3 kB\n", {resource.RLIMIT_AS: 50_000, resource.RLIMIT_DATA: 9_000}, 0),
        ("Name:\tbpnet\nVmSize:\t 99 kB\n", {resource.RLIMIT_AS: 50_000}, 0),
        (None, {resource.RLIMIT_AS: 50_000}, 50_000),
    ],
)
def test_a_limit_of_the_process_counts_what_it_has_taken(
    monkeypatch: pytest.MonkeyPatch, status: str | None, limits: dict[int, int], left: int
) -> None:
    proc(monkeypatch, meminfo="MemAvailable: 500 kB\n", status=status)
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (limits.get(kind, resource.RLIM_INFINITY), 0))
    assert available_memory() == left


def test_windows_has_no_such_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    proc(monkeypatch, meminfo=None)
    monkeypatch.setattr(sys, "platform", "win32")
    assert available_memory() is None


def test_this_machine_has_memory() -> None:
    free = available_memory()
    assert free is None or free > 10**6


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet"])
def test_a_table_larger_than_memory_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path, data = tmp_path / name, pl.DataFrame({"x": np.arange(100_000) % 100, "y": 1})
    if name == "t.parquet":
        data.write_parquet(path)
    else:
        content = data.write_csv().encode()
        write(path, gz(content) if name.endswith(".gz") else content)
    assert len(read_inputs(path)) == 100_000
    monkeypatch.setattr(memory, "available_memory", lambda: 6_000_000)
    monkeypatch.setattr(pl, "read_csv", pytest.fail)
    assert refusal(lambda: read_inputs(path)).startswith(f"{path} would take about ")


def test_a_gzip_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "t.csv.gz", gz(bytes(50_000_000)))
    assert path.stat().st_size < 60_000
    monkeypatch.setattr(memory, "available_memory", lambda: 10_000_000)
    said = refusal(lambda: read_inputs(path))
    assert said.startswith(f"{path}, unpacked, would take about 10 MB of memory, and 10 MB are free.")


def test_a_table_that_python_must_read_needs_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def give_up(*_: object, **__: object) -> None:
        raise pl.exceptions.ComputeError

    asked: list[int] = []
    monkeypatch.setattr(tables, "_SMALL", -1)
    monkeypatch.setattr(pl, "read_csv", give_up)
    monkeypatch.setattr(tables, "refuse_if_too_large", lambda _, needed: asked.append(needed))
    assert cells(table(tmp_path, 'a,b\n5" x,1\n')) == [('5" x', "1")]
    quick, slow = asked
    assert slow > 2 * quick


def test_inputs_that_do_not_fit_are_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = table(tmp_path, "a\n" + "".join(f"{k % 90}x\n" for k in range(1000)))
    learnt = columns_of(rows)
    assert learnt.encode(rows, np.float32).shape == (1000, 90)
    monkeypatch.setattr(memory, "available_memory", lambda: 300_000)
    monkeypatch.setattr("bpnet.data.columns.np.empty", pytest.fail)
    said = refusal(lambda: learnt.encode(rows, np.float32))
    assert said.startswith(f"{tmp_path / 't.csv'}, as 90 inputs, would take about 0 MB of memory")


def test_memory_that_runs_out_all_the_same_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run_out(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(arrays, "refuse_if_too_large", run_out)
    path = write(tmp_path / "images.gz", gz(b"\0\0\x08\2" + b"\0\0\0\1" * 2 + b"\0"))
    said = refusal(lambda: read_with_targets(PairSource(path, path)))
    assert said.startswith(f"{path} does not fit into memory. | Train on part")


LIMITED = """
import resource, sys
from pathlib import Path
import polars
from bpnet.data.reading import read_inputs
from bpnet.errors import DataError
path = Path(sys.argv[1])
taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + 30_000_000,) * 2)
try:
    read_inputs(path)
except DataError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_a_process_with_little_memory_says_so(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "a,b\n" + "1,2\n" * 1_000_000)
    ran = subprocess.run([sys.executable, "-c", LIMITED, path], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith(f"{path} would take about 68 MB of memory, and ")
    assert not ran.stderr


def test_a_source_is_read_where_memory_is_enough(tmp_path: Path) -> None:
    inputs, targets = read_with_targets(FileSource(write(tmp_path / "t.csv", "a,b\n1,2\n")))
    assert inputs is targets
