"""``bpnet explain``: the worked numbers, proofs that fail, choices, and what is refused."""

import json
import time
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from bpnet.core.activations import Sigmoid
from tests.cli.running import ROOT, bpnet, refused
from tests.tolerances import WORKED


def document(*arguments: str, code: int = 0) -> dict[str, Any]:
    ran = bpnet("explain", *arguments, "--format", "json")
    assert (ran.code, ran.err) == (code, "")
    found: dict[str, Any] = json.loads(ran.out)
    return found


def words(text: str) -> str:
    return " ".join(text.split())


# The worked numbers, computed elsewhere


WORKED_NUMBERS: dict[tuple[str, int], dict[str, Any]] = {
    ("mazur", 2): {
        "z": [0.3775, 0.3925],
        "a": [0.593269992107, 0.596884378260],
        "cost": 0.298371108760,
        "delta": [0.008771354689, 0.009954254705],
        "delta_next": [0.138498561629, -0.038098236517],
        "nabla_W": [[0.000438567734, 0.000877135469], [0.000497712735, 0.000995425471]],
        "share.weighted": [0.188010260482, 0.214224937225],
        "share.normalised": [0.245510282323, 0.278783252550],
        "update.W": [[0.149780716133, 0.199561432266], [0.249751143632, 0.299502287265]],
        "update.b": [0.35, 0.35],
        "update.cost_before": 0.298371108760,
        "update.cost_after": 0.291027773694,
    },
    ("mazur", 3): {
        "z": [1.105905967060, 1.224921404096],
        "a": [0.751365069552, 0.772928465321],
        "delta": [0.138498561629, -0.038098236517],
        "nabla_W": [[0.082167040564, 0.082667627848], [-0.022602540477, -0.022740242216]],
        "update.W": [[0.358916479718, 0.408666186076], [0.511301270239, 0.561370121108]],
    },
    ("source", 2): {
        "z": [0.3775, 0.3925],
        "a": [0.593269992107, 0.596884378260],
        "cost": 0.274811083176,
        "delta": [0.013367920423, 0.014996075489],
        "delta_next": [0.138498561629],
        "nabla_W": [[0.000668396021, 0.001336792042], [0.000749803774, 0.001499607549]],
        "nabla_b": [0.013367920423, 0.014996075489],
        "share.weighted": [0.296546027821, 0.333614281299],
        "share.normalised": [0.348877679789, 0.392487389763],
        "update.W": [[0.149665801989, 0.199331603979], [0.249625098113, 0.299250196226]],
        "update.b": [0.343316039789, 0.342501962256],
        "update.cost_after": 0.258014896421,
    },
    ("source", 3): {
        "a": [0.751365069552],
        "delta": [0.138498561629],
        "nabla_W": [[0.082167040564, 0.082667627848]],
        "update.W": [[0.358916479718, 0.408666186076]],
        "update.b": [0.530750719186],
        "share.weighted": [0.741365069552],
    },
}


@pytest.mark.parametrize(("name", "layer"), WORKED_NUMBERS)
def test_the_worked_numbers(name: str, layer: int) -> None:
    found = document(name, "--layer", str(layer))
    for path, expected in WORKED_NUMBERS[name, layer].items():
        value: Any = found
        for key in path.split("."):
            value = value[key]
        np.testing.assert_allclose(value, expected, rtol=0, atol=WORKED, err_msg=path)
    assert all(check["ok"] for check in found["checks"])
    assert found["layer"] == layer


def test_without_a_run_the_source_s_network_is_explained() -> None:
    mine, named = document("--layer", "2"), document("source", "--layer", "2")
    assert mine["delta"] == named["delta"]
    assert "the source's 2-2-1 network" in mine["explained"]


def test_the_predicted_change_is_that_of_the_slope() -> None:
    found = [document("source", "--layer", str(l)) for l in (2, 3)]
    squares = sum(np.square(each[key]).sum() for each in found for key in ("nabla_W", "nabla_b"))
    for each in found:
        assert each["update"]["predicted_change"] == pytest.approx(-0.5 * squares, rel=1e-12)


# Proofs


def test_a_fault_in_the_step_back_turns_the_proofs_and_the_exit_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Sigmoid, "derivative", lambda self, z, a, out=None: a * (1 + a))
    ran = bpnet("explain", "source", "--layer", "2")
    assert ran.code == 1
    assert "✗ by complex step 0.0133679" in ran.out, "the derivative is what it was"
    assert "✓" not in ran.out
    found = document("source", "--layer", "2", code=1)
    assert not any(check["ok"] for check in found["checks"] if check["quantity"].startswith("δ"))


def test_every_derivative_shown_has_its_proof() -> None:
    out = bpnet("explain", "iris", "--layer", "2").out
    checks = document("iris", "--layer", "2")["checks"]
    assert out.count("✓ by complex step") > len(checks) > 5
    assert len({check["quantity"] for check in checks}) == len(checks)
    assert f"{len(checks)} of {len(checks)} derivatives above agree" in words(out)


# Choices


def test_a_sample_a_neuron_and_a_weight_are_chosen() -> None:
    first, other = document("iris", "--layer", "2"), document("iris", "--layer", "2", "--sample", "7")
    assert first["inputs"] != other["inputs"]
    assert "Training row 7 of " in other["sample"]
    out = bpnet("explain", "iris", "--layer", "2", "--neuron", "3").out
    assert "δ²₃ = " in out
    assert "z²₈" not in out
    out = bpnet("explain", "iris", "--layer", "2", "--weight", "5,2").out
    assert "∂C/∂w²₅₂ = " in out


def test_a_row_of_ones_own() -> None:
    row = ("--input", "0.05, 0.10", "--target", "0.01")
    assert document("source", "--layer", "2", *row)["delta"] == document("source", "--layer", "2")["delta"]
    named = document("iris", "--layer", "3", "--input", "5.1,3.5,1.4,0.2", "--target", "setosa")
    assert named["targets"] == [1, 0, 0]
    assert named["sample"] == "The row that was given, with the answer setosa"
    default = document("iris", "--layer", "3", "--input", "5.1,3.5,1.4,0.2")
    assert "the first training row's answer" in default["sample"]


def test_a_batch_is_the_mean_of_its_samples() -> None:
    whole = document("iris", "--layer", "2", "--batch", "--set", "training.batch_size=4")
    each = [document("iris", "--layer", "2", "--sample", str(i)) for i in (1, 2, 3, 4)]
    assert whole["batch"] == 4
    mean = np.mean([one["nabla_W"] for one in each], axis=0)
    np.testing.assert_allclose(whole["nabla_W"], mean, rtol=1e-10)
    assert whole["delta"] == each[0]["delta"], "of the sample"
    out = words(bpnet("explain", "iris", "--layer", "2", "--batch", "--set", "training.batch_size=4").out)
    assert "mean of all" in out


def test_an_epoch_is_that_of_the_training(folder: Path) -> None:
    bpnet("train", "iris", "--quiet", "--set", "training.epochs=3")
    start, run = document("iris", "--layer", "2"), document("iris", "--layer", "2", "--epoch", "3")
    zero = document("iris", "--layer", "2", "--epoch", "0")
    np.testing.assert_allclose(zero["W"], start["W"], rtol=1e-6)
    assert start["W"] != run["W"]
    again = document(str(folder / "runs" / "iris-1"), "--layer", "2", "--epoch", "3")
    assert again["W"] == run["W"]
    assert "after 3 epochs of training" in run["explained"]


def test_biases_that_rest_are_said_to() -> None:
    assert "leaves the biases as they are" in words(bpnet("explain", "mazur", "--layer", "2").out)


def test_another_optimizer_is_named() -> None:
    assert "Training itself uses adam: shown is the plain step." in words(
        bpnet("explain", "xor", "--layer", "2").out
    )


@pytest.mark.parametrize("form", ["terminal", "markdown", "latex", "json"])
def test_a_file_is_written_and_none_lost(folder: Path, form: str) -> None:
    arguments = ("explain", "source", "--layer", "2", "--format", form, "-o", "page.txt")
    ran = bpnet(*arguments)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    text = (folder / "page.txt").read_text("utf-8")
    assert "0.013367" in text
    assert "page.txt exists." in refused(*arguments, code=6)
    assert bpnet(*arguments, "--force").code == 0
    if form != "terminal":
        assert bpnet(*arguments[:-2]).out == text


def test_digits_are_as_asked_for() -> None:
    out = bpnet("explain", "source", "--layer", "2", "--digits", "12").out
    assert "0.0133679204229" in out
    assert "shown with 12 significant digits" in words(out)


def test_without_a_layer_all_have_a_line() -> None:
    out = words(bpnet("explain", "digits").out)
    assert "BP2" in out
    assert "BP1: a − y" in out
    assert "--layer N" in out


# What is refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--layer", "1"), "Layer 1 is the input: nothing is computed there, so it has no δ."),
        (
            ("--layer", "4"),
            "There is no layer 4: layers 2 (the first after the input) to 3 (the output) have",
        ),
        (("--layer", "0"), "There is no layer 0"),
        (("--layer", "2", "--sample", "2"), "There is no training row 2: there are rows 1 to 1."),
        (("--layer", "2", "--sample", "0"), "There is no training row 0"),
        (("--layer", "2", "--neuron", "3"), "There is no neuron 3 in layer 2: it has neurons 1 to 2."),
        (
            ("--layer", "2", "--weight", "1,3"),
            "There is no weight 1,3 in layer 2: they go to units 1 to 2 from",
        ),
        (("--layer", "2", "--weight", "1"), "--weight takes two numbers, found '1'."),
        (("--layer", "2", "--weight", "a,b"), "--weight takes two numbers, found 'a,b'."),
        (
            ("--layer", "2", "--weight", "1,1", "--neuron", "2"),
            "The weight 1,1 leads to neuron 1, not to neuron 2.",
        ),
        (("--layer", "2", "--epoch", "2"), "There is no epoch 2: the config trains for epochs 1 to 1"),
        (("--layer", "2", "--epoch", "-1"), "There is no epoch -1"),
        (("--layer", "2", "--input", "1"), "--input has 1 values, but there are 2 columns: x1, x2."),
        (("--layer", "2", "--input", "1,a"), "--input: column x2 takes a number, found 'a'."),
        (
            ("--layer", "2", "--input", "1,2", "--target", "1,2"),
            "--target has 2 values, but there are 1 columns: y.",
        ),
        (("--layer", "2", "--target", "1"), "--target is the answer to --input: give both."),
        (("--layer", "2", "--input", "1,2", "--sample", "1"), "--sample and --input are two samples."),
        (("--format", "json"), "--format json explains one layer."),
        (("--why",), "--why is for one layer's explanation."),
        (("--batch",), "--batch is for one layer's explanation."),
        (("--neuron", "1"), "--neuron is for one layer's explanation."),
        (("--layer", "2", "--input", "nan,1"), "--input: column x1 takes a number, found 'nan'."),
        (
            ("--layer", "2", "--input", "1,2", "--target", "inf"),
            "--target: column y takes a number, found 'inf'.",
        ),
    ],
)
def test_what_is_not_there_is_refused_naming_what_is(arguments: tuple[str, ...], message: str) -> None:
    assert message in words(refused("explain", "source", *arguments))


def test_a_class_that_is_not_known_is_told_of_the_option() -> None:
    text = words(refused("explain", "iris", "--layer", "2", "--input", "5,3,1,0", "--target", "foo"))
    assert text.startswith("Error: --target: ")
    assert "data frame" not in text


def test_what_overflows_is_no_wrong_derivative() -> None:
    huge = (
        "--set",
        "network.parameters[0].W=[[1e200, 1e200], [1e200, 1e200]]",
        "--set",
        "network.activation=relu",
    )
    text = words(
        refused("explain", "source", "--layer", "2", "--set", "network.output_activation=identity", *huge)
    )
    assert "nothing can be derived" in text


def test_standard_output_may_be_named() -> None:
    assert bpnet("explain", "source", "--layer", "2", "-o", "-").out.startswith("Layer 2")


def test_in_a_pipe_no_line_ends_in_blanks() -> None:
    assert all(line == line.rstrip() for line in bpnet("explain", "digits", "--layer", "2").out.splitlines())


# Large networks


@pytest.mark.parametrize("layer", ["2", "3", "4"])
@pytest.mark.parametrize("width", [80, 140])
def test_a_wide_network_is_no_wall(
    layer: str, width: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    rng = np.random.default_rng(0)
    np.savez(folder / "wide.npz", X=rng.random((20, 784)), y=np.arange(20) % 10)
    (folder / "wide.yaml").write_text(
        "data: {train: wide.npz}\nnetwork: {layers: [784, 512, 512, 10], activation: relu}\n"
        "training: {loss: cross_entropy, learning_rate: 0.1, epochs: 1}\n",
        encoding="utf-8",
    )
    start = time.process_time()
    ran = bpnet("explain", "wide.yaml", "--layer", layer)
    assert time.process_time() - start < 10, "far from a wall of time too"
    assert ran.code == 0, ran
    sections: list[int] = []
    for line in ran.out.splitlines():
        if line[:1].isdigit():
            sections.append(0)
        elif sections:
            sections[-1] += 1
        assert len(line.rstrip()) <= width
    assert len(sections) == 10
    assert max(sections) < 60


# The document


@pytest.mark.parametrize(
    "arguments", [("source", "2"), ("mazur", "3"), ("iris", "2"), ("digits", "3"), ("xor", "2")]
)
def test_the_document_is_what_its_schema_says(arguments: tuple[str, str]) -> None:
    schema = json.loads((ROOT / "docs" / "explain.schema.json").read_text("utf-8"))
    name, layer = arguments
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document(name, "--layer", layer), schema, cls=jsonschema.Draft202012Validator)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document(name, "--layer", layer), "extra": 1}, schema)


def test_numbers_are_in_full_precision() -> None:
    found = document("source", "--layer", "2")
    assert len(repr(found["delta"][0])) > 15


def test_learners_questions_are_answered() -> None:
    out = words(bpnet("explain", "xor", "--layer", "2", "--sample", "2", "--why").out)
    for question in (
        "Why the transpose of W",
        "Old or updated weights",
        "Whose δ is the bias's",
        "Sum or mean",
        "Error or delta?",
        "σ′ of z, or of a?",
        "Does cross-entropy's cancelling help",
        "Why do gradients vanish",
        "How close is close enough",
    ):
        assert question in out
    assert "Why the transpose of W, and not" not in words(bpnet("explain", "xor", "--layer", "2").out)
