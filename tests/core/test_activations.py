import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bpnet.core.activations import ACTIVATIONS, Activation, Elementwise
from bpnet.core.arrays import Array
from tests.core.nets import STEP
from tests.tolerances import ROUNDING, ROUNDING_32

VARIANTS: list[tuple[str, dict[str, float]]] = [
    *((name, {}) for name in ACTIVATIONS),
    ("leaky_relu", {"slope": 0.3}),
    ("leaky_relu", {"slope": 0.0}),
    ("elu", {"alpha": 0.4}),
]
EVERY = [
    pytest.param(ACTIVATIONS.create(name, **given), id=f"{name}{given or ''}") for name, given in VARIANTS
]
EVERY_ELEMENTWISE = [each for each in EVERY if isinstance(each.values[0], Elementwise)]
REAL_DTYPES = [np.float32, np.float64]

every = pytest.mark.parametrize("activation", EVERY)
every_elementwise = pytest.mark.parametrize("activation", EVERY_ELEMENTWISE)
every_dtype = pytest.mark.parametrize("dtype", REAL_DTYPES)


def by_formula(activation: Any, z: float) -> float:
    """One number at a time, with the standard library only."""
    slope, alpha = getattr(activation, "slope", 0.0), getattr(activation, "alpha", 0.0)
    formulas = {
        "identity": z,
        "sigmoid": 1 / (1 + math.exp(-z)),
        "tanh": math.tanh(z),
        "relu": max(0.0, z),
        "leaky_relu": z if z > 0 else slope * z,
        "elu": z if z > 0 else alpha * (math.exp(z) - 1),
        "gelu": 0.5 * z * (1 + math.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))),
        "silu": z / (1 + math.exp(-z)),
        "softplus": math.log(1 + math.exp(z)),
    }
    return formulas[activation.name]


def tails(activation: Any) -> tuple[tuple[float, float], tuple[float, float]]:
    """Slopes and levels of the straight lines that the curve tends to, far left and far right."""
    rising, zero = (1.0, 0.0), (0.0, 0.0)
    if activation.name == "leaky_relu":
        return (activation.slope, 0.0), rising
    if activation.name == "elu":
        return (0.0, -activation.alpha), rising
    return {
        "identity": (rising, rising),
        "sigmoid": (zero, (0.0, 1.0)),
        "tanh": ((0.0, -1.0), (0.0, 1.0)),
        "relu": (zero, rising),
        "gelu": (zero, rising),
        "silu": (zero, rising),
        "softplus": (zero, rising),
    }[activation.name]


def some_z(dtype: Any = np.float64) -> Array:
    return np.random.default_rng(3).normal(0, 3, size=(5, 4)).astype(dtype)


def tolerance(dtype: Any) -> float:
    return ROUNDING_32 if np.finfo(dtype).eps > 1e-10 else ROUNDING


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_every_class_says_what_it_is(name: str) -> None:
    cls = ACTIVATIONS[name]
    assert cls.name == name
    assert cls.summary
    assert cls.latex
    assert cls.latex_derivative
    assert cls.lowest < cls.highest


@every_elementwise
@every_dtype
def test_values_by_formula(activation: Elementwise, dtype: Any) -> None:
    z = np.linspace(-30, 30, 121, dtype=dtype).reshape(11, 11)
    expected = [[by_formula(activation, float(each)) for each in row] for row in z]
    np.testing.assert_allclose(activation.value(z), expected, rtol=tolerance(dtype), atol=tolerance(dtype))


def test_gelu_is_near_the_exact_one() -> None:
    z = np.linspace(-8, 8, 400)
    exact = [each * 0.5 * (1 + math.erf(each / math.sqrt(2))) for each in z.tolist()]
    error = np.abs(ACTIVATIONS.create("gelu").value(z) - exact).max()
    assert 1e-4 < error < 5e-4


@every_elementwise
@given(st.floats(-10, 10))
@example(0.0)
@example(-0.0)
def test_derivative_by_complex_step_the_kink_included(activation: Elementwise, number: float) -> None:
    z = np.full((1, 1), number)
    numeric = activation.value(z + 1j * STEP).imag / STEP
    found = activation.derivative(z, activation.value(z))
    np.testing.assert_allclose(found, numeric, rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize("zero", [0.0, -0.0])
@pytest.mark.parametrize(
    ("name", "given", "at_zero"),
    [("relu", {}, 0.0), ("leaky_relu", {"slope": 0.2}, 0.2), ("elu", {"alpha": 0.7}, 0.7)],
)
def test_the_kink_belongs_to_the_left(
    name: str, given: dict[str, float], at_zero: float, zero: float
) -> None:
    activation = ACTIVATIONS.create(name, **given)
    assert isinstance(activation, Elementwise)
    z = np.array([[zero, 1e-300]])
    np.testing.assert_array_equal(activation.derivative(z, activation.value(z)), [[at_zero, 1]])


@every_elementwise
def test_no_slope_is_above_its_peak(activation: Elementwise) -> None:
    z = np.linspace(-40, 40, 1601).reshape(1, -1)
    largest = activation.derivative(z, activation.value(z)).max()
    # The bumps of GELU and SiLU rise a little above the slope of 1 that they tend to.
    assert activation.peak_derivative <= largest + ROUNDING
    assert largest <= activation.peak_derivative * 1.13


@every_elementwise
@every_dtype
def test_extreme_z_neither_overflows_nor_gives_nan(activation: Elementwise, dtype: Any) -> None:
    sizes = np.array([[1e4, 1e30, np.finfo(dtype).max]], dtype)
    for z, (slope, level) in zip((-sizes, sizes), tails(activation), strict=True):
        with np.errstate(all="raise", under="ignore"):
            a = activation.value(z)
            delta = activation.pullback(np.ones_like(z), z, a)
        np.testing.assert_allclose(a, dtype(slope) * z + dtype(level), rtol=1e-6, atol=1e-30)
        np.testing.assert_allclose(delta, np.full_like(z, slope), rtol=1e-6, atol=1e-30)
        assert a.dtype == delta.dtype == dtype
        assert (a >= activation.lowest).all()
        assert (a <= activation.highest).all()


@every_elementwise
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_extreme_z_with_a_complex_step(activation: Elementwise, dtype: Any) -> None:
    largest = np.finfo(dtype).max
    z = np.array([[-largest, -1e30, -1e4, 0, 1e4, 1e30, largest]]).astype(dtype)
    with np.errstate(all="raise", under="ignore"):
        a = activation.value(z)
    assert a.dtype == dtype
    np.testing.assert_allclose(a.real, activation.value(z.real), rtol=1e-6, atol=1e-30)
    assert not a.imag.any()


@every
@pytest.mark.parametrize(
    ("complex_dtype", "dtype"), [(np.complex64, np.float32), (np.complex128, np.float64)]
)
def test_complex_values_have_the_real_ones_within(
    activation: Activation, complex_dtype: Any, dtype: Any
) -> None:
    z = some_z(dtype)
    a = activation.value(z.astype(complex_dtype))
    assert a.dtype == complex_dtype
    np.testing.assert_allclose(a.real, activation.value(z), rtol=tolerance(dtype), atol=tolerance(dtype))
    assert not a.imag.any()


@every
@every_dtype
def test_buffers_change_no_bit(activation: Activation, dtype: Any) -> None:
    z, upstream = some_z(dtype), some_z(dtype)[::-1].copy()
    before = z.copy()
    a = activation.value(z)
    out, scratch = np.full_like(z, np.nan), np.full_like(z, np.nan)
    assert activation.value(z, out=out) is out
    np.testing.assert_array_equal(out, a)
    assert not np.shares_memory(a, z)

    bare = activation.pullback(upstream, z, a)
    assert bare.dtype == a.dtype == dtype
    written = activation.pullback(upstream, z, a, out=out, scratch=scratch)
    assert written is out
    np.testing.assert_array_equal(written, bare)
    np.testing.assert_array_equal(upstream, some_z(dtype)[::-1])  # not touched unless it is out itself
    in_place = activation.pullback(upstream, z, a, out=upstream, scratch=scratch)
    assert in_place is upstream
    np.testing.assert_array_equal(in_place, bare)
    np.testing.assert_array_equal(z, before)
    np.testing.assert_array_equal(a, activation.value(z))


@every
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=6))
def test_values_lie_within_their_bounds(activation: Activation, row: list[float]) -> None:
    a = activation.value(np.array([row]))
    assert (a >= activation.lowest).all()
    assert (a <= activation.highest).all()


SOFTMAX = ACTIVATIONS.create("softmax")
rows = st.lists(st.floats(-50, 50), min_size=1, max_size=6)


@given(rows)
def test_softmax_by_formula(row: list[float]) -> None:
    total = math.fsum(math.exp(z) for z in row)
    a = SOFTMAX.value(np.array([row]))
    np.testing.assert_allclose(a, [[math.exp(z) / total for z in row]], rtol=ROUNDING)


@every_dtype
def test_softmax_rows_sum_to_one_at_any_size(dtype: Any) -> None:
    half = np.finfo(dtype).max / 2  # a wider row's differences are no floats
    z = np.array([[-half, 0, half], [1e4, 1e4, 1e4], [-1e30, 1, 2], [1e30, 1e30, -1e30]], dtype)
    with np.errstate(all="raise", under="ignore"):
        a = SOFTMAX.value(z)
        delta = SOFTMAX.pullback(np.ones_like(z), z, a)
    expected: list[list[float]] = [
        [0, 0, 1],
        [1 / 3] * 3,
        [0, 1 / (1 + math.e), math.e / (1 + math.e)],
        [0.5, 0.5, 0],
    ]
    np.testing.assert_allclose(a, expected, rtol=1e-6)
    np.testing.assert_allclose(a.sum(axis=1), 1, rtol=1e-6)
    # Errors that are all alike cannot be undone by outputs that sum to 1.
    np.testing.assert_allclose(delta, 0, atol=1e-6)


@given(rows, st.integers(-1000, 1000))
def test_softmax_does_not_see_a_shift(row: list[float], shift: int) -> None:
    z = np.round(np.array([row]), 6)
    np.testing.assert_allclose(SOFTMAX.value(z + shift), SOFTMAX.value(z), rtol=1e-9)


@given(rows, st.integers(0, 1000))
def test_softmax_pullback_is_the_transposed_jacobian(row: list[float], seed: int) -> None:
    z = np.array([row])
    n = len(row)
    jacobian = np.empty((n, n))
    for k in range(n):
        moved = z.astype(complex)
        moved[0, k] += 1j * STEP
        jacobian[:, k] = SOFTMAX.value(moved).imag[0] / STEP
    upstream = np.random.default_rng(seed).normal(size=(1, n))
    found = SOFTMAX.pullback(upstream, z, SOFTMAX.value(z))
    np.testing.assert_allclose(found, upstream @ jacobian, rtol=ROUNDING, atol=ROUNDING)


def test_softmax_rows_do_not_mix() -> None:
    z, upstream = some_z(), some_z()[::-1].copy()
    a = SOFTMAX.value(z)
    found = SOFTMAX.pullback(upstream, z, a)
    for i in range(len(z)):
        row = slice(i, i + 1)
        np.testing.assert_allclose(SOFTMAX.value(z[row]), a[row], rtol=ROUNDING)
        np.testing.assert_allclose(
            SOFTMAX.pullback(upstream[row], z[row], a[row]), found[row], rtol=ROUNDING, atol=ROUNDING
        )


def test_corners() -> None:
    make = ACTIVATIONS.create
    assert make("sigmoid").kinks == make("softmax").kinks == make("elu").kinks == ()
    assert make("relu").kinks == make("leaky_relu").kinks == make("elu", alpha=2.0).kinks == (0.0,)
