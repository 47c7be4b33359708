"""Real worker processes whose store goes away (docs/project/faults.md, fault 4)."""

import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from questline_persistence.errors import StoreUnavailable
from tests.acceptance.recovery.projects import LONG, Project, all_gone, descendants
from tests.integration.worker.pools import tell
from tests.servers.postgres import PostgresServer
from tests.waiting import eventually


@pytest.fixture
def crashing_project(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, tmp_path: Path
) -> Iterator[Project]:
    """A project on a PostgreSQL that may be stopped, whatever server the other tests use."""
    template = request.getfixturevalue("postgres_template")
    name = f"questline_down_{time.monotonic_ns()}"
    url = postgres_server.start().create_database(name, template=template)
    project = Project(tmp_path / "project", url, request.getfixturevalue("redis_url"))
    try:
        yield project
    finally:
        postgres_server.start()
        project.close()
        postgres_server.drop_database(name)


def test_fault_04_a_pool_goes_on_after_its_store_was_restarted(
    crashing_project: Project, postgres_server: PostgresServer
) -> None:
    project = crashing_project
    project.start_pool(processes=2)
    quests = [project.submit("busy", "busy", "quick", quest_id=f"restart-{number}") for number in range(8)]
    project.wait_for_begin("restart-0:0:0001")
    postgres_server.restart(immediate=True)
    up = time.monotonic()
    eventually(
        lambda: all(project.client.repository.status(quest_id) == "completed" for quest_id in quests),
        timeout=LONG,
        ignoring=(StoreUnavailable,),
        message=f"some quests hang: {project.log[-3000:]}",
    )
    tell(f"all done {time.monotonic() - up:.2f} s after the store was up")
    assert set(project.times_begun().values()) == {1}, "a step ran again, though its worker lived"


@pytest.mark.parametrize("kind", ["supervised", "plain dramatiq"])
def test_workers_stop_though_their_store_is_away(
    crashing_project: Project, postgres_server: PostgresServer, kind: str
) -> None:
    project = crashing_project
    if kind == "supervised":
        pool = project.start_pool(processes=1)
    else:
        command = (sys.executable, "-m", "dramatiq", "questline_worker.main", "-p", "1", "-t", "2")
        pool = project.start(*command, QUESTLINE_LORDS="my_lords")
        project.wait_for_workers(1)
    quest_id = project.submit("slow", quest_id="away")
    project.wait_for_begin("away:0:0001")
    children = descendants(pool.pid)
    postgres_server.stop(immediate=True)
    project.open_gate()  # the handler returns while the store is away
    pool.send(signal.SIGTERM)
    begun = time.monotonic()
    eventually(lambda: not pool.running, timeout=LONG, message=f"it does not stop: {project.log[-3000:]}")
    all_gone(children)
    tell(f"stopped {time.monotonic() - begun:.2f} s after SIGTERM")
    postgres_server.start()
    project.start_pool(processes=1)
    project.completed(quest_id)
