"""What the tables of agents look like from outside."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Inspector, create_engine, inspect, text
from sqlalchemy.exc import IntegrityError

from questline.memory import AgentState, Event, Task
from questline_persistence.dialects import parse_url
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.states import States
from questline_persistence.store import Database

#: Every column that the description of the tables names; what has versions keeps its payload with them.
DOCUMENTED = {
    "agent_states": {"agent_id", "name", "status", "version", "created_at", "updated_at", "deleted_at"},
    "agent_state_versions": {"agent_id", "version", "name", "status", "state_data", "metadata"},
    "state_transitions": {"agent_id", "state_before", "state_after", "reason", "created_at"},
    "state_snapshots": {"snapshot_id", "agent_id", "version", "description", "created_at", "expires_time"},
    "events": {
        *("event_id", "session_id", "event_type", "actor_type", "actor_id", "content", "metadata", "git_commit"),
        "created_at",
    },
    "tasks": {"task_id", "status", "assigned_to", "version", "created_at", "updated_at"},
    "task_versions": {"task_id", "version", "title", "description", "metadata", "status", "assigned_to"},
    "sessions": {"session_id", "agent_id", "status", "started_at", "ended_at"},
    "migrations": {"version", "name", "applied_at", "reverted_at"},
}
#: Indexes of several columns, behind namespace and key prefix, for what is asked most often.
COMPOSITE = {
    ("agent_states", "status", "created_at", "id"),
    ("agent_state_versions", "agent_id", "version"),
    ("state_transitions", "agent_id", "seq"),
    ("state_snapshots", "agent_id", "id"),
    ("events", "session_id", "seq"),
    ("events", "event_type", "id"),
    ("tasks", "status", "created_at", "id"),
    ("tasks", "assigned_to", "created_at", "id"),
    ("sessions", "agent_id", "created_at", "id"),
}
#: Indexes that hold a part of the rows alone.
PARTIAL = {
    "ix_agent_states_list": "deleted_at IS NULL",
    "ix_agent_states_status": "deleted_at IS NULL",
    "ix_state_snapshots_expires_time": "expires_time IS NOT NULL",
    "ix_events_git_commit": "git_commit IS NOT NULL",
    "ix_tasks_list": "deleted_at IS NULL",
    "ix_tasks_status": "deleted_at IS NULL",
    "ix_tasks_assigned_to": "deleted_at IS NULL",
}


@pytest.fixture
def seen(database_url: str) -> Iterator[Inspector]:
    engine = create_engine(parse_url(database_url))
    yield inspect(engine)
    engine.dispose()


def test_the_tables_have_the_documented_columns(seen: Inspector) -> None:
    columns = {table: {column["name"] for column in seen.get_columns(table)} for table in DOCUMENTED}

    assert {table: names - columns[table] for table, names in DOCUMENTED.items() if names - columns[table]} == {}


def test_what_is_asked_most_often_has_an_index_of_several_columns(seen: Inspector) -> None:
    tables = {table for table, *_ in COMPOSITE}
    found = {(table, *index["column_names"][2:]) for table in tables for index in seen.get_indexes(table)}

    assert COMPOSITE - found == set()


def test_what_is_filtered_has_an_index_of_those_rows_alone(seen: Inspector) -> None:
    found = {
        str(index["name"]): str(where).strip("()")
        for table in DOCUMENTED
        for index in seen.get_indexes(table)
        for option, where in index.get("dialect_options", {}).items()
        if option.endswith("_where")
    }

    assert {name: found.get(name) for name in PARTIAL} == PARTIAL


@pytest.mark.parametrize(("table", "column"), [("events", "actor_type"), ("tasks", "status")])
def test_the_database_itself_refuses_an_actor_and_a_status_that_are_none(
    database: Database, table: str, column: str
) -> None:
    states = States(Kept(database, "here"))
    states.save_agent_state(AgentState(agent_id="a"))
    states.save_event(Event(session_id="s", event_type="said"))
    states.save_task(Task(title="t"))

    with pytest.raises(IntegrityError), database.engine.begin() as connection:
        connection.execute(text(f"UPDATE {table} SET {column} = 'nobody'"))


def test_a_file_keeps_a_write_ahead_log(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    States(Kept(database, "here")).save_agent_state(AgentState(agent_id="a"))

    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
    database.close()
