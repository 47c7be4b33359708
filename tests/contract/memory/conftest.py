"""Whatever a test has done to what Lords remember: its invariants hold afterwards."""

from collections.abc import Iterator

import pytest

from tests.failpoints.invariants import assert_invariants
from tests.failpoints.memory_invariants import REMEMBERED


@pytest.fixture(autouse=True)
def _hold(request: pytest.FixtureRequest) -> Iterator[None]:
    url = request.getfixturevalue("database_url") if "database_url" in request.fixturenames else None
    yield
    if url is not None:
        assert_invariants(url, REMEMBERED)
