import doctest
import inspect
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bpnet
from bpnet import testing
from bpnet.core.losses import Quadratic
from bpnet.errors import BpnetError, ConfigError, DataError
from bpnet.experiment.checking import open_task
from bpnet.inspection import tensors
from bpnet.inspection.cases import write_case
from bpnet.inspection.mistakes import tensors_of
from bpnet.testing import assert_gradients


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def right(reference: str = "mazur") -> dict[str, Any]:
    point = open_task(reference).point
    return {f"{name}{l}": array for (name, l), array in tensors_of(point.backward(point.forward())).items()}


def failure(*arguments: Any, **options: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        assert_gradients(*arguments, **options)
    return str(caught.value)


def test_the_public_name_and_its_arguments() -> None:
    assert testing.__all__ == ["assert_gradients"]
    assert list(inspect.signature(assert_gradients).parameters) == [
        "reference",
        "gradients",
        "case",
        "overrides",
        "budget",
    ]


def test_the_example_in_its_docstring() -> None:
    found = doctest.testmod(testing, optionflags=doctest.ELLIPSIS)
    assert (found.attempted, found.failed) == (4, 0)


@pytest.mark.parametrize("reference", [None, "xor", "iris"])
def test_right_gradients_of_bpnet_pass(reference: str | None) -> None:
    assert_gradients(reference)


def test_a_run_a_path_and_overrides() -> None:
    run = bpnet.train("xor", overrides=["training.epochs=2"]).folder
    assert_gradients(run)
    assert_gradients(str(run), budget=1.0)
    assert_gradients()
    assert_gradients("xor", overrides=["network.activation=gelu"])


def test_wrong_gradients_of_bpnet_fail_with_the_diagnosis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Quadratic, "gradient", lambda self, a, y: 1.001 * (a - y))
    first, *_, last = failure("source").splitlines()
    assert first.startswith("BP1 is the first to go wrong: δ³ at the output is not ∂C/∂z³")
    assert re.fullmatch(
        r"Worst: [Wb][23]\[[0-9, ]+\] is \S+, but should be \S+ \(relative error 5\.0e-04, allowed 1e-08\)\.",
        last,
    )


def test_numbers_that_are_not_finite_fail_too() -> None:
    told = failure(
        "source",
        overrides=[
            "network.activation=identity",
            "network.output_activation=identity",
            "network.parameters[0].W=[[1e200, 1e200], [1e200, 1e200]]",
        ],
    )
    assert told.startswith("The gradients are inconclusive.")


def test_a_check_that_is_blind_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensors, "relative_errors", lambda analytic, numeric: np.zeros_like(analytic))
    first, *rest = failure("xor").splitlines()
    assert first == "The check failed its own test, and says nothing of the gradients."
    assert "not caught: sign (missed" in "\n".join(rest)


# Other people's


def forms(folder: Path, arrays: dict[str, Any]) -> list[Any]:
    np.savez(folder / "mine.npz", allow_pickle=False, **arrays)
    entries = [{"layer": l, "W": arrays[f"W{l}"].tolist(), "b": arrays[f"b{l}"].tolist()} for l in (2, 3)]
    (folder / "mine.json").write_text(json.dumps(entries), encoding="utf-8")
    return [arrays, folder / "mine.npz", str(folder / "mine.json")]


def test_right_gradients_in_any_form_pass(here: Path) -> None:
    for given in forms(here, right()):
        assert_gradients("mazur", gradients=given)
    assert_gradients("mazur", gradients={"W3": right()["W3"]})
    assert_gradients("iris", gradients=right("iris"))


def test_wrong_ones_in_any_form_fail_with_the_same_words(here: Path) -> None:
    arrays = right()
    arrays["W3"] = 2 * arrays["W3"]
    arrays["W3"][1, 0] *= 1.5
    told = {failure("mazur", gradients=given) for given in forms(here, arrays)}
    assert len(told) == 1
    (text,) = told
    assert "∇W³" in text.splitlines()[0]
    assert "Worst: W3[1, 0] is -0.0678076214, but should be -0.0226025405" in text


def test_a_transposed_tensor_fails_and_a_worst_element_is_told_all_the_same() -> None:
    arrays = right()
    arrays["W3"] = arrays["W3"].T
    text = failure("mazur", gradients=arrays)
    assert "transposed" in text


def test_a_case_stands_for_a_config(here: Path) -> None:
    task = open_task("iris")
    (here / "case.json").write_text(write_case(task.point, task.rate), encoding="utf-8")
    assert_gradients(case="case.json")
    assert_gradients(case=here / "case.json", gradients=right("iris"))
    wrong = {name: -array for name, array in right("iris").items()}
    assert "sign" in failure(case="case.json", gradients=wrong)


def test_a_wrong_case_s_own_gradient_fails(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = open_task("mazur")
    (here / "case.json").write_text(write_case(task.point, task.rate), encoding="utf-8")
    monkeypatch.setattr(Quadratic, "gradient", lambda self, a, y: 2 * (a - y))
    assert "BP1 is the first" in failure(case="case.json")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"reference": "nothing"}, ConfigError, "nothing"),
        ({"reference": "mazur", "gradients": "missing.json"}, DataError, "missing.json"),
        ({"reference": "mazur", "gradients": {"W9": [[1.0]]}}, DataError, "holds W9"),
        ({"reference": "mazur", "gradients": {}}, DataError, "holds no gradient"),
        ({"reference": "mazur", "case": "case.json"}, BpnetError, "says all itself"),
        ({"case": "case.json"}, DataError, "case.json"),
    ],
)
def test_what_cannot_be_read_is_an_error_and_no_failure(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        assert_gradients(**options)


def test_it_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    assert_gradients("mazur", gradients=right())
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("budget", [-1.0, float("nan")])
def test_a_budget_that_is_none_is_refused(budget: float) -> None:
    with pytest.raises(BpnetError, match="A budget is a number of seconds, 0 or more"):
        assert_gradients("mazur", budget=budget)


def test_gradients_of_another_kind_are_refused() -> None:
    with pytest.raises(DataError, match="Gradients come as a path or a mapping, found list"):
        assert_gradients("mazur", gradients=[1.0])  # type: ignore[arg-type]  # that is what is tried
