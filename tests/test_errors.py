import pytest

from bpnet import errors
from bpnet.errors import BpnetError, ConfigError, Problem


def kinds(cls: type[BpnetError]) -> list[type[BpnetError]]:
    return [cls, *(kind for child in cls.__subclasses__() for kind in kinds(child))]


def test_exit_codes_are_those_of_the_design() -> None:
    codes = {cls.__name__: cls.exit_code for cls in kinds(BpnetError) if cls.__module__ == errors.__name__}
    assert len(codes) >= 7
    others = {name: code for name, code in codes.items() if code != BpnetError.exit_code}
    assert BpnetError.exit_code == 2
    assert others == {"DivergenceError": 5, "OutputError": 6}


def test_a_message_stands_alone_or_with_advice_below() -> None:
    assert str(BpnetError("row 3 is empty")) == "row 3 is empty"
    error = BpnetError("row 3 is empty", advice="Delete it.")
    assert str(error) == "row 3 is empty\nDelete it."
    assert (error.message, error.advice) == ("row 3 is empty", "Delete it.")


@pytest.mark.parametrize(
    ("path", "expected"),
    [("training.epochs", "a.yaml:3:5: training.epochs: found 0"), ("", "a.yaml:3:5: found 0")],
)
def test_a_problem_says_where(path: str, expected: str) -> None:
    assert str(Problem("a.yaml:3:5", path, "found 0")) == expected


def test_a_config_error_tells_every_problem() -> None:
    problems = (Problem("a.yaml:3:5", "training.epochs", "found 0"), Problem("a.yaml:9:1", "", "no YAML"))
    error = ConfigError(problems, advice="See bpnet schema.")
    assert error.problems == problems
    assert error.message == "a.yaml:3:5: training.epochs: found 0\na.yaml:9:1: no YAML"
    assert str(error).endswith("no YAML\nSee bpnet schema.")
