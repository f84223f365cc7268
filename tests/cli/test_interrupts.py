import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bpnet.cli.interrupts import stop_on_signals
from bpnet.config import load_config
from bpnet.config.models import ExperimentConfig
from bpnet.experiment import preparing, running
from bpnet.training.checkpoint import save_checkpoint
from bpnet.training.events import EpochEnded
from bpnet.training.files import load_tensors
from bpnet.training.run_folder import CHECKPOINT, History
from tests.cli.running import ENVIRONMENT, ROOT, Ran, assert_same_run, bpnet

COMPILED = ("--set", "training.backend=numba")

ENDLESS = ("train", "xor", "--set", "training.epochs=10000000", "--set", "training.backend=numpy")

# Saves a checkpoint after every epoch, to be killed at any moment of it.
BUSY = """
from bpnet.experiment import running
running.SECONDS_BETWEEN_CHECKPOINTS = running._REST = 0
from bpnet.cli import main
main()
"""


@contextmanager
def started(*arguments: str, cwd: Path, script: str = "") -> Iterator[subprocess.Popen[str]]:
    """A process of the program that is stopped at last, whatever happens."""
    how = ["-c", script] if script else ["-m", "bpnet"]
    process = subprocess.Popen(
        [sys.executable, *how, *arguments],
        cwd=cwd,
        env={**ENVIRONMENT, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def rows(run: Path) -> list[dict[str, str]]:
    if not (run / "history.csv").exists():
        return []
    with (run / "history.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def ended(process: subprocess.Popen[str]) -> Ran:
    out, err = process.communicate(timeout=30)
    return Ran(process.returncode, out, err)


def assert_goes_on_as_if_never_stopped(run: Path, *settings: str) -> None:
    """Resume a stopped run, and compare it with one that did the same at a stretch."""
    more = load_tensors(run / CHECKPOINT)[1]["epoch"] + 30
    assert bpnet("train", "--resume", run, "--set", f"training.epochs={more}").code == 0
    whole = bpnet("train", "xor", "-q", "--set", f"training.epochs={more}", *settings, "-o", "whole")
    assert_same_run(run, Path(whole.out.strip()))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_first_signal_ends_training_and_saves_it(number: signal.Signals, folder: Path) -> None:
    run = folder / "runs" / "xor-1"
    with started(*ENDLESS, cwd=folder) as process:
        wait_for(lambda: len(rows(run)) > 20)
        process.send_signal(number)
        ran = ended(process)
    assert ran.code == 130
    assert "Traceback" not in ran.err
    assert ", interrupted; best by loss: epoch " in ran.out
    assert "bpnet train --resume runs/xor-1   " in ran.out
    summary = json.loads((run / "summary.json").read_text("utf-8"))
    assert summary["stopped"] == "interrupted"
    assert summary["epochs"] == len(rows(run)) > 20
    assert ran.err.splitlines()[-1].split()[0] == str(summary["epochs"])
    assert {path.name for path in run.iterdir()} == {
        "checkpoints",
        "config.yaml",
        "history.csv",
        "model.safetensors",
        "summary.json",
    }
    assert_goes_on_as_if_never_stopped(run)


def test_so_it_is_where_steps_are_compiled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        signal_after(patched, 5)
        assert bpnet(*ENDLESS, *COMPILED).code == 130
    assert_goes_on_as_if_never_stopped(folder / "runs" / "xor-1", *COMPILED)


def test_a_second_signal_stops_at_once(folder: Path) -> None:
    # The first cannot end a step that hangs.
    script = """
import time
from bpnet.training.trainer import Trainer
def hang(self, batch):
    print("hanging", flush=True)
    while True:
        time.sleep(0.01)
Trainer._step = hang
from bpnet.cli import main
main()
"""
    with started(*ENDLESS, cwd=folder, script=script) as process:
        assert process.stdout
        assert process.stdout.readline() == "hanging\n"
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)  # within half a second it is the same request
        time.sleep(0.6)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        ran = ended(process)
    assert (ran.code, ran.out) == (130, "")
    assert ran.err.endswith("Interrupted.\n")
    assert "Traceback" not in ran.err


def test_an_interrupted_run_in_json_is_one_document(monkeypatch: pytest.MonkeyPatch) -> None:
    signal_after(monkeypatch, 5)
    ran = bpnet(*ENDLESS, "--json")
    assert ran.code == 130
    assert json.loads(ran.out)["stopped"] == "interrupted"
    assert json.loads(ran.out)["epochs"] == 5


def signal_after(monkeypatch: pytest.MonkeyPatch, epoch: int, times: int = 1) -> None:
    """Press Ctrl-C after an epoch."""
    add = History.add

    def add_and_press(self: History, event: EpochEnded) -> None:
        add(self, event)
        if event.epoch == epoch:
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(History, "add", add_and_press)


def test_a_signal_while_data_are_read_stops_at_once_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepare = preparing.prepare

    def press_and_prepare(config: ExperimentConfig, **options: Any) -> preparing.Experiment:
        os.kill(os.getpid(), signal.SIGINT)
        return prepare(config, **options)

    monkeypatch.setattr(running, "prepare", press_and_prepare)
    ran = bpnet(*ENDLESS)
    assert (ran.code, ran.out, ran.err) == (130, "", "Interrupted.\n")
    assert not Path("runs").exists()


def test_a_signal_in_the_last_epoch_comes_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    signal_after(monkeypatch, 5)
    ran = bpnet("train", "xor", "--set", "training.epochs=5", "--json")
    assert ran.code == 0
    assert json.loads(ran.out)["stopped"] == "completed"


def test_two_signals_at_once_are_one_request(monkeypatch: pytest.MonkeyPatch) -> None:
    signal_after(monkeypatch, 5, times=2)
    ran = bpnet(*ENDLESS, "--json")
    assert ran.code == 130
    assert json.loads(ran.out)["stopped"] == "interrupted"


def test_nothing_interrupts_the_saving(monkeypatch: pytest.MonkeyPatch) -> None:
    signal_after(monkeypatch, 5)
    monkeypatch.setattr("bpnet.cli.interrupts._ONE_PRESS", -1.0)  # any further signal would stop at once

    def press_and_save(*arguments: Any) -> None:
        if arguments[1].epoch == 5:
            os.kill(os.getpid(), signal.SIGINT)
        save_checkpoint(*arguments)

    monkeypatch.setattr(running, "save_checkpoint", press_and_save)
    ran = bpnet(*ENDLESS, "--json")
    assert ran.code == 130
    assert json.loads(ran.out)["epochs"] == 5


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_kill_at_any_moment_leaves_no_half_written_file(seed: int, folder: Path) -> None:
    run = folder / "runs" / "xor-1"
    with started(*ENDLESS, cwd=folder, script=BUSY) as process:
        wait_for((run / CHECKPOINT).exists)
        time.sleep(random.Random(seed).uniform(0, 0.3))  # noqa: S311 - no secret
        process.kill()
        assert ended(process).code == -signal.SIGKILL
    assert load_config(run / "config.yaml").name == "xor"
    epoch = load_tensors(run / CHECKPOINT)[1]["epoch"]
    lines = (run / "history.csv").read_bytes().splitlines(keepends=True)
    assert len(lines) - 1 in {epoch, epoch + 1}
    assert {(line.count(b","), line[-1:]) for line in lines} == {(lines[0].count(b","), b"\n")}
    assert_goes_on_as_if_never_stopped(run)


def test_afterwards_signals_mean_what_they_did_before() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    with stop_on_signals() as request:
        assert not request()
        os.kill(os.getpid(), signal.SIGHUP)
        assert request()
        time.sleep(0.6)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert [signal.getsignal(number) for number in numbers] == before
