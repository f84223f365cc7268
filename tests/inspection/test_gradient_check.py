import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpnet.core import backprop
from bpnet.core.activations import ACTIVATIONS, Elu, LeakyRelu
from bpnet.core.backprop import Gradients
from bpnet.core.optimizers import Adam
from bpnet.inspection import gradient_check, tensors
from bpnet.inspection.differences import Taylor
from bpnet.inspection.gradient_check import check_gradients
from bpnet.inspection.point import Point
from bpnet.inspection.probe import generic_probe
from bpnet.inspection.records import GradientCheck, SelfTest, TensorCheck, Worst
from bpnet.inspection.stages import StepTaken
from tests.core.nets import PAIRS
from tests.inspection.making import goodfellow_xor, make_point, overflowing, point_of
from tests.tolerances import GRADIENT


def checked(*points: Point, **options: Any) -> GradientCheck:
    return check_gradients(points, **options)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(1, 5), min_size=2, max_size=7),
    st.sampled_from(list(ACTIVATIONS)),
    st.sampled_from(PAIRS),
    st.integers(1, 4),
    st.integers(0, 2**31),
)
def test_no_false_alarm(
    sizes: list[int], hidden: str, pair: tuple[str, str], n_samples: int, seed: int
) -> None:
    point = make_point(
        sizes, hidden, *pair, seed=seed, n_samples=n_samples, dropout=0.3, weighted=True, weight_decay=0.01
    )
    check = checked(point)
    assert check.verdict == "pass", (check.diagnosis, check.differences, check.taylor)
    assert check.max_relative_error is not None
    assert check.max_relative_error < 1e-8
    assert check.self_test.caught == 18
    assert check.diagnosis == ()


def test_the_record_of_a_right_network() -> None:
    point = make_point(weighted=True, weight_decay=0.1, dropout=0.2)
    check = checked(point, generic_probe(point), optimizer=Adam())
    assert [(each.tensor, each.layer) for each in check.layers] == [
        (name, l) for l in (4, 3, 2) for name in ("W", "b")
    ]
    assert [(each.stage, each.layer) for each in check.stages] == [
        ("cost", None),
        ("BP1", 4),
        ("BP3", 4),
        ("BP4", 4),
        ("penalty", 4),
        ("BP2", 3),
        ("BP3", 3),
        ("BP4", 3),
        ("penalty", 3),
        ("BP2", 2),
        ("BP3", 2),
        ("BP4", 2),
        ("penalty", 2),
        ("far out", None),
        ("dropout", None),
        ("optimizer", None),
    ]
    assert [each.layer for each in check.taylor] == [None, 2, 3, 4]
    assert tuple(check.points) == ("here", "a generic probe")
    assert check.notes == ()
    assert check.threshold == 1e-8
    assert check.max_relative_error == max(each.max_relative_error or 0 for each in check.layers)
    assert check.max_relative_error < GRADIENT
    assert len({(each.layer, each.tensor, each.index) for each in check.differences}) >= 6 * 3


def test_the_largest_element_of_every_tensor_is_among_the_differences() -> None:
    point = make_point((3, 20, 2))
    gradients = point.backward(point.forward())
    W = np.abs(gradients.nabla_W[2])
    largest = tuple(int(k) for k in np.unravel_index(W.argmax(), W.shape))
    found = {each.index for each in checked(point).differences if (each.layer, each.tensor) == (2, "W")}
    assert largest in found
    assert 1 < len(found) <= 6


# Of several points the worst counts


def spoil_at(monkeypatch: pytest.MonkeyPatch, name: str, change: Callable[[Gradients], object]) -> None:
    right = Point.backward

    def wrong(self: Point, trace: Any) -> Gradients:
        gradients = right(self, trace)
        if self.name == name:
            change(gradients)
        return gradients

    monkeypatch.setattr(Point, "backward", wrong)


def test_a_fault_at_one_point_alone_is_told_with_its_point(monkeypatch: pytest.MonkeyPatch) -> None:
    point = make_point()

    def double(gradients: Gradients) -> None:
        gradients.nabla_W[3][...] *= 1.001

    spoil_at(monkeypatch, "a generic probe", double)
    check = checked(point, generic_probe(point))
    assert check.verdict == "fail"
    (wrong,) = (each for each in check.layers if each.verdict == "fail")
    assert (wrong.tensor, wrong.layer, wrong.point) == ("W", 3, "a generic probe")
    (stage,) = (each for each in check.stages if each.verdict == "fail")
    assert (stage.stage, stage.layer, stage.point) == ("BP4", 3, "a generic probe")
    assert check.diagnosis[0].startswith(
        "BP4 is the first to go wrong: δ³ is right, ∂C/∂W³ is not δ³ times a²"
    )
    assert "at a generic probe" in check.diagnosis[0]
    orders = {each.layer: each for each in check.taylor}
    assert {l for l, each in orders.items() if each.verdict == "fail"} == {None, 3}
    assert {(each.layer, each.tensor) for each in check.differences if each.verdict == "fail"} == {(3, "W")}


def test_the_most_elements_checked_are_told_whichever_point_is_worst(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradient_check, "_ELSEWHERE", 16)
    point = make_point((10, 4, 2))
    check = checked(point, generic_probe(point))
    W = next(each for each in check.layers if (each.tensor, each.layer) == ("W", 2))
    assert (W.checked, W.total) == (40, 40)
    spoil_at(monkeypatch, "a generic probe", lambda gradients: gradients.nabla_W[2].__imul__(2))
    W = next(
        each for each in checked(point, generic_probe(point)).layers if (each.tensor, each.layer) == ("W", 2)
    )
    assert (W.verdict, W.point, W.checked) == ("fail", "a generic probe", 40)


# Faults in the arrays' own backward pass


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Gradients], object]], None]:
    right = backprop.backward

    def plant(change: Callable[[Gradients], object]) -> None:
        def wrong(*arguments: Any, **options: Any) -> Gradients:
            gradients = right(*arguments, **options)
            change(gradients)
            return gradients

        monkeypatch.setattr("bpnet.inspection.point.backward", wrong)

    return plant


Plant = Callable[[Callable[[Gradients], object]], None]


@pytest.mark.parametrize("l", [2, 3, 4])
@pytest.mark.parametrize(("tensor", "equation"), [("nabla_W", "BP4"), ("nabla_b", "BP3")])
def test_one_tensor_one_in_a_thousand_off(broken: Plant, tensor: str, equation: str, l: int) -> None:
    broken(lambda gradients: getattr(gradients, tensor)[l].__imul__(1.001))
    check = checked(make_point())
    assert check.verdict == "fail"
    assert len(check.diagnosis) == 1
    assert check.diagnosis[0].startswith(f"{equation} is the first to go wrong: δ{'⁰¹²³⁴'[l]} is right")


def test_the_step_back_is_blamed_for_what_follows_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    right = ACTIVATIONS["tanh"].derivative  # type: ignore[attr-defined]  # tanh is elementwise
    monkeypatch.setattr(
        ACTIVATIONS["tanh"], "derivative", lambda self, z, a, out=None: -right(self, z, a, out=out)
    )
    check = checked(make_point())
    assert check.diagnosis[0].startswith(
        "BP2 is the first to go wrong on the way back: δ⁴ is right, δ³ is not ∂C/∂z³"
    )
    assert len(check.diagnosis) == 1


def test_the_output_is_blamed_for_a_wrong_start(monkeypatch: pytest.MonkeyPatch) -> None:
    point = make_point()
    monkeypatch.setattr(type(point.loss), "gradient", lambda self, a, y: 2 * (a - y))
    check = checked(point)
    assert check.diagnosis[0].startswith("BP1 is the first to go wrong: δ⁴ at the output is not ∂C/∂z⁴")


@pytest.mark.parametrize("factor", [0.0, 0.5, 2.0, -1.0])
def test_a_wrong_penalty_is_blamed_on_the_penalty(factor: float, monkeypatch: pytest.MonkeyPatch) -> None:
    right = backprop.penalty_gradient
    monkeypatch.setattr(backprop, "penalty_gradient", lambda weights, decay: factor * right(weights, decay))
    check = checked(make_point(weight_decay=0.1))
    assert check.verdict == "fail"
    (sentence,) = check.diagnosis
    assert sentence.startswith("The penalty is wrong: δ⁴ times a³ is right, with λW⁴ it is not ∂C/∂W⁴ (")


def test_a_wrong_long_way_to_the_output_s_error_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    point = make_point((3, 4, 5), "tanh", "softmax", "cross_entropy")
    right = type(point.loss).gradient
    monkeypatch.setattr(type(point.loss), "gradient", lambda self, a, y: -right(self, a, y))
    check = checked(point)
    assert {each.verdict for each in check.layers} == {"pass"}
    (sentence,) = check.diagnosis
    assert sentence.startswith("∇ₐC is wrong: through the slope of the output it does not lead to δ³, which")


def test_another_side_of_a_corner_on_the_way_back_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = type(ACTIVATIONS.create("relu"))
    monkeypatch.setattr(kind, "derivative", lambda self, z, a, out=None: (z >= 0).astype(float))
    check = checked(make_point((3, 4, 2), "relu", "identity"))
    (sentence,) = check.diagnosis
    assert sentence.startswith(
        "Exactly on a corner, the slope on the way back is not that of the forward pass"
    )
    monkeypatch.setattr(kind, "derivative", lambda self, z, a, out=None: np.ones_like(z))
    (sentence,) = checked(make_point((3, 4, 2), "relu", "identity")).diagnosis
    assert sentence.startswith("BP2 is the first to go wrong"), "what follows from it is not told"


def test_a_wrong_cost_is_told_first(monkeypatch: pytest.MonkeyPatch) -> None:
    point = make_point()
    right = type(point.loss).per_sample
    monkeypatch.setattr(type(point.loss), "per_sample", lambda self, z, a, y: 2 * right(self, z, a, y))
    check = checked(point)
    assert check.verdict == "fail"
    assert check.diagnosis[0].startswith("The cost itself is wrong: plain Python gets another number")
    assert check.diagnosis[1].startswith("BP1 is the first")


def test_a_tensor_wrong_where_no_equation_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradient_check, "check_equations", lambda *_: iter(()))
    monkeypatch.setattr("bpnet.inspection.gradient_check.check_cost", lambda *_: None)
    spoil_at(monkeypatch, "here", lambda gradients: gradients.nabla_b[2].__imul__(1.001))
    check = checked(make_point())
    assert check.diagnosis == ("∂C/∂b² is wrong where its equation was not looked at.",)


def step(point: Point, factor: float) -> StepTaken:
    gradient = backprop.backward(point.network, point.forward(), point.Y, point.loss).flat
    return StepTaken(point, point.network.parameters - factor * 0.5 * gradient, 0.5, "all")


def test_a_wrong_step_along_a_right_gradient() -> None:
    point = make_point()
    assert checked(point, step=step(point, 1)).verdict == "pass"
    check = checked(point, step=step(point, 1.01))
    assert check.verdict == "fail"
    assert len(check.diagnosis) == 1
    assert check.diagnosis[0].startswith("The step is wrong, the gradient right")
    assert {each.verdict for each in check.layers} == {"pass"}


def test_a_step_along_a_wrong_gradient_is_not_blamed(broken: Plant) -> None:
    point = make_point()
    broken(lambda gradients: gradients.nabla_b[3].__imul__(1.001))
    check = checked(point, step=step(point, 1.01))
    assert [each.stage for each in check.stages if each.verdict == "fail"] == ["BP3", "step"]
    assert len(check.diagnosis) == 1
    assert "BP3" in check.diagnosis[0]


def test_wrong_steps_of_the_optimizer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Adam, "step", lambda self, parameters, *_: parameters.__isub__(0.1))
    check = checked(make_point(), optimizer=Adam())
    assert check.verdict == "fail"
    assert check.diagnosis[0].startswith("The optimizer's steps are not its rule's")


# What is not finite


def test_overflow_is_inconclusive_never_a_pass_and_warns_nobody() -> None:
    check = checked(overflowing())
    assert check.verdict == "inconclusive"
    assert {each.verdict for each in check.layers} == {"inconclusive"}
    assert (check.max_relative_error, check.taylor, check.differences) == (None, (), ())
    assert check.self_test.caught == 18
    assert check.diagnosis == ()


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("place", [0, -1])
def test_a_gradient_that_is_not_finite_is_inconclusive(broken: Plant, value: float, place: int) -> None:
    broken(lambda gradients: gradients.flat.__setitem__(place, value))
    check = checked(make_point())
    assert check.verdict == "inconclusive"
    assert sum(each.verdict == "inconclusive" for each in check.layers) == 1


def test_a_failure_counts_more_than_what_is_not_finite(broken: Plant) -> None:
    def both(gradients: Gradients) -> None:
        gradients.nabla_W[3][0, 0] = np.nan
        gradients.nabla_b[2][...] *= 2

    broken(both)
    assert checked(make_point()).verdict == "fail"


def test_a_cost_that_is_not_finite_is_inconclusive_although_gradients_are_right() -> None:
    point = make_point((1, 1), output="identity")
    check = checked(point, point.at(1e200 * point.network.parameters))
    assert check.verdict == "inconclusive"
    assert {each.layer for each in check.taylor} == {None, 2}


# Corners


def test_the_xor_network_passes_and_states_the_convention() -> None:
    check = checked(goodfellow_xor())
    assert check.verdict == "pass"
    (note,) = check.notes
    assert note.startswith("At here, z of layer 2 lies on a corner 3 times, where there is no derivative: ")
    assert note.endswith(": relu′(0) is taken as 0.")
    check = checked(goodfellow_xor((1, 0, 0, 1)))
    assert check.verdict == "pass"
    assert check.kinks
    assert all(each.slopes is not None and each.layer == 2 for each in check.kinks)
    assert {each.verdict for each in check.differences} == {"pass", "kink"}


@pytest.mark.parametrize(
    ("activation", "slope"),
    [(LeakyRelu(0.25), "leaky_relu′(0) is taken as 0.25"), (Elu(2.0), "elu′(0) is taken as 2")],
)
def test_every_convention_is_that_of_the_backward_pass(activation: Any, slope: str) -> None:
    point = point_of([[[0.0]]], [[0.0]], [[1.0]], [[-1.0]], activations=[activation])
    check = checked(point)
    assert check.verdict == "pass"
    assert slope in check.notes[0]


def test_a_residual_of_0_states_the_convention_of_the_loss() -> None:
    point = point_of(
        [[[0.5]]], [[0.0]], [[1.0]], [[0.5]], activations=["identity"], loss="mean_absolute_error"
    )
    check = checked(point)
    assert check.verdict == "pass"
    assert {each.verdict for each in check.differences} == {"kink"}
    (note,) = check.notes
    assert note.startswith("At here, a − y lies on a corner once, where there is no derivative: ")
    assert note.endswith(": that of mean_absolute_error is taken as 0.")


def test_a_wrong_gradient_at_a_corner_fails_all_the_same(broken: Plant) -> None:
    broken(lambda gradients: gradients.nabla_W[3].__imul__(1.001))
    assert checked(goodfellow_xor((1, 0, 0, 1))).verdict == "fail"


# Budget


def test_a_sampled_check_says_how_much_it_has_seen() -> None:
    check = checked(make_point((20, 60, 2)), budget=0)
    W3, b3, W2, b2 = check.layers
    assert [each.checked for each in (W3, b3, W2, b2)] == [16, 2, 16, 16]
    assert check.notes == ("Checked: 50 of 1,382 parameters (3.6 %; --budget 1 for all).",)
    assert check.verdict == "pass"


# JSON


def test_the_document_has_no_number_that_json_has_not() -> None:
    for check in (
        checked(goodfellow_xor((1, 0, 0, 1)), optimizer=Adam()),
        checked(overflowing()),
        GradientCheck(
            verdict="inconclusive",
            threshold=1e-8,
            layers=(TensorCheck(2, "W", (1, 1), 1, 1, None, Worst((0, 0), math.nan, math.inf), "", "pass"),),
            stages=(),
            taylor=(Taylor(2, -math.inf, "pass"),),
            differences=(),
            self_test=SelfTest(()),
            diagnosis=(),
            points={},
            notes=(),
        ),
    ):
        document = check.to_json()
        text = json.dumps(document, allow_nan=False)
        assert json.loads(text) == document


def test_kinks_in_the_document_have_both_slopes() -> None:
    kinks = checked(goodfellow_xor((1, 0, 0, 1))).to_json()["kinks"]
    assert kinks
    for each in kinks:
        assert each["estimate"] is None
        assert len(each["slopes"]) == 2
        assert each["point"] == "here"


def test_a_blind_check_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensors, "relative_errors", lambda analytic, numeric: np.zeros_like(analytic))
    check = checked(make_point())
    assert check.self_test.caught < check.self_test.planted


def test_the_self_test_in_full_covers_every_point() -> None:
    point = make_point((3, 4, 2))
    points = (point, replace(generic_probe(point), name="there"))
    short, full = (checked(*points, self_test=thorough).self_test for thorough in (False, True))
    assert full.caught == short.caught == 18
    assert sum(each.variants for each in full.faults) > 2 * sum(each.variants for each in short.faults)


def test_nothing_is_changed() -> None:
    point = make_point(dropout=0.3)
    before = [array.tobytes() for array in arrays_of(point)]
    checked(point, step=step(replace(point, masks={}), 1), optimizer=Adam())
    assert [array.tobytes() for array in arrays_of(point)] == before


def arrays_of(point: Point) -> Iterator[Any]:
    yield from (point.network.parameters, point.X, point.Y, *point.masks.values())
