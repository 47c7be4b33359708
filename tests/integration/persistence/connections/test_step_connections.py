"""The connections that are kept for step statements: how many, and what becomes of them after an error."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from questline_persistence.dialects import execute
from questline_persistence.errors import QuestConflict
from questline_persistence.store import Database, step_connections
from questline_persistence.store.step_connections import StepConnections
from questline_scheduler.client import QuestClient
from tests.contract.quests import quest
from tests.waiting import eventually


@pytest.fixture
def kept(database: Database) -> StepConnections:
    return StepConnections(database.engine, database.dialect, database._access, most=20)


def own(connection: Connection) -> Any:
    return connection.connection.dbapi_connection


def ask(kept: StepConnections) -> Any:
    """Send a statement; return the driver's connection that it went through."""
    with kept.lent() as connection:
        assert execute(connection, "SELECT 1") == [(1,)]
        return own(connection)


def test_a_connection_is_kept_for_the_next_one(kept: StepConnections) -> None:
    assert ask(kept) is ask(kept)


def test_an_answer_that_is_an_error_costs_no_connection_and_leaves_no_transaction(kept: StepConnections) -> None:
    first = ask(kept)
    with pytest.raises(QuestConflict), kept.lent() as connection:
        _ask_and_refuse(connection)
    assert ask(kept) is first
    with kept.lent() as connection:
        assert not connection.in_transaction()


def test_an_error_of_the_database_costs_the_connection_that_met_it(kept: StepConnections) -> None:
    first = ask(kept)
    with pytest.raises(DBAPIError), kept.lent() as connection:
        execute(connection, "SELECT nonsense")
    assert ask(kept) is not first


def test_whoever_wants_more_connections_than_there_may_be_waits(database: Database) -> None:
    few = StepConnections(database.engine, database.dialect, database._access, most=2)
    with ThreadPoolExecutor(1) as pool:
        with ExitStack() as lent:
            taken = [own(lent.enter_context(few.lent())) for _ in range(2)]
            third = pool.submit(ask, few)
            eventually(lambda: few._places._cond._waiters)  # type: ignore[attr-defined]
            assert not third.done()
        assert third.result(30) in taken


def test_connections_that_nobody_wants_any_more_are_closed(
    kept: StepConnections, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as lent:
        for _ in range(3):
            lent.enter_context(kept.lent())
    last = ask(kept)
    assert len(kept._kept) == 3
    monkeypatch.setattr(step_connections, "IDLE_SECONDS", 0.0)
    assert ask(kept) is last
    assert len(kept._kept) == 1


def test_a_client_of_many_threads_keeps_no_more_connections_than_it_is_said_to(postgres_url: str) -> None:
    ours = "datname = current_database() AND application_name = 'questline'"
    with QuestClient(postgres_url, "memory://") as client, psycopg.connect(postgres_url, autocommit=True) as admin:
        with ThreadPoolExecutor(18) as pool:
            with admin.transaction():
                admin.execute("LOCK TABLE quest_executions IN ACCESS EXCLUSIVE MODE")  # all are under way at once
                submitted = [pool.submit(client.submit, quest("a")) for _ in range(18)]
                eventually(lambda: len(client.database._step_connections._places._cond._waiters) == 13)  # type: ignore[attr-defined]
            assert all(one.result(60) for one in submitted)
        ((kept,),) = admin.execute(f"SELECT count(*) FROM pg_stat_activity WHERE {ours}").fetchall()

    assert kept <= 10


def test_when_the_server_has_ended_one_connection_the_others_are_not_tried_in_turn(postgres_url: str) -> None:
    database = Database(postgres_url)
    kept = StepConnections(database.engine, database.dialect, database._access, most=20)
    with ExitStack() as lent:
        pids = [own(lent.enter_context(kept.lent())).info.backend_pid for _ in range(5)]
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        for pid in pids:
            admin.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    with pytest.raises(DBAPIError):
        ask(kept)
    ask(kept)
    database.close()


def test_a_broken_link_is_told_as_itself_whatever_had_noticed_it_first(postgres_url: str) -> None:
    database = Database(postgres_url)
    kept = StepConnections(database.engine, database.dialect, database._access, most=20)
    with pytest.raises(DBAPIError) as raised, kept.lent() as connection:
        _ask_on_a_link_that_is_cut(postgres_url, connection)
    assert raised.value.connection_invalidated
    ask(kept)
    database.close()


def _ask_and_refuse(connection: Connection) -> None:
    connection.exec_driver_sql("SELECT 1")
    raise QuestConflict("taken")


def _ask_on_a_link_that_is_cut(url: str, connection: Connection) -> None:
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", (own(connection).info.backend_pid,))
    connection.exec_driver_sql("SELECT 1")


def test_an_in_memory_database_is_closed_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    database = Database(":memory:")
    assert database.statement(lambda connection: execute(connection, "SELECT 1"), at="claim") == [(1,)]
    database.close()
    assert caplog.text == ""
