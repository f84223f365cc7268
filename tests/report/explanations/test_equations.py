"""Every equation that is printed holds: read from the page, with its numbers put in."""

import io
import re

import pytest
from rich.console import Console

from bpnet.inspection.explanation.blocks import Equation
from bpnet.inspection.explanation.record import Explanation
from bpnet.report.explanations.latex import latex
from bpnet.report.explanations.markdown import markdown
from bpnet.report.explanations.terminal import print_sections
from tests.inspection.explanation.making import LAYERS, explained
from tests.report.explanations.reading import from_latex, from_plain, value_of

DIGITS = 15
CLOSE = 1e-9
"""What 15 digits leave of sums whose parts are a few hundred times their result."""


def page_of(explanation: Explanation) -> str:
    file = io.StringIO()
    console = Console(file=file, width=10_000, highlight=False)
    print_sections(console, explanation.title, explanation.sections, DIGITS)
    return file.getvalue()


def equations_in_text(page: str) -> list[list[str]]:
    """What stands after each = of each equation."""
    found: list[list[str]] = []
    for line in page.splitlines():
        match = re.match(r"^ {3}(\S*) *= (.*?)(?: {3}[✓✗].*)?\s*$", line)
        if match and not re.search("[⎡⎢⎣⊙ᵀ]| through |^ {3}\\[", line):
            if match[1]:
                found.append([])
            found[-1].append(match[2])
    return [each for each in found if len(each) > 1 or value_of(from_plain(each[0])) is not None]


def equations_in_latex(page: str) -> list[list[str]]:
    blocks = re.findall(r"\\begin\{aligned\}\n(.*?)\n\\end\{aligned\}", page, re.DOTALL)
    found = []
    for block in blocks:
        if "bmatrix" in block or "shapes" in block:
            continue
        joined = block.replace(" \\\\\n&\\quad ", " ")
        lines = [re.sub(r" \\qquad .*$", "", line) for line in joined.split(" \\\\\n")]
        found.append([line.partition("&=")[2].strip() for line in lines])
    return found


def count(explanation: Explanation) -> int:
    return sum(isinstance(block, Equation) for section in explanation.sections for block in section.blocks)


def check(equations: list[list[str]], expected: int, numbers_of: object) -> int:
    assert len(equations) == expected
    checked = 0
    for steps in equations:
        values = [numbers_of(step) for step in steps]  # type: ignore[operator]  # a function
        result = values[-1]
        assert result is not None, steps
        for step, value in zip(steps[:-1], values[:-1], strict=True):
            if value is not None:
                checked += 1
                assert value == pytest.approx(result, rel=CLOSE, abs=1e-13), (step, steps)
    return checked


@pytest.mark.parametrize(("name", "layer"), LAYERS)
def test_in_the_terminal(name: str, layer: int) -> None:
    explanation = explained(name, layer)
    assert explanation.is_proved
    checked = check(
        equations_in_text(page_of(explanation)), count(explanation), lambda text: value_of(from_plain(text))
    )
    assert checked > count(explanation) / 2


@pytest.mark.parametrize("write", [markdown, latex])
@pytest.mark.parametrize(("name", "layer"), LAYERS)
def test_in_markdown_and_latex(name: str, layer: int, write: object) -> None:
    explanation = explained(name, layer)
    page = write(explanation.title, explanation.sections, DIGITS)  # type: ignore[operator]  # a function
    checked = check(equations_in_latex(page), count(explanation), lambda text: value_of(from_latex(text)))
    assert checked > count(explanation) / 2


def test_a_wrong_number_would_be_seen() -> None:
    page = page_of(explained("2-2-1", 2))
    equations = equations_in_text(page)
    numbers = next(
        step for steps in equations for step in steps if re.match(r"^-?0\.\d+·", step.replace("−", "-"))
    )
    spoilt = page.replace(numbers, numbers.replace("0.", "1.", 1), 1)
    with pytest.raises(AssertionError):
        check(equations_in_text(spoilt), len(equations), lambda text: value_of(from_plain(text)))
