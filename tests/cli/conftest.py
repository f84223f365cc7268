from pathlib import Path

import pytest

import bpnet


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user is: an empty folder."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM"):
        monkeypatch.delenv(name, raising=False)
    return here


@pytest.fixture(scope="session")
def iris(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that tells species apart."""
    return bpnet.train("iris", output=tmp_path_factory.mktemp("runs")).folder


@pytest.fixture(scope="session")
def diabetes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that predicts a number."""
    output = tmp_path_factory.mktemp("runs")
    return bpnet.train("diabetes", overrides=["training.epochs=5"], output=output).folder
