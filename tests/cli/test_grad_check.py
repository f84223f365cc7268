"""``bpnet grad-check`` from the outside: what it checks, says and ends with."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pexpect
import pytest
from rich.cells import cell_len

import bpnet as package
from bpnet.core import backprop
from bpnet.core.activations import Sigmoid
from bpnet.core.backprop import Gradients
from bpnet.inspection import self_test, tensors
from bpnet.inspection.cases import read_case
from bpnet.inspection.mistakes import tensors_of
from tests.cli.running import ENVIRONMENT, PROGRAM, Ran, bpnet, process, refused
from tests.report.making import CONTROL_CODE

CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
LAST = "The gradients are right: their relative error is"


def words(text: str) -> str:
    return " ".join(text.split())


def passed(ran: Ran) -> str:
    assert (ran.code, ran.err) == (0, ""), ran
    text = words(ran.out)
    assert re.search(rf"{LAST} \S+ at most\.$", text)
    return text


def document(ran: Ran) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ran.out, parse_constant=pytest.fail)
    return found


# What is checked


def test_without_anything_it_is_the_source_s_network() -> None:
    ran = bpnet("grad-check")
    text = passed(ran)
    assert text.startswith(
        "Checking config source, the source's 2-2-1 network (there is no run here), at its starting weights. "
    )
    assert "18 of 18 planted faults caught" in text


def test_with_a_run_it_is_the_newest_run() -> None:
    run = package.train("xor", overrides=["training.epochs=2"]).folder
    text = passed(bpnet("grad-check"))
    assert text.startswith(f"Checking run {run}, the newest run here, at its saved weights. ")
    assert passed(bpnet("grad-check", run)).startswith(f"Checking run {run}, at its saved weights. ")


def test_a_built_in_config_a_file_and_standard_input(folder: Path) -> None:
    assert passed(bpnet("grad-check", "iris")).startswith("Checking config iris, at its starting weights.")
    text = "data: {inputs: [[0, 1]], targets: [[1]]}\nnetwork: {layers: [2, 3, 1]}\n"
    text += "training: {loss: quadratic, learning_rate: 0.1, epochs: 1}\n"
    (folder / "mine.yaml").write_text(text, encoding="utf-8")
    assert passed(bpnet("grad-check", "mine.yaml")).startswith("Checking config mine.yaml, at its")
    ran = process("grad-check", "-", cwd=folder, redirected="< mine.yaml")
    assert passed(ran).startswith("Checking config -, at its")


def test_overrides_count() -> None:
    ran = bpnet(
        "grad-check", "xor", "--set", "network.layers=[2, 3, 4, 1]", "--set", "training.optimizer=adamw"
    )
    text = passed(ran)
    assert "∂C/∂W² 3 × 2" in text
    assert "∂C/∂W³ 4 × 3" in text
    assert "optimizer ✓ pass adamw, 20 steps" in text


@pytest.mark.parametrize("arguments", [("nothing",), ("runs",), ("xor", "--set", "training.epochs=none")])
def test_mistakes_are_told(folder: Path, arguments: tuple[str, ...]) -> None:
    (folder / "runs").mkdir()
    refused("grad-check", *arguments)


def test_nothing_is_written(folder: Path) -> None:
    bpnet("grad-check")
    bpnet("grad-check", "xor", "--json")
    assert list(folder.iterdir()) == []


# Options


def test_one_layer_alone() -> None:
    out = bpnet("grad-check", "--layer", "3").out
    assert "∂C/∂W³" in out
    assert "∂C/∂W²" not in out
    found, whole = (document(bpnet("grad-check", *extra, "--json")) for extra in (("--layer", "2"), ()))
    assert [(each["layer"], each["tensor"]) for each in found["layers"]] == [(2, "W"), (2, "b")]
    assert [each["stage"] for each in found["stages"]] == ["BP2", "BP3", "BP4"]
    for name in ("layers", "stages", "taylor", "differences"):
        assert found[name] == [each for each in whole[name] if each["layer"] == 2]
    assert found["max_relative_error"] == whole["max_relative_error"], "of all layers"


@pytest.mark.parametrize("layer", ["1", "4", "0", "-1"])
def test_a_layer_that_is_not_there_is_refused_naming_those_that_are(layer: str) -> None:
    for extra in ((), ("--json",)):
        text = words(refused("grad-check", "xor", "--layer", layer, *extra))
        assert f"no layer {layer} with parameters: --layer takes 2 (the first hidden layer) to 3" in text


def test_the_self_test_in_full_lists_all_faults() -> None:
    short, full = bpnet("grad-check", "xor"), bpnet("grad-check", "xor", "--self-test")
    passed(full)
    names = [*self_test.faults(), "momentum or Adam steps gone wrong"]
    assert len(names) == 18
    assert full.out.count("✓ caught") == 18
    assert "✓ caught" not in short.out
    assert all(name.split()[0] in full.out for name in names)


def test_a_small_budget_samples_and_says_how_much() -> None:
    text = passed(bpnet("grad-check", "digits", "--budget", "0"))
    assert "Checked: 58 of 2,410 parameters (2.4 %; --budget 1 for all)." in text
    assert "∂C/∂W² 32 × 64 1 %" in text
    found = document(bpnet("grad-check", "digits", "--budget", "0", "--json"))
    assert min(each["checked"] for each in found["layers"] if each["total"] >= 16) == 16
    assert "Checked:" not in bpnet("grad-check", "digits", "--budget", "1").out


@pytest.mark.parametrize("budget", ["-1", "soon"])
def test_a_budget_that_is_none(budget: str) -> None:
    ran = bpnet("grad-check", "--budget", budget)
    assert (ran.code, ran.out) == (2, "")


# JSON


def test_the_document_has_what_is_promised() -> None:
    ran = bpnet("grad-check", "xor", "--json")
    assert (ran.code, ran.err) == (0, "")
    found = document(ran)
    assert set(found) == {
        "checked",
        "verdict",
        "max_relative_error",
        "threshold",
        "not_given",
        "layers",
        "stages",
        "taylor",
        "self_test",
        "diagnosis",
        "differences",
        "kinks",
        "points",
        "notes",
    }
    assert (found["verdict"], found["threshold"], found["diagnosis"]) == ("pass", 1e-8, [])
    assert found["checked"] == "config xor, at its starting weights"
    assert found["max_relative_error"] == max(found["points"].values())
    shown = max(each["max_relative_error"] for each in found["layers"])
    assert shown == found["points"]["the given weights"]
    assert {each["point"] for each in found["layers"]} == {"the given weights"}
    for each in found["layers"]:
        assert set(each) == {
            "layer",
            "tensor",
            "shape",
            "checked",
            "total",
            "max_relative_error",
            "worst",
            "point",
            "verdict",
            "note",
        }
        assert set(each["worst"]) == {"index", "analytic", "numeric"}
    assert [(each["layer"], each["tensor"], each["shape"]) for each in found["layers"]] == [
        (3, "W", [1, 8]),
        (3, "b", [1]),
        (2, "W", [8, 2]),
        (2, "b", [8]),
    ]
    for each in found["stages"]:
        assert set(each) == {"stage", "layer", "max_relative_error", "verdict", "point", "note"}
    assert {each["stage"] for each in found["stages"]} == {
        "cost",
        "BP1",
        "BP2",
        "BP3",
        "BP4",
        "∇ₐC",
        "step",
        "far out",
        "optimizer",
    }
    for each in found["taylor"]:
        assert set(each) == {"layer", "order", "verdict", "reason"}
    assert set(found["self_test"]) == {"planted", "caught", "faults"}
    assert (found["self_test"]["planted"], found["self_test"]["caught"]) == (18, 18)
    for each in found["self_test"]["faults"]:
        assert set(each) == {"name", "caught", "variants", "note"}


def test_the_document_is_that_of_the_python_function() -> None:
    found = document(bpnet("grad-check", "iris", "--json"))
    assert found.pop("checked") == "config iris, at its starting weights"
    assert found == package.grad_check("iris").to_json()


# Verdicts and exit codes


def spoil(monkeypatch: pytest.MonkeyPatch, tensor: str, l: int, factor: float) -> None:
    """Plant a fault in the backward pass, wherever it is called."""
    right = backprop.backward

    def wrong(*arguments: Any, **options: Any) -> Gradients:
        gradients = right(*arguments, **options)
        getattr(gradients, tensor)[l][...] *= factor
        return gradients

    for module in ("inspection.point", "training.trainer", "inspection.ingredients"):
        monkeypatch.setattr(f"bpnet.{module}.backward", wrong)


@pytest.mark.parametrize("factor", [1.001, -1.0])
@pytest.mark.parametrize(
    ("tensor", "l", "expected"),
    [
        ("nabla_W", 3, "BP4 is the first to go wrong: δ³ is right, ∂C/∂W³ is not δ³ times a²"),
        ("nabla_W", 2, "BP4 is the first to go wrong: δ² is right, ∂C/∂W² is not δ² times a¹"),
        ("nabla_b", 2, "BP3 is the first to go wrong: δ² is right, ∂C/∂b² is not its sum"),
    ],
)
def test_a_fault_in_the_backward_pass_ends_with_1_and_its_diagnosis_first(
    tensor: str, l: int, factor: float, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, tensor, l, factor)
    ran = bpnet("grad-check", "xor")
    assert (ran.code, ran.err) == (1, "")
    subject, _, rest = ran.out.partition("\n")
    assert subject == "Checking config xor, at its starting weights."
    assert words(rest).startswith(expected)
    assert words(ran.out).endswith("These gradients are wrong.")
    ran = bpnet("grad-check", "xor", "--json")
    assert ran.code == 1
    found = document(ran)
    assert found["verdict"] == "fail"
    assert [sentence.startswith(expected) for sentence in found["diagnosis"]] == [True]
    assert (found["self_test"]["planted"]) == 18


def test_a_fault_in_the_step_back_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sigmoid, "derivative", lambda self, z, a, out=None: a * (1 + a))
    ran = bpnet("grad-check", "source")
    assert ran.code == 1
    assert "BP1 is the first to go wrong: δ³ at the output is not ∂C/∂z³" in words(ran.out)


def test_numbers_that_are_not_finite_end_with_3() -> None:
    huge = (
        "--set",
        "network.parameters[0].W=[[1e200, 1e200], [1e200, 1e200]]",
        "--set",
        "network.activation=identity",
    )
    ran = bpnet("grad-check", "source", "--set", "network.output_activation=identity", *huge)
    assert (ran.code, ran.err) == (3, "")
    assert words(ran.out).endswith("Nothing can be said: there are numbers that are not finite.")
    ran = bpnet("grad-check", "source", "--set", "network.output_activation=identity", *huge, "--json")
    assert ran.code == 3
    found = document(ran)
    assert found["verdict"] == "inconclusive"
    assert None in [each["max_relative_error"] for each in found["layers"]]


@pytest.mark.parametrize("how", ["errors", "threshold"])
def test_a_check_that_is_blind_ends_with_4_and_the_reason(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if how == "errors":
        monkeypatch.setattr(tensors, "relative_errors", lambda analytic, numeric: np.zeros_like(analytic))
    else:
        monkeypatch.setattr(tensors.check_tensors, "__kwdefaults__", {"threshold": 1e9})
    ran = bpnet("grad-check", "xor")
    assert (ran.code, ran.err) == (4, "")
    text = words(ran.out)
    assert "self-test ✗ FAIL" in text
    assert "not caught: " in text
    assert "factor 2 (missed 5 of 5: at a generic probe, W3 differs and passes)" in text
    assert text.endswith("The check failed its own test: what it says of the gradients is worth nothing.")
    found = document(bpnet("grad-check", "xor", "--json"))
    assert found["self_test"]["caught"] < found["self_test"]["planted"] == 18
    assert bpnet("grad-check", "xor", "--json").code == 4


def test_a_blind_check_of_wrong_gradients_ends_with_4_too(monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(monkeypatch, "nabla_W", 3, 2)
    monkeypatch.setattr(tensors, "relative_errors", lambda analytic, numeric: np.zeros_like(analytic))
    assert bpnet("grad-check", "xor").code == 4


# Other people's gradients


def mine(folder: Path, change: Any = None, *, name: str = "mine.json", config: str = "mazur") -> None:
    """Write a case, and what a program made of it."""
    ran = bpnet("grad-check", config, "--case", "case.json")
    assert (ran.code, ran.err) == (0, "")
    point, _ = read_case(folder / "case.json")
    arrays = {f"{key}{l}": array for (key, l), array in tensors_of(point.backward(point.forward())).items()}
    arrays |= change(arrays) if change else {}
    given = {key: np.asarray(array) for key, array in arrays.items() if array is not None}
    if name.endswith(".npz"):
        np.savez(folder / name, allow_pickle=False, **given)
        return
    entries = [
        {"layer": l, **{key: given[f"{key}{l}"].tolist() for key in "Wb" if f"{key}{l}" in given}}
        for l in point.network.layers
    ]
    (folder / name).write_text(json.dumps({"gradients": entries}), encoding="utf-8")


def others(*arguments: str | Path) -> Ran:
    return bpnet("grad-check", "--case", "case.json", "--gradients", *arguments)


def test_a_case_is_written_and_the_next_command_told(folder: Path) -> None:
    ran = bpnet("grad-check", "mazur", "--case", "case.json")
    assert (ran.code, ran.err) == (0, "")
    first, second = ran.out.splitlines()
    assert first == "case.json: config mazur, at its starting weights."
    assert second.endswith("bpnet grad-check --case case.json --gradients FILE")
    assert read_case(folder / "case.json")[1] == 0.5
    assert "case.json exists." in refused("grad-check", "mazur", "--case", "case.json", code=6)
    ran = bpnet("grad-check", "mazur", "--case", "case.json", "--force", "--json")
    assert document(ran) == {"case": "case.json", "written": "config mazur, at its starting weights"}


def test_a_path_is_shown_as_it_is_and_can_be_pasted(folder: Path) -> None:
    (folder / "x[").mkdir()
    for name in ("n[bold]:smile:.json", "two words.json", "x[/c].json"):
        ran = bpnet("grad-check", "mazur", "--case", name)
        assert (ran.code, ran.err) == (0, "")
        first, second = ran.out.splitlines()
        assert first.startswith(f"{name}: config mazur")
        assert shlex.quote(name) in second


@pytest.mark.parametrize("option", [("--layer", "2"), ("--self-test",)])
def test_what_says_how_to_check_is_refused_where_a_case_is_written(
    folder: Path, option: tuple[str, ...]
) -> None:
    text = refused("grad-check", "mazur", "--case", "case.json", *option)
    assert f"{option[0]} says how to check" in text
    assert not (folder / "case.json").exists()


def test_the_self_test_in_full_is_there_for_others_too(folder: Path) -> None:
    mine(folder)
    out = passed(others("mine.json", "--self-test"))
    assert out.count("✓ caught") == 18


def test_a_case_that_cannot_be_written(folder: Path) -> None:
    refused("grad-check", "mazur", "--case", "no/folder/case.json", code=6)


@pytest.mark.parametrize("name", ["mine.json", "mine.npz"])
@pytest.mark.parametrize("config", ["mazur", "iris"])
def test_right_gradients_of_another_program_pass(folder: Path, name: str, config: str) -> None:
    mine(folder, name=name, config=config)
    assert passed(others(name)).startswith(f"Checking {name} against the case case.json. ")
    text = passed(bpnet("grad-check", config, "--gradients", name))
    weights = {"mazur": "at its starting weights", "iris": "10 epochs on (at its start, all biases are 0)"}
    assert text.startswith(f"Checking {name} against config {config}, {weights[config]}.")


def test_wrong_ones_end_with_1_and_what_is_wrong_with_them(folder: Path) -> None:
    mine(folder, lambda arrays: {"W3": 2 * arrays["W3"], "b3": 2 * arrays["b3"]})
    ran = others("mine.json")
    assert (ran.code, ran.err) == (1, "")
    _, _, rest = ran.out.partition("\n")
    assert words(rest).startswith("Your ∇W³ and ∇b³")
    assert "doubled" in words(rest)
    found = document(others("mine.json", "--json"))
    assert (found["verdict"], found["threshold"]) == ("fail", 1e-6)
    assert found["checked"] == "mine.json against the case case.json"
    assert [each["verdict"] for each in found["layers"]] == ["fail", "fail", "pass", "pass"]


def test_the_published_mistake_is_recognised(folder: Path) -> None:
    """The article that everybody learns from updated the output weights first, for a while."""

    def updated_first(arrays: dict[str, Any]) -> dict[str, Any]:
        point, rate = read_case(folder / "case.json")
        trace = point.forward()
        delta3 = point.backward(trace).delta[3]
        through = point.network.W[3] - rate * arrays["W3"]
        delta2 = delta3 @ through * trace.a[2] * (1 - trace.a[2])
        return {"W2": delta2.T @ point.X, "b2": delta2.sum(axis=0)}

    mine(folder, updated_first)
    ran = others("mine.json")
    assert ran.code == 1
    assert "W³ after its update (rate 0.5)" in words(ran.out)


def test_transposed_and_missing_tensors_are_told(folder: Path) -> None:
    mine(folder, lambda arrays: {"W3": arrays["W3"].T, "b2": None, "b3": None}, config="iris")
    text = words(others("mine.json").out)
    assert "transposed" in text
    assert "Not given, and not checked: b2, b3." in text


def test_a_layer_and_a_budget_count_there_too(folder: Path) -> None:
    mine(folder)
    out = others("mine.json", "--layer", "2", "--budget", "1").out
    assert "∂C/∂W²" in out
    assert "∂C/∂W³" not in out
    assert "takes 2 (the first hidden layer) to 3" in words(
        refused("grad-check", "--case", "case.json", "--gradients", "mine.json", "--layer", "7")
    )


@pytest.mark.parametrize("arguments", [("xor",), ("--set", "training.epochs=1")])
def test_a_case_says_all_itself(folder: Path, arguments: tuple[str, ...]) -> None:
    mine(folder)
    text = refused("grad-check", *arguments, "--case", "case.json", "--gradients", "mine.json")
    assert "The case case.json says all itself." in text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: {"W3": np.ones((3, 2))}, "W of layer 3 has shape (3, 2), expected (2, 2)"),
        (lambda arrays: {"W3": np.full((2, 2), "x")}, "W of layer 3 is no array of numbers"),
    ],
)
def test_gradients_that_do_not_fit(folder: Path, change: Any, message: str) -> None:
    mine(folder, change)
    ran = others("mine.json")
    assert ran.code == 2
    assert message in words(ran.err)
    refused("grad-check", "--case", "case.json", "--gradients", "mine.json", "--json")


def test_gradients_that_are_not_finite_end_with_3(folder: Path) -> None:
    mine(folder, lambda arrays: {"W3": np.full((2, 2), np.nan)})
    ran = others("mine.json")
    assert (ran.code, ran.err) == (3, "")
    text = words(ran.out)
    assert "∂C/∂W³: nan at 1, 1, and 3 more of 4 are not finite" in text
    assert "Numbers are not finite from layer 3 back" in text
    assert text.endswith("Nothing can be said: there are numbers that are not finite.")


@pytest.mark.parametrize("content", ["", "[" * 100_000, "{}", '{"format": "bpnet gradient case 1"}'])
def test_a_case_that_is_none(folder: Path, content: str) -> None:
    (folder / "case.json").write_text(content, encoding="utf-8")
    assert "case.json" in refused("grad-check", "--case", "case.json", "--gradients", "mine.json")


def test_a_check_of_others_that_is_blind_ends_with_4(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine(folder)
    monkeypatch.setattr(tensors, "relative_errors", lambda analytic, numeric: np.zeros_like(analytic))
    assert others("mine.json").code == 4


# How it looks


def test_in_a_pipe_80_columns_and_no_control_codes(folder: Path) -> None:
    bpnet("grad-check", "iris", "--case", "case.json")
    for arguments in (
        (),
        ("iris", "--self-test"),
        ("digits", "--budget", "0"),
        ("xor", "--set", "network.layers=[2, 100, 200, 1]", "--set", "network.activation=relu"),
    ):
        ran = process("grad-check", *arguments, cwd=folder)
        assert (ran.code, ran.err) == (0, ""), ran
        assert max(map(cell_len, ran.out.splitlines())) <= 80
        assert not CONTROL_CODE.search(ran.out.replace("\n", ""))
        assert "…" not in ran.out


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("width", [80, 140])
def test_in_a_terminal_no_line_is_wider(width: int) -> None:
    child = pexpect.spawn(
        PROGRAM[0],
        [*PROGRAM[1:], "grad-check", "digits", "--self-test"],
        env={**ENVIRONMENT, "TERM": "xterm-256color"},
        dimensions=(60, width),
        encoding="utf-8",
        timeout=60,
    )
    out = child.read()
    child.close()
    assert child.exitstatus == 0
    lines = [CODES.sub("", line) for line in re.split(r"[\r\n]+", out)]
    assert max(map(cell_len, lines)) <= width
    assert "…" not in out
    assert "\x1b[" in out
    assert any(line.startswith(("∂C/∂W²  32 × 64", "∂C/∂W² 32 × 64")) for line in lines)
    assert ("÷ allowed" in out) is (width == 140)


def test_no_colours_on_request(folder: Path) -> None:
    assert "\x1b" not in bpnet("grad-check", "--no-color").out
