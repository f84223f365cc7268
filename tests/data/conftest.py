from collections.abc import Iterator

import pytest

from bpnet.data import tables


@pytest.fixture(scope="module", params=[2**20, -1], ids=["small", "large"])
def both_readers(request: pytest.FixtureRequest) -> Iterator[None]:
    """Once with Python's reader for small tables, once with polars for all."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tables, "_SMALL", request.param)
        yield
