import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpnet.core.schedules import SCHEDULES


def factors(name: str, of: int, badness: list[float] | None = None, **given: Any) -> list[float]:
    """The factor of every epoch, each knowing only what happened before it."""
    schedule = SCHEDULES.create(name, **given)
    history = [1.0] * of if badness is None else badness
    return [schedule.factor(epoch, of, history[: epoch - 1]) for epoch in range(1, of + 1)]


@pytest.mark.parametrize("name", list(SCHEDULES))
def test_every_class_says_what_it_is(name: str) -> None:
    assert SCHEDULES[name].name == name
    assert SCHEDULES[name].summary
    assert SCHEDULES[name].latex


@given(st.sampled_from(list(SCHEDULES)), st.integers(1, 40), st.integers(0, 1000))
def test_no_schedule_leaves_the_range_from_0_to_the_full_rate(name: str, epochs: int, seed: int) -> None:
    badness = [float((seed * (i + 7)) % 13) for i in range(epochs)]
    found = factors(name, epochs, badness)
    assert all(0 <= factor <= 1 for factor in found)
    assert max(found) == 1 or (name == "warmup" and epochs < 5)


def test_constant() -> None:
    assert factors("constant", 3) == [1, 1, 1]


def test_step_drops_after_whole_spans() -> None:
    assert factors("step", 7, every=3, drop=0.1) == pytest.approx([1, 1, 1, 0.1, 0.1, 0.1, 0.01])
    assert factors("step", 3, every=1, drop=0.5) == [1, 0.5, 0.25]


def test_exponential() -> None:
    assert factors("exponential", 4, decay=0.5) == [1, 0.5, 0.25, 0.125]


def test_cosine_goes_from_1_over_the_middle_towards_the_final_factor() -> None:
    found = factors("cosine", 4, final=0.2)
    quarter = 0.2 + 0.8 * (1 + math.sqrt(0.5)) / 2
    assert found == pytest.approx([1, quarter, 0.6, 1.2 - quarter])
    assert 0 < factors("cosine", 9)[-1] < 0.05  # an epoch at a rate of 0 would be lost
    assert factors("cosine", 1) == [1]


def test_plateau_drops_when_patience_is_over_and_waits_anew() -> None:
    #          improves  no    no: drop   no    no: drop   improves  no
    badness = [3.0, 2.0, 2.0, 2.5, 2.0, 9.0, 1.0, 1.5, 1.5]
    expected = [1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.001]
    schedule = SCHEDULES.create("plateau", patience=2, drop=0.1)
    found = [schedule.factor(epoch, 10, badness[: epoch - 1]) for epoch in range(1, 11)]
    assert found == pytest.approx(expected)


def test_plateau_compares_with_the_best_not_with_the_last() -> None:
    badness = [1.0, 5.0, 4.0, 3.0]  # falling, but never below the best
    assert SCHEDULES.create("plateau", patience=3, drop=0.5).factor(5, 9, badness) == 0.5


def test_plateau_takes_negated_scores_and_no_number_for_no_improvement() -> None:
    schedule = SCHEDULES.create("plateau", patience=2, drop=0.5)
    assert schedule.factor(4, 9, [-0.7, -0.8, -0.9]) == 1
    assert schedule.factor(4, 9, [-0.9, -0.8, -0.7]) == 0.5
    assert schedule.factor(4, 9, [1.0, math.nan, math.nan]) == 0.5
    assert schedule.factor(4, 9, [math.nan, 1.0, 0.5]) == 1


@pytest.mark.parametrize("then", [name for name in SCHEDULES if name != "warmup"])
def test_warmup_rises_and_then_another_begins_at_its_beginning(then: str) -> None:
    badness = [5.0, 4, 3, *[9.0] * 17]
    found = factors("warmup", 20, badness, epochs=3, then=then)
    assert found[:3] == pytest.approx([1 / 3, 2 / 3, 1])
    assert found[3:] == factors(then, 17, badness[3:])


def test_warmup_longer_than_the_training() -> None:
    assert factors("warmup", 2, epochs=4) == [0.25, 0.5]


def test_warmup_before_cosine_still_ends_with_the_last_epoch() -> None:
    found = factors("warmup", 8, epochs=3, then="cosine")
    assert found[3] == 1
    assert found[3:] == factors("cosine", 5)


@pytest.mark.parametrize("then", ["cosin", "warmup", ""])
def test_warmup_refuses_what_cannot_follow(then: str) -> None:
    with pytest.raises(ValueError, match="expected one of") as caught:
        SCHEDULES.create("warmup", then=then)
    expected = f"then: found {then!r}, expected one of constant, step, exponential, cosine, plateau"
    assert str(caught.value) == expected
