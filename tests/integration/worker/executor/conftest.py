"""Lords that wait at a gate."""

from collections.abc import Iterator

import pytest

from tests.integration.worker.executor.gate import Gate


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open.set()
