import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

import bpnet
from bpnet.training.compiled import products
from bpnet.training.compiled.products import declare_products, write_gemm, write_squares

DTYPES = [np.float32, np.float64]
OPENBLAS = pytest.mark.skipif(
    not declare_products(np.dtype(np.float32)), reason="needs a NumPy that brings OpenBLAS"
)


def compiled(dtype: Any, arguments: str, body: str) -> Callable[..., Any]:
    names: dict[str, Any] = {"numba": numba, "np": np, "number": dtype, "one": dtype(1)}
    text = f"{declare_products(np.dtype(dtype))}\n@numba.njit\ndef run({arguments}):\n    {body}\n"
    exec(text, names)  # noqa: S102 - the text is the thing under test
    run: Callable[..., Any] = names["run"]
    return run


@OPENBLAS
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("turned", [(False, False), (False, True), (True, False), (True, True)])
@pytest.mark.parametrize("sizes", [(3, 5, 4), (1, 5, 4), (3, 1, 4), (3, 5, 1), (1, 5, 1), (1, 1, 1)])
def test_the_bits_of_numpys_product(
    dtype: Any, turned: tuple[bool, bool], sizes: tuple[int, int, int]
) -> None:
    rng = np.random.default_rng(0)
    m, k, n = sizes
    shapes = [(m, k), (k, n)]
    stored = []
    operands = []
    for name, shape, turn in zip("ab", shapes, turned, strict=True):
        array = rng.normal(size=shape[::-1] if turn else shape).astype(dtype)
        stored.append(array)
        operands.append((f"{name}.T" if turn else name, array.T if turn else array))
    result = np.full((m, n), np.nan, dtype)
    compiled(dtype, "a, b, c", write_gemm(operands[0], operands[1], ("c", result)))(*stored, result)
    expected = np.dot(operands[0][1], operands[1][1])
    if 1 in sizes:  # for which NumPy takes another function of the library
        np.testing.assert_allclose(result, expected, rtol=1e-5 if dtype == np.float32 else 1e-13)
    else:
        assert np.array_equal(result, expected)


@OPENBLAS
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_sum_of_squares(dtype: Any) -> None:
    array = np.random.default_rng(0).normal(size=(7, 3)).astype(dtype)
    found = compiled(dtype, "a", f"return {write_squares('a', array)}")(array)
    assert found == np.dot(array.ravel(), array.ravel())


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere NumPy may be built with another library")
def test_numpys_wheels_have_them() -> None:
    assert "bpnet_sgemm" in declare_products(np.dtype(np.float32))
    assert "bpnet_dgemm" in declare_products(np.dtype(np.float64))


@pytest.mark.parametrize(
    "libraries",
    [
        [],
        [{"internal_api": "mkl", "filepath": str(Path(np.__file__).parents[1] / "numpy.libs" / "mkl.so")}],
        [{"internal_api": "openblas", "filepath": "/usr/lib/libopenblas.so.0"}],
    ],
)
def test_another_library_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, libraries: list[dict[str, str]]
) -> None:
    monkeypatch.setattr(products, "threadpool_info", lambda: libraries)
    assert declare_products(np.dtype(np.float32)) == ""


@OPENBLAS
def test_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "packages").symlink_to(Path(np.__file__).parents[1])
    text = (
        "import numpy as np\n"
        "from bpnet.training.compiled.products import declare_products\n"
        "print(np.__file__, bool(declare_products(np.dtype(np.float32))))"
    )
    path = os.pathsep.join([str(tmp_path / "packages"), str(Path(bpnet.__file__).parents[1])])
    found = subprocess.run(
        [sys.executable, "-c", text],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert found == [str(tmp_path / "packages" / "numpy" / "__init__.py"), "True"]


@OPENBLAS
def test_a_library_without_the_function_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "_SYMBOLS", ("no_such_{}",))
    assert declare_products(np.dtype(np.float32)) == ""
