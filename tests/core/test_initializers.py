import math
from collections.abc import Callable

import numpy as np
import pytest

from bpnet.core.initializers import INITIALIZERS
from tests.tolerances import STANDARD_ERRORS

N_IN, N_OUT = 300, 200

VARIANCES: dict[str, Callable[[int, int], float]] = {
    "glorot_uniform": lambda n_in, n_out: 2 / (n_in + n_out),
    "glorot_normal": lambda n_in, n_out: 2 / (n_in + n_out),
    "he_uniform": lambda n_in, _: 2 / n_in,
    "he_normal": lambda n_in, _: 2 / n_in,
    "lecun_uniform": lambda n_in, _: 1 / n_in,
    "lecun_normal": lambda n_in, _: 1 / n_in,
    "nielsen": lambda n_in, _: 1 / n_in,
    "standard_normal": lambda _, __: 1.0,
    "zeros": lambda _, __: 0.0,
}

every = pytest.mark.parametrize("name", list(INITIALIZERS))


@every
def test_every_class_says_what_it_is(name: str) -> None:
    assert INITIALIZERS[name].name == name
    assert INITIALIZERS[name].summary


@every
@pytest.mark.parametrize(("n_in", "n_out"), [(N_IN, N_OUT), (50, 1000)])
def test_weights_have_the_mean_and_variance_that_are_documented(name: str, n_in: int, n_out: int) -> None:
    W = INITIALIZERS.create(name).weights(n_in, n_out, np.random.default_rng(7))
    variance = VARIANCES[name](n_in, n_out)
    assert W.shape == (n_out, n_in)
    assert W.dtype == np.float64
    # The variance of a sample variance follows from the fourth moment: 9/5 of a uniform, 3 of a normal.
    kurtosis = 1.8 if name.endswith("uniform") else 3
    assert abs(W.mean()) <= STANDARD_ERRORS * math.sqrt(variance / W.size)
    assert abs(W.var() - variance) <= STANDARD_ERRORS * variance * math.sqrt((kurtosis - 1) / W.size)


@every
def test_the_shape_of_the_distribution(name: str) -> None:
    W = INITIALIZERS.create(name).weights(N_IN, N_OUT, np.random.default_rng(7))
    deviation = math.sqrt(VARIANCES[name](N_IN, N_OUT))
    if name.endswith("uniform"):
        limit = math.sqrt(3) * deviation
        assert 0.999 * limit < np.abs(W).max() <= limit
        assert np.mean(np.abs(W) < limit / 2) == pytest.approx(
            0.5, abs=STANDARD_ERRORS * 0.5 / math.sqrt(W.size)
        )
    elif deviation:
        within = math.erf(1 / math.sqrt(2))
        error = math.sqrt(within * (1 - within) / W.size)
        assert np.mean(np.abs(W) < deviation) == pytest.approx(within, abs=STANDARD_ERRORS * error)
        assert np.abs(W).max() > 3.5 * deviation


@every
def test_biases(name: str) -> None:
    b = INITIALIZERS.create(name).biases(10_000, np.random.default_rng(7))
    assert b.shape == (10_000,)
    assert b.dtype == np.float64
    if name in {"nielsen", "standard_normal"}:
        assert abs(b.mean()) < STANDARD_ERRORS / 100
        assert abs(b.var() - 1) < STANDARD_ERRORS * math.sqrt(2) / 100
    else:
        assert not b.any()


def test_zeros_are_zeros() -> None:
    assert not INITIALIZERS.create("zeros").weights(3, 4, np.random.default_rng(0)).any()


@pytest.mark.parametrize("name", [name for name in INITIALIZERS if name != "zeros"])
def test_the_generator_alone_decides(name: str) -> None:
    initializer = INITIALIZERS.create(name)
    first, second, other = (initializer.weights(5, 4, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert (first != other).all()
    rng = np.random.default_rng(1)
    assert (initializer.weights(5, 4, rng) != initializer.weights(5, 4, rng)).all()
