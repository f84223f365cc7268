import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpnet.core.activations import ACTIVATIONS, Elu, LeakyRelu
from bpnet.core.losses import Huber
from bpnet.errors import DataError
from bpnet.inspection import cases
from bpnet.inspection.cases import read_case, read_gradients, write_case
from bpnet.inspection.mistakes import tensors_of
from bpnet.inspection.point import Point
from tests.core.nets import PAIRS
from tests.inspection.making import make_point, overflowing, point_of

POINT = make_point((3, 4, 2), "leaky_relu", "sigmoid", "huber", dropout=0.4, weighted=True, weight_decay=0.1)


def same(one: Point, other: Point) -> None:
    assert one.network.parameters.tobytes() == other.network.parameters.tobytes()
    assert [layer.activation for layer in one.network.layers.values()] == [
        layer.activation for layer in other.network.layers.values()
    ]
    assert one.X.tobytes() == other.X.tobytes()
    assert one.Y.tobytes() == other.Y.tobytes()
    assert (one.loss, one.weight_decay) == (other.loss, other.weight_decay)
    assert (one.sample_weight is None) is (other.sample_weight is None)
    assert one.sample_weight is None or one.sample_weight.tolist() == other.sample_weight.tolist()  # type: ignore[union-attr]  # compared above
    assert {l: mask.tolist() for l, mask in one.masks.items()} == {
        l: mask.tolist() for l, mask in other.masks.items()
    }
    assert one.cost(one.forward()) == other.cost(other.forward())
    assert one.backward(one.forward()).flat.tobytes() == other.backward(other.forward()).flat.tobytes()


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(1, 4), min_size=2, max_size=5),
    st.tuples(st.sampled_from(list(ACTIVATIONS)), st.sampled_from(PAIRS)),
    st.booleans(),
    st.integers(0, 2**31),
)
def test_what_is_written_is_read_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory,
    sizes: list[int],
    names: tuple[str, tuple[str, str]],
    full: bool,  # noqa: FBT001 - an example
    seed: int,
) -> None:
    hidden, pair = names
    point = make_point(
        sizes, hidden, *pair, seed=seed, dropout=0.4 * full, weighted=full, weight_decay=0.1 * full
    )
    path = tmp_path_factory.mktemp("case") / "case.json"
    path.write_text(write_case(point, 0.25), encoding="utf-8")
    read, rate = read_case(path)
    same(point, read)
    assert (read.name, rate) == ("the case", 0.25)


def test_hyperparameters_travel(tmp_path: Path) -> None:
    point = point_of(
        [[[1.0, -2.0]], [[0.5]]],
        [[0.0], [0.1]],
        [[-1.0, 2.0]],
        [[3.0]],
        activations=[LeakyRelu(0.3), Elu(2.0)],
        loss=Huber(0.2),
    )
    (tmp_path / "case.json").write_text(write_case(point, 0.1), encoding="utf-8")
    same(point, read_case(tmp_path / "case.json")[0])


def test_the_text_is_strict_json_with_a_layer_a_line() -> None:
    text = write_case(POINT, 0.5)
    case = json.loads(text, parse_constant=pytest.fail)
    assert list(case) == [
        "format",
        "loss",
        "threshold",
        "weight_decay",
        "learning_rate",
        "inputs",
        "targets",
        "sample_weight",
        "layers",
        "cost",
    ]
    assert [list(each) for each in case["layers"]] == [
        ["layer", "activation", "slope", "dropout_mask", "W", "b"],
        ["layer", "activation", "W", "b"],
    ]
    assert case["cost"] == POINT.cost(POINT.forward())
    assert sum('"activation"' in line for line in text.splitlines()) == 2


def test_a_cost_that_overflows_is_null(tmp_path: Path) -> None:
    with np.errstate(all="ignore"):
        text = write_case(overflowing(), 0.5)
    assert json.loads(text, parse_constant=pytest.fail)["cost"] is None


# Hostile cases


def case_of(point: Point = POINT) -> dict[str, Any]:
    case: dict[str, Any] = json.loads(write_case(point, 0.5))
    return case


def refusal(tmp_path: Path, content: Any) -> str:
    path = tmp_path / "case.json"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_case(path)
    assert caught.value.exit_code == 2
    assert str(path) in str(caught.value)
    return str(caught.value).replace(str(path), "FILE")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b'{"format": "bpnet gradient case 1"',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"9" * 10_000,
    ],
    ids=["empty", "text", "cut short", "bytes", "deep list", "deep mapping", "long number"],
)
def test_what_is_no_json(tmp_path: Path, content: bytes) -> None:
    assert re.match(r"FILE (cannot be read|is no gradient case)", refusal(tmp_path, content))


@pytest.mark.parametrize("content", [[], {}, 3, None, "text", {"format": "bpnet gradient case 2"}])
def test_what_is_no_case(tmp_path: Path, content: object) -> None:
    text = refusal(tmp_path, json.dumps(content))
    assert text == "FILE is no gradient case: its format is not 'bpnet gradient case 1'."


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_what_is_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"cannot be read: (No such file|Is a directory)"):
        read_case(tmp_path / name)


@pytest.mark.parametrize("key", sorted(set(case_of()) - {"format", "cost"}))
def test_a_key_that_is_missing_is_named(tmp_path: Path, key: str) -> None:
    case = case_of()
    del case[key]
    assert refusal(tmp_path, case) == f"FILE does not fit together: {key!r} is missing."


@pytest.mark.parametrize("key", ["layer", "activation", "W", "b"])
def test_a_key_of_a_layer_that_is_missing_is_named(tmp_path: Path, key: str) -> None:
    case = case_of()
    del case["layers"][1][key]
    assert refusal(tmp_path, case) == f"FILE does not fit together: {key!r} is missing."


JUNK: list[Any] = [
    None,
    True,
    "x",
    3,
    -1.5,
    1e400,
    [],
    {},
    [[]],
    [[[]]],
    [[1], [1, 2]],
    ["a"],
    10**400,
    [[None]],
    [{}],
]


@pytest.mark.parametrize("junk", JUNK, ids=lambda junk: repr(junk)[:12])
@pytest.mark.parametrize("key", sorted(set(case_of()) - {"format", "cost", "weight_decay", "learning_rate"}))
def test_junk_in_any_place_is_refused(tmp_path: Path, key: str, junk: object) -> None:
    if (key == "sample_weight" and junk is None) or (key == "threshold" and junk == 3):
        return  # these are no junk there
    assert refusal(tmp_path, {**case_of(), key: junk}).startswith("FILE does not fit together: ")


@pytest.mark.parametrize(
    "junk", [each for each in JUNK if each not in (3, -1.5)], ids=lambda junk: repr(junk)[:12]
)
@pytest.mark.parametrize("key", ["weight_decay", "learning_rate"])
def test_junk_in_place_of_a_number(tmp_path: Path, key: str, junk: object) -> None:
    text = refusal(tmp_path, {**case_of(), key: junk})
    assert re.fullmatch(
        rf"FILE does not fit together: {key} (should be a number|holds numbers that are not finite)\.", text
    )


@pytest.mark.parametrize("junk", JUNK, ids=lambda junk: repr(junk)[:12])
@pytest.mark.parametrize("key", ["layer", "activation", "slope", "dropout_mask", "W", "b"])
def test_junk_in_any_place_of_a_layer_is_refused(tmp_path: Path, key: str, junk: object) -> None:
    case = case_of()
    case["layers"][0][key] = junk
    assert refusal(tmp_path, case).startswith("FILE does not fit together: ")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda c: c["layers"][1].update(b=[1.0]), "layer 3: W and b"),
        (lambda c: c["layers"][1].update(W=[[1.0], [2.0]]), "layer 3: 4 inputs expected"),
        (lambda c: c.update(inputs=[[1.0]] * 3), "inputs have 1 columns, W of layer 2 has 3"),
        (lambda c: c.update(targets=[[1.0, 0.0]] * 2), "targets should be 3 × 2 numbers"),
        (lambda c: c.update(sample_weight=[1.0, 2.0]), "sample_weight should be 3 numbers"),
        (
            lambda c: c["layers"][0].update(dropout_mask=[[1.0] * 3] * 3),
            "dropout_mask of layer 2 should be 3 × 4",
        ),
        (lambda c: c.__setitem__("weight_decay", -0.1), "weight_decay should be 0 or more"),
        (lambda c: c.__setitem__("learning_rate", 0), "learning_rate should be above 0"),
        (
            lambda c: c.__setitem__("sample_weight", [-1.0, *c["sample_weight"][1:]]),
            "sample_weight should be 0",
        ),
        (lambda c: c.__setitem__("cost", 99.0), "cost is 99.0, but the network's is "),
        (lambda c: c.__setitem__("layers", [1, 2]), "layers should be a list with an object for each layer"),
        (lambda c: c.__setitem__("layers", {"2": {}}), "layers should be a list with an object for each"),
        (lambda c: c["inputs"][0].__setitem__(1, float("nan")), "inputs holds numbers that are not finite"),
        (lambda c: c["layers"][1]["W"][0].__setitem__(0, float("inf")), "W of layer 3 holds numbers"),
        (lambda c: c["layers"][0].update(layer=3), "layers should be numbered from 2, but 3 stands where 2"),
        (lambda c: c["layers"][0].update(activation="sigmoidal"), "sigmoid"),
        (lambda c: c["layers"][0].update(slope=7), "activation.slope: found 7"),
        (lambda c: c["layers"][0].update(wight=7), "activation.wight: unknown"),
        (lambda c: c.update(loss="hubert"), "loss.name: found 'hubert'"),
        (lambda c: c.update(threshold=-1), "loss.threshold: found -1"),
        (lambda c: c.update(loss="cross_entropy"), "cross_entropy goes with softmax, not with sigmoid"),
        (lambda c: c.update(layers=[]), "layers should be a list with an object for each layer"),
    ],
)
def test_what_does_not_fit_is_told(
    tmp_path: Path, spoil: Callable[[dict[str, Any]], object], message: str
) -> None:
    case = case_of()
    spoil(case)
    assert re.search(f"FILE does not fit together: .*({message})", refusal(tmp_path, case))


def test_a_file_that_is_far_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "_LARGEST", 1000)
    assert refusal(tmp_path, " " * 1001) == "FILE holds 1,001 bytes, far more than gradients can be."


# Gradients


def right(point: Point = POINT) -> dict[str, Any]:
    tensors = tensors_of(point.backward(point.forward()))
    return {f"{name}{l}": array for (name, l), array in tensors.items()}


def listed(arrays: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"layer": l, **{name: arrays[f"{name}{l}"].tolist() for name in "Wb" if f"{name}{l}" in arrays}}
        for l in (2, 3)
    ]


def written(tmp_path: Path, content: Any, name: str = "mine.json") -> Path:
    path = tmp_path / name
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def npz(tmp_path: Path, arrays: Mapping[str, Any], name: str = "mine.npz") -> Path:
    np.savez(tmp_path / name, **arrays)
    return tmp_path / name


FORMS: dict[str, Callable[[Path, Mapping[str, Any]], Any]] = {
    "a mapping in JSON": lambda folder, arrays: written(folder, {"gradients": listed(arrays)}),
    "a bare list in JSON": lambda folder, arrays: written(folder, listed(arrays)),
    "a list without layer numbers": lambda folder, arrays: written(
        folder, [{name: each[name] for name in each if name != "layer"} for each in listed(arrays)]
    ),
    "NPZ": npz,
    "NPZ in capitals": lambda folder, arrays: npz(folder, arrays).rename(folder / "MINE.NPZ"),
    "a mapping": lambda _, arrays: arrays,
    "a mapping of lists": lambda _, arrays: {name: array.tolist() for name, array in arrays.items()},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read_alike(tmp_path: Path, form: str) -> None:
    tensors, absent = read_gradients(FORMS[form](tmp_path, right()), POINT)
    assert absent == []
    assert list(tensors) == [("W", 2), ("b", 2), ("W", 3), ("b", 3)]
    for (name, l), array in tensors.items():
        assert array.dtype == np.float64
        assert array.tolist() == right()[f"{name}{l}"].tolist()


@pytest.mark.parametrize("form", FORMS)
def test_what_is_left_out_is_named(tmp_path: Path, form: str) -> None:
    arrays = {name: array for name, array in right().items() if name not in ("b2", "W3")}
    tensors, absent = read_gradients(FORMS[form](tmp_path, arrays), POINT)
    assert absent == ["b2", "W3"]
    assert list(tensors) == [("W", 2), ("b", 3)]


def test_transposed_weights_and_columns_of_biases_are_taken(tmp_path: Path) -> None:
    arrays = right()
    arrays["W2"], arrays["b2"], arrays["b3"] = arrays["W2"].T, arrays["b2"][:, None], arrays["b3"][None, :]
    tensors, _ = read_gradients(npz(tmp_path, arrays), POINT)
    assert tensors["W", 2].shape == (3, 4)
    assert tensors["b", 2].tolist() == right()["b2"].tolist()
    assert tensors["b", 3].tolist() == right()["b3"].tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int64, np.uint8])
def test_any_real_dtype_is_taken(tmp_path: Path, dtype: Any) -> None:
    arrays = {name: np.ones(array.shape, dtype) for name, array in right().items()}
    tensors, _ = read_gradients(npz(tmp_path, arrays), POINT)
    assert {array.dtype for array in tensors.values()} == {np.dtype(np.float64)}


def test_what_is_given_is_copied_and_kept() -> None:
    arrays = right()
    tensors, _ = read_gradients(arrays, POINT)
    tensors["W", 2][...] = 0
    assert arrays["W2"].any()
    assert len(arrays) == 4


def gradient_refusal(source: Any, point: Point = POINT) -> str:
    with pytest.raises(DataError) as caught:
        read_gradients(source, point)
    return str(caught.value)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("W2", np.ones((2, 3)), "W of layer 2 has shape (2, 3), expected (4, 3)."),
        ("W2", np.ones(12), "W of layer 2 has shape (12,), expected (4, 3)."),
        ("b3", np.ones(3), "b of layer 3 has shape (3,), expected (2,)."),
        ("b3", np.ones(()), "b of layer 3 has shape (), expected (2,)."),
        ("b2", np.array(["a"] * 4), "b of layer 2 is no array of numbers."),
        ("b2", np.array(["1"] * 4), "b of layer 2 is no array of numbers."),
        ("b2", np.array([True] * 4), "b of layer 2 is no array of numbers."),
    ],
)
def test_arrays_that_do_not_fit(tmp_path: Path, form: str, name: str, value: Any, message: str) -> None:
    assert message in gradient_refusal(FORMS[form](tmp_path, right() | {name: value}))


@pytest.mark.parametrize(
    "value", [[[1, 2], [3]], [10**400] * 4, {"a": 1}, [None, "1", 1, 1], [None, True, 1, 1], 1j * np.ones(4)]
)
def test_values_that_are_no_numbers(value: Any) -> None:
    assert "b of layer 2 is no array of numbers." in gradient_refusal({"b2": value})


def test_layers_that_are_not_there(tmp_path: Path) -> None:
    arrays = {**right(), "W1": np.ones(3), "b4": np.ones(3)}
    expected = "holds W1, b4, but the layers with parameters are 2 to 3."
    assert expected in gradient_refusal(npz(tmp_path, arrays))
    assert expected in gradient_refusal(arrays)
    many = {**right(), **{f"W{l}": 1 for l in range(10, 10_000)}}
    assert "holds W10, W11, W12, W13, W14, W15, ..., but" in gradient_refusal(many)


def test_a_tensor_given_twice(tmp_path: Path) -> None:
    path = written(tmp_path, [*listed(right()), {"layer": 3, "b": [0.0] * 2}])
    assert gradient_refusal(path).endswith("mine.json holds b of layer 3 twice.")


@pytest.mark.parametrize("content", [[], {"gradients": []}, [{}], [{"layer": 2}], ""])
def test_files_without_a_gradient(tmp_path: Path, content: object) -> None:
    text = gradient_refusal(written(tmp_path, content))
    assert "holds no gradient." in text
    assert "Expected: {" in text


@pytest.mark.parametrize(
    "content", [3, None, {}, {"gradients": 3}, "text", [[1]], {"gradients": {"W2": [[1]]}}]
)
def test_files_without_a_list(tmp_path: Path, content: object) -> None:
    assert "holds no list of gradients." in gradient_refusal(written(tmp_path, content))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_handed_on(tmp_path: Path, form: str, value: float) -> None:
    b2 = np.array([1, value, 2, 3])
    tensors, _ = read_gradients(FORMS[form](tmp_path, {"b2": b2}), POINT)
    np.testing.assert_array_equal(tensors["b", 2], b2)


@pytest.mark.parametrize("key", ["w", "dW", "bias", "gradient", "Layer"])
def test_a_name_that_is_not_known_is_no_tensor_left_out(tmp_path: Path, key: str) -> None:
    text = gradient_refusal(written(tmp_path, [*listed(right()), {"layer": 2, key: [[1]]}]))
    assert f"holds '{key}' for layer 2, expected W and b." in text


def test_a_tensor_that_is_nothing_is_not_left_out_either(tmp_path: Path) -> None:
    """As of a parameter to which a program has brought no gradient."""
    for source in (right() | {"W3": None}, written(tmp_path, [{"layer": 3, "W": None}])):
        text = gradient_refusal(source)
        assert "W of layer 3 is nothing at all: no gradient has come to it." in text
        assert "leave it out" in text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_byte_order_marks_are_understood(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(listed(right())), encoding=encoding)
    assert len(read_gradients(path, POINT)[0]) == 4


def test_another_kind_of_file_is_told_what_is_expected(tmp_path: Path) -> None:
    np.save(tmp_path / "mine.npy", right()["W2"])
    text = gradient_refusal(tmp_path / "mine.npy")
    assert "It should be JSON; gradients may be .npz too." in text


def test_null_in_json_is_a_nan(tmp_path: Path) -> None:
    tensors, absent = read_gradients(written(tmp_path, [{"layer": 2, "b": [1, None, 2.5, -3]}]), POINT)
    np.testing.assert_array_equal(tensors["b", 2], [1, np.nan, 2.5, -3])
    assert absent == ["W2", "W3", "b3"]


@pytest.mark.parametrize("content", [b"", b"[" * 100_000, b"\x00\xff", b"PK\x03\x04"])
@pytest.mark.parametrize("name", ["mine.json", "mine.npz"])
def test_damaged_files(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert f"{name} cannot be read: " in gradient_refusal(tmp_path / name)


@pytest.mark.parametrize("name", ["mine.json", "mine.npz"])
def test_missing_files(tmp_path: Path, name: str) -> None:
    assert f"{name} cannot be read: No such file or directory." in gradient_refusal(tmp_path / name)


class Bomb:
    """What must not run when a file is read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("a pickle was run",)


def test_pickles_are_not_run(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", W2=np.array([Bomb()], dtype=object))
    assert "cannot be read: Object arrays cannot be loaded" in gradient_refusal(tmp_path / "mine.npz")


def with_member(path: Path, content: bytes, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("W2.npy", content)
    return path


def header(shape: tuple[int, ...]) -> bytes:
    text = io.BytesIO()
    np.lib.format.write_array_header_1_0(text, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return text.getvalue()


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "_LARGEST", 10_000_000)
    monkeypatch.setattr(np, "load", pytest.fail)
    path = with_member(tmp_path / "mine.npz", bytes(10_000_001))
    assert path.stat().st_size < 20_000
    assert gradient_refusal(path) == f"{path} holds 10,000,001 bytes, far more than gradients can be."


@pytest.mark.parametrize("shape", [(10**13,), (10**19,), (10**6,), (-5,)])
def test_headers_that_lie_do_no_harm(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = with_member(tmp_path / "mine.npz", header(shape) + bytes(80))
    assert f"{path} cannot be read: " in gradient_refusal(path)


def test_an_archive_of_something_else(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "mine.npz", "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "holds readme.txt, but the layers" in gradient_refusal(tmp_path / "mine.npz")


def test_damaged_contents(tmp_path: Path) -> None:
    path = with_member(tmp_path / "mine.npz", header((4, 3)) + np.ones(12).tobytes(), zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[200] ^= 0xFF
    path.write_bytes(content)
    assert "cannot be read" in gradient_refusal(path)


def test_a_network_without_sample_weights_says_so() -> None:
    assert case_of(replace(POINT, sample_weight=None))["sample_weight"] is None
