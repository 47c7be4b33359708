"""Worker processes that may open few connections: their steps wait for each other, and none for ever."""

import psycopg
import pytest

from questline_persistence.memory.kept import Kept
from questline_persistence.memory.models import AgentState
from questline_persistence.memory.states import States
from questline_worker.lords import LordContext, lord
from tests.integration.worker.pools import LONG, Pool, completed, quest
from tests.waiting import eventually


@pytest.mark.parametrize("pooler", ["auto", "transaction"])
def test_a_worker_with_one_connection_of_each_kind_runs_its_quests(pool: Pool, pooler: str) -> None:
    @lord("a", "work")
    def work(context: LordContext) -> int:
        context.progress(0.5)
        return len(context.outputs.all("a"))

    pool.start(
        threads=8,
        pool_size=1,
        pool_overflow=0,
        pool_wait_seconds=1,
        database_pooler=pooler,
    )
    client = pool.client()

    handles = client.submit_many([quest(*["a"] * 3) for _ in range(12)])

    assert [completed(handle).output_data for handle in handles] == [2] * 12


def test_a_worker_has_as_many_connections_as_its_threads_need_if_nothing_is_said(sqlite_pool: Pool) -> None:
    assert sqlite_pool.start(threads=4).process.database._step_connections._places._initial_value == 12  # type: ignore[attr-defined]
    assert sqlite_pool.start(threads=40).process.database._step_connections._places._initial_value == 20  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", [4, 12], ids="{} connections".format)
def test_steps_that_wait_for_somebodys_lock_leave_connections_and_threads_to_others(
    server_pool: Pool, size: int
) -> None:
    @lord("writer", "work")
    async def write(context: LordContext) -> None:
        await context.state.save_agent_state(AgentState(agent_id="hot"))

    @lord("plain", "work")
    def work(_: LordContext) -> None: ...

    member = server_pool.start(threads=4, pool_size=size)
    states = States(Kept(member.process.database, "default"))
    states.save_agent_state(AgentState(agent_id="hot"))
    client = server_pool.client()
    server = server_pool.database_url.replace("+psycopg", "")
    with psycopg.connect(server) as stray, psycopg.connect(server, autocommit=True) as admin:
        stray.execute("SELECT * FROM agent_states FOR UPDATE")
        writers = client.submit_many([quest("writer") for _ in range(8)])
        waiting = "datname = current_database() AND wait_event_type = 'Lock'"
        blocked = f"SELECT count(*) FROM pg_stat_activity WHERE {waiting}"
        eventually(lambda: sum(admin.execute(blocked).fetchone() or ()) >= 2, timeout=LONG)
        for plain in client.submit_many([quest("plain", "plain") for _ in range(4)]):
            completed(plain)
        stray.rollback()
    for writer in writers:
        assert [run.status for run in completed(writer) and client.runs(writer.quest_id)] == ["success"]
