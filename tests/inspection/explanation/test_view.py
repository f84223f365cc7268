"""What an explanation takes its names and proofs from."""

from dataclasses import replace

import numpy as np
import pytest

from bpnet.core.activations import ACTIVATIONS
from bpnet.errors import BpnetError
from bpnet.inspection.explanation.blocks import Ask, Bars, Equation, Grid, Say
from bpnet.inspection.explanation.error import multiplications
from bpnet.inspection.explanation.lessons import share
from bpnet.inspection.explanation.record import Explanation, explain
from bpnet.inspection.explanation.view import View
from bpnet.inspection.formulas import Expression, evaluate
from tests.inspection.explanation.making import LAYERS, TEN, explained, subject_of
from tests.inspection.making import make_point, point_of

CLOSE = 1e-10


@pytest.mark.parametrize(("name", "layer"), LAYERS)
def test_every_formula_comes_to_what_the_passes_computed(name: str, layer: int) -> None:
    explanation = explained(name, layer)
    assert explanation.is_proved
    assert len(explanation.checks) >= 3
    formulas: list[tuple[Expression, float]] = []
    for section in explanation.sections:
        for block in section.blocks:
            if isinstance(block, Equation):
                formulas += [(formula, block.left.value) for formula in block.formulas]
            if isinstance(block, Bars):
                total = sum(evaluate(row) for row in block.rows)
                assert total == pytest.approx(block.total.value, rel=CLOSE, abs=1e-14)
    assert len(formulas) > 10
    for formula, value in formulas:
        assert evaluate(formula) == pytest.approx(value, rel=CLOSE, abs=1e-14)


@pytest.mark.parametrize(
    ("sizes", "one_by_one", "kept"),
    [
        # 2-2-1: 2 chains of 3 factors into layer 3 and a bias of 2; 4 of 5 into layer 2, 2 biases of 4.
        ((2, 2, 1), 2 * 2 + 1 + 4 * 4 + 2 * 3, 1 + (2 + 2) + 2 + 4),
        ((3, 2), 6 * 2 + 2 * 1, 2 + 6),
    ],
)
def test_multiplications_are_counted(sizes: tuple[int, ...], one_by_one: int, kept: int) -> None:
    assert multiplications(sizes, cancels=False) == (one_by_one, kept)


def test_a_slope_that_cancels_costs_nothing() -> None:
    """64-32-10: of 10 paths of 3 factors with the slope of layer 2, and none at the output."""
    assert multiplications((64, 32, 10), cancels=True) == (
        10 * 32 * 1 + 32 * 10 * (64 * 3 + 2),
        32 * 10 + 32 + 64 * 32 + 32 * 10,
    )


def test_the_strongest_path_is_the_strongest_of_all() -> None:
    point = make_point((2, 3, 4, 3, 2), "tanh", "identity", n_samples=1)
    view = View(subject_of(point, 2, weight=(2, 1)))
    W, slopes = view.network.W, {l: view.slopes(l) for l in (2, 3, 4)}
    best = max(
        abs(W[3][p, 1] * slopes[3][p] * W[4][q, p] * slopes[4][q] * W[5][o, q] * view.delta(5)[o])
        for p in range(4)
        for q in range(3)
        for o in range(2)
    )
    (said,) = [
        block
        for section in explain(subject_of(point, 2, weight=(2, 1))).sections
        for block in section.blocks
        if isinstance(block, Say) and "paths lead to the cost" in str(block.parts[0])
    ]
    (value,) = (part for part in said.parts if isinstance(part, float))
    assert abs(value) == pytest.approx(best * slopes[2][1] * abs(point.X[0, 0]), rel=CLOSE)


def test_a_share_of_nothing_is_none() -> None:
    """Where the weights into a unit sum to 0, there are no shares of them."""
    point = point_of(
        [[[1.0], [0.5]], [[1.0, -1.0]]], [[0, 0], [0]], [[0.7]], [[0.2]], activations=["tanh", "identity"]
    )
    explanation = explain(subject_of(point, 2))
    assert not np.isfinite(explanation.shared.normalised).all()
    said = " ".join(
        str(part)
        for block in explanation.sections[8].blocks
        if isinstance(block, Say)
        for part in block.parts
    )
    assert "shares do not exist" in said


def test_the_sign_that_the_picture_gets_wrong_is_told() -> None:
    """E = (0.98, 0.5) on sigmoid outputs (0.98, 0.5), with weights 1 and −1."""
    z = [np.log(0.98 / 0.02), 0.0]
    point = point_of(
        [[[1.0]], [[1.0], [-1.0]]], [[0], z], [[0.0]], [[0.0, 0.0]], activations=["identity", "sigmoid"]
    )
    view = View(subject_of(point, 2))
    assert share(view, 2).weighted[0] == pytest.approx(0.48)
    assert view.delta(2)[0] == pytest.approx(-0.105792)
    said = " ".join(
        str(part)
        for block in explain(subject_of(point, 2)).sections[8].blocks
        if isinstance(block, Say)
        for part in block.parts
    )
    assert "For one unit even the sign is another" in said


@pytest.mark.parametrize(
    ("output", "loss", "exact"),
    [("identity", "quadratic", True), ("softmax", "cross_entropy", True), ("sigmoid", "quadratic", False)],
)
def test_where_the_picture_is_exact_it_is_said(output: str, loss: str, exact: bool) -> None:  # noqa: FBT001 - a case
    point = make_point((3, 4, 3), "tanh", output, loss, n_samples=1)
    said = " ".join(
        str(part)
        for block in explain(subject_of(point, 2)).sections[8].blocks
        if isinstance(block, Say)
        for part in block.parts
    )
    assert ("Wᵀ·E is exactly Wᵀ·δ here" in said) == exact


def test_an_output_that_is_0_or_1_to_the_last_digit_has_no_long_way() -> None:
    point = point_of(
        [[[800.0], [0.0]]], [[0.0, 0.0]], [[1.0]], [[0, 1]], activations=["softmax"], loss="cross_entropy"
    )
    explanation = explain(subject_of(point, 2))
    lefts = [b.left for s in explanation.sections for b in s.blocks if isinstance(b, Equation)]
    assert all(np.isfinite(each.value) for each in lefts)
    assert explanation.is_proved


def test_latex_that_cannot_be_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ACTIVATIONS["tanh"], "latex", r"\sinh z / \cosh z")
    with pytest.raises(BpnetError, match="The LaTeX of tanh cannot be read"):
        explain(subject_of(TEN["softmax"], 2))


def test_a_batch_s_table_ends_with_the_mean_that_is_the_gradient() -> None:
    batch = make_point((3, 4, 2), "tanh", n_samples=12)
    explanation = explain(subject_of(batch, 2, batch=batch))
    grid = next(b for b in explanation.sections[5].blocks if isinstance(b, Grid))
    assert grid.rows[-1][0] == "mean of all"
    assert grid.rows[-2][0] == "mean of 4 more"
    j, k = explanation.view.weight
    assert grid.rows[-1][3] == pytest.approx(
        explanation.view.whole_gradients.nabla_W[2][j - 1, k - 1], rel=CLOSE
    )


def said(explanation: Explanation, number: int) -> str:
    blocks = explanation.sections[number - 1].blocks
    return " ".join(str(part) for block in blocks if isinstance(block, Say) for part in block.parts)


def test_weights_of_0_are_blamed_for_what_they_do_not_carry_back() -> None:
    point = point_of([[[0.0]], [[0.0]]], [[0], [0]], [[1.0]], [[1]], activations=["tanh", "identity"])
    assert "the weights of layer 3 carry back nothing" in said(explain(subject_of(point, 2)), 10)
    dead = point_of([[[-1.0]], [[2.0]]], [[0], [0]], [[1.0]], [[1]], activations=["relu", "identity"])
    assert "the slopes of layer 2 are all 0" in said(explain(subject_of(dead, 2)), 10)


def test_a_class_weight_is_named_where_it_is_the_difference() -> None:
    point = replace(
        make_point((3, 4, 3), "tanh", "softmax", "cross_entropy", n_samples=1), sample_weight=np.array([3.0])
    )
    assert "Here δ is the same, times the sample's weight s." in said(explain(subject_of(point, 3)), 9)
    assert "exactly Wᵀ·δ here but for the sample's weight s" in said(explain(subject_of(point, 2)), 9)


def test_a_convention_that_decides_is_told() -> None:
    point = point_of([[[1.0]], [[2.0]]], [[-1], [0]], [[1.0]], [[1]], activations=["relu", "identity"])
    assert "Z of layer 2 lies on a corner once" in said(explain(subject_of(point, 2)), 2)


def test_all_slopes_of_1_make_the_picture_exact_at_any_depth() -> None:
    point = make_point((2, 3, 2, 1), "identity", "identity", n_samples=1)
    assert "Here the picture is exact: no slope other than 1 comes in between" in said(
        explain(subject_of(point, 2)), 9
    )


def test_a_cost_whose_formula_has_no_value_is_computed_from_z() -> None:
    point = point_of(
        [[[2000.0]]], [[0.0]], [[1.0]], [[0]], activations=["sigmoid"], loss="binary_cross_entropy"
    )
    assert "computed from z" in said(explain(subject_of(point, 2)), 2)


def test_the_sum_over_a_batch_leaves_the_penalty_as_it_is() -> None:
    batch = make_point((3, 4, 2), "tanh", n_samples=5, weight_decay=0.5)
    explanation = explain(subject_of(batch, 2, batch=batch), why=True)
    (asked,) = (
        b for b in explanation.sections[-1].blocks if isinstance(b, Ask) and "Sum or mean" in b.question
    )
    _, number = (part for part in asked.answer if isinstance(part, float))
    j, k = explanation.view.weight
    bare = replace(batch, weight_decay=0.0)
    alone = bare.backward(bare.forward()).nabla_W[2][j - 1, k - 1]
    assert number == pytest.approx(5 * alone + 0.5 * batch.network.W[2][j - 1, k - 1])
