from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len

from bpnet.core.optimizers import Adam
from bpnet.inspection.differences import Difference, Taylor
from bpnet.inspection.gradient_check import check_gradients
from bpnet.inspection.probe import generic_probe
from bpnet.inspection.records import GradientCheck, PlantedFault, SelfTest, Stage, TensorCheck, Worst
from bpnet.report.gradients import print_check, print_subject, verdict
from tests.inspection.making import goodfellow_xor, make_point, overflowing
from tests.report.making import CONTROL_CODE, console, text_of

POINT = make_point((3, 4, 2), weighted=True)
RIGHT = check_gradients([POINT, generic_probe(POINT)], optimizer=Adam())

WORST = Worst((783, 99), -1.23456789e-105, 1.23456789e-105)
LARGE = TensorCheck(2, "W", (784, 100), 1000, 78400, 4.1e-14, WORST, "a point", "pass")


def record(**changes: Any) -> GradientCheck:
    """A check in which much has gone wrong."""
    values: dict[str, Any] = {
        "verdict": "fail",
        "threshold": 1e-8,
        "layers": (
            replace(
                LARGE, layer=3, shape=(10, 784), verdict="fail", max_relative_error=0.5, note="look here"
            ),
            TensorCheck(3, "b", (10,), 10, 10, None, None, "a point", "inconclusive", "no number"),
            LARGE,
            TensorCheck(2, "b", (784,), 784, 784, 0.0, Worst((3,), 0.0, 0.0), "a point", "pass"),
        ),
        "stages": (
            Stage("cost", None, 1e-16, "pass", "a point"),
            Stage("BP1", 3, 0.0, "pass", "a point"),
            Stage("BP2", 2, 0.25, "fail", "a point"),
            Stage("BP3", 3, None, "inconclusive", "a point"),
            Stage("BP3", 2, 1e-9, "pass", "a point"),
            Stage("step", None, 0.5, "fail", "a point"),
            Stage("optimizer", None, 1e-16, "pass", "", "adam, 20 steps"),
        ),
        "taylor": (
            Taylor(None, 1.02, "fail"),
            Taylor(2, None, "open", "below rounding"),
            Taylor(3, 1.998, "pass"),
        ),
        "differences": (
            Difference(2, "W", (0, 1), 1.0, 1.0, 1e-12, None, "pass", "a point"),
            Difference(2, "W", (2, 1), 1.5, 1.0, 1e-12, None, "fail", "a point"),
            *(
                Difference(2, "b", (k,), 0.25, 0.5, float("inf"), (0.0, 1.0), "kink", "a point")
                for k in range(5)
            ),
        ),
        "self_test": SelfTest(
            (
                PlantedFault("factor 2", caught=True, variants=9),
                PlantedFault(
                    "sign", caught=True, variants=3, note="changes no number here: planted elsewhere"
                ),
            )
        ),
        "diagnosis": ("BP2 is the first to go wrong.", "And the step."),
        "points": {"a point": 3e-9, "another": None},
        "notes": ("A convention.",),
    }
    return GradientCheck(**{**values, **changes})


def shown(
    check: GradientCheck, width: int = 80, *, layer: int | None = None, full: bool = False, **options: Any
) -> str:
    out = console(width, **options)
    print_check(out, check, layer=layer, full=full)
    return text_of(out)


def words(text: str) -> str:
    return " ".join(text.split())


CHECKS = [
    RIGHT,
    record(),
    check_gradients([goodfellow_xor((1, 0, 0, 1))], self_test=True),
    check_gradients([overflowing()]),
]


@pytest.mark.parametrize("check", CHECKS, ids=["right", "wrong", "kinks", "overflow"])
@pytest.mark.parametrize("width", [40, 60, 80, 100, 119, 120, 140])
def test_no_line_is_wider_than_the_console_and_nothing_is_cut(check: GradientCheck, width: int) -> None:
    for layer in (None, 2):
        text = shown(check, width, layer=layer, full=True)
        assert max(map(cell_len, text.splitlines())) <= width
        if width >= 80:
            assert "…" not in text
        assert not CONTROL_CODE.search(text.replace("\n", ""))


def test_a_pipe_that_breaks_no_lines_gets_them_broken_all_the_same() -> None:
    from bpnet.report.streams import Consoles

    out = Consoles(no_color=True).results
    with out.capture() as captured:
        print_subject(out, "a name " * 30)
        print_check(out, record(), layer=None, full=True)
    assert max(map(cell_len, captured.get().splitlines())) <= 80


def test_the_subject_comes_first() -> None:
    out = console()
    print_subject(out, "config xor, at its starting weights")
    assert text_of(out) == "Checking config xor, at its starting weights.\n"


def test_the_diagnosis_comes_before_everything_else() -> None:
    lines = [line.rstrip() for line in shown(record()).splitlines()]
    assert lines[:4] == ["", "BP2 is the first to go wrong.", "And the step.", ""]
    assert lines[4].startswith("tensor")
    assert lines[-1] == "These gradients are wrong."
    assert shown(RIGHT).splitlines()[1].startswith("tensor")


def rows(check: GradientCheck, width: int, **options: Any) -> list[list[str]]:
    lines = shown(check, width, **options).splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("tensor"))
    end = next(k for k, line in enumerate(lines) if k > start and not line.strip())
    return [line.split("  ") for line in lines[start:end]]


def cells(check: GradientCheck, width: int, **options: Any) -> list[list[str]]:
    found = [[cell.strip() for cell in row if cell.strip()] for row in rows(check, width, **options)]
    return [found[0], *found[2:]]


def test_the_table_in_80_columns() -> None:
    assert cells(record(), 80) == [
        ["tensor", "shape", "checked", "error", "worst at", "analytic", "numeric"],
        ["∂C/∂W³", "10 × 784", "1 %", "5.0e-01", "784, 100", "-1.235e-105", "1.235e-105", "✗ FAIL"],
        ["∂C/∂b³", "10", "all", "–", "? unsure"],
        ["∂C/∂W²", "784 × 100", "1 %", "4.1e-14", "784, 100", "-1.235e-105", "1.235e-105", "✓ pass"],
        ["∂C/∂b²", "784", "all", "0.0e+00", "4", "0", "0", "✓ pass"],
    ]


def test_the_table_where_there_is_room() -> None:
    assert cells(record(), 140)[:2] == [
        ["tensor", "shape", "checked", "error", "÷ allowed", "worst at", "analytic", "numeric"],
        [
            "∂C/∂W³",
            "10 × 784",
            "1,000/78,400",
            "5.0e-01",
            "5.0e+07",
            "784, 100",
            "-1.23456789e-105",
            "1.23456789e-105",
            "✗ FAIL",
        ],
    ]


def test_the_table_where_there_is_none() -> None:
    assert cells(record(), 60)[:2] == [
        ["tensor", "shape", "checked", "error"],
        ["∂C/∂W³", "10 × 784", "1 %", "5.0e-01", "✗ FAIL"],
    ]


def test_one_layer_alone() -> None:
    assert [row[0] for row in cells(record(), 80, layer=2)[1:]] == ["∂C/∂W²", "∂C/∂b²"]
    text = words(shown(record(), layer=3))
    assert "look here" in text
    for absent in ("W²", "b²", "BP2 ✗", "BP4", "cost ", "optimizer", "Kink", "kink", "all layers"):
        assert absent not in text
    text = words(shown(record(), layer=2))
    assert "look here" not in text
    assert "BP2 ✗ FAIL" in text
    assert "Kink at a point: ∂C/∂b²" in text


def test_every_equation_has_its_line() -> None:
    text = words(shown(record()))
    for expected in (
        "cost ✓ pass C against plain Python (1e-16)",
        "BP1 ✓ pass δ at the output against ∂C/∂z (0 but for rounding)",
        "BP2 ✗ FAIL δ of hidden layers against ∂C/∂z, first wrong in layer 2 (2e-01)",
        "BP3 ? unsure ∂C/∂b against the sum of δ, not finite from layer 3 back (1e-09)",
        "step ✗ FAIL (θ before − θ after)/η of a real step against ∂C/∂θ before it (5e-01)",
        "optimizer ✓ pass adam, 20 steps against the rule in plain Python (1e-16)",
        "Taylor order ✗ FAIL 2 if right, 1 if wrong: all layers 1.02; layer 2 below rounding; layer 3 2.00",
        "points a point (3e-09), another (not finite)",
        "A convention.",
        "∂C/∂W³: look here",
    ):
        assert expected in text
    assert "BP4" not in text


def test_an_equation_without_a_number_shows_none() -> None:
    text = words(shown(record(stages=(Stage("BP1", 3, None, "inconclusive", "a point"),))))
    assert "BP1 ? unsure δ at the output against ∂C/∂z, not finite from layer 3 back differences" in text


def test_what_is_worst_is_told_of_an_equation() -> None:
    stages = (Stage("BP2", 4, None, "inconclusive", "a point"), Stage("BP2", 3, 0.5, "fail", "a point"))
    text = words(shown(record(stages=stages)))
    assert "BP2 ✗ FAIL δ of hidden layers against ∂C/∂z, first wrong in layer 3 (5e-01)" in text


def test_differences_of_which_nothing_can_be_said_are_told() -> None:
    unclear = Difference(2, "W", (0, 1), 1.0, 1.0, float("inf"), (0.0, 0.0), "inconclusive", "a point")
    text = words(shown(record(differences=(unclear,))))
    assert (
        "differences ? unsure 0 elements agree with extrapolated differences, of 1 the cost overflows" in text
    )


def test_without_any_order_taylor_is_unsure() -> None:
    orders = (Taylor(None, None, "open", "a corner too near"),)
    text = words(shown(record(taylor=orders)))
    assert "Taylor order ? unsure 2 if right, 1 if wrong: all layers a corner too near" in text


def test_differences_that_disagree_are_told_with_the_worst() -> None:
    text = words(shown(record()))
    assert "differences ✗ FAIL 1 elements agree with extrapolated differences" in text
    assert "5 have a kink too near" in text
    assert "1 do not: ∂C/∂W² at 3, 2 of a point is 1.5, by differences 1 ± 1e-12" in text


def test_kinks_are_told_with_both_slopes_three_at_most() -> None:
    text = words(shown(record()))
    assert (
        "Kink at a point: ∂C/∂b² at 1: the slope is 0 on the left, 1 on the right; back-propagation says "
        "0.25."
    ) in text
    assert text.count("Kink at") == 3
    assert "2 more kinks are in --json." in text
    three = record(differences=record().differences[:5])
    assert "more kinks" not in words(shown(three))


def test_what_was_not_done_has_no_line() -> None:
    text = words(shown(record(stages=(), taylor=(), differences=())))
    for absent in ("cost", "BP1", "Taylor", "differences"):
        assert absent not in text


def test_the_self_test_in_short_and_in_full() -> None:
    text = words(shown(record()))
    assert "self-test ✓ pass 2 of 2 planted faults caught (1 of them in a reference network: this one" in text
    short, full = words(shown(RIGHT)), words(shown(RIGHT, 140, full=True))
    assert "18 of 18 planted faults caught" in short
    for fault in RIGHT.self_test.faults:
        assert fault.name not in short
        assert f"{fault.name} {fault.variants} ✓ caught" in full


def test_a_fault_that_was_missed_is_told_with_its_reason() -> None:
    missed = SelfTest(
        (PlantedFault("sign", caught=False, variants=3, note="missed 1 of 3: W2 differs and passes"),)
    )
    check = record(self_test=missed, verdict="pass")
    text = words(shown(check, full=True))
    assert "self-test ✗ FAIL 0 of 1 planted faults caught" in text
    assert "not caught: sign (missed 1 of 3: W2 differs and passes)" in text
    assert "sign 3 ✗ MISSED" in text
    assert text.endswith("The check failed its own test: what it says of the gradients is worth nothing.")


@pytest.mark.parametrize(
    ("check", "sentence"),
    [
        (record(), "These gradients are wrong."),
        (
            record(verdict="fail", layers=record().layers[3:]),
            "These gradients agree with their cost, but something is wrong: see above.",
        ),
        (record(verdict="inconclusive"), "Nothing can be said: there are numbers that are not finite."),
        (
            record(verdict="pass"),
            "The gradients are right: their relative error is 3.0e-09 at most.",
        ),
        (
            record(verdict="pass", points={"here": 0.0}),
            "The gradients are right: their relative error is 0.",
        ),
        (record(verdict="inconclusive", layers=record().layers[2:]), "Nothing can be said: see above."),
    ],
)
def test_the_verdict_is_one_sentence(check: GradientCheck, sentence: str) -> None:
    assert verdict(check).plain == sentence


def test_colours_in_a_terminal_only() -> None:
    assert "\x1b[" in shown(record(), terminal=True)
    assert "\x1b[" not in shown(record())
