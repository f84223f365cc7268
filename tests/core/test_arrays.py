import numpy as np
import pytest

from bpnet.core.arrays import Array, at_least, at_most, bounded_exp, is_complex


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_complex_arrays_are_told_apart(dtype: type) -> None:
    assert is_complex(np.zeros(2, dtype)) == issubclass(dtype, np.complexfloating)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_bounds_keep_the_dtype(dtype: type) -> None:
    x: Array = np.array([-2, 0, 2], dtype)
    assert at_least(x, 0.5).dtype == at_most(x, 0.5).dtype == bounded_exp(x).dtype == dtype
    np.testing.assert_array_equal(at_least(x, 0.5), [0.5, 0.5, 2])
    np.testing.assert_array_equal(at_most(x, 0.5), [-2, 0, 0.5])


def test_a_complex_number_is_held_by_its_real_part() -> None:
    x = np.array([-1 + 5j, 0 + 1j, 1 + 5j])
    np.testing.assert_array_equal(at_least(x, 0), [0, 0, 1 + 5j])
    np.testing.assert_array_equal(at_most(x, 0), [-1 + 5j, 0, 0])


@pytest.mark.parametrize("x", [np.array([np.nan, 1.0]), np.array([np.nan, 1.0], complex)])
def test_not_a_number_is_not_hidden(x: Array) -> None:
    for held in (at_least(x, 0), at_most(x, 0), bounded_exp(x)):
        assert np.isnan(held.real).tolist() == [True, False]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_exponential_is_bounded_and_no_further_than_it_must(dtype: type) -> None:
    largest = np.finfo(dtype).max
    held = bounded_exp(np.array([largest], dtype))
    assert np.isfinite(held).all()
    assert held[0] > largest / np.e
    x: Array = np.array([-1e4, -3.0, 0.0, 80.0], dtype)
    np.testing.assert_array_equal(bounded_exp(x), np.exp(x))


def test_the_exponential_writes_where_it_is_told() -> None:
    x = np.array([0.0, 1.0, 1e4])
    out = np.empty(3)
    assert bounded_exp(x, out=out) is out
    np.testing.assert_array_equal(out, bounded_exp(x))
    np.testing.assert_array_equal(x, [0, 1, 1e4])
