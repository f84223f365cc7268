"""Real mistakes and planted ones are told by their names, and nothing is told that is not so."""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bpnet.core.activations import Sigmoid, Tanh
from bpnet.core.arrays import Array
from bpnet.core.losses import Quadratic
from bpnet.core.network import Layer, from_arrays
from bpnet.experiment.checking import given_point
from bpnet.experiment.opening import open_experiment
from bpnet.inspection import diagnosis
from bpnet.inspection.bookkeeping import known_factors
from bpnet.inspection.cases import read_case, read_gradients, write_case
from bpnet.inspection.diagnosis import Case, diagnose
from bpnet.inspection.foreign import THRESHOLD, check_foreign
from bpnet.inspection.ingredients import Ingredients, Tensors, tensors_of
from bpnet.inspection.likeness import Likeness, is_single, single_precision
from bpnet.inspection.mistakes import Mistake, structural_mistakes
from bpnet.inspection.point import Point
from bpnet.inspection.probe import SAMPLES
from bpnet.inspection.records import FAIL, INCONCLUSIVE, PASS, GradientCheck
from tests.inspection import learners
from tests.inspection.making import deep_sigmoid, make_point, point_of
from tests.tolerances import WORKED

Gradient = dict[tuple[str, int], Array]

RATE = 0.5
MISTAKES = {mistake.name: mistake for mistake in structural_mistakes(RATE)}
SEVERAL = "More than one mistake would give these very numbers:"

POINTS: dict[str, Point] = {
    "2-2-1": make_point((2, 2, 1), "sigmoid", n_samples=1),
    "3-4-2": make_point((3, 4, 2), "sigmoid"),
    "deep": make_point((4, *[5] * 7, 2), "sigmoid"),
    "square": make_point((3, 3, 3, 3), "tanh"),
    "tanh": make_point((3, 4, 4, 2), "tanh", "tanh"),
    "relu": make_point((3, 6, 6, 2), "relu", "identity"),
    "leaky ReLU, tanh": make_point((3, 6, 2), "leaky_relu", "tanh"),
    "softmax": make_point((3, 5, 4), "sigmoid", "softmax", "cross_entropy", n_samples=4),
    "softmax, quadratic": make_point((3, 5, 4), "tanh", "softmax", n_samples=4),
    "yes or no": make_point((3, 3, 3), "tanh", "sigmoid", "binary_cross_entropy", n_samples=4),
    "penalty": make_point((3, 4, 2), "sigmoid", weighted=True, weight_decay=0.1),
    "dropout": make_point((3, 8, 6, 2), "tanh", dropout=0.5, weight_decay=0.01),
}


def mazur() -> Point:
    return given_point(open_experiment("mazur", [], most_rows=SAMPLES).experiment)


def right_of(point: Point) -> Gradient:
    return tensors_of(point.backward(point.forward()))


def diagnosed(point: Point, found: Mapping[tuple[str, int], Array]) -> list[str]:
    return [*diagnose(point, point.forward(), found, rate=RATE, tolerance=THRESHOLD).sentences]


def planted(point: Point, *mistakes: tuple[str, tuple[int, ...] | None]) -> Gradient:
    """The gradient with some mistakes, at all their layers or at some."""
    ingredients = Ingredients.of(point, point.forward())
    for name, layers in mistakes:
        mistake = MISTAKES[name]
        ingredients = mistake.make(ingredients, layers or tuple(mistake.layers(point)))
    return tensors_of(ingredients.gradients())


def check_learner(
    learner: Callable[[learners.Case], learners.Answer], point: Point, folder: Path
) -> GradientCheck:
    """Through files, as between programs."""
    case, mine = folder / "case.json", folder / "mine.json"
    case.write_text(write_case(point, RATE), encoding="utf-8")
    gradients = learner(json.loads(case.read_text(encoding="utf-8")))
    mine.write_text(json.dumps({"gradients": gradients}), encoding="utf-8")
    read, rate = read_case(case)
    given, absent = read_gradients(mine, read)
    return check_foreign(read, given, rate=rate, absent=absent)


# Learners

PLAIN = ("3-4-2", "2-2-1")
ALL = "∇W³, ∇b³, ∇W² and ∇b² equal the right ones with"
HIDDEN = "∇W² and ∇b² equal the right ones with"
WEIGHTS = "∇W³ and ∇W² equal the right ones with"
UPDATED = (
    "W³ after its update (rate 0.5) carrying the error back to layer 2: BP2 needs the weights that the "
    "forward pass used, so update after the whole step back."
)

LEARNERS: list[tuple[Callable[[learners.Case], learners.Answer], tuple[str, ...], str]] = [
    (learners.no_slope_at_the_output, PLAIN, f"Your {ALL} σ′(z³) left out at the output: BP1 needs it."),
    (learners.no_slope_at_hidden_layers, PLAIN, f"Your {HIDDEN} σ′(z²) left out: BP2 needs it."),
    (
        learners.no_slope_at_hidden_layers,
        ("deep",),
        "Your ∇W and ∇b of layers 2 to 8 equal the right ones with σ′(zˡ) left out (l = 2 to 8)",
    ),
    (
        learners.slope_formula_fed_with_z,
        PLAIN,
        f"{ALL} the slope's formula in a (such as a(1 − a)) fed with zˡ",
    ),
    (learners.slope_at_a, PLAIN, f"{ALL} σ′ taken at aˡ in place of zˡ (l = 2, 3)"),
    (learners.sigmoid_slope_everywhere, ("tanh outputs",), f"{ALL} a(1 − a), the sigmoid's slope"),
    (
        learners.sigmoid_slope_everywhere,
        ("tanh",),
        "∇W and ∇b of layers 2 to 4 equal the right ones with a(1 − a)",
    ),
    (learners.sigmoid_slope_for_relu, ("small relu",), f"{HIDDEN} the sigmoid's slope at z² for layer 2"),
    (learners.tanh_slope_of_tan, ("small tanh",), f"{HIDDEN} 1 + a² for tanh's slope at layer 2"),
    (learners.tanh_for_its_slope, ("small tanh",), f"{HIDDEN} a² itself in place of σ′(z²)"),
    (learners.slope_alone, ("small relu",), f"{HIDDEN} σ′(z²) alone as the error of layer 2"),
    (learners.sigmoid_slope_after_softmax, ("softmax",), f"{ALL} the sigmoid's slope at z³ multiplied in"),
    (learners.output_slope_after_softmax, ("softmax",), f"{ALL} a(1 − a) multiplied in at the output"),
    (learners.diagonal_of_softmax, ("softmax",), f"{ALL} a(1 − a) for softmax's slope at the output"),
    (learners.slope_with_cross_entropy, ("small yes or no",), f"{ALL} σ′(z³) multiplied in once more"),
    (learners.updated_weights, PLAIN, f"{HIDDEN} W³ after its update (rate 0.5) carrying the error back"),
    (
        learners.updated_weights,
        ("deep",),
        "∇W and ∇b of layers 2 to 8 equal the right ones with Wˡ⁺¹ after its update (rate 0.5)",
    ),
    (learners.errors_before_their_slopes, PLAIN, f"{HIDDEN} layer 3's error from before σ′(z³) carried back"),
    (
        learners.errors_before_their_slopes,
        ("deep",),
        "∇W and ∇b of layers 2 to 8 equal the right ones with layer l + 1's error from before σ′(zˡ⁺¹)",
    ),
    (learners.weights_not_transposed, ("3-3-3",), f"{HIDDEN} W³ not transposed on the way back to layer 2"),
    (learners.inverse_for_transpose, ("3-3-3",), f"{HIDDEN} the inverse of W³ carrying the error back"),
    (
        learners.transposed_products,
        ("3-4-2", "3-3-3"),
        "Your ∇W of every layer is transposed: here W has a row",
    ),
    (
        learners.z_in_place_of_a,
        PLAIN,
        "Your ∇W³ equals the right one with z² in place of a² in the gradient of W³",
    ),
    (learners.outputs_for_inputs, ("3-3-3",), f"{WEIGHTS} aˡ in place of aˡ⁻¹ in the gradient of Wˡ"),
    (learners.biases_never_trained, PLAIN, "Your ∇b of every layer is 0: biases are forgotten (BP3"),
    (learners.bias_summed_over_units, ("3-4-2",), "Your ∇b of every layer is the sum over the layer's units"),
    (
        learners.bias_summed_over_units,
        ("2-2-1",),
        "Your ∇b² is the sum over the layer's units in every place",
    ),
    (
        learners.bias_from_the_products,
        PLAIN,
        "∇b³ and ∇b² equal the right ones with the row sums of ∇Wˡ for ∇bˡ",
    ),
    (learners.in_reverse_order, ("3-3-3",), f"{ALL} the layers in reverse order"),
    (
        learners.summed_over_the_batch,
        ("3-4-2",),
        "Your gradient is everywhere 3 times the right size: summed over",
    ),
    (
        learners.mean_taken_twice,
        ("3-4-2",),
        "everywhere 0.333333 times the right size: divided by the 3 samples",
    ),
    (learners.only_the_last_sample, ("3-4-2",), f"{ALL} the last sample's gradient alone, not the batch's"),
    (learners.only_the_last_sample_of_the_mean, ("3-4-2",), "alone, divided by the number of samples"),
    (learners.square_without_the_half, PLAIN, "Your gradient is everywhere 2 times the right size: doubled"),
    (learners.mean_of_squares, ("3-3-3",), "0.666667 times the right size: taken from the mean of (a − y)²"),
    (
        learners.target_minus_output,
        ("small tanh",),
        "everywhere −1 times the right size: the sign turned (y − a",
    ),
    (
        learners.the_step,
        ("3-3-3",),
        "multiplied by the learning rate 0.5: that is the step, not the gradient.",
    ),
    (learners.penalty_forgotten, ("small penalty",), f"{WEIGHTS} the penalty's λW left out"),
    (learners.penalty_doubled, ("small penalty",), f"{WEIGHTS} the penalty's gradient as 2λW"),
    (learners.penalty_subtracted, ("small penalty",), f"{WEIGHTS} the penalty's λW subtracted"),
    (
        learners.penalty_divided_by_samples,
        ("small penalty",),
        f"{WEIGHTS} the penalty's λW divided by the number",
    ),
    (
        learners.penalty_on_biases,
        ("small penalty",),
        "∇b³ and ∇b² equal the right ones with a penalty's λb added",
    ),
    (
        learners.loss_summed_beside_a_penalty,
        ("small penalty",),
        f"{ALL} the loss's part summed over the 3 samples",
    ),
    (learners.class_weights_never_used, ("weighted",), f"{ALL} the samples' weights forgotten"),
    (learners.divided_by_the_weights, ("weighted",), "divided by the sum of the samples' weights, not by N."),
    (
        learners.dropout_scale_without_mask,
        ("small dropout",),
        f"{HIDDEN} the errors of layer 2 scaled as dropout",
    ),
    (learners.dropout_forgotten, ("small dropout",), f"{HIDDEN} the dropout mask of layer 2 forgotten"),
]

SMALL = {
    "tanh outputs": make_point((3, 4, 2), "tanh", "tanh"),
    "3-3-3": make_point((3, 3, 3), "sigmoid"),
    "small relu": make_point((3, 5, 2), "relu", "identity"),
    "small tanh": make_point((3, 5, 2), "tanh", "identity"),
    "small yes or no": make_point((3, 5, 3), "sigmoid", "sigmoid", "binary_cross_entropy"),
    "small penalty": make_point((3, 4, 2), "sigmoid", weight_decay=0.1),
    "small dropout": make_point((3, 6, 2), "sigmoid", dropout=0.5),
    "weighted": make_point((3, 4, 2), "sigmoid", weighted=True),
}


@pytest.mark.parametrize(
    ("learner", "name", "told"),
    [
        pytest.param(learner, name, told, id=f"{learner.__name__}, {name}")
        for learner, names, told in LEARNERS
        for name in names
    ],
)
def test_a_learner_s_mistake_is_told(
    learner: Callable[[learners.Case], learners.Answer], name: str, told: str, tmp_path: Path
) -> None:
    check = check_learner(learner, (POINTS | SMALL)[name], tmp_path)
    assert check.verdict == FAIL
    (sentence,) = check.diagnosis
    assert told in sentence


def test_every_learner_is_told_of() -> None:
    told = {learner.__name__ for learner, _, _ in LEARNERS} | {
        "right",
        "relu_slope_by_at_least_zero",
        "no_output_slope_and_updated_weights",
        "error_itself_at_the_hidden_layer",
        "two_factors_left_in",
        "no_slope_anywhere",
        "weights_for_inputs",
    }
    written = {
        name
        for name, thing in vars(learners).items()
        if callable(thing)
        and getattr(thing, "__annotations__", {}) == {"case": learners.Case, "return": learners.Answer}
    }
    assert len(written) >= 40
    assert written == told


@pytest.mark.parametrize("name", ["2-2-1", "3-4-2", "deep", "3-3-3"])
def test_the_learner_without_a_mistake_is_told_nothing(name: str, tmp_path: Path) -> None:
    check = check_learner(learners.right, (POINTS | SMALL)[name], tmp_path)
    assert check.verdict == PASS
    assert check.diagnosis == ()


def test_what_two_mistakes_would_give_is_told_of_both(tmp_path: Path) -> None:
    check = check_learner(learners.relu_slope_by_at_least_zero, SMALL["small relu"], tmp_path)
    first, one, other = check.diagnosis
    assert first == SEVERAL
    assert one == f"Your {HIDDEN} σ′(z²) left out: BP2 needs it."
    assert other.startswith(f"Or: Your {HIDDEN} ReLU's slope taken to be 1 where a² ≥ 0: ")


# Mazur's published figures


def test_mazur_s_published_bug_is_the_learner_s(tmp_path: Path) -> None:
    """The article's .291027924 is the cost after a step that updates the output's weights first."""
    point = mazur()
    after = point.network.parameters.copy()
    network = point.network.with_parameters(after)
    for each in learners.updated_weights(json.loads(write_case(point, RATE))):
        network.W[each["layer"]] -= RATE * np.array(each["W"])
    stepped = point.at(after)
    assert stepped.cost(stepped.forward()) == pytest.approx(0.291027924, abs=5e-10)
    right = right_of(point)
    honest = point.network.with_parameters(point.network.parameters.copy())
    for l in honest.W:
        honest.W[l] -= RATE * right["W", l]
    stepped = point.at(honest.parameters)
    assert stepped.cost(stepped.forward()) == pytest.approx(0.291027773694, abs=WORKED)

    check = check_learner(learners.updated_weights, point, tmp_path)
    assert check.diagnosis == (f"Your {HIDDEN} {UPDATED}",)


def test_mazur_s_published_bug_is_told_from_its_weights_alone() -> None:
    found = planted(mazur(), ("updated W in BP2", None))
    (sentence,) = diagnosed(mazur(), {key: array for key, array in found.items() if key[0] == "W"})
    assert sentence.startswith("Your ∇W² equals the right one with W³ after its update (rate 0.5)")


# Two at once


def test_two_learners_mistakes_at_once(tmp_path: Path) -> None:
    point = POINTS["3-4-2"]
    check = check_learner(learners.no_output_slope_and_updated_weights, point, tmp_path)
    assert check.diagnosis == (
        "Your ∇W³, ∇b³, ∇W² and ∇b² equal the right ones with two mistakes at once.",
        "One: σ′(z³) left out at the output: BP1 needs it.",
        f"The other: {UPDATED}",
    )
    _, one, other = check_learner(learners.no_slope_anywhere, point, tmp_path).diagnosis
    assert one == "One: σ′(z³) left out at the output: BP1 needs it."
    assert other == "The other: σ′(z²) left out: BP2 needs it."
    _, one, other = check_learner(
        learners.error_itself_at_the_hidden_layer, POINTS["2-2-1"], tmp_path
    ).diagnosis
    assert one.startswith("One: W³ left out on the way back to layer 2:")
    assert other.startswith("The other: layer 3's error from before σ′(z³) carried back to layer 2:")


def test_two_factors_are_told_one_by_one(tmp_path: Path) -> None:
    one, other = check_learner(learners.two_factors_left_in, POINTS["3-4-2"], tmp_path).diagnosis
    assert one.startswith("Your ∇W³ is 2 times the right size: doubled")
    assert other == "Your ∇b² is 4 times the right size: a factor that has no name here."


PAIRS = [
    (("no σ′ at the output", "no σ′ at a hidden layer"), "deep"),
    (("no transpose", "z in place of a"), "3-4-2"),
    (("σ′ of a", "z in place of a"), "tanh"),
    (("σ′ of a", "updated W in BP2"), "square"),
    (("penalty forgotten", "class weights forgotten"), "penalty"),
    (("dropout forgotten on the way back", "penalty doubled"), "dropout"),
    (("no σ′ at a hidden layer", "σ′ at the output, where it cancels"), "yes or no"),
    (("no σ′ at a hidden layer", "a(1 − a) at the output, where it cancels"), "softmax"),
    (("the sigmoid's slope", "only the last sample"), "leaky ReLU, tanh"),
]


@pytest.mark.parametrize(("names", "where"), PAIRS, ids=[" + ".join(names) for names, _ in PAIRS])
def test_two_structural_mistakes_are_told_together(names: tuple[str, str], where: str) -> None:
    point = POINTS[where]
    sentences = diagnosed(point, planted(point, *((name, None) for name in names)))
    head, *told = sentences
    assert head.endswith("with two mistakes at once.")
    for name in names:
        assert told_of(MISTAKES[name], tuple(MISTAKES[name].layers(point)), told), (name, sentences)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda key, array: 3 * array,
            "your gradient is everywhere 3 times the right size: summed over the 3",
        ),
        (lambda key, array: -array, "your gradient is everywhere −1 times the right size: the sign turned"),
        (lambda key, array: array * (key[0] == "W"), "your ∇b of every layer is 0: biases are forgotten"),
        (lambda key, array: array.T, "your ∇W of every layer is transposed"),
        (lambda key, array: array * 2 ** (key == ("W", 2)), "your ∇W² is 2 times the right size: doubled"),
        (
            lambda key, array: np.full_like(array, array.mean()) if key[0] == "b" else array,
            "your ∇b of every layer is the mean over the layer's units in every place",
        ),
    ],
)
def test_a_mistake_and_bookkeeping_are_told_together(
    change: Callable[[tuple[str, int], Array], Array], told: str
) -> None:
    point = POINTS["3-4-2"]
    found = planted(point, ("no σ′ at a hidden layer", None))
    sentences = diagnosed(point, {key: change(key, array) for key, array in found.items()})
    assert sentences[0].endswith("with two mistakes at once.")
    assert sentences[1] == "One: σ′(z²) left out: BP2 needs it."
    assert sentences[2].startswith(f"The other: {told}")


def test_pairs_that_cannot_be_told_apart_are_all_told() -> None:
    """Behind a ReLU, no slope and a slope of 1 everywhere are the same, whatever else is wrong."""
    point = POINTS["relu"]
    sentences = diagnosed(
        point, planted(point, ("no σ′ at a hidden layer", (2,)), ("only the last sample", None))
    )
    assert sentences[0] == SEVERAL
    assert "One: σ′(z²) left out: BP2 needs it." in sentences
    assert any(text.startswith("One: ReLU's slope taken to be 1 where a² ≥ 0") for text in sentences)
    assert sum(text.startswith("Or: Your ") for text in sentences) == 1


def test_no_pairs_are_looked_for_in_a_large_network(monkeypatch: pytest.MonkeyPatch) -> None:
    point = POINTS["3-4-2"]
    found = planted(point, ("no transpose", None), ("z in place of a", None))
    monkeypatch.setattr(diagnosis, "_LARGEST_FOR_PAIRS", point.network.parameters.size - 1)
    assert diagnosed(point, found)[0].startswith("This mistake is not among those known.")


# Bookkeeping


def book(point: Point, change: Callable[[Gradient], Gradient]) -> list[str]:
    """Tell of the right gradient with some tensors changed."""
    right = right_of(point)
    return diagnosed(point, right | change(right))


def test_one_tensor_off_by_a_factor() -> None:
    point = POINTS["3-4-2"]
    (sentence,) = book(point, lambda right: {("W", 3): 2 * right["W", 3]})
    assert sentence == "Your ∇W³ is 2 times the right size: doubled."
    (sentence,) = book(point, lambda right: {("b", 2): 1.001 * right["b", 2]})
    assert sentence == "Your ∇b² is 1.001 times the right size: a factor that has no name here."
    (sentence,) = book(point, lambda right: {key: 3 * a for key, a in right.items() if key[0] == "W"})
    assert sentence.startswith("Your ∇W of every layer is 3 times the right size: as if summed over the 3 ")


def test_what_is_wrong_in_the_cost_is_no_reason_for_a_part() -> None:
    """The ½, the sign of a − y and the outputs are the cost's: they would be off in every tensor."""
    point = POINTS["3-4-2"]
    (sentence,) = book(point, lambda right: {key: 2 * a for key, a in right.items()})
    assert sentence == (
        "Your gradient is everywhere 2 times the right size: doubled (the ½ of ½(a − y)² left out, or "
        "counted twice); or multiplied by the 2 outputs."
    )
    (sentence,) = book(point, lambda right: {key: -a for key, a in right.items() if key[1] == 2})
    assert sentence == "Your ∇W² and ∇b² are −1 times the right size: the sign turned."
    wide = make_point((3, 4, 5), "sigmoid")
    (sentence,) = book(wide, lambda right: {key: a / 5 for key, a in right.items()})
    assert "divided by the 5 outputs" in sentence
    (sentence,) = book(wide, lambda right: {("b", 2): right["b", 2] / 5})
    assert sentence == "Your ∇b² is 0.2 times the right size: a factor that has no name here."


def test_a_factor_of_dropout_is_known() -> None:
    point = POINTS["dropout"]
    (sentence,) = book(replace(point, weight_decay=0.0), lambda right: {("b", 2): 2 * right["b", 2]})
    reason = "doubled; or as if multiplied by dropout's 1/(1 − p) = 2 once more"
    assert sentence == f"Your ∇b² is 2 times the right size: {reason}."


def test_a_small_factor_is_not_taken_for_another() -> None:
    point = POINTS["3-4-2"]
    right = right_of(point)
    found = {key: 5e-9 * array for key, array in right.items()}
    told = diagnose(point, point.forward(), found, rate=1e-9, tolerance=THRESHOLD).sentences
    assert told == (
        "Your gradient is everywhere 5e−09 times the right size: a factor that has no name here.",
    )


def test_samples_without_a_weight_at_all_give_no_factor() -> None:
    point = replace(POINTS["3-4-2"], sample_weight=np.array([1.0, -1.0, 0.0]))
    assert np.isfinite([each.value for each in known_factors(point, RATE)]).all()


@pytest.mark.parametrize("factor", [2 / 5, 1 / 5, 3 / 2])
def test_a_factor_on_the_loss_s_part_has_its_name_beside_a_penalty_too(factor: float) -> None:
    """Without one it is on everything, and told as such."""
    bare = make_point((3, 4, 5), "tanh", "sigmoid", "quadratic")
    (without,) = book(bare, lambda right: {key: factor * a for key, a in right.items()})
    _, _, reason = without.partition("times the right size: ")
    assert "no name" not in reason
    point = replace(bare, weight_decay=0.1)
    found = planted_factor(point, factor)
    (sentence,) = diagnosed(point, found)
    assert sentence.endswith(
        f"equal the right ones with the loss's part {reason[:-1]}: the penalty's part is right."
    )
    (sentence,) = diagnosed(point, planted_factor(point, 1.7))
    assert sentence.endswith("with the loss's part 1.7 times the right size: the penalty's part is right.")


def planted_factor(point: Point, factor: float) -> Gradient:
    """A factor on the loss's part of the gradient alone."""
    bare = right_of(replace(point, weight_decay=0.0))
    return {key: array + (factor - 1) * bare[key] for key, array in right_of(point).items()}


def test_two_mistakes_that_cancel_are_no_explanation_of_what_is_right() -> None:
    """Every ∇W divided by the units before it, beside a penalty: all ∇b are right, and are not spoken of."""
    point = make_point((3, 3, 3, 3), "tanh", weight_decay=0.05)
    sentences = book(point, lambda right: {key: a / 3 for key, a in right.items() if key[0] == "W"})
    assert "∇b" not in " ".join(sentences)


def test_a_number_too_large_for_any_factor_is_not_known() -> None:
    (sentence,) = book(POINTS["3-4-2"], lambda right: {("b", 3): np.array([1e308, -1e308])})
    assert sentence.startswith("This mistake is not among those known. Wrong: ∇b³")


def test_biases_summed_over_a_layer_are_one_mistake_where_their_sum_is_0() -> None:
    """Behind a softmax δ sums to 0, so that the output's biases look forgotten."""
    point = POINTS["softmax"]
    (sentence,) = book(
        point, lambda right: {("b", l): np.full_like(right["b", l], right["b", l].sum()) for l in (2, 3)}
    )
    assert sentence.startswith("Your ∇b of every layer is the sum over the layer's units in every place")
    (sentence,) = book(point, lambda right: {("b", l): 0 * right["b", l] for l in (2, 3)})
    assert sentence.startswith("Your ∇b of every layer is 0: biases are forgotten")
    (sentence,) = book(point, lambda right: {("b", 3): np.zeros(4)})
    assert sentence.startswith("Your ∇b³ is 0: biases are forgotten")


def test_two_kinds_of_factors_are_both_told() -> None:
    point = POINTS["softmax"]
    (sentence,) = book(point, lambda right: {key: -4 * a for key, a in right.items()})
    sign = "the sign turned (y − a for a − y, or the descent's minus already in it)"
    assert sentence == (
        f"Your gradient is everywhere −4 times the right size: {sign}, and summed over the 4 samples, where "
        f"C is their mean; or {sign}, and multiplied by the 4 outputs."
    )


def test_transposed_and_doubled() -> None:
    (sentence,) = book(POINTS["3-4-2"], lambda right: {("W", 2): 2 * right["W", 2].T})
    assert sentence.startswith("Your ∇W² is transposed: here W has a row for each unit of its layer")
    assert "; and 2 times the right size: doubled" in sentence


def test_tensors_forgotten() -> None:
    point = POINTS["3-4-2"]
    (sentence,) = book(point, lambda right: {("W", 2): 0 * right["W", 2]})
    assert sentence == "Your ∇W² is 0: weights are forgotten (BP4: ∂C/∂w is a times δ)."
    (sentence,) = book(point, lambda right: {key: 0 * a for key, a in right.items() if key[1] == 2})
    assert sentence == "Your ∇W² and ∇b² are 0: forgotten, or no error arrives there."
    (sentence,) = book(point, lambda right: {key: 0 * a for key, a in right.items()})
    assert sentence == "Your gradient is everywhere 0: forgotten, or no error arrives there."


def test_layers_shifted_by_one() -> None:
    point = POINTS["deep"]
    (sentence,) = book(point, lambda right: {(name, 4): right[name, 5] for name in "Wb"})
    assert sentence == "Your ∇W⁴ and ∇b⁴ are what belongs to layer 5: shifted by one."
    (sentence,) = book(point, lambda right: {("W", 5): right["W", 4]})
    assert sentence == "Your ∇W⁵ is what belongs to layer 4: shifted by one."
    (sentence,) = book(
        point, lambda right: {(name, l): right[name, l + 1] for name in "Wb" for l in range(3, 8)}
    )
    assert sentence == "Your ∇W and ∇b of layers 3 to 7 are what belongs to the next layer: shifted by one."
    (sentence,) = book(point, lambda right: {("b", l): right["b", l - 1] for l in (4, 5)})
    assert sentence == "Your ∇b⁵ and ∇b⁴ are what belongs to the layer before: shifted by one."


def test_the_known_factors_are_those_of_the_case() -> None:
    def values(point: Point, rate: float = RATE) -> set[float]:
        return {round(each.value, 9) for each in known_factors(point, rate) if each.kinds == 1}

    one = make_point((2, 2, 1), n_samples=1)
    assert values(one, 0.1) == {2.0, 0.5, -1.0, 0.1, -0.1}
    assert values(one, 1.0) == {2.0, 0.5, -1.0}, "a rate of 1 is no factor"
    several = make_point((2, 2, 5), n_samples=7)
    assert values(several, 0.1) == {2.0, 0.5, -1.0, 0.1, -0.1, 7.0, 0.142857143, 1.166666667, 5.0, 0.2, 0.4}
    entropy = make_point((2, 2, 5), "tanh", "softmax", "cross_entropy", n_samples=7)
    assert 0.4 not in values(entropy, 0.1), "no square, no ½"
    assert "½" not in known_factors(entropy, 0.1)[0].whole
    weighted = POINTS["penalty"]
    assert weighted.sample_weight is not None
    assert round(3 / weighted.sample_weight.sum(), 9) in values(weighted)


def test_a_tensor_without_a_size_explains_nothing() -> None:
    """Where the right tensor is 0 or overflows, no factor leads from it to another."""
    dead = point_of([[[-1.0]], [[1.0]]], [[-1], [0]], [[1.0]], [[3.0]], activations=["relu", "identity"])
    right = right_of(dead)
    assert right["W", 2] == 0
    (sentence,) = diagnosed(dead, right | {("W", 2): np.array([[1.0]])})
    assert sentence.startswith("This mistake is not among those known. Wrong: ∇W²; ∇b² is right")
    huge = point_of([[[1e200]], [[1e200]]], [[0], [0]], [[1.0]], [[0]], activations=["identity"] * 2)
    with np.errstate(all="ignore"):
        (sentence,) = diagnosed(huge, {key: np.full_like(a, 0.3) for key, a in right_of(huge).items()})
    assert sentence.startswith("This mistake is not among those known.")


# Not known


def test_an_unknown_mistake_says_where_it_begins(tmp_path: Path) -> None:
    unknown = "This mistake is not among those known. Wrong: "
    point = POINTS["3-4-2"]
    assert check_learner(learners.weights_for_inputs, point, tmp_path).diagnosis == (
        f"{unknown}∇W³ and ∇W²; ∇b³ is right, so look at BP4, δ³ times a², or at whose sample each δ³ is.",
    )
    rng = np.random.default_rng(0)

    def noise(*keys: tuple[str, int]) -> list[str]:
        return book(point, lambda right: {key: rng.standard_normal(right[key].shape) for key in keys})

    assert noise(("b", 2), ("W", 2)) == [
        f"{unknown}∇W² and ∇b²; layer 3 is right: look at BP2, the way from δ³ to δ²."
    ]
    assert noise(("b", 3)) == [
        f"{unknown}∇b³; ∇W³ is right, and so is δ³: look at BP3, δ³ summed over the samples."
    ]
    assert noise(("W", 3), ("b", 3)) == [
        (
            f"{unknown}∇W³ and ∇b³; it begins at the output: look at BP1, δ³ = ∇ₐC ⊙ σ′(z³), "
            "or at what touches all layers, such as the samples, their mean, or rounding."
        )
    ]
    alone = {("W", 2): rng.standard_normal((4, 3))}
    assert diagnosed(point, alone) == [
        f"{unknown}∇W²; where it begins cannot be told without the layers above."
    ]


# A penalty of another size


@pytest.mark.parametrize(("name", "had"), [("penalty", "0.1"), ("3-4-2", "0"), ("deep", "0")])
@pytest.mark.parametrize("extra", [0.02, -0.3, 1e-3])
def test_a_penalty_of_another_size_is_told_with_its_size(name: str, had: str, extra: float) -> None:
    point = POINTS[name]
    W = point.network.W
    (sentence,) = book(point, lambda right: {("W", l): right["W", l] + extra * W[l] for l in W})
    size = f"{float(had) + extra:.6g}".replace("-", "−")
    assert sentence.endswith(
        f"equal the right ones with a penalty of λ = {size} in place of {had} (λW is its part of ∇W)."
    )
    (sentence,) = book(point, lambda right: {("W", l): right["W", l] + extra * l * W[l] for l in W})
    assert sentence.startswith("This mistake is not among those known")
    (sentence,) = book(point, lambda right: {key: a + extra for key, a in right.items()})
    assert sentence.startswith("This mistake is not among those known")


def test_a_penalty_of_a_known_size_is_told_by_its_name() -> None:
    point = POINTS["penalty"]
    (sentence,) = diagnosed(point, planted(point, ("penalty doubled", None)))
    assert "the penalty's gradient as 2λW" in sentence


def test_a_single_weight_says_nothing_of_a_penalty() -> None:
    point = point_of([[[0.7]]], [[0.2]], [[0.5], [0.1]], [[1.0], [0]], activations=["tanh"])
    (sentence,) = book(point, lambda right: {("W", 2): right["W", 2] + 0.3})
    assert sentence.startswith("This mistake is not among those known. Wrong: ∇W²; ∇b² is right")


def test_beside_a_penalty_it_is_asked_after_too() -> None:
    point = POINTS["penalty"]
    rng = np.random.default_rng(0)
    (sentence,) = book(point, lambda right: {("W", 3): rng.standard_normal(right["W", 3].shape)})
    assert "so look at BP4, δ³ times a², at the penalty, or at whose sample each δ³ is." in sentence


def test_a_factor_without_a_name_is_no_explanation_of_a_single_number() -> None:
    (sentence,) = book(POINTS["2-2-1"], lambda right: {("b", 3): 1.7 * right["b", 3]})
    assert sentence.startswith("This mistake is not among those known. Wrong: ∇b³; ∇W³ is right")


@pytest.mark.parametrize("name", POINTS)
def test_noise_is_not_known(name: str) -> None:
    point, rng = POINTS[name], np.random.default_rng(1)
    right = right_of(point)
    for scale in (1.0,) if name == "deep" else (1.0, 1e-3):
        found = {key: a + scale * np.abs(a).max() * rng.standard_normal(a.shape) for key, a in right.items()}
        (sentence,) = diagnosed(point, found)
        assert sentence.startswith("This mistake is not among those known.")
    for key in list(right)[:: max(1, len(right) // 5)]:
        array = right[key]
        spoilt = array.copy()
        spoilt.flat[-1] += 0.1 * np.abs(array).max()
        (sentence,) = diagnosed(point, right | {key: spoilt})
        assert sentence.startswith("This mistake is not among those known."), key


# Right


@pytest.mark.parametrize("name", POINTS)
def test_a_right_gradient_has_no_diagnosis(name: str) -> None:
    point = POINTS[name]
    right = right_of(point)
    assert diagnosed(point, right) == []
    seven = {key: np.array([float(f"{x:.7g}") for x in a.flat]).reshape(a.shape) for key, a in right.items()}
    assert check_foreign(point, seven, rate=RATE).verdict == PASS
    assert diagnosed(point, seven) == []


def single(point: Point) -> Point:
    return replace(
        point.at(point.network.parameters.astype(np.float32)),
        X=point.X.astype(np.float32),
        Y=point.Y.astype(np.float32),
        sample_weight=None if point.sample_weight is None else point.sample_weight.astype(np.float32),
        masks={l: mask.astype(np.float32) for l, mask in point.masks.items()},
    )


def in_single(point: Point) -> Gradient:
    """The gradient as a program in single precision computes it."""
    return {key: array.astype(float) for key, array in right_of(single(point)).items()}


def config_point(name: str) -> Point:
    return given_point(open_experiment(name, [], most_rows=SAMPLES).experiment)


@pytest.mark.parametrize("name", POINTS)
def test_single_precision_passes(name: str) -> None:
    point = POINTS[name]
    assert check_foreign(point, in_single(point), rate=RATE).verdict == PASS
    assert diagnosed(point, in_single(point)) == []


@pytest.mark.parametrize("name", ["iris", "digits"])
def test_single_precision_passes_where_much_cancels(name: str) -> None:
    point = config_point(name)
    found = in_single(point)
    check = check_foreign(point, found, rate=RATE)
    assert check.max_relative_error is not None
    assert check.max_relative_error > THRESHOLD, "a case in which the plain threshold would be unjust"
    assert check.verdict == PASS


def in_part(gradient: Gradient) -> Gradient:
    """What a program makes of it that takes averages, or adds a penalty, in double precision."""
    return {key: array.astype(float) * (1 + 1e-9) for key, array in gradient.items()}


@pytest.mark.parametrize("name", ["iris", "digits"])
def test_nothing_can_be_said_of_a_program_that_is_in_part_of_single_precision(name: str) -> None:
    point = config_point(name)
    found = in_part(in_single(point))
    assert not is_single(found)
    check = check_foreign(point, found, rate=RATE)
    assert check.verdict == INCONCLUSIVE
    assert check.diagnosis == ()
    (note,) = check.notes
    assert "right only as far as single precision goes" in note
    unclear = [each for each in check.layers if each.verdict != PASS]
    assert unclear
    for each in unclear:
        assert each.verdict == INCONCLUSIVE
        told = re.fullmatch(r"right to about (\d+) digits", each.note)
        assert told
        digits = int(told[1])
        right = right_of(point)[each.tensor, each.layer]
        off = np.abs(found[each.tensor, each.layer] - right).max() / np.abs(right).max()
        assert 10.0 ** -(digits + 1) <= off <= 10.0**-digits


@pytest.mark.parametrize("name", ["iris", "digits"])
def test_a_mistake_in_such_a_program_is_told_all_the_same(name: str) -> None:
    point = config_point(name)
    told = diagnosed(point, planted(point, ("no σ′ at a hidden layer", None)))
    found = in_part(planted(single(point), ("no σ′ at a hidden layer", None)))
    assert diagnosed(point, found) == [*told, diagnosis._ROUGHLY]


@pytest.mark.parametrize("name", ["3-4-2", "deep", "relu", "softmax"])
def test_mistakes_in_single_precision_are_told_as_in_double(name: str) -> None:
    point = POINTS[name]
    for mistake in ("no σ′ at a hidden layer", "z in place of a", "no transpose"):
        found = planted(point, (mistake, None))
        single = {key: array.astype(np.float32).astype(float) for key, array in found.items()}
        assert diagnosed(point, single) == diagnosed(point, found)


# Planted


def same_numbers(one: Tensors, other: Tensors) -> bool:
    like = Likeness(THRESHOLD)
    return all(like.same(key, one[key], array) for key, array in other.items())


def told_of(mistake: Mistake, layers: tuple[int, ...], sentences: list[str]) -> bool:
    told = diagnosis._says(mistake, layers)
    return any(told in sentence for sentence in sentences)


def is_bookkeeping(found: Tensors, right: Tensors) -> bool:
    """Whether every tensor is a multiple of the right one."""
    ratios = [np.divide(found[k], a, where=a != 0, out=np.zeros_like(a))[a != 0] for k, a in right.items()]
    return all(np.ptp(ratio) <= 1e-6 * np.abs(ratio).max() for ratio in ratios if ratio.size)


@pytest.mark.parametrize("name", POINTS)
def test_every_planted_mistake_is_told_or_one_with_the_same_numbers(name: str) -> None:
    point = POINTS[name]
    trace, right = point.forward(), right_of(point)
    ingredients = Ingredients.of(point, trace)
    variants = [(mistake, layers) for mistake in MISTAKES.values() for layers in mistake.variants(point)]
    made = [tensors_of(mistake.make(ingredients, layers).gradients()) for mistake, layers in variants]
    chosen = range(0, len(variants), 1 + len(variants) // 15)  # the larger networks are slow
    changed = 0
    for number in chosen:
        found = made[number]
        case = Case(point, trace, found, RATE, Likeness(THRESHOLD))
        if not case.wrong:
            continue
        changed += 1
        explanations = case.explanations()
        assert explanations, variants[number]
        for each in explanations:
            assert each.kinds == 1
            if each.made:
                ((mistake, layers),) = each.made
                other = mistake.make(ingredients, layers)
                assert same_numbers(found, tensors_of(other.gradients())), (variants[number], mistake.name)
            else:
                assert is_bookkeeping(found, right), (variants[number], each.sentences)
        kinds = {mistake.name for each in explanations for mistake, _ in each.made}
        assert not kinds or variants[number][0].name in kinds
    assert changed > len(chosen) // 3


def test_every_known_mistake_is_told_somewhere() -> None:
    """There is a point at which each is told by its name, and alone."""
    missing = set(MISTAKES)
    for point in (*POINTS.values(), *SMALL.values()):
        for name in sorted(missing):
            if not MISTAKES[name].layers(point):
                continue
            case = Case(point, point.forward(), planted(point, (name, None)), RATE, Likeness(THRESHOLD))
            told = case.explanations() if case.wrong else []
            if len(told) == 1 and told[0].made and told[0].made[0][0].name == name:
                missing.discard(name)
    assert missing == {"ReLU's slope by a ≥ 0"}, "which no numbers tell from no slope"


def test_one_mistake_at_one_layer_of_several() -> None:
    point = POINTS["deep"]
    (sentence,) = diagnosed(point, planted(point, ("no σ′ at a hidden layer", (5,))))
    assert sentence == (
        "Your ∇W and ∇b of layers 2 to 5 equal the right ones with σ′(z⁵) left out: BP2 needs it."
    )
    (sentence,) = diagnosed(point, planted(point, ("z in place of a", (5,))))
    assert sentence.startswith("Your ∇W⁶ equals the right one with z⁵ in place of a⁵ in the gradient of W⁶")


def test_the_fewest_layers_are_told_where_more_would_change_nothing() -> None:
    """A unit with z = 3 at a ReLU has slope 1 anyway: only the sigmoid before shows the mistake."""
    rng = np.random.default_rng(0)
    W, b = [rng.standard_normal((2, 2)) for _ in range(3)], [np.full(2, 0.1)] * 3
    b[1] = np.full(2, 9.0)
    point = point_of(
        W, b, rng.standard_normal((3, 2)), np.ones((3, 2)), activations=["sigmoid", "relu", "identity"]
    )
    (sentence,) = diagnosed(point, planted(point, ("no σ′ at a hidden layer", (2, 3))))
    assert sentence == "Your ∇W² and ∇b² equal the right ones with σ′(z²) left out: BP2 needs it."


def test_an_update_follows_the_gradient_that_another_mistake_has_spoilt() -> None:
    """As a program goes back: each W is updated by a gradient that the update behind it has spoilt."""
    point = POINTS["square"]
    found, W, delta, trace = (
        planted(point, ("updated W in BP2", None)),
        point.network.W,
        None,
        point.forward(),
    )
    expected: dict[int, Array] = {}
    for l in (4, 3, 2):
        if delta is None:
            a = trace.a[4]
            delta = (a - point.Y) * a * (1 - a) / 3
        else:
            delta = delta @ (W[l + 1] - RATE * expected[l + 1]) * (1 - trace.a[l] ** 2)
        expected[l] = delta.T @ trace.a[l - 1]
        np.testing.assert_allclose(found["W", l], expected[l], rtol=1e-12)


# Speed


@pytest.mark.parametrize(
    ("point", "most"), [(POINTS["2-2-1"], 0.2), (deep_sigmoid(), 2.0), (POINTS["deep"], 2.0)]
)
def test_the_longest_search_is_fast(point: Point, most: float) -> None:
    rng = np.random.default_rng(0)
    found = {key: rng.standard_normal(array.shape) for key, array in right_of(point).items()}
    spent = []
    for _ in range(3):
        start = time.process_time()
        diagnosed(point, found)
        spent.append(time.process_time() - start)
    assert min(spent) < most


# What a mistake may take from an activation or a loss


def test_planted_parts_still_compute_values() -> None:
    """Whoever asks a wrapped activation or loss for its value gets the real one."""
    network = from_arrays(
        [Layer(2, 2, Tanh()), Layer(2, 1, Sigmoid())],
        [np.eye(2), np.ones((1, 2))],
        [np.zeros(2), np.zeros(1)],
    )
    point = Point("here", network, np.eye(2), np.ones((2, 1)), Quadratic())
    given = Ingredients.of(point, point.forward()).without_slope(2).without_slope(3)
    z = np.array([[0.3, -0.2]])
    np.testing.assert_array_equal(given.network.layers[2].activation.value(z), np.tanh(z))
    np.testing.assert_array_equal(given.loss.per_sample(z, z, z + 1), [1.0])
    np.testing.assert_array_equal(given.loss.gradient(z, z + 1), [[-1.0, -1.0]])


# Rounding


def cancelling() -> Point:
    """The output's bias has a gradient of 0: what is left there is rounding."""
    point = make_point((3, 4, 2), "tanh", "identity")
    off = np.array([[0.1, 0.7], [0.2, -0.4], [-0.3, -0.3]])
    return replace(point, Y=point.forward().outputs + off)


def test_what_is_rounding_alone_is_not_wrong() -> None:
    point = cancelling()
    right = right_of(point)
    assert np.abs(right["b", 3]).max() < 1e-15
    found = right | {("b", 3): np.array([3e-17, -2e-17])}
    assert diagnosed(point, found) == []
    (sentence,) = diagnosed(point, found | {("W", 3): 3 * found["W", 3]})
    assert sentence.startswith("Your ∇W³ is 3 times the right size")
    (sentence,) = diagnosed(point, found | {("b", 3): np.array([1e-4, 2e-4])})
    assert sentence.startswith("This mistake is not among those known. Wrong: ∇b³;")
    check = check_foreign(point, found | {("b", 3): np.array([1e-9, 2e-9])}, rate=RATE)
    assert (check.verdict, check.diagnosis) == (INCONCLUSIVE, ())
    (b3,) = (each for each in check.layers if each.verdict != PASS)
    assert (b3.tensor, b3.layer, b3.note) == ("b", 3, "as near to 0 as its precision comes")


def test_rounding_that_crosses_a_corner_is_not_counted() -> None:
    """One part in a billion from a kink, single precision lands on either side: it is told from nothing."""
    point = point_of(
        [[[1.0]], [[1.0]]], [[-1 + 1e-12], [0]], [[1.0]], [[3.0]], activations=["relu", "identity"]
    )
    left = single_precision(point, right_of(point))
    assert left["W", 2] < 1e-5
    assert abs(right_of(point)["W", 2][0, 0]) > 0.1


def test_numbers_of_single_precision_are_known_by_their_digits() -> None:
    third = np.array([1 / 3])
    assert not is_single({("W", 2): third})
    assert is_single({("W", 2): third.astype(np.float32).astype(float)})
    assert is_single({("W", 2): np.array([0.333333333])})
    assert not is_single({("W", 2): np.array([0.3333333333])})
