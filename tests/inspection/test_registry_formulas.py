"""The registry's LaTeX says what its code computes."""

import numpy as np
import pytest

from bpnet.core.activations import ACTIVATIONS, Activation, Elementwise
from bpnet.core.arrays import Array
from bpnet.core.losses import LOSSES, Loss
from bpnet.core.registry import parameters_of
from bpnet.inspection.formulas import Expression, Name, Negative, Number, Rest, Sum, evaluate, shortened
from bpnet.inspection.registry_formulas import Lookup, read_formula
from tests.core.nets import PAIRS, make_batch

CLOSE = 1e-12
N = 4


def lookup_of(owner: Activation | Loss, **rows: Array) -> Lookup:
    letters = {parameter.name[0]: parameter.name for parameter in parameters_of(type(owner))}
    letters |= {"α": "alpha"}

    def lookup(name: str, unit: int | None) -> Expression:
        if name in rows:
            assert unit is not None
            return Name(name, float(rows[name][unit - 1]), 2, (unit,))
        return Name(name, float(getattr(owner, letters[name])))

    return lookup


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_an_activation_s_latex_is_its_value_and_its_slope(name: str) -> None:
    activation = ACTIVATIONS.create(name)
    for z in (np.random.default_rng(0).standard_normal(N), np.array([-3.0, 2.5, 0.3, -0.1])):
        a = activation.value(z[np.newaxis])
        lookup = lookup_of(activation, z=z, a=a[0])
        for unit in range(1, N + 1):
            value = read_formula(type(activation).latex, lookup, N, unit)
            assert evaluate(value) == pytest.approx(a[0, unit - 1], rel=CLOSE)
            for k in range(1, N + 1):
                upstream = np.eye(N)[[k - 1]]
                slope = activation.pullback(upstream, z[np.newaxis], a)[0, unit - 1]
                if isinstance(activation, Elementwise) and k != unit:
                    continue
                found = evaluate(read_formula(type(activation).latex_derivative, lookup, N, unit, k=k))
                assert found == pytest.approx(slope, rel=CLOSE, abs=1e-15)


@pytest.mark.parametrize(("output", "name"), PAIRS)
def test_a_loss_s_latex_is_its_value_and_its_gradient(output: str, name: str) -> None:
    loss, activation = LOSSES.create(name), ACTIVATIONS.create(output)
    _, Y = make_batch(name, 1, 2, N, 0)
    z = np.random.default_rng(1).standard_normal((1, N))
    a = activation.value(z)
    lookup = lookup_of(loss, a=a[0], y=Y[0])
    value = evaluate(read_formula(type(loss).latex, lookup, N))
    assert value == pytest.approx(loss.per_sample(z, a, Y)[0], rel=CLOSE)
    for unit in range(1, N + 1):
        found = evaluate(read_formula(type(loss).latex_gradient, lookup, N, unit))
        assert found == pytest.approx(loss.gradient(a, Y)[0, unit - 1], rel=CLOSE, abs=1e-15)


@pytest.mark.parametrize("latex", [r"z +", r"\int z", r"(z", r"z)", r"\frac{1}{z", r"z ? 2"])
def test_what_is_not_known_is_said(latex: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        read_formula(latex, lambda name, _: {"z": Number(2.0)}[name], 1, 1)


def test_a_long_sum_keeps_its_largest_terms_and_the_sum_of_the_rest() -> None:
    terms = tuple(map(Number, (1.0, -5.0, 0.25, 3.0, 0.5)))
    assert shortened(terms[:1], 3) == Number(1.0)
    assert shortened(terms[:3], 3) == Sum(terms[:3])
    short = shortened(terms, 3)
    assert isinstance(short, Sum)
    assert short.terms[:2] == (Number(-5.0), Number(3.0))
    assert short.terms[2] == Rest(3, 1.75)
    assert evaluate(short) == evaluate(Sum(terms)) == -0.25
    assert evaluate(Negative(Number(2.0))) == -2
