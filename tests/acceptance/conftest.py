"""Fixtures for tests that run programs as users do."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.warm import warm_programs


@pytest.fixture(scope="session")
def programs() -> Iterator[Path]:
    """A folder with programs that start in no time."""
    with warm_programs() as folder:
        yield folder
