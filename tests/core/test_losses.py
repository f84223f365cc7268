import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpnet.core.activations import ACTIVATIONS
from bpnet.core.arrays import Array
from bpnet.core.losses import LOSSES, Huber, PartneredLoss, refusal
from tests.core.nets import PAIRS, STEP, complex_step
from tests.tolerances import ROUNDING, ROUNDING_32

PARTNERS = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid"}
every_loss = pytest.mark.parametrize("name", list(LOSSES))
every_pair = pytest.mark.parametrize(("output", "name"), PAIRS)

# Written out in a and y alone, as the books have them; they take complex a near the real axis.
FORMULAS: dict[str, Callable[[Array, Array], Any]] = {
    "quadratic": lambda a, y: 0.5 * ((a - y) ** 2).sum(axis=1),
    "cross_entropy": lambda a, y: -(y * np.log(a)).sum(axis=1),
    "binary_cross_entropy": lambda a, y: -(y * np.log(a) + (1 - y) * np.log(1 - a)).sum(axis=1),
    "huber": lambda a, y: np.where(
        abs((a - y).real) <= 1, (a - y) ** 2 / 2, (a - y) * np.sign((a - y).real) - 0.5
    ).sum(axis=1),
    "mean_absolute_error": lambda a, y: ((a - y) * np.sign((a - y).real)).mean(axis=1),
}


def some_pass(output: str, name: str, dtype: Any = np.float64) -> tuple[Array, Array, Array]:
    """z, a and y of a few samples with three outputs."""
    rng = np.random.default_rng(8)
    z = rng.normal(0, 2, size=(6, 3)).astype(dtype)
    y: Array = rng.normal(size=(6, 3))
    if name in PARTNERS:
        y = np.eye(3)[rng.integers(3, size=6)] if output == "softmax" else rng.integers(2, size=(6, 3))
    return z, ACTIVATIONS.create(output).value(z), y.astype(dtype)


@every_loss
def test_every_class_says_what_it_is(name: str) -> None:
    cls = LOSSES[name]
    assert cls.name == name
    assert cls.summary
    assert cls.latex
    assert cls.latex_gradient
    assert cls.classifies is {"cross_entropy": True, "binary_cross_entropy": None}.get(name, False)


@every_pair
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_losses_by_formula(output: str, name: str, dtype: Any) -> None:
    z, a, y = some_pass(output, name, dtype)
    found = LOSSES.create(name).per_sample(z, a, y)
    assert found.shape == (6,)
    assert found.dtype == dtype
    exact = FORMULAS[name](a.astype(np.float64), y)
    # From a alone, a float32 formula loses the digits of 1 − a: hence the stable form from z.
    np.testing.assert_allclose(found, exact, rtol=ROUNDING if dtype is np.float64 else ROUNDING_32)


@every_pair
def test_gradient_by_complex_step(output: str, name: str) -> None:
    _, a, y = some_pass(output, name)
    numeric = complex_step(lambda flat: FORMULAS[name](flat.reshape(a.shape), y).sum(), a.ravel())
    found = LOSSES.create(name).gradient(a, y)
    np.testing.assert_allclose(found, numeric.reshape(a.shape), rtol=1e-12, atol=ROUNDING)


@every_pair
def test_output_delta_by_complex_step(output: str, name: str) -> None:
    z, a, y = some_pass(output, name)
    activation, loss = ACTIVATIONS.create(output), LOSSES.create(name)

    def total(flat: Array) -> Any:
        moved = flat.reshape(z.shape)
        return loss.per_sample(moved, activation.value(moved), y).sum()

    numeric = complex_step(total, z.ravel()).reshape(z.shape)
    found = loss.output_delta(activation, z, a, y)
    np.testing.assert_allclose(found, numeric, rtol=1e-12, atol=ROUNDING)


@every_pair
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_buffers_change_no_bit_of_the_delta(output: str, name: str, dtype: Any) -> None:
    z, a, y = some_pass(output, name, dtype)
    copies = z.copy(), a.copy(), y.copy()
    activation, loss = ACTIVATIONS.create(output), LOSSES.create(name)
    bare = loss.output_delta(activation, z, a, y)
    out, scratch = np.full_like(z, np.nan), np.full_like(z, np.nan)
    assert loss.output_delta(activation, z, a, y, out=out, scratch=scratch) is out
    np.testing.assert_array_equal(out, bare)
    assert bare.dtype == loss.gradient(a, y).dtype == dtype
    for array, copy in zip((z, a, y), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize(("name", "partner"), PARTNERS.items())
def test_the_slope_of_the_partner_cancels(name: str, partner: str) -> None:
    z, a, y = some_pass(partner, name)
    loss, activation = LOSSES.create(name), ACTIVATIONS.create(partner)
    np.testing.assert_array_equal(loss.output_delta(activation, z, a, y), a - y)
    in_full = activation.pullback(loss.gradient(a, y), z, a)
    np.testing.assert_allclose(in_full, a - y, rtol=1e-12, atol=ROUNDING)


def test_delta_is_right_where_the_gradient_has_rounded_away() -> None:
    loss, sigmoid = LOSSES.create("binary_cross_entropy"), ACTIVATIONS.create("sigmoid")
    z, y = np.array([[40.0, 40.0]]), np.array([[0.0, 1.0]])
    a = sigmoid.value(z)
    with np.errstate(divide="ignore", invalid="ignore"):
        assert not np.isfinite(loss.gradient(a, y)).any()
    assert loss.output_delta(sigmoid, z, a, y).tolist() == [[1, 0]]


def test_which_loss_goes_with_which_output() -> None:
    accepted = {name: {a for a in ACTIVATIONS if refusal(name, a) is None} for name in LOSSES}
    anything = set(ACTIVATIONS)
    assert accepted == {
        "quadratic": anything,
        "cross_entropy": {"softmax"},
        "binary_cross_entropy": {"sigmoid"},
        "huber": anything,
        "mean_absolute_error": anything,
    }
    assert {name for name, cls in LOSSES._classes.items() if issubclass(cls, PartneredLoss)} == set(PARTNERS)


@pytest.mark.parametrize(("name", "partner"), PARTNERS.items())
def test_a_refusal_names_both_and_the_reason(name: str, partner: str) -> None:
    cls = LOSSES[name]
    assert issubclass(cls, PartneredLoss)
    message = refusal(name, "tanh")
    assert message == f"{name} goes with {partner}, not with tanh: {cls.reason}"
    assert "probabilit" in cls.reason


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_z_gives_no_logarithm_of_0(dtype: Any) -> None:
    half = float(np.finfo(dtype).max) / 2
    binary, several = LOSSES.create("binary_cross_entropy"), LOSSES.create("cross_entropy")
    for size in (1e4, 1e30, half):
        z = np.array([[size, -size], [size, -size]], dtype)
        y = np.array([[1, 0], [0, 1]], dtype)
        with np.errstate(all="raise", under="ignore"):
            np.testing.assert_allclose(binary.per_sample(z[:, :1], z, y[:, :1]), [0, size], rtol=1e-6)
            np.testing.assert_allclose(several.per_sample(z, z, y), [0, np.float64(size) * 2], rtol=1e-6)


@pytest.mark.parametrize("name", ["huber", "mean_absolute_error"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_outlier_overflows_neither_value_nor_gradient(name: str, dtype: Any) -> None:
    largest = float(np.finfo(dtype).max) / 2
    a, y = np.array([[1e30], [-largest], [largest]], dtype), np.zeros((3, 1), dtype)
    loss = LOSSES.create(name)
    with np.errstate(all="raise", under="ignore"):
        np.testing.assert_allclose(loss.per_sample(a, a, y), np.abs(a[:, 0]), rtol=1e-6)
        np.testing.assert_array_equal(loss.gradient(a, y), np.sign(a))


@given(st.floats(-700, 700))
def test_a_small_binary_cross_entropy_keeps_its_digits(number: float) -> None:
    z = np.array([[number]])
    loss = LOSSES.create("binary_cross_entropy")
    for y, against in ((1.0, -number), (0.0, number)):
        exact = max(against, 0.0) + math.log1p(math.exp(-abs(number)))
        assert loss.per_sample(z, z, np.array([[y]]))[0] == pytest.approx(exact, rel=ROUNDING, abs=1e-307)


@pytest.mark.parametrize("name", ["quadratic", "huber", "mean_absolute_error"])
def test_a_perfect_fit_has_no_slope(name: str) -> None:
    a, y = np.array([[2.0, -3.0]]), np.array([[2.0, -3.0]])
    loss = LOSSES.create(name)
    assert loss.per_sample(a, a, y).tolist() == [0]
    assert loss.gradient(a, y).tolist() == [[0, 0]]
    moved = a + 1j * STEP
    assert loss.per_sample(moved, moved, y).imag.tolist() == [0]


@given(st.floats(-20, 20), st.floats(0.01, 10))
def test_huber_is_quadratic_near_and_linear_far(residual: float, threshold: float) -> None:
    a, y = np.array([[residual]]), np.zeros((1, 1))
    loss, size = Huber(threshold=threshold), abs(residual)
    exact = size**2 / 2 if size <= threshold else threshold * (size - threshold / 2)
    assert loss.per_sample(a, a, y)[0] == pytest.approx(exact, rel=1e-12)
    assert loss.gradient(a, y)[0, 0] == math.copysign(min(size, threshold), residual)


def test_what_is_summed_over_the_outputs_and_what_is_averaged() -> None:
    a, y = np.array([[1.0, 2.0, 4.0]]), np.zeros((1, 3))
    assert LOSSES.create("quadratic").per_sample(a, a, y).tolist() == [10.5]
    assert LOSSES.create("huber").per_sample(a, a, y).tolist() == [0.5 + 1.5 + 3.5]
    assert LOSSES.create("mean_absolute_error").per_sample(a, a, y) == pytest.approx([7 / 3])
    assert LOSSES.create("mean_absolute_error").gradient(a, y) == pytest.approx(np.full((1, 3), 1 / 3))
