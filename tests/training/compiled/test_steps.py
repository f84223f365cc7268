import sys
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from bpnet.core.arrays import Array
from bpnet.core.losses import LOSSES
from bpnet.core.optimizers import OPTIMIZERS, Optimizer
from bpnet.errors import BpnetError
from bpnet.training.compiled import steps
from bpnet.training.compiled.source import Source, write_steps
from bpnet.training.compiled.steps import CompiledSteps
from bpnet.training.evaluation import Samples
from tests.tolerances import ROUNDING, ROUNDING_32
from tests.training.compiled.making import DECAY, RATE, SIZE, STEPS, in_numpy, make_network, make_samples
from tests.training.compiled.test_source import with_activation

ADAM = OPTIMIZERS.create("adam")
CROSS_ENTROPY = LOSSES.create("cross_entropy")


def run(optimizer: Optimizer, samples: Samples, dtype: Any = np.float64) -> tuple[int, list[Array]]:
    """Compiled steps; returns how many samples were trained on, and everything that they wrote."""
    network = make_network("tanh", "softmax", dtype)
    state = optimizer.start(network.parameters)
    batch = samples.take(slice(0, SIZE))
    compiled = CompiledSteps(network, CROSS_ENTROPY, optimizer, state, batch, weight_decay=DECAY)
    z = np.zeros((len(samples), 3), dtype)
    a = z.copy()
    done = compiled.run(samples, z, a, RATE)
    return done, [z[:done], a[:done], network.parameters, *state.values()]


def expected(optimizer: Optimizer, samples: Samples, dtype: Any = np.float64) -> list[Array]:
    network = make_network("tanh", "softmax", dtype)
    state = optimizer.start(network.parameters)
    z, a = in_numpy(network, CROSS_ENTROPY, optimizer, state, samples)
    return [z, a, network.parameters, *state.values()]


@pytest.mark.parametrize(
    ("dtype", "tolerance", "weighted"), [(np.float64, ROUNDING, True), (np.float32, 100 * ROUNDING_32, False)]
)
def test_whole_batches_as_in_numpy(dtype: Any, tolerance: float, *, weighted: bool) -> None:
    samples = make_samples(weighted=weighted, dtype=dtype, count=SIZE * STEPS + 2)
    done, found = run(ADAM, samples, dtype)
    assert done == SIZE * STEPS
    for one, other in zip(found, expected(ADAM, samples, dtype), strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


def test_less_than_a_batch_is_left_alone() -> None:
    samples = make_samples(count=SIZE)
    network = make_network("tanh", "softmax")
    compiled = CompiledSteps(network, CROSS_ENTROPY, ADAM, ADAM.start(network.parameters), samples)
    before = network.parameters.copy()
    room = np.zeros((SIZE - 1, 3))
    assert compiled.run(samples.take(slice(1, SIZE)), room, room, RATE) == 0
    np.testing.assert_array_equal(network.parameters, before)


def test_it_stops_before_the_batch_that_is_not_finite() -> None:
    samples = make_samples()
    samples.X[2 * SIZE, 0] = np.nan
    done, found = run(ADAM, samples)
    assert done == 2 * SIZE
    for one, other in zip(found, expected(ADAM, samples.take(slice(0, done))), strict=True):
        np.testing.assert_allclose(one, other, rtol=ROUNDING, atol=ROUNDING)


def as_a_new_process(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    """Nothing is loaded, and what is kept is there."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    for name in [name for name in sys.modules if name.startswith("bpnet_steps_")]:
        monkeypatch.delitem(sys.modules, name)


def test_the_next_process_finds_it_compiled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    as_a_new_process(monkeypatch, tmp_path)
    run(ADAM, make_samples())
    (source,) = tmp_path.glob("bpnet/bpnet_steps_*.py")
    compiled = set(tmp_path.glob("bpnet/__pycache__/*.nb?"))
    assert {path.suffix for path in compiled} == {".nbi", ".nbc"}
    text = source.read_text(encoding="utf-8")
    source.write_bytes(b"\xff" + text.replace("return len(factors)", "return 0").encode())
    as_a_new_process(monkeypatch, tmp_path)
    assert run(ADAM, make_samples())[0] == SIZE * STEPS
    assert source.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_damaged_files_of_the_cache_are_made_anew(
    kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    as_a_new_process(monkeypatch, tmp_path)
    run(ADAM, make_samples())
    (damaged,) = tmp_path.glob(f"bpnet/__pycache__/*.{kind}")
    damaged.write_bytes(damaged.read_bytes()[:100])
    as_a_new_process(monkeypatch, tmp_path)
    assert run(ADAM, make_samples())[0] == SIZE * STEPS
    assert not damaged.exists()


def test_a_cache_that_cannot_be_written_is_done_without(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    as_a_new_process(monkeypatch, tmp_path / "file")
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    assert run(ADAM, make_samples())[0] == SIZE * STEPS


def test_a_number_fixed_by_mistake_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    with_activation(monkeypatch, lambda z: z * float(np.asarray(z).view(np.ndarray).max()))
    network = make_network("elsewhere", "softmax")
    before = network.parameters.copy()
    with pytest.raises(BpnetError, match=r"The compiled step is .* off what NumPy computes"):
        CompiledSteps(network, CROSS_ENTROPY, ADAM, ADAM.start(network.parameters), make_samples(count=SIZE))
    assert before.shape == network.parameters.shape


@pytest.mark.parametrize(
    ("text", "instead", "said"),
    [
        ("np.tanh(", "1.001 * np.tanh(", "The compiled step is 0.* off what NumPy computes"),
        ("np.tanh(", "np.nan * np.tanh(", "The compiled step is .* off what NumPy computes"),
        ("z[rows] = ", "z[rows] = np.nan * ", "The compiled step is nan off what NumPy computes"),
        ("np.tanh(", "np.no_such(", r"Numba could not compile the training step \(AttributeError: .*\)"),
        ("np.tanh(", "1 +* np.tanh(", r"Numba could not compile the training step \(SyntaxError: .*\)"),
    ],
)
def test_a_fault_of_the_compiled_function_is_noticed(
    text: str, instead: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*arguments: Any, **options: Any) -> Source:
        source = write_steps(*arguments, **options)
        return Source(source.text.replace(text, instead), source.arrays)

    monkeypatch.setattr(steps, "write_steps", wrong)
    network = make_network("tanh", "softmax")
    before = network.parameters.copy()
    with pytest.raises(BpnetError, match=said) as caught:
        CompiledSteps(network, CROSS_ENTROPY, ADAM, ADAM.start(network.parameters), make_samples(count=SIZE))
    assert "training.backend: numpy" in str(caught.value)
    assert np.array_equal(network.parameters, before)


@pytest.mark.parametrize("error", [ImportError("no llvmlite"), OSError("no such library")])
def test_a_library_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(_: Any) -> NoReturn:
        raise error

    monkeypatch.setattr(steps, "declare_products", fail)
    with pytest.raises(BpnetError, match=rf"Numba could not compile the training step .*{error}"):
        run(ADAM, make_samples())


def test_where_numpys_products_are_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "declare_products", lambda dtype: "")
    samples = make_samples()
    done, found = run(ADAM, samples)
    assert done == len(samples)
    for one, other in zip(found, expected(ADAM, samples), strict=True):
        np.testing.assert_allclose(one, other, rtol=ROUNDING, atol=ROUNDING)
    # SciPy's library is loaded by then, so that its threads can be held, too.
    assert len([pool for pool in threadpool_info() if pool["user_api"] == "blas"]) > 1


def test_rows_that_are_no_block_of_memory() -> None:
    samples = make_samples()
    scattered = Samples(np.asfortranarray(samples.X), np.asfortranarray(samples.Y))
    for one, other in zip(run(ADAM, scattered)[1], run(ADAM, samples)[1], strict=True):
        assert np.array_equal(one, other)
