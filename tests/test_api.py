import inspect
from pathlib import Path

import numpy as np
import pytest

import bpnet
from bpnet.errors import ConfigError, ModelError, OutputError
from bpnet.experiment import TrainingResult
from bpnet.training.model import Model
from tests.experiment.texts import CLASSES, write_rows


@pytest.fixture
def config(tmp_path: Path) -> Path:
    write_rows(tmp_path)
    path = tmp_path / "small.yaml"
    path.write_text(CLASSES, encoding="utf-8")
    return path


def test_the_public_names() -> None:
    assert bpnet.__all__ == ["BpnetError", "__version__", "grad_check", "load", "train"]
    assert all(hasattr(bpnet, name) for name in bpnet.__all__)


def test_the_arguments() -> None:
    shown = {name: list(inspect.signature(getattr(bpnet, name)).parameters) for name in ("train", "load")}
    assert shown == {"train": ["config", "overrides", "output"], "load": ["path"]}


def test_training_says_nothing_and_returns_all(config: Path, capfd: pytest.CaptureFixture[str]) -> None:
    result = bpnet.train(config, output=config.parent / "runs")
    assert isinstance(result, TrainingResult)
    assert isinstance(result.model, Model)
    assert result.folder == config.parent / "runs" / "small-1"
    assert result.summary["epochs"] == 6
    assert capfd.readouterr() == ("", "")


def test_overrides_are_those_of_the_command_line(config: Path) -> None:
    overrides = ["training.epochs=5", "network.layers[1]=4", "training.epochs=2"]
    result = bpnet.train(str(config), overrides=overrides, output=str(config.parent))
    assert result.folder == config.parent / "small-1"
    assert result.summary["epochs"] == 2
    assert result.model.network.sizes == (3, 4, 3)


def test_runs_go_into_the_folder_at_hand(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(config.parent)
    assert bpnet.train("small.yaml").folder == Path("runs/small-1")
    assert bpnet.train("xor", overrides=["training.epochs=1"]).folder == Path("runs/xor-1")
    assert (config.parent / "runs" / "xor-1" / "model.safetensors").is_file()


@pytest.mark.parametrize("form", [str, Path])
def test_loading_a_run_or_its_model(config: Path, form: type) -> None:
    result = bpnet.train(config, output=config.parent / "runs")
    rows = config.parent / "rows.csv"
    for path in (result.folder, result.folder / "model.safetensors"):
        loaded = bpnet.load(form(path))
        assert loaded.outputs(rows).tobytes() == result.model.outputs(rows).tobytes()
    assert set(loaded.predict(np.array([[0.0, 0.0, 0.0], [1.5, 1.5, 1.5]]))) <= {"a", "b", "c"}


def test_mistakes_are_those_of_the_package(config: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'xor'"):
        bpnet.train("xorr", output=config.parent)
    with pytest.raises(OutputError):
        bpnet.train(config, output=config / "below a file")
    with pytest.raises(ModelError, match=r"model\.safetensors does not exist"):
        bpnet.load(config.parent)


def test_the_version_is_a_version() -> None:
    assert [part.isdigit() for part in bpnet.__version__.split(".")] == [True] * 3
