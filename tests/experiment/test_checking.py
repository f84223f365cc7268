from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bpnet
from bpnet.config import parse_config
from bpnet.core.arrays import Array
from bpnet.core.backprop import Gradients, backward
from bpnet.core.losses import Loss
from bpnet.core.network import Network, Trace, forward
from bpnet.errors import BpnetError, DataError, DivergenceError
from bpnet.experiment import Experiment, checking, prepare
from bpnet.experiment.checking import (
    burnt_in,
    check_experiment,
    given_point,
    grad_check,
    open_task,
    take_step,
)
from bpnet.inspection.cases import write_case
from bpnet.inspection.gradient_check import check_gradients
from bpnet.inspection.point import Point
from bpnet.inspection.probe import SAMPLES
from bpnet.inspection.stages import StepTaken, check_step
from bpnet.inspection.tensors import Numeric, choose
from bpnet.training import trainer
from tests.experiment.texts import CLASSES, INLINE, NUMBER, load, write_rows
from tests.inspection.making import make_point
from tests.tolerances import GRADIENT

SHIPPED = ["breast_cancer", "diabetes", "digits", "iris", "mazur", "source", "wine", "xor"]
REGULARISED = """\
name: full
data:
  inputs: [[0, 0.2], [0.3, 1], [1, 0], [0.9, 0.8], [0.1, 0.4]]
  targets: [[0], [1], [1], [0], [1]]
network:
  layers: [2, {size: 6, dropout: 0.4}, {size: 5, activation: relu, dropout: 0.2}, 1]
  activation: tanh
training:
  loss: binary_cross_entropy
  optimizer: {name: sgd, momentum: 0.9, nesterov: true}
  learning_rate: 0.1
  epochs: 3
  weight_decay: 0.02
  class_weights: balanced
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def experiment_of(folder: Path, text: str = INLINE, *overrides: str) -> Experiment:
    return prepare(load(folder, text, "training.dtype=float64", *overrides))


# Shipped configs


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_config_passes_before_and_after_training(name: str) -> None:
    run = bpnet.train(name, overrides=["training.epochs=3"]).folder
    for reference in (name, run):
        check = bpnet.grad_check(reference)
        assert check.verdict == "pass", check.diagnosis
        assert check.max_relative_error is not None
        assert check.max_relative_error <= GRADIENT
        assert (check.self_test.planted, check.self_test.caught) == (18, 18)
        assert tuple(check.points) == (
            "the given weights",
            "the weights 10 epochs on",
            "a wide probe",
            "one of a single sample",
            "a generic probe",
        )
        assert {each.stage for each in check.stages} >= {
            "cost",
            "BP1",
            "BP2",
            "BP3",
            "BP4",
            "step",
            "far out",
            "optimizer",
        }
        assert all(each.order is None or each.order >= 1.9 for each in check.taylor)


def test_penalty_dropout_class_weights_and_momentum_are_included(here: Path) -> None:
    experiment = experiment_of(here, REGULARISED)
    point = given_point(experiment)
    assert point.weight_decay == 0.02
    assert set(point.masks) == {2, 3}
    assert point.sample_weight is not None
    check = check_experiment(experiment, self_test=True)
    assert check.verdict == "pass", (check.diagnosis, check.taylor)
    assert (check.self_test.planted, check.self_test.caught) == (18, 18)
    assert "sgd, 20 steps" in {each.note for each in check.stages}


def test_the_python_function_is_the_same_check() -> None:
    by_name, by_hand = bpnet.grad_check("xor"), grad_check("xor")
    assert by_name == by_hand
    changed = bpnet.grad_check("xor", overrides=["network.layers=[2, 3, 3, 1]"], budget=0.0, self_test=True)
    assert [each.layer for each in changed.layers] == [4, 4, 3, 3, 2, 2]
    assert sum(each.variants for each in changed.self_test.faults) > sum(
        each.variants for each in by_name.self_test.faults
    )
    assert "the source" not in str(bpnet.grad_check(None).points)


# Points


def test_the_given_point_is_three_rows_from_first_to_last(here: Path) -> None:
    write_rows(here)
    experiment = experiment_of(here, CLASSES)
    point, samples = given_point(experiment), experiment.train_samples
    last = len(samples) - 1
    assert point.X.tolist() == samples.X[[0, last // 2, last]].tolist()
    assert point.network is experiment.model.network
    assert set(point.masks) == {2}
    assert given_point(experiment).masks[2].tolist() == point.masks[2].tolist()


def test_a_case_has_as_many_samples_as_no_layer_has_units_and_biases_that_are_not_0() -> None:
    task = open_task("iris")
    assert len(task.point.X) not in task.point.network.sizes
    assert len(task.point.X) > SAMPLES
    assert all(b.any() for b in task.point.network.b.values())
    assert task.what == "config iris, 10 epochs on (at its start, all biases are 0)"
    again = open_task("iris")
    assert again.point.network.parameters.tolist() == task.point.network.parameters.tolist()
    rest = open_task("iris", ["training.train_biases=false"])
    assert not any(b.any() for b in rest.point.network.b.values())
    assert rest.what == "config iris, at its starting weights"
    assert open_task("mazur").what == "config mazur, at its starting weights"


@pytest.mark.parametrize("rate", ["1e30", "1e200", "1e308"])
def test_a_case_of_a_training_that_goes_astray_is_taken_at_its_start(rate: str) -> None:
    task = open_task("xor", [f"training.learning_rate={rate}", "training.optimizer=sgd"])
    assert task.what == "config xor, at its starting weights"


def test_one_row_is_taken_once() -> None:
    assert len(open_task("source").point.X) == 1


def test_the_second_point_lies_further_on_and_keeps_the_rest(here: Path) -> None:
    experiment = experiment_of(here, REGULARISED)
    given = given_point(experiment)
    burnt = burnt_in(experiment, given)
    assert burnt is not None
    assert np.abs(burnt.network.parameters - given.network.parameters).max() > 1e-3
    assert burnt.masks is given.masks
    assert burnt.X is given.X
    assert burnt_in(experiment, given).network.parameters.tolist() == burnt.network.parameters.tolist()  # type: ignore[union-attr]  # as above
    assert given.network.parameters.tolist() == experiment.model.network.parameters.tolist()


def test_where_training_diverges_there_is_no_second_point(here: Path) -> None:
    text = NUMBER.replace("activation: tanh", "activation: identity").replace(
        "scale_target: standard", "scale_target: none"
    )
    write_rows(here)
    experiment = experiment_of(here, text, "training.learning_rate=1e9", "training.epochs=30")
    assert burnt_in(experiment, given_point(experiment)) is None
    check = check_experiment(experiment)
    assert tuple(check.points) == (
        "the given weights",
        "a wide probe",
        "one of a single sample",
        "a generic probe",
    )
    assert check.verdict == "pass"


def test_early_stopping_and_a_validation_monitor_do_not_matter(here: Path) -> None:
    write_rows(here)
    experiment = experiment_of(
        here, CLASSES, "training.monitor=validation_accuracy", "training.early_stopping={patience: 1}"
    )
    assert burnt_in(experiment, given_point(experiment)) is not None


# The step


def judged(step: StepTaken | None) -> str:
    assert step is not None
    point = step.point
    return check_step(step, Numeric(point, point.forward(), choose(point, 1e9))).verdict


@pytest.mark.parametrize("text", [INLINE, REGULARISED])
def test_the_trainer_s_own_step_is_right(here: Path, text: str) -> None:
    experiment = experiment_of(here, text)
    step = take_step(experiment, given_point(experiment))
    assert judged(step) == "pass"
    assert step is not None
    assert step.moved == "all"
    moved = np.abs(step.after - step.point.network.parameters).max()
    assert moved == pytest.approx(0.1 * np.abs(step.point.network.parameters).max())
    assert step.point.masks.keys() == ({2, 3} if text == REGULARISED else set())


def test_a_step_that_forgets_its_dropout_is_seen(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trainer draws the masks, and buffers are at hand: a path of its own."""
    right = forward

    def without_masks(network: Network, X: Array, *, masks: Any = None, **options: Any) -> Trace:
        return right(network, X, masks=None, **options)

    monkeypatch.setattr(trainer, "forward", without_masks)
    experiment = experiment_of(here, REGULARISED)
    assert judged(take_step(experiment, given_point(experiment))) == "fail"


def test_biases_that_rest_do_not_move(here: Path) -> None:
    experiment = experiment_of(here, REGULARISED, "training.train_biases=false")
    step = take_step(experiment, given_point(experiment))
    assert step is not None
    n = step.point.network.n_weights
    assert step.moved == "weights"
    assert step.after[n:].tolist() == step.point.network.parameters[n:].tolist()
    assert judged(step) == "pass"
    assert judged(replace(step, moved="all")) == "fail"
    assert check_experiment(experiment).verdict == "pass"


def test_biases_that_move_although_they_should_rest(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = experiment_of(here, REGULARISED, "training.train_biases=false")
    train = checking._train

    def careless(experiment: Experiment, network: Network, recipe: trainer.Recipe, point: Point) -> Array:
        return train(experiment, network, replace(recipe, train_biases=True), point)

    monkeypatch.setattr(checking, "_train", careless)
    assert judged(take_step(experiment, given_point(experiment))) == "fail"
    check = check_experiment(experiment)
    assert check.verdict == "fail"
    assert check.diagnosis[0].startswith("The step is wrong, the gradient right")


def updating_too_early(rate: Callable[[], float]) -> Callable[..., Gradients]:
    """A backward pass that updates each W before it carries the error back through it."""

    def wrong(network: Network, trace: Trace, targets: Array, loss: Loss, **options: Any) -> Gradients:
        buffers = options.pop("buffers")
        before = network.parameters.copy()
        gradients = backward(network, trace, targets, loss, **options)
        for l in range(network.L - 1, 1, -1):
            network.W[l + 1][...] -= rate() * gradients.nabla_W[l + 1]
            below = backward(network, trace, targets, loss, **options)
            for m in range(2, l + 1):
                gradients.nabla_W[m][...], gradients.nabla_b[m][...] = below.nabla_W[m], below.nabla_b[m]
        network.parameters[:] = before
        into = backward(network, trace, targets, loss, buffers=buffers, **options)
        into.flat[:] = gradients.flat
        return into

    return wrong


def test_a_trainer_that_updates_before_the_step_back_is_caught_by_the_step_alone(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = experiment_of(here, INLINE, "network.layers=[2, 3, 3, 1]")
    point = given_point(experiment)
    right = take_step(experiment, point)
    assert right is not None
    monkeypatch.setattr(trainer, "backward", updating_too_early(lambda: right.learning_rate))
    wrong = take_step(experiment, point)
    assert wrong is not None
    moved, proper = (point.network.with_parameters(each.after) for each in (wrong, right))
    assert moved.W[4].tolist() == proper.W[4].tolist()
    assert np.abs(moved.W[2] - proper.W[2]).max() > 1e-6
    check = check_experiment(experiment)
    assert check.verdict == "fail"
    assert {each.verdict for each in check.layers} == {"pass"}
    assert [each.stage for each in check.stages if each.verdict != "pass"] == ["step"]
    assert len(check.diagnosis) == 1
    assert check.diagnosis[0].startswith("The step is wrong, the gradient right: θ did not move by −η·∂C/∂θ")


def test_a_trainer_that_steps_up_is_caught(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = experiment_of(here)
    monkeypatch.setattr("bpnet.core.optimizers.Sgd.step", lambda self, p, g, rate, *_: p.__iadd__(rate * g))
    assert judged(take_step(experiment, given_point(experiment))) == "fail"


def test_without_a_slope_there_is_no_step(here: Path) -> None:
    experiment = experiment_of(here)
    flat = make_point((2, 3, 1), "tanh", "softmax")
    assert not flat.backward(flat.forward()).flat.any()
    assert take_step(experiment, flat) is None
    assert check_gradients([flat], step=take_step(experiment, flat)).verdict == "pass"


@pytest.mark.parametrize("size", [1e160, 1e308])
def test_where_the_gradient_overflows_there_is_no_step(here: Path, size: float) -> None:
    linear = ("training.loss=quadratic", "network.activation=identity", "network.output_activation=identity")
    experiment = experiment_of(here, INLINE, *linear)
    given = given_point(experiment)
    assert take_step(experiment, given) is not None
    with np.errstate(over="ignore"):
        assert take_step(experiment, given.at(size * given.network.parameters)) is None


def test_a_step_that_diverges_is_none(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def diverge(*_: object) -> Array:
        raise DivergenceError("here")

    experiment = experiment_of(here)
    monkeypatch.setattr(checking, "_train", diverge)
    assert take_step(experiment, given_point(experiment)) is None


def test_a_network_of_zeros_steps_too(here: Path) -> None:
    experiment = experiment_of(here)
    given = given_point(experiment)
    assert judged(take_step(experiment, given.at(np.zeros_like(given.network.parameters)))) == "pass"


# Tasks


def test_a_task_is_a_case_or_a_config_s_own_point(here: Path) -> None:
    own = open_task("mazur")
    assert own.what == "config mazur, at its starting weights"
    assert own.rate == 0.5
    (here / "case.json").write_text(write_case(own.point, own.rate), encoding="utf-8")
    read = open_task(None, case=Path("case.json"))
    assert (read.what, read.rate) == ("the case case.json", 0.5)
    assert read.point.network.parameters.tolist() == own.point.network.parameters.tolist()
    assert open_task("mazur", ["training.learning_rate=2"]).rate == 2


@pytest.mark.parametrize(("reference", "overrides"), [("mazur", []), (None, ["training.epochs=1"])])
def test_a_case_stands_alone(reference: str | None, overrides: list[str]) -> None:
    with pytest.raises(BpnetError, match="says all itself") as caught:
        open_task(reference, overrides, case=Path("case.json"))
    assert caught.value.exit_code == 2


def test_a_case_that_is_not_there() -> None:
    with pytest.raises(DataError, match="No such file"):
        open_task(None, case=Path("case.json"))


def test_configs_on_standard_input_are_opened_too(here: Path) -> None:
    config = parse_config(INLINE, source="-", folder=here, overrides=["training.dtype=float64"])
    assert check_experiment(prepare(config)).verdict == "pass"
