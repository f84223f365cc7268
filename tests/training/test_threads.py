from typing import Any

import pytest
import threadpoolctl

from bpnet.training.threads import blas_threads
from tests.core.nets import make_network


def limits(monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, ...], batch_size: int) -> list[Any]:
    """What limits were set inside the block."""
    asked = []
    real = threadpoolctl.threadpool_limits

    def spy(**options: Any) -> Any:
        asked.append(options)
        return real(**options)

    monkeypatch.setattr(threadpoolctl, "threadpool_limits", spy)
    with blas_threads(make_network(sizes, "tanh", "identity"), batch_size):
        pass
    return asked


def test_a_small_network_works_on_one_thread() -> None:
    def threads() -> list[int]:
        return [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]

    before = threads()
    with blas_threads(make_network((3, 5, 2), "tanh", "identity"), 32):
        assert threads() == [1] * len(before)
    assert threads() == before


@pytest.mark.parametrize(
    ("sizes", "batch_size", "held"),
    [
        ((100, 100, 2), 399, True),
        ((100, 100, 2), 400, False),
        ((2, 100, 100, 2), 400, False),  # the largest layer decides
        ((100, 100), 10**9, False),
    ],
)
def test_the_largest_layer_and_the_batch_decide(
    monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, ...], batch_size: int, *, held: bool
) -> None:
    expected = [{"limits": 1, "user_api": "blas"}] if held else []
    assert limits(monkeypatch, sizes, batch_size) == expected


@pytest.mark.parametrize("batch_size", [1, 10**9])
def test_an_error_passes_through(batch_size: int) -> None:
    with (
        pytest.raises(ValueError, match="inside"),
        blas_threads(make_network((3, 2), "tanh", "tanh"), batch_size),
    ):
        raise ValueError("inside")
