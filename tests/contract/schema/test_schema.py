import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import IntegrityError

from questline_persistence import schema
from questline_persistence.dialects.postgres import table_locks
from questline_persistence.errors import ConfigurationError, StoreUnavailable
from questline_persistence.records import QuestRepository
from questline_persistence.schema.metadata import METADATA
from questline_persistence.store import Database


@pytest.fixture
def blank(blank_database_url: str) -> Iterator[Database]:
    database = Database(blank_database_url)
    yield database
    database.close()


def tables(database: Database) -> set[str]:
    return database.read(lambda connection: set(inspect(connection).get_table_names()))


def test_the_newest_revision_is_the_one_that_the_code_expects() -> None:
    assert schema.history()[0][0] == schema.HEAD
    assert all(what for _, what in schema.history())


def test_the_migrations_make_exactly_the_tables_that_the_code_declares(database: Database) -> None:
    assert schema.drift(database) == []
    words = {name for name in tables(database) if name.startswith("memory_tokens")}
    assert tables(database) - words == {*METADATA.tables, schema.VERSION_TABLE}
    assert schema.current(database) == schema.HEAD


def test_the_indexes_and_constraints_are_those_that_the_code_declares(database: Database) -> None:
    found = database.read(
        lambda connection: {
            str(one["name"]) for name in METADATA.tables for one in inspect(connection).get_indexes(name)
        }
    )

    assert found == {str(index.name) for table in METADATA.tables.values() for index in table.indexes}


def test_drift_is_told(database: Database) -> None:
    database.write(lambda connection: connection.execute(text("ALTER TABLE workers ADD COLUMN extra TEXT")))

    assert any("extra" in difference for difference in schema.drift(database))


def test_a_table_of_another_application_in_the_way_is_named(blank: Database) -> None:
    blank.write(lambda connection: connection.execute(text("CREATE TABLE tickets (id INTEGER PRIMARY KEY)")))

    with pytest.raises(ConfigurationError, match="another application that is in the way") as refused:
        schema.migrate(blank)
    assert "tickets" in refused.value.message
    assert "give questline a schema of its own" in refused.value.advice


def test_the_schema_goes_down_to_nothing_and_up_again(database: Database) -> None:
    schema.downgrade(database, "base")
    assert tables(database) <= {schema.VERSION_TABLE}
    assert schema.current(database) is None

    schema.migrate(database)
    schema.migrate(database)
    assert schema.drift(database) == []


def test_a_migration_waits_a_short_time_for_tables_that_somebody_has_read_and_names_them(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a backup does, all night: whoever comes after the migration would wait behind it."""
    monkeypatch.setattr(table_locks, "TRIES", 2)
    monkeypatch.setattr(table_locks, "WAIT_MS", 100)
    monkeypatch.setattr(table_locks, "PAUSE_SECONDS", 0.0)
    database = Database(postgres_url)
    with database.engine.connect() as backup:
        backup.execute(text("SELECT count(*) FROM tickets"))
        pid = backup.execute(text("SELECT pg_backend_pid()")).scalar_one()

        with pytest.raises(StoreUnavailable, match="cannot change the tables") as refused:
            schema.downgrade(database, "0003")
        assert f" {pid} (" in refused.value.advice
        assert schema.current(database) == schema.HEAD
    schema.downgrade(database, "0003")
    schema.migrate(database)
    assert schema.drift(database) == []
    database.close()


#: A row of each table, as a release with the schema 0003 writes them.
QUEST = """INSERT INTO quest_executions (quest_id, namespace, quest_type, status, input_data, execution_stack, labels,
    queue, created_at, updated_at, schema_version)
    VALUES ('q', 'n', 't', 'running', '{}', '[]', '{}', 'd', '', '', 1)"""
RUN = """INSERT INTO lord_runs (quest_id, position, lord_name, tool_name, run_index, status, start_time, input_data,
    max_attempts, created_at) VALUES ('q', '0001', 'a', 't', 1, :status, 0, '{}', 1, '')"""
ROWS = (
    QUEST,
    RUN.replace(":status", "'error'"),
    """INSERT INTO quest_steps (quest_id, epoch, position, lord_name, tool_name, occurrence, params, max_attempts,
    timeout_seconds, backoff_seconds, queue, since_version)
    VALUES ('q', 0, '0001', 'a', 't', 1, '{}', 1, 1, 1, 'd', 0)""",
    """INSERT INTO tickets (quest_id, branch, namespace, position, epoch, handler, state, claim_id, lost, fence,
    version, available_at, ring_at, queue)
    VALUES ('q', 0, 'n', '0001', 0, 'a:t', 'running', 'c', 1, 2, 0, 0, 0, 'd')""",
    """INSERT INTO quest_snapshots (quest_id, version, position, run_data, snapshot_reason, created_at)
    VALUES ('q', 0, '0001', '{}', 'start', '')""",
    """INSERT INTO workers (worker_id, namespace, process_id, host, pid, state, started_at, lease_until,
    heartbeat_at, queues, handlers, threads, code_version)
    VALUES ('w', 'n', 'p', 'h', 1, 'live', 0, 0, 0, '[]', '[]', 1, '')""",
    "INSERT INTO counts (namespace, name, number) VALUES ('n', 'workers_lost', 1)",
)


def everything(database: Database) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every table."""

    def work(connection: Connection) -> dict[str, list[dict[str, Any]]]:
        names = sorted(set(inspect(connection).get_table_names()) - {schema.VERSION_TABLE})
        found = {name: connection.execute(text(f"SELECT * FROM {name}")).mappings().all() for name in names}
        return {name: [dict(row) for row in rows] for name, rows in found.items()}

    return database.read(work)


def test_what_a_release_of_before_has_stored_is_kept_on_the_way_up_and_down(database: Database) -> None:
    schema.downgrade(database, "0003")
    for row in ROWS:
        database.write(lambda connection, row=row: connection.execute(text(row)))
    before = everything(database)
    assert all(len(rows) == 1 for rows in before.values())
    schema.migrate(database)
    after = everything(database)

    assert {name: [new | old for new, old in zip(after[name], rows, strict=True)] for name, rows in before.items()} == {
        name: after[name] for name in before
    }
    (ticket,) = after["tickets"]
    assert (ticket["lost_alone"], ticket["company"], ticket["snoozed_until"], ticket["progress"]) == (0, 0, None, None)
    schema.downgrade(database, "0003")
    assert everything(database) == before


def test_a_release_of_before_goes_on_with_the_schema_of_this_one(database: Database) -> None:
    for row in ROWS:
        database.write(lambda connection, row=row: connection.execute(text(row)))

    assert all(everything(database)[row.split()[2]] for row in ROWS)


def test_attempts_of_before_are_kept_and_those_of_new_statuses_are_taken(database: Database) -> None:
    schema.downgrade(database, "0003")

    def add(*statuses: str) -> None:
        for status in statuses:
            database.write(lambda connection, status=status: connection.execute(text(RUN), {"status": status}))

    def stored() -> list[tuple[int, str]]:
        query = text("SELECT run_id, status FROM lord_runs ORDER BY run_id")
        return database.read(lambda connection: [(row[0], row[1]) for row in connection.execute(query)])

    database.write(lambda connection: connection.execute(text(QUEST)))
    add("success", "error", "skipped")
    database.write(lambda connection: connection.execute(text("DELETE FROM lord_runs WHERE run_id = 3")))
    schema.migrate(database)
    add("cancelled", "conflict")
    with pytest.raises(IntegrityError):
        add("unheard-of")
    assert [(run_id, status) for run_id, status in stored() if run_id < 5 or status == "conflict"] == [
        (1, "success"),
        (2, "error"),
        (4, "cancelled"),
        (5, "conflict"),
    ]
    schema.downgrade(database, "0003")
    assert [status for _, status in stored()] == ["success", "error", "skipped", "skipped"]
    with pytest.raises(IntegrityError):
        add("cancelled")


def test_postgresql_has_checked_every_row_against_every_constraint(postgres_url: str) -> None:
    database = Database(postgres_url)
    for change in ("0003", "head"):
        (schema.downgrade if change != "head" else schema.migrate)(database, change)
        query = text("SELECT count(*) FROM pg_constraint WHERE NOT convalidated")
        assert database.read(lambda connection: connection.scalar(query)) == 0  # noqa: B023  (called at once)
    database.close()


def test_the_tables_of_an_application_in_the_same_database_are_left_alone(blank: Database) -> None:
    blank.write(lambda connection: connection.execute(text("CREATE TABLE alembic_version (version_num TEXT)")))
    blank.write(lambda connection: connection.execute(text("INSERT INTO alembic_version VALUES ('ffff')")))
    schema.ensure(blank, auto_migrate=True)

    assert schema.drift(blank) == []
    schema.downgrade(blank, "base")
    query = text("SELECT version_num FROM alembic_version")
    assert blank.read(lambda connection: connection.scalar(query)) == "ffff"


def test_a_blank_sqlite_file_is_migrated_by_itself(blank_sqlite_url: str) -> None:
    with QuestRepository(blank_sqlite_url) as repository:
        assert repository.get_quest_stats()["total_quests"] == 0
        assert schema.drift(repository.database) == []


def test_a_blank_postgresql_database_is_refused_with_the_command_to_run(blank_postgres_url: str) -> None:
    with pytest.raises(ConfigurationError, match="has no questline schema") as caught:
        QuestRepository(blank_postgres_url)
    assert caught.value.hint == "run: questline db upgrade"

    with QuestRepository(blank_postgres_url, auto_migrate=True) as repository:
        assert schema.current(repository.database) == schema.HEAD


def test_an_old_postgresql_schema_is_refused_with_the_command_to_run(postgres_url: str) -> None:
    database = Database(postgres_url)
    _pretend(database, "0000")

    with pytest.raises(ConfigurationError, match=f"has schema 0000; this questline needs {schema.HEAD}") as caught:
        schema.ensure(database)
    assert caught.value.hint == "run: questline db upgrade"
    database.close()


def test_the_schema_of_the_next_release_is_accepted_so_that_two_releases_run_side_by_side(database: Database) -> None:
    _pretend(database, f"{int(schema.HEAD) + 1:04d}")

    schema.ensure(database)

    assert schema.current(database) == f"{int(schema.HEAD) + 1:04d}"


def test_a_newer_schema_is_refused_whatever_the_store(database: Database) -> None:
    _pretend(database, "9999")

    for auto_migrate in (False, True):
        with pytest.raises(ConfigurationError, match="newer than this questline knows") as caught:
            schema.ensure(database, auto_migrate=auto_migrate)
    assert caught.value.hint == "upgrade questline on this machine"


def test_several_processes_may_migrate_at_once(blank: Database, blank_database_url: str) -> None:
    code = "import sys; from questline_persistence.schema.revisions import upgrade; upgrade(sys.argv[1])"
    processes = [subprocess.Popen([sys.executable, "-c", code, blank_database_url]) for _ in range(3)]

    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert schema.current(blank) == schema.HEAD
    assert schema.drift(blank) == []


def test_the_password_is_in_no_message(blank_postgres_url: str) -> None:
    database = Database(blank_postgres_url.replace("questline@", "questline:secret@"))

    with pytest.raises(ConfigurationError) as caught:
        schema.ensure(database)
    assert "secret" not in caught.value.message
    assert "***" in caught.value.message
    database.close()


@pytest.mark.parametrize("url", ["mysql://host/db", "http://host", "sqlite:///no/such/folder/x.db"])
def test_a_url_that_cannot_work_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        QuestRepository(url)
    assert caught.value.hint


def test_a_store_that_cannot_be_reached_is_unavailable() -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/none", patience=0.1)

    with pytest.raises(StoreUnavailable, match="cannot use the database"):
        schema.ensure(database)
    database.close()


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("this is no database, though it is long enough to be taken for one" * 20)

    with pytest.raises(StoreUnavailable, match="not a database"):
        QuestRepository(tmp_path / "x.db")


def _pretend(database: Database, revision: str) -> None:
    """Write another revision into the database."""
    change = text(f"UPDATE {schema.VERSION_TABLE} SET version_num = :revision")
    database.write(lambda connection: connection.execute(change, {"revision": revision}))
