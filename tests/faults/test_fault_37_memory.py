"""Fault 37: the store is full, or can only be read, while a step commits what it remembers with its result."""

import logging
import threading
from collections.abc import Callable
from functools import partial

import psycopg
import pytest
from psycopg import sql

from questline_persistence.kinds import AGENT_STATES
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.models import AgentState
from questline_persistence.memory.states import States
from questline_persistence.models import LordStep
from questline_persistence.store import alarm
from questline_worker.lords import LordContext, lord
from tests.contract.quests import Workbench
from tests.faults.test_fault_11_disk_full import SqliteDisk
from tests.integration.worker.pools import LONG, Pool, completed, ended, errors, quest, successes
from tests.waiting import eventually

#: Has no room for a version of a state, though the result has found some.
_FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION 'could not extend file "base/5/1259": No space left on device' USING ERRCODE = '53100';
END $$;
CREATE TRIGGER full_states BEFORE INSERT ON agent_state_versions FOR EACH ROW EXECUTE FUNCTION full_disk();
"""
_ROOM = "DROP FUNCTION full_disk CASCADE"
_OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> %s"


def _fill(url: str, *, full: bool) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_FULL if full else _ROOM)


def _lock(url: str, *, full: bool) -> None:
    """Let every session only read, as on a server that is no longer the first one; or let it write again."""
    with psycopg.connect(url, autocommit=True, options="-c default_transaction_read_only=off") as connection:
        database = sql.Identifier(connection.info.dbname)
        word = sql.SQL("on" if full else "off")
        connection.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}").format(database, word))
        connection.execute(_OTHERS, [connection.info.backend_pid])


def test_fault_37_what_a_step_remembers_waits_with_its_result_for_room(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    url = pool.database_url
    harm = SqliteDisk(pool, monkeypatch).fill if url.startswith("sqlite") else partial(_fill, url)
    _commit_after(harm, pool, monkeypatch, caplog)


def test_fault_37_what_a_step_remembers_waits_with_its_result_for_a_server_that_can_be_written(
    server_pool: Pool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _commit_after(partial(_lock, server_pool.database_url), server_pool, monkeypatch, caplog)


def test_fault_37_what_a_step_remembers_waits_with_its_result_for_a_file_that_can_be_written(
    sqlite_pool: Pool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file = SqliteDisk(sqlite_pool, monkeypatch, "query_only = on")
    _commit_after(file.fill, sqlite_pool, monkeypatch, caplog)


def test_fault_37_a_step_that_cannot_remember_in_an_older_schema_leaves_nothing_and_can_be_retried(
    pool: Pool,
) -> None:
    store = Workbench(pool.database_url)

    @lord("planner", "work")
    def plan(context: LordContext) -> str:
        context.state.save_agent_state(AgentState(agent_id="planner", state_data="sow"))
        context.events.append("planned")
        return "done"

    pool.start()
    client = pool.client()
    store.execute("ALTER TABLE agent_state_versions RENAME TO newer")
    handle = client.submit(quest(LordStep("planner", "work", max_attempts=1)))
    failed = ended(client, handle.quest_id, "failed")
    store.execute("ALTER TABLE newer RENAME TO agent_state_versions")
    store.close()

    assert failed.error
    assert "agent_state_versions" in failed.error
    assert (successes(client, handle.quest_id), _remembered(pool.database_url, handle.quest_id)) == ([], (None, 0))
    client.retry(handle.quest_id)
    assert completed(handle).output_data == "done"
    assert _remembered(pool.database_url, handle.quest_id) == (1, 1)


def _commit_after(
    harm: Callable[..., None], pool: Pool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Harm the store while a step that remembers things ends; see that all of it is committed afterwards, and once."""
    gate, begun = pool.gate(), threading.Event()
    ran: list[str] = []

    @lord("planner", "work")
    def plan(context: LordContext) -> str:
        ran.append(context.position)
        context.state.save_agent_state(AgentState(agent_id="planner", state_data="x" * 200_000))
        context.events.append("planned")
        begun.set()
        gate.wait()
        return "done"

    monkeypatch.setattr(alarm, "FIRST_SECONDS", 0.3)
    pool.start()
    client = pool.client()
    handle = client.submit(quest("planner"))
    assert begun.wait(LONG)
    harm(full=True)
    with caplog.at_level(logging.WARNING):
        gate.set()
        eventually(lambda: _is_told(caplog), timeout=LONG, message="nobody was told what is wrong")
    assert _remembered(pool.database_url, handle.quest_id) == (None, 0)
    harm(full=False)

    assert completed(handle).output_data == "done"
    assert ran == ["0001"], "a step whose result only waited for the store ran again"
    assert (successes(client, handle.quest_id), errors(client, handle.quest_id)) == ([(0, "0001")], [])
    assert _remembered(pool.database_url, handle.quest_id) == (1, 1)


def _is_told(caplog: pytest.LogCaptureFixture) -> bool:
    """Tell whether the log has said why the store cannot be used."""
    told = [record.getMessage() for record in caplog.records if "store_unavailable" in record.getMessage()]
    return any(word in one for one in told for word in ("is full", "No space left", "read-only", "readonly"))


def _remembered(url: str, quest_id: str) -> tuple[int | None, int]:
    """Return at which version the planner is, and how many events of the quest there are."""
    bench = Workbench(url)
    try:
        kept = Kept(bench.database, bench.namespace)
        row = kept.load(AGENT_STATES, "planner")
        return None if row is None else row.version, len(States(kept).get_events(quest_id))
    finally:
        bench.close()
