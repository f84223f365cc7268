from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bpnet.core import backprop
from bpnet.core.backprop import Gradients
from bpnet.core.network import Network
from bpnet.core.optimizers import Adam, Sgd
from bpnet.inspection import self_test, stages, tensors
from bpnet.inspection.point import Point
from bpnet.inspection.probe import generic_probe
from bpnet.inspection.records import PlantedFault, SelfTest, Stage, TensorCheck
from bpnet.inspection.self_test import faults, look_at, reference_point, run_self_test
from tests.inspection.making import COMBINATIONS, make_point

NAMES = [
    "no σ′ at the output",
    "no σ′ at a hidden layer",
    "the share heuristic for BP2",
    "updated W in BP2",
    "no transpose",
    "σ′ of a",
    "z in place of a",
    "factor 2",
    "sign",
    "zero bias gradient",
    "bias summed over a layer",
    "missing 1/N in W",
    "missing 1/N in b",
    "a tensor × 1.001",
    "first layers × −3 in a deep net",
    "one single element wrong",
    "two layers' gradients swapped",
    "momentum or Adam steps gone wrong",
]


def self_tested(*points: Point, thorough: bool = False) -> SelfTest:
    return run_self_test([look_at(point, 1.0) for point in points], thorough=thorough)


def caught_all(test: SelfTest) -> bool:
    return [each.name for each in test.faults] == NAMES and (test.planted, test.caught) == (18, 18)


def test_the_reference_network_can_show_every_fault() -> None:
    test = self_tested(reference_point())
    assert caught_all(test)
    assert [each.note for each in test.faults] == [""] * 18


@pytest.mark.parametrize(("hidden", "output", "loss"), COMBINATIONS)
def test_18_of_18_whatever_the_network(hidden: str, output: str, loss: str) -> None:
    point = make_point((3, 4, 2), hidden, output, loss, dropout=0.3, weighted=True, weight_decay=0.01)
    assert caught_all(self_tested(generic_probe(point)))


@pytest.mark.parametrize(
    ("point", "elsewhere"),
    [
        (
            make_point((3, 2), output="identity"),
            {"no σ′ at the output", "no σ′ at a hidden layer", "no transpose"},
        ),
        (
            make_point((1, 1), n_samples=1),
            {"missing 1/N in W", "missing 1/N in b", "bias summed over a layer"},
        ),
        (
            make_point((1, 1, 1, 1), "identity", "identity"),
            {"no σ′ at a hidden layer", "no transpose", "σ′ of a"},
        ),
        (
            make_point((3, 4, 1), "tanh", "softmax", "quadratic"),
            {"factor 2", "sign", "one single element wrong"},
        ),
    ],
    ids=["no hidden layer", "one weight", "straight", "always 0"],
)
def test_what_a_network_cannot_show_is_planted_elsewhere(point: Point, elsewhere: set[str]) -> None:
    test = self_tested(point)
    assert caught_all(test)
    noted = {each.name for each in test.faults if each.note}
    assert elsewhere <= noted
    assert {each.note for each in test.faults if each.note} == {
        "changes no number here: planted in a 3-4-4-4-2 sigmoid network"
    }


def test_without_a_point_all_is_planted_elsewhere() -> None:
    test = self_tested()
    assert caught_all(test)
    assert sum(bool(each.note) for each in test.faults) == 17


def test_in_full_it_is_planted_at_every_point_and_in_the_reference() -> None:
    points = [make_point((3, 4, 2), seed=seed) for seed in (1, 2)]
    short, full = self_tested(*points), self_tested(*points, thorough=True)
    there = {each.name: each.variants for each in self_tested(reference_point()).faults}
    first = {each.name: each.variants for each in self_tested(points[0]).faults}
    assert caught_all(full)
    for brief, each in zip(short.faults[:-1], full.faults, strict=False):
        if not each.note:
            assert each.variants == first[each.name] + brief.variants + there[each.name]


def test_every_tensor_and_layer_gets_its_turn() -> None:
    variants = {each.name: each.variants for each in self_tested(reference_point()).faults}
    assert variants["factor 2"] == variants["sign"] == variants["a tensor × 1.001"] == 9
    assert variants["zero bias gradient"] == variants["missing 1/N in W"] == 5
    assert variants["bias summed over a layer"] == 4
    assert variants["one single element wrong"] == 4 * 3 + 3 * 3 + 2
    assert variants["two layers' gradients swapped"] == 3
    assert variants["no σ′ at a hidden layer"] == 4
    assert variants["first layers × −3 in a deep net"] == 1
    assert variants["momentum or Adam steps gone wrong"] == 2


def test_a_fault_that_gives_infinite_numbers_counts_as_caught() -> None:
    point = make_point((2, 2, 2), output="identity")
    point.network.W[3][...] = [[1.0, -1.0], [0.5, 0.25]]  # shares of a row that sums to 0
    shared = next(each for each in self_tested(point).faults if each.name == "the share heuristic for BP2")
    assert shared == PlantedFault("the share heuristic for BP2", caught=True, variants=1)


# A check that is blind must not pass for one that sees


def blinded(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    if how == "errors":
        monkeypatch.setattr(tensors, "relative_errors", lambda analytic, numeric: np.zeros_like(analytic))
    elif how == "threshold":
        monkeypatch.setattr(
            self_test, "check_tensors", lambda *given: tensors.check_tensors(*given, threshold=1e9)
        )
    elif how == "forgiving":
        monkeypatch.setattr(tensors, "FORGIVEN", 1e20)
    else:
        monkeypatch.setattr(self_test, "relative_errors", lambda after, before: np.zeros_like(after))


@pytest.mark.parametrize("how", ["errors", "threshold", "forgiving", "no change seen"])
def test_a_blind_check_fails_its_own_test(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    blinded(monkeypatch, how)
    test = self_tested(make_point())
    assert test.planted == 18
    assert test.caught <= 2
    (factor,) = (each for each in test.faults if each.name == "factor 2")
    assert not factor.caught
    if how != "no change seen":
        assert factor.note == "missed 7 of 7: at here, W4 differs and passes"


def test_a_check_that_sees_biases_alone_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = tensors.check_tensors

    def lax(*given: Any) -> list[TensorCheck]:
        return [replace(each, verdict="pass") if each.tensor == "W" else each for each in honest(*given)]

    monkeypatch.setattr(self_test, "check_tensors", lax)
    test = self_tested(make_point())
    missed = {each.name for each in test.faults if not each.caught}
    assert {"factor 2", "missing 1/N in W", "one single element wrong"} <= missed
    assert not {"zero bias gradient", "missing 1/N in b", "bias summed over a layer"} & missed


@pytest.mark.parametrize("blind_to", [Sgd, Adam])
def test_a_check_that_misses_wrong_steps_is_found_out(
    blind_to: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = stages.check_optimizer

    def lax(optimizer: Any, reference: Any) -> Stage | None:
        return None if isinstance(optimizer, blind_to) else honest(optimizer, reference)

    monkeypatch.setattr(self_test, "check_optimizer", lax)
    last = self_tested(reference_point()).faults[-1]
    assert (last.name, last.caught) == ("momentum or Adam steps gone wrong", False)


def test_faults_are_planted_in_copies() -> None:
    looked = look_at(make_point(), 1.0)
    before = looked.gradients.flat.tobytes()
    for plant in faults().values():
        for _ in plant(looked):
            assert looked.gradients.flat.tobytes() == before


@pytest.mark.parametrize("factor", [-1.0, 0.0, 0.5, 1 / 3, 1 / 1.001])
def test_a_gradient_that_a_fault_would_mend_does_not_make_the_check_look_blind(factor: float) -> None:
    for point in (make_point(), reference_point()):
        looked = look_at(point, 1.0)
        looked.gradients.flat[...] *= factor
        assert caught_all(run_self_test([looked], thorough=True))


def test_a_backward_pass_without_a_transpose_does_not_either(monkeypatch: pytest.MonkeyPatch) -> None:
    right = backprop.backward

    def untransposed(network: Network, *given: Any, **options: Any) -> Gradients:
        turned = network.with_parameters(network.parameters.copy())
        for W in turned.W.values():
            W[...] = W.reshape(W.shape[::-1]).T
        return right(turned, *given, **options)

    for module in ("point", "ingredients"):
        monkeypatch.setattr(f"bpnet.inspection.{module}.backward", untransposed)
    for point in (make_point((3, 4, 4, 2)), reference_point()):
        assert caught_all(self_tested(point))


@pytest.mark.parametrize("factor", [30.0, 200.0])
@pytest.mark.parametrize("seed", range(6))
def test_saturated_networks_do_not_make_the_check_look_blind(seed: int, factor: float) -> None:
    point = make_point((3, 3, 1, 2, 4), "silu", "silu", seed=seed)
    assert caught_all(self_tested(point.at(factor * point.network.parameters)))
