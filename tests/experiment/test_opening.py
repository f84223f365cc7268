import os
from pathlib import Path

import numpy as np
import pytest

import bpnet
from bpnet.errors import ConfigError, MissingDataError, ModelError
from bpnet.experiment.opening import open_experiment
from tests.experiment.texts import CLASSES, INLINE, write_rows


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user is: an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(name: str, *overrides: str) -> Path:
    return bpnet.train(name, overrides=["training.epochs=2", *overrides]).folder


def aged(run: Path, seconds: int) -> Path:
    os.utime(run / "model.safetensors", (seconds, seconds))
    return run


def test_without_a_run_it_is_the_source_s_network() -> None:
    opened = open_experiment(None)
    assert opened.what == (
        "config source, the source's 2-2-1 network (there is no run here), at its starting weights"
    )
    assert opened.experiment.model.network.W[2].tolist() == [[0.15, 0.20], [0.25, 0.30]]


def test_a_run_that_has_not_finished_its_first_epoch_is_none() -> None:
    (Path("runs") / "xor-1").mkdir(parents=True)
    assert "there is no run here" in open_experiment(None).what


def test_with_runs_it_is_the_one_last_finished() -> None:
    older, newer = aged(train("xor"), 2000), aged(train("source"), 1000)
    opened = open_experiment(None)
    assert opened.what == f"run {older}, the newest run here, at its saved weights"
    aged(newer, 3000)
    assert open_experiment(None).what == f"run {newer}, the newest run here, at its saved weights"


def test_runs_may_lie_elsewhere(here: Path) -> None:
    run = bpnet.train("xor", overrides=["training.epochs=2"], output=here / "elsewhere").folder
    assert open_experiment(None, runs=here / "elsewhere").what.startswith(f"run {run}, the newest run here")


def test_a_run_is_opened_at_its_saved_weights() -> None:
    run = train("iris")
    opened = open_experiment(str(run))
    assert opened.what == f"run {run}, at its saved weights"
    network = opened.experiment.model.network
    saved = bpnet.load(run).network.parameters
    assert saved.dtype == np.float32
    assert network.parameters.dtype == np.float64
    assert network.parameters.tolist() == saved.tolist()
    start = open_experiment("iris").experiment.model.network.parameters
    assert np.abs(network.parameters - start).max() > 1e-3


def test_a_config_is_opened_at_its_starting_weights_in_float64(here: Path) -> None:
    write_rows(here)
    (here / "mine.yaml").write_text(CLASSES, encoding="utf-8")
    opened = open_experiment("mine.yaml")
    assert opened.what == "config mine.yaml, at its starting weights"
    assert opened.experiment.model.network.parameters.dtype == np.float64
    assert opened.experiment.train_samples.X.dtype == np.float64
    assert open_experiment("xor").what == "config xor, at its starting weights"


@pytest.mark.parametrize("overrides", [("training.dtype=float32",), ()])
def test_float64_whatever_the_config_says(overrides: tuple[str, ...]) -> None:
    assert open_experiment("iris", overrides).experiment.model.network.parameters.dtype == np.float64


def test_overrides_count_for_configs_and_runs() -> None:
    opened = open_experiment("xor", ["network.layers=[2, 5, 1]"])
    assert opened.experiment.model.network.sizes == (2, 5, 1)
    run = train("xor")
    opened = open_experiment(str(run), ["training.learning_rate=7"])
    assert opened.experiment.recipe.learning_rate == 7


def test_a_few_rows_are_enough() -> None:
    assert len(open_experiment("iris", most_rows=3).experiment.train_samples) == 3


def test_a_run_whose_layers_do_not_fit_any_more() -> None:
    run = train("xor")
    with pytest.raises(ModelError, match=r"model\.safetensors has layers 2-8-1, but the config 2-5-1\."):
        open_experiment(str(run), ["network.layers=[2, 5, 1]"])


def test_a_run_whose_data_have_gone(here: Path) -> None:
    rows = write_rows(here)
    (here / "mine.yaml").write_text(CLASSES, encoding="utf-8")
    run = train("mine.yaml")
    rows.unlink()
    with pytest.raises(MissingDataError):
        open_experiment(str(run))


def test_a_run_without_its_model(here: Path) -> None:
    run = train("xor")
    (run / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="is unfinished"):
        open_experiment(str(run))


def test_a_folder_that_is_no_run(here: Path) -> None:
    (here / "folder").mkdir()
    with pytest.raises(ModelError, match=r"folder is no run folder: it has no config\.yaml\."):
        open_experiment("folder")


def test_a_folder_does_not_hide_a_built_in_config_unless_it_is_a_run(here: Path) -> None:
    (here / "digits").mkdir()
    (here / "digits" / "scan.csv").touch()
    assert open_experiment("digits", most_rows=3).what == "config digits, at its starting weights"
    train("xor").rename(here / "iris")
    assert open_experiment("iris").what == "run iris, at its saved weights"


@pytest.mark.parametrize("name", ["nothing", "missing.yaml", "runs/xor-1"])
def test_what_is_not_there(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        open_experiment(name)


def test_a_config_with_mistakes(here: Path) -> None:
    (here / "mine.yaml").write_text(INLINE.replace("0.5", "-0.5"), encoding="utf-8")
    with pytest.raises(ConfigError, match="learning_rate"):
        open_experiment("mine.yaml")
