import errno
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, NoReturn

import pytest

from bpnet.core.health import LayerHealth
from bpnet.errors import ModelError, OutputError
from bpnet.training.events import EpochEnded, Score
from bpnet.training.run_folder import (
    CHECKPOINT,
    HISTORY,
    MODEL,
    SUMMARY,
    History,
    create_run_folder,
    newest_run,
    saved_epochs,
    write_summary,
)

# Numbering


def test_runs_are_numbered(tmp_path: Path) -> None:
    parent = tmp_path / "made" / "on the way"
    made = [create_run_folder(parent, name) for name in ("a", "a", "b", "a-1", "a")]
    assert [folder.name for folder in made] == ["a-1", "a-2", "b-1", "a-1-1", "a-3"]
    for folder in made:
        assert (folder / CHECKPOINT).parent.is_dir()
        assert folder.parent == parent


def test_a_number_is_never_used_again_while_a_later_run_is_there(tmp_path: Path) -> None:
    for name in ("a-2", "a-10", "b-50", "a-x", "a-", "a-1-70", "a-٣٣", "a-²"):
        (tmp_path / name).mkdir()
    (tmp_path / "a-11").write_text("a file is in the way as well", encoding="utf-8")
    assert create_run_folder(tmp_path, "a").name == "a-12"


@pytest.mark.parametrize("name", ["a[1]", "a*", "?", "[!a]", "**", "a{b,c}"])
def test_names_are_no_patterns(tmp_path: Path, name: str) -> None:
    for taken in ("a1-5", "ab-6", "b-7", f"{name}-3"):
        (tmp_path / taken).mkdir()
    assert create_run_folder(tmp_path, name).name == f"{name}-4"


def test_what_is_there_is_never_touched(tmp_path: Path) -> None:
    first = create_run_folder(tmp_path, "a")
    (first / MODEL).write_bytes(b"precious")
    create_run_folder(tmp_path, "a")
    assert (first / MODEL).read_bytes() == b"precious"


def test_a_folder_made_between_looking_and_making(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.iterdir

    def look_then_lose(self: Path) -> Iterator[Path]:
        seen = list(real(self))
        (tmp_path / "a-1").mkdir()
        (tmp_path / "a-2").mkdir()
        return iter(seen)

    monkeypatch.setattr(Path, "iterdir", look_then_lose)
    assert create_run_folder(tmp_path, "a").name == "a-3"


def test_threads_that_race_get_folders_of_their_own(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: create_run_folder(tmp_path, "a"), range(40)))
    assert len(set(made)) == 40
    assert {int(folder.name.removeprefix("a-")) for folder in made} == set(range(1, 41))


RACE = """
import sys
from pathlib import Path
from bpnet.training.run_folder import create_run_folder
sys.stdin.readline()
for _ in range(20):
    print(create_run_folder(Path(sys.argv[1]), "a").name)
"""


def test_processes_that_race_get_folders_of_their_own(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RACE, str(tmp_path)]
    racers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    names = [name for racer in racers for name in racer.communicate()[0].split()]
    assert sorted(names) == sorted(f"a-{n}" for n in range(1, 41))


@pytest.mark.parametrize(("place", "reason"), [("file", "File exists"), ("file/runs", "Not a directory")])
def test_a_parent_that_cannot_be(tmp_path: Path, place: str, reason: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError) as caught:
        create_run_folder(tmp_path / place, "a")
    assert caught.value.message == f"No run folder could be made in {tmp_path / place}: {reason}."
    assert "--output" in caught.value.advice


def fail(*_: object, **__: object) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_no_space_for_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "mkdir", fail)
    with pytest.raises(OutputError, match="No space left on device"):
        create_run_folder(tmp_path, "a")


# The newest run


def test_the_newest_run_is_the_one_last_finished(tmp_path: Path) -> None:
    assert newest_run(tmp_path) is None
    assert newest_run(tmp_path / "missing") is None
    for age, name in enumerate(("b-1", "a-[2]", "a-1", "unfinished")):
        folder = tmp_path / name
        folder.mkdir()
        if name != "unfinished":
            (folder / MODEL).write_bytes(b"")
            os.utime(folder / MODEL, (1000 - age, 1000 - age))
    assert newest_run(tmp_path) == tmp_path / "b-1"
    os.utime(tmp_path / "a-[2]" / MODEL, (2000, 2000))
    assert newest_run(tmp_path) == tmp_path / "a-[2]"


# The history


def layer(l: int) -> LayerHealth:
    return LayerHealth(l, 4, l + 0.25, l / 10, 1.0, None, None, None)


def epoch(number: int, *, validation: bool = True, **train: float) -> EpochEnded:
    score = Score(0.1, {"accuracy": 0.75} | train)
    return EpochEnded(
        epoch=number,
        epochs=9,
        train=score,
        validation=Score(0.5, {"accuracy": 1 / 3}) if validation else None,
        learning_rate=0.05,
        seconds=1.23456789,
        layers=(layer(2), layer(3)),
        monitored=0.5,
        best=True,
    )


HEADING = (
    "epoch,loss,validation_loss,accuracy,validation_accuracy,learning_rate,seconds,"
    "delta_2,delta_3,nabla_2,nabla_3"
)
ROW = ",0.1,0.5,0.75,0.3333333333333333,0.05,1.234568,2.25,3.25,0.2,0.3"


def make_history(tmp_path: Path) -> History:
    return History(tmp_path / HISTORY, ("accuracy",), (2, 3))


def written(tmp_path: Path, *epochs: int) -> None:
    history = make_history(tmp_path)
    with history.open():
        for number in epochs:
            history.add(epoch(number))


def reopen(tmp_path: Path, keep: int) -> None:
    with make_history(tmp_path).open(keep_epochs=keep):
        pass


def lines(tmp_path: Path) -> list[str]:
    text = (tmp_path / HISTORY).read_bytes().decode()
    assert text.endswith("\n")
    assert "\r" not in text
    return text.splitlines()


def test_columns_and_rows(tmp_path: Path) -> None:
    history = make_history(tmp_path)
    with history.open():
        assert lines(tmp_path) == [HEADING]
        history.add(epoch(1))
        assert lines(tmp_path) == [HEADING, f"1{ROW}"]  # at once, not only at the end
        history.add(epoch(2))
    assert lines(tmp_path) == [HEADING, f"1{ROW}", f"2{ROW}"]
    assert ",".join(history.columns) == HEADING


def test_two_metrics_each_with_its_validation(tmp_path: Path) -> None:
    history = History(tmp_path / HISTORY, ("r2", "mae"), (2,))
    assert history.columns[3:7] == ("r2", "validation_r2", "mae", "validation_mae")


def test_without_validation_the_cells_are_empty(tmp_path: Path) -> None:
    history = make_history(tmp_path)
    with history.open():
        history.add(epoch(1, validation=False))
    assert lines(tmp_path)[1] == "1,0.1,,0.75,,0.05,1.234568,2.25,3.25,0.2,0.3"


@pytest.mark.parametrize("keep", [0, 1, 2, 3])
def test_rows_beyond_the_checkpoint_are_dropped(tmp_path: Path, keep: int) -> None:
    written(tmp_path, 1, 2, 3)
    reopen(tmp_path, keep)
    assert lines(tmp_path) == [HEADING, *(f"{number}{ROW}" for number in range(1, keep + 1))]


def test_a_half_written_row_beyond_the_checkpoint_is_dropped(tmp_path: Path) -> None:
    written(tmp_path, 1)
    with (tmp_path / HISTORY).open("a", encoding="utf-8") as file:
        file.write("2,0.")
    reopen(tmp_path, 1)
    assert lines(tmp_path) == [HEADING, f"1{ROW}"]


@pytest.mark.parametrize("there", [True, False])
def test_rows_that_should_be_there(tmp_path: Path, *, there: bool) -> None:
    if there:
        written(tmp_path, 1)
    with pytest.raises(ModelError, match=r"history\.csv does not hold the 2 epochs of the checkpoint"):
        reopen(tmp_path, 2)


def test_rows_that_are_there_twice(tmp_path: Path) -> None:
    written(tmp_path, 1, 1, 2)
    with pytest.raises(ModelError, match="does not hold the 2 epochs of the checkpoint, each once"):
        reopen(tmp_path, 2)


def test_a_history_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "history.csv").mkdir()
    with pytest.raises(ModelError, match=r"history\.csv cannot be read: Is a directory"):
        reopen(tmp_path, 2)


def test_a_history_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(OutputError, match=r"history\.csv could not be written: No space left on device\."):
        reopen(tmp_path, 0)


def rows_go_to(monkeypatch: pytest.MonkeyPatch, file: IO[bytes]) -> None:
    """The heading is written as ever, into a file of its own that is then renamed."""
    opened = Path.open
    monkeypatch.setattr(
        Path, "open", lambda path, mode, **options: file if mode == "ab" else opened(path, mode, **options)
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_row_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows_go_to(monkeypatch, io.FileIO("/dev/full", "ab"))
    with pytest.raises(OutputError, match=r"history\.csv could not be written: No space left on device\."):
        written(tmp_path, 1)


def test_a_row_that_the_disk_takes_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(io.BytesIO):
        def write(self, data: Any) -> int:
            parts.append(bytes(data[:7]))
            return len(parts[-1])

    parts = list[bytes]()
    rows_go_to(monkeypatch, Slow())
    written(tmp_path, 1)
    assert b"".join(parts).decode() == f"1{ROW}\n"


def test_other_errors_inside_the_block_are_their_own(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), make_history(tmp_path).open():
        (tmp_path / "elsewhere").read_bytes()


# The summary


def test_a_summary_is_json_with_null_and_any_letter(tmp_path: Path) -> None:
    summary: dict[str, Any] = {"run": "läufe/ß-1", "test": None, "train": {"loss": 0.1, "r2": None}}
    write_summary(tmp_path, summary)
    text = (tmp_path / SUMMARY).read_text(encoding="utf-8")
    assert json.loads(text) == summary
    assert text.endswith("}\n")
    assert "läufe" in text
    assert "null" in text


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"epochs": null}', '{"epochs": 5}'])
def test_epochs_of_a_summary(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "summary.json").write_text(text, encoding="utf-8")
    assert saved_epochs(tmp_path) == (5 if text == '{"epochs": 5}' else None)
