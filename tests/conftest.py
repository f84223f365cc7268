from collections.abc import Iterator

import pytest
from hypothesis import settings

# A shared machine may pause for longer than hypothesis allows a single example.
settings.register_profile("bpnet", deadline=None)
settings.load_profile("bpnet")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compiled steps are kept where no other run of the tests, and no user, finds them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield
