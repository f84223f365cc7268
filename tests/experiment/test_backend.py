from pathlib import Path
from typing import Any

import pytest

from bpnet.core.activations import ACTIVATIONS
from bpnet.errors import ConfigError
from bpnet.experiment import backend, prepare, resume_experiment, run_experiment
from bpnet.experiment.checking import grad_check
from bpnet.training.compiled import products
from tests.experiment.texts import CLASSES, load, write_rows
from tests.training.compiled.test_source import Elsewhere

PLAIN = CLASSES.replace("{size: 5, dropout: 0.2}", "5")
LONG = "training.epochs=1000000"
NUMBA = "training.backend=numba"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_rows(tmp_path)
    return tmp_path


def settled(folder: Path, *overrides: str) -> str:
    experiment = prepare(load(folder, PLAIN, *overrides))
    assert experiment.config.training.backend == experiment.recipe.backend
    return experiment.recipe.backend


def test_auto_is_numpy_unless_there_is_much_to_do(folder: Path) -> None:
    assert settled(folder) == "numpy"
    assert settled(folder, LONG) == "numba"
    assert settled(folder, LONG, "training.batch_size=1000000") == "numba"
    assert settled(folder, "training.epochs=10") == "numpy"


def test_passes_over_many_parameters_count_too(folder: Path) -> None:
    epochs = "training.epochs=500"
    assert settled(folder, epochs) == "numpy"
    assert settled(folder, epochs, "network.layers=[auto, 3000, 3000, auto]") == "numba"


def test_two_pairs_of_threads_are_not_made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "threadpool_info", list)  # a NumPy with another library
    assert settled(folder, LONG) == "numba"  # on one thread
    assert settled(folder, LONG, "network.layers=[auto, 3000, 3000, auto]") == "numpy"


def test_auto_is_numpy_where_compiling_takes_longer_than_it_saves(folder: Path) -> None:
    deep = f"network.layers=[auto, {', '.join(['3'] * 40)}, auto]"
    assert settled(folder, LONG, deep) == "numba"
    assert settled(folder, "training.epochs=5000", deep) == "numpy"


def test_what_is_asked_for_is_done(folder: Path) -> None:
    assert settled(folder, LONG, "training.backend=numpy") == "numpy"
    assert settled(folder, NUMBA) == "numba"


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("training.clip_norm=1", "clip_norm is not compiled"),
        ("training.train_biases=false", "train_biases: false is not compiled"),
        ("network.layers=[auto, {size: 3, dropout: 0.5}, auto]", "dropout is not compiled"),
    ],
)
def test_what_is_not_compiled(override: str, reason: str, folder: Path) -> None:
    assert settled(folder, LONG, override) == "numpy"
    with pytest.raises(ConfigError) as caught:
        prepare(load(folder, PLAIN, override, NUMBA), to_train=True)
    (problem,) = caught.value.problems
    assert str(problem) == (
        f"--set {NUMBA}: training.backend: found numba, but {reason}; auto does without it"
    )


def test_a_step_that_cannot_be_written_down(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create = ACTIVATIONS.create

    def odd(name: str, **given: Any) -> Any:
        return Elsewhere(lambda z: z * float(z.max())) if name == "tanh" else create(name, **given)

    monkeypatch.setattr(ACTIVATIONS, "create", odd)
    assert settled(folder, LONG, "network.activation=tanh") == "numpy"
    with pytest.raises(ConfigError) as caught:
        prepare(load(folder, PLAIN, "network.activation=tanh", NUMBA), to_train=True)
    assert "cannot be compiled: what is done depends on a number" in str(caught.value.problems[0])


def test_without_numba(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "find_spec", lambda name: None if name in ("numba", "scipy") else name)
    assert settled(folder, LONG) == "numpy"
    with pytest.raises(ConfigError) as caught:
        prepare(load(folder, PLAIN, NUMBA), to_train=True)
    assert settled(folder, NUMBA) == "numpy"  # where a run of another machine is only looked at
    (problem,) = caught.value.problems
    assert "numba, scipy missing: pip install 'bpnet-trainer[fast]'" in str(problem)


def test_a_run_goes_on_with_what_it_began_with(folder: Path) -> None:
    result = run_experiment(load(folder, PLAIN, NUMBA), folder / "runs", lambda _: None)
    assert "  backend: numba\n" in (result.folder / "config.yaml").read_text(encoding="utf-8")
    longer = load(result.folder, (result.folder / "config.yaml").read_text(), "training.epochs=12")
    resumed = resume_experiment(longer, result.folder, lambda _: None)
    whole = run_experiment(load(folder, PLAIN, NUMBA, "training.epochs=12"), folder / "runs", lambda _: None)
    assert resumed.model.network.parameters.tobytes() == whole.model.network.parameters.tobytes()


def test_the_gradient_check_takes_the_compiled_step(folder: Path) -> None:
    (folder / "compiled.yaml").write_text(PLAIN, encoding="utf-8")
    check = grad_check(str(folder / "compiled.yaml"), overrides=[NUMBA])
    (step,) = [stage for stage in check.stages if stage.stage == "step"]
    assert (step.verdict, step.note) == ("pass", "compiled by Numba")
    assert check.verdict == "pass"
