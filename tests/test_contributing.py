"""CONTRIBUTING shows how to add an activation: what it shows must work."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpnet.core import activations
from bpnet.core.activations import Elementwise
from bpnet.core.registry import Registry
from bpnet.inspection import scalar
from bpnet.inspection.formulas import Name, evaluate
from bpnet.inspection.registry_formulas import read_formula
from tests.core.nets import STEP
from tests.tolerances import ROUNDING

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def example() -> Elementwise:
    block = re.search(r"```python\n(@ACTIVATIONS\.register.*?)```", GUIDE, re.DOTALL)
    assert block
    registry: Registry[Elementwise] = Registry("activation")
    names: dict[str, Any] = vars(activations) | {"ACTIVATIONS": registry}
    exec(block[1], names)  # noqa: S102 - it is our own page
    (name,) = registry
    return registry.create(name)


def test_the_example_s_derivative_is_that_of_its_value() -> None:
    activation = example()
    z = np.linspace(-20, 20, 81).reshape(-1, 1)
    numeric = activation.value(z + 1j * STEP).imag / STEP
    found = activation.derivative(z, activation.value(z))
    np.testing.assert_allclose(found, numeric, rtol=ROUNDING, atol=ROUNDING)


def test_the_example_s_latex_is_what_it_computes() -> None:
    activation = example()
    for z in (-2.5, -0.1, 0.7, 3.0):
        row = np.array([[z]])
        a = activation.value(row)
        names = {"z": Name("z", z, 2, (1,)), "a": Name("a", float(a[0, 0]), 2, (1,))}

        def lookup(name: str, _: int | None, names: dict[str, Name] = names) -> Name:
            return names[name]

        kind = type(activation)
        value, slope = (
            evaluate(read_formula(latex, lookup, 1, 1)) for latex in (kind.latex, kind.latex_derivative)
        )
        assert value == pytest.approx(a[0, 0], rel=ROUNDING)
        assert slope == pytest.approx(activation.derivative(row, a)[0, 0], rel=ROUNDING)


def test_the_example_in_plain_python_is_the_same() -> None:
    activation = example()
    (line,) = re.findall(r'^    "mish": (lambda _, z: .*),$', GUIDE, re.MULTILINE)
    in_plain_python = eval(line, vars(scalar))  # noqa: S307 - it is our own page
    z = np.linspace(-800, 800, 101)
    found = activation.value(z.reshape(-1, 1)).ravel()
    expected = [in_plain_python(activation, each) for each in z.tolist()]
    np.testing.assert_allclose(found, expected, rtol=ROUNDING, atol=ROUNDING)


def test_the_example_is_not_there_yet() -> None:
    assert example().name not in activations.ACTIVATIONS


def test_the_files_and_tables_it_names_are_there() -> None:
    steps = GUIDE.partition("## Add an activation")[2]
    tables = re.findall(r"In `(\S+\.py)`, `(\w+)`", steps)
    assert {file for file, _ in tables} > {"bpnet/inspection/scalar.py", "tests/core/test_gradients.py"}
    for file, table in tables:
        assert re.search(rf"^(def )?{table}\b", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", GUIDE)
    assert links
    assert [link for link in links if not (ROOT / link).is_file()] == []
