from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.recovery.projects import Project


@pytest.fixture(params=["sqlite_memory", "postgres_valkey"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    """A project on SQLite and memory, and once more on PostgreSQL and Valkey."""
    yield from _project(request, tmp_path, request.param)


@pytest.fixture
def sqlite_project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    yield from _project(request, tmp_path, "sqlite_memory")


@pytest.fixture
def server_project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    """A project on PostgreSQL and Valkey."""
    yield from _project(request, tmp_path, "postgres_valkey")


def _project(request: pytest.FixtureRequest, folder: Path, kind: str) -> Iterator[Project]:
    if kind == "sqlite_memory":
        project = Project(folder / "project", request.getfixturevalue("sqlite_url"), "memory://")
    else:
        project = Project(
            folder / "project", request.getfixturevalue("postgres_url"), request.getfixturevalue("redis_url")
        )
    try:
        yield project
    finally:
        project.close()
