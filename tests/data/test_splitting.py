"""Rows are dealt out once each, every class in its proportion, the same way for the same seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpnet.core.arrays import Array
from bpnet.data.splitting import Split, split_rows
from bpnet.errors import DataError
from tests.data.files import refusal

SHARES = st.one_of(st.none(), st.floats(0.01, 0.49))
CLASSES = st.lists(st.integers(0, 3), min_size=1, max_size=60).map(np.array)


def split(classes: Array, validation: float | None, test: float | None, seed: int = 0) -> Split:
    return split_rows(classes, validation, test, np.random.default_rng(seed))


def given_parts(parts: Split) -> list[Array]:
    return [part for part in (parts.train, parts.validation, parts.test) if part is not None]


def test_without_shares_all_rows_train() -> None:
    parts = split(np.zeros(5, int), None, None)
    assert parts.train.tolist() == [0, 1, 2, 3, 4]
    assert parts.validation is None
    assert parts.test is None


@settings(max_examples=200, deadline=None)
@given(classes=CLASSES, validation=SHARES, test=SHARES, seed=st.integers(0, 2**32))
def test_parts_are_disjoint_complete_sorted_and_in_proportion(
    classes: Array, validation: float | None, test: float | None, seed: int
) -> None:
    try:
        parts = split(classes, validation, test, seed)
    except DataError:
        return
    rows = given_parts(parts)
    assert sorted(np.concatenate(rows)) == list(range(len(classes)))
    assert all((np.diff(part) > 0).all() for part in rows)
    assert set(classes[parts.train]) == set(classes)  # every class keeps a row to train on
    sizes = np.bincount(classes)
    for share, part in ((validation, parts.validation), (test, parts.test)):
        assert (share is None) == (part is None)
        if share is not None and part is not None:
            assert len(part)
            counts = np.bincount(classes[part], minlength=len(sizes))
            assert (counts <= np.ceil(sizes * share + 1e-9)).all()
            # A class of few rows may give less than its share, or it would have none left to train on.
            enough = sizes * (1 - (validation or 0) - (test or 0)) >= 3
            assert (counts[enough] >= np.floor(sizes * share - 1e-9)[enough]).all()
            if enough[sizes > 0].all():
                assert len(part) == round(share * len(classes))


def test_proportions_are_right_to_the_nearest_row() -> None:
    classes = np.repeat([0, 1, 2], [50, 30, 20])
    parts = split(classes, 0.25, 0.1)
    counts = [np.bincount(classes[part]).tolist() for part in given_parts(parts)]
    assert counts[2] == [5, 3, 2]
    assert counts[1] in ([13, 7, 5], [12, 8, 5])  # 12.5 and 7.5: one of them is rounded up
    assert sum(counts[0]) == 65


@pytest.mark.parametrize("share", [0.1, 0.29, 0.3, 0.7, 1 / 3])
def test_rounding_of_the_share_loses_no_row(share: float) -> None:
    parts = split(np.repeat([0, 1], 100), share, None)
    assert parts.validation is not None
    assert len(parts.validation) == round(200 * share)


def test_the_same_seed_gives_the_same_split() -> None:
    classes = np.arange(200) % 3
    first, again, other = (split(classes, 0.2, 0.2, seed) for seed in (7, 7, 8))
    for part in ("train", "validation", "test"):
        assert getattr(first, part).tolist() == getattr(again, part).tolist()
        assert getattr(first, part).tolist() != getattr(other, part).tolist()


def test_a_rare_class_is_trained_on_first() -> None:
    parts = split(np.array([0] * 20 + [1]), 0.4, 0.4)
    assert 20 in parts.train
    assert len(given_parts(parts)) == 3


def test_a_class_number_may_have_no_row() -> None:
    parts = split(np.array([0, 2] * 10), 0.5, None)
    assert parts.validation is not None
    assert len(parts.validation) == 10


@pytest.mark.parametrize(
    ("rows", "validation", "test", "said"),
    [
        (4, 0.1, None, "data.validation: 0.1 of 4 rows leaves no row for the validation part."),
        (4, None, 0.05, "data.test: 0.05 of 4 rows leaves no row for the test part."),
        (1, 0.5, None, "data.validation: 0.5 of 1 rows leaves no row"),
        (2, 0.4, 0.5, "data.validation: 0.4 of 2 rows"),
    ],
)
def test_an_empty_part_is_refused(rows: int, validation: float | None, test: float | None, said: str) -> None:
    found = refusal(lambda: split(np.zeros(rows, int), validation, test))
    assert found.startswith(said)
    name = "test" if validation is None else "validation"
    assert found.endswith(f"| Take a larger share, or set data.{name} to null.")
