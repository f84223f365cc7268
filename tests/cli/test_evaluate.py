import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.running import DATA, bpnet, refused


@pytest.fixture
def run(folder: Path) -> Path:
    """A run with a test file of its own."""
    lines = (DATA / "wine.csv").read_text("utf-8").splitlines()
    for name, rows in (("train", lines[1::2]), ("test", lines[2::2])):
        (folder / f"{name}.csv").write_text("\n".join([lines[0], *rows]), encoding="utf-8")
    files = ["--set", "data.train=train.csv", "--set", "data.test=test.csv"]
    ran = bpnet("train", "wine", *files, "--set", "training.epochs=5", "-q")
    return folder / ran.out.strip()


def test_the_score_is_that_of_the_summary(run: Path) -> None:
    test = json.loads((run / "summary.json").read_text("utf-8"))["test"]
    ran = bpnet("evaluate", run, "test.csv", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out) == test
    assert bpnet("evaluate", run / "model.safetensors", "test.csv", "--json").out == ran.out
    words = bpnet("evaluate", run, "test.csv").out.split()
    assert words[::2] == ["loss", "accuracy"]
    assert float(words[1]) == pytest.approx(test["loss"], rel=1e-3)
    assert float(words[3]) == pytest.approx(test["accuracy"], abs=1e-4)


def test_a_number_is_scored_in_its_own_unit(diabetes: Path) -> None:
    score = json.loads(bpnet("evaluate", diabetes, DATA / "diabetes.csv", "--json").out)
    assert list(score) == ["loss", "r2", "mae"]
    assert 20 < score["mae"] < 120


def test_without_the_target_there_is_no_score(run: Path, folder: Path) -> None:
    lines = (folder / "test.csv").read_text("utf-8").splitlines()
    place = lines[0].split(",").index("cultivar")
    rest = [",".join(cell for k, cell in enumerate(line.split(",")) if k != place) for line in lines]
    (folder / "bare.csv").write_text("\n".join(rest), encoding="utf-8")
    assert "'cultivar'" in refused("evaluate", run, "bare.csv")
    assert bpnet("predict", run, "bare.csv").code == 0


def test_a_class_that_training_never_saw_is_named(run: Path, folder: Path) -> None:
    lines = (folder / "test.csv").read_text("utf-8").splitlines()
    place = lines[0].split(",").index("cultivar")
    cells = lines[1].split(",")
    cells[place] = "merlot"
    (folder / "new.csv").write_text("\n".join([lines[0], ",".join(cells)]), encoding="utf-8")
    assert "merlot" in refused("evaluate", run, "new.csv")


def test_idx_images_and_their_labels(folder: Path) -> None:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(256, size=(40, 3, 4), dtype=np.uint8), np.arange(40, dtype=np.uint8) % 2
    for name, array in (("train-images-idx3-ubyte", images), ("train-labels-idx1-ubyte", labels)):
        sizes = np.array(array.shape, ">u4").tobytes()
        (folder / name).write_bytes(bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes())
    (folder / "idx.yaml").write_text(
        "data: {train: {features: train-images-idx3-ubyte, target: train-labels-idx1-ubyte}}\n"
        "network: {layers: [auto, 4, auto]}\n"
        "training: {loss: cross_entropy, learning_rate: 0.1, epochs: 2}\n",
        encoding="utf-8",
    )
    ran = bpnet("train", "idx.yaml", "--json")
    summary = json.loads(ran.out)
    pair = ("train-images-idx3-ubyte", "--targets", "train-labels-idx1-ubyte")
    score = json.loads(bpnet("evaluate", summary["run"], *pair, "--json").out)
    assert score == pytest.approx(summary["train"], rel=1e-6)
    assert len(bpnet("predict", summary["run"], pair[0]).out.splitlines()) == 41
