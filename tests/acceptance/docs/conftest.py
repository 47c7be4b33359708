"""Fixtures for tests that play a page."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.docs.warm import warm_programs


@pytest.fixture(scope="session")
def programs() -> Iterator[Path]:
    """A folder with programs that start in no time."""
    with warm_programs() as folder:
        yield folder
