"""Scales are what their names say, and can be undone."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bpnet.core.arrays import Array
from bpnet.data.scaling import Scaling, learn_scaling
from tests.tolerances import ROUNDING

VALUES = np.array([[1.0, 10, 5], [3, np.nan, 5], [2, 30, 5]])

MODERATE = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))
COLUMNS = hnp.arrays(np.float64, st.tuples(st.integers(1, 8), st.integers(1, 3)), elements=MODERATE)


def learn(values: Array, scale: str, *, as_one: bool = False) -> Scaling:
    return learn_scaling([values], values.shape[1], scale, as_one=as_one)


def test_minmax_is_0_for_the_smallest_and_1_for_the_largest() -> None:
    scaled = learn(VALUES, "minmax").apply(VALUES)
    np.testing.assert_array_equal(scaled, [[0, 0, 0], [1, np.nan, 0], [0.5, 1, 0]])


def test_standard_has_mean_0_and_deviation_1() -> None:
    scaled = learn(VALUES, "standard").apply(VALUES)
    high = 1.5**0.5
    np.testing.assert_allclose(scaled, [[-high, -1, 0], [high, np.nan, 0], [0, 1, 0]], atol=ROUNDING)


def test_none_leaves_every_number_as_it_is() -> None:
    scaling = learn(VALUES, "none")
    assert scaling == Scaling.none(3)
    np.testing.assert_array_equal(scaling.apply(VALUES), VALUES)


@pytest.mark.parametrize("scale", ["minmax", "standard"])
def test_scaled_alike_columns_keep_their_proportions(scale: str) -> None:
    images = np.array([[0, 51, 0], [255, 102, 0]], "u1")
    scaling = learn(images, scale, as_one=True)
    assert len(scaling.offset) == len(scaling.factor) == 3
    flat = learn(images.reshape(-1, 1), scale)
    assert np.array_equal(scaling.apply(images).reshape(-1, 1), flat.apply(images.reshape(-1, 1)))
    if scale == "minmax":
        np.testing.assert_allclose(scaling.apply(images), [[0, 0.2, 0], [1, 0.4, 0]], atol=ROUNDING)


@pytest.mark.parametrize("dtype", ["?", "u1", "i8", "f2", "f4"])
@pytest.mark.parametrize("scale", ["minmax", "standard"])
def test_scales_are_learnt_in_double_precision(dtype: str, scale: str) -> None:
    values = np.array([[0, 1], [1, 0], [1, 1]], dtype)
    assert learn(values, scale) == learn(values.astype(np.float64), scale)


@pytest.mark.parametrize("scale", ["none", "minmax", "standard"])
def test_no_column_needs_no_scale(scale: str) -> None:
    assert learn(np.empty((4, 0)), scale) == Scaling((), ())


@pytest.mark.parametrize("scale", ["minmax", "standard"])
@pytest.mark.parametrize("value", [0.1, 1 / 3, -7e9, 1e-300, 1e100, 0.0])
def test_a_column_that_does_not_vary_becomes_0(scale: str, value: float) -> None:
    values = np.full((7, 1), value)
    scaling = learn(values, scale)
    assert scaling.factor == (1.0,)
    assert abs(scaling.apply(values)).max() <= abs(value) * ROUNDING
    assert learn(np.array([[np.nan], [value]]), scale).apply(values[:1]) == 0


@pytest.mark.parametrize("scale", ["minmax", "standard"])
def test_a_spread_whose_inverse_overflows_is_none(scale: str) -> None:
    values = np.array([[0.0], [1e-310]])
    assert np.isfinite(learn(values, scale).apply(values)).all()
    assert np.isfinite(learn(np.array([[-1e100], [1e100]]), scale).apply(values)).all()


@settings(max_examples=150, deadline=None)
@given(values=COLUMNS, scale=st.sampled_from(["none", "minmax", "standard"]))
def test_undoing_a_scale_gives_the_numbers_back(values: Array, scale: str) -> None:
    scaling = learn(values, scale)
    size = 1 + abs(values).max(axis=0)
    assert (abs(scaling.undo(scaling.apply(values)) - values) <= ROUNDING * size).all()
    if scale == "minmax":
        scaled = scaling.apply(values)
        assert ((scaled >= 0) & (scaled <= 1 + ROUNDING)).all()


@settings(max_examples=50, deadline=None)
@given(values=COLUMNS, scale=st.sampled_from(["none", "minmax", "standard"]))
def test_a_scale_is_kept_as_plain_numbers(values: Array, scale: str) -> None:
    scaling = learn(values, scale)
    assert Scaling.from_json(asdict(scaling)) == scaling
    assert {type(x) for x in scaling.offset + scaling.factor} == {float}
