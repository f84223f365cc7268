import io
from collections.abc import Sequence

import pytest
from rich.console import Console

from bpnet.core.health import LayerHealth
from bpnet.report.layers import flags, layer_table
from tests.report.making import console, layer, text_of

OUTPUT = layer(4, 1.0, saturated=None, dead=None)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (layer(2, 1.0), []),
        (layer(2, 1 / 400), ["vanishing: δ² is 1/400 of δ⁴"]),
        (layer(3, 1 / 101), ["vanishing: δ³ is 1/101 of δ⁴"]),
        (layer(2, 1 / 99), []),
        (layer(2, 99.0), []),
        (layer(2, 1234.0), ["exploding: δ² is 1,234 × δ⁴"]),
        (layer(2, 1e300), ["exploding: δ² is 1e+300 × δ⁴"]),
        (layer(2, 1e-300), ["vanishing: δ² is 1/1e+300 of δ⁴"]),
        (layer(2, 0.0), ["no error comes here: δ² is 0"]),
        (layer(2, 0.0, dead=30), ["dead: 30 of 30 units"]),
        (layer(2, units=30, dead=12), ["dead: 12 of 30 units"]),
        (layer(2, saturated=0.61), ["61 % saturated"]),
        (layer(2, saturated=0.24), []),
        (layer(2, saturated=None, dead=None), []),
        (layer(2, update_ratio=0.5), ["large steps: 50 % of W"]),
        (layer(2, update_ratio=0.09), []),
        (layer(2, update_ratio=None), []),
        (
            layer(2, 1 / 200, dead=1, saturated=1.0, update_ratio=9.0),
            [
                "dead: 1 of 30 units",
                "vanishing: δ² is 1/200 of δ⁴",
                "100 % saturated",
                "large steps: 900 % of W",
            ],
        ),
    ],
)
def test_flags_in_plain_words(found: LayerHealth, expected: list[str]) -> None:
    assert flags(found, OUTPUT) == expected


def test_the_output_layer_is_not_compared_with_itself() -> None:
    assert flags(OUTPUT, OUTPUT) == []


def test_nothing_vanishes_where_there_is_no_error() -> None:
    assert flags(layer(2, 0.0), layer(4, 0.0)) == []
    assert flags(layer(2, 1.0), layer(4, 0.0)) == []


def drawn(layers: Sequence[LayerHealth], width: int = 80) -> list[str]:
    names = [(4, ""), *((each.units, "sigmoid") for each in layers)]
    to = console(width)
    to.print(layer_table(layers, names, width=width))
    return text_of(to).splitlines()


def test_layers_stand_from_the_output_back() -> None:
    lines = drawn([layer(2), layer(3), layer(4, units=10)])
    assert [line.split()[0] for line in lines[2:]] == ["4", "3", "2"]
    assert lines[2].split() == ["4", "10", "sigmoid", "1.0e+00", "█" * 10, "5.0e-01", "0.1", "%", "learning"]


@pytest.mark.parametrize("width", [40, 60, 70, 80, 99, 100, 112, 140])
def test_no_line_is_wider_than_asked_and_nothing_is_cut(width: int) -> None:
    troubled = layer(2, 1 / 54_901, units=128, dead=3, saturated=0.4, update_ratio=0.3)
    lines = drawn([troubled, layer(3, 1.0)], width)
    assert max(map(len, lines)) <= width
    words = " ".join(" ".join(lines).split())
    assert "…" not in words
    for word in (
        "1/54,901",
        "saturated",
        "3.0e-01" if width > 200 else "1.8e-05",
        "learning",
        "layer",
        "δ RMS",
    ):
        assert word in words
    assert ("∇W RMS" in words) is (width >= 70)


@pytest.mark.parametrize("width", [100, 140])
def test_a_flag_takes_one_line_on_a_wide_screen(width: int) -> None:
    lines = drawn([layer(2, 1 / 54_901), layer(3, 1.0)], width)
    assert lines[-1].endswith("vanishing: δ² is 1/54,901 of δ³" + " " * (width - len(lines[-1].rstrip())))
    assert len(lines) == 4


@pytest.mark.parametrize(
    ("delta", "bar"),
    [(1.0, "██████████"), (1e-2, "█████"), (10**-3.6, "█"), (1e-4, "▏"), (1e-300, "▏"), (0.0, "")],
)
def test_the_bar_is_logarithmic(delta: float, bar: str) -> None:
    line = drawn([layer(2, delta), layer(3, 1.0)])[3]
    assert "".join(c for c in line if c in "█▏▎▍▌▋▊▉") == bar


def test_a_bar_survives_numbers_of_any_size() -> None:
    lines = drawn([layer(2, 1e-300), layer(3, 1e300)])
    assert "exploding" not in "".join(lines)
    assert "1e-300" in "".join(lines) or "1.0e-300" in "".join(lines)


def test_where_no_error_is_left_nothing_is_learning() -> None:
    lines = drawn([layer(2, 0.0), layer(3, 0.0)])
    assert [line.split()[-3:] for line in lines[2:]] == [["no", "error", "left"]] * 2


def test_before_the_first_step_there_is_no_ratio() -> None:
    assert "%" not in "".join(drawn([layer(2, update_ratio=None), layer(3, update_ratio=None)]))


def test_flags_are_coloured_as_warnings() -> None:
    to = Console(file=io.StringIO(), force_terminal=True, width=140, _environ={})
    to.print(layer_table([layer(2, saturated=0.5), layer(3)], [(1, ""), (1, "tanh"), (1, "tanh")], width=140))
    assert "\x1b[33m50 % saturated" in text_of(to)
