import pytest

from bpnet.errors import BpnetError, ConfigError, DataError, Problem
from bpnet.report.errors import print_error, print_warning
from tests.report.making import console, text_of

ONE = Problem("a.yaml:3:5", "training.epochs", "found 0, expected a whole number of at least 1")
TWO = Problem("a.yaml:9:1", "", "a tab cannot indent [here]")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (DataError("x.csv is empty."), ["Error: x.csv is empty."]),
        (
            DataError("x[0] is [bold]empty[/].", advice="Fill [it]."),
            ["Error: x[0] is [bold]empty[/].", "Fill [it]."],
        ),
        (
            ConfigError((ONE,)),
            ["Error: 1 mistake in the config", f"  a.yaml:3:5: training.epochs: {ONE.message}"],
        ),
        (
            ConfigError((ONE, TWO), advice="See the README."),
            [
                "Error: 2 mistakes in the config",
                f"  a.yaml:3:5: training.epochs: {ONE.message}",
                "  a.yaml:9:1: a tab cannot indent [here]",
                "See the README.",
            ],
        ),
    ],
)
def test_an_error_says_what_where_and_what_to_do(error: BpnetError, expected: list[str]) -> None:
    to = console(200)
    print_error(to, error)
    assert text_of(to).splitlines() == expected


def test_a_warning_is_a_note() -> None:
    to = console()
    print_warning(to, "Column [x] is [red]constant[/].")
    assert text_of(to) == "Note: Column [x] is [red]constant[/].\n"
