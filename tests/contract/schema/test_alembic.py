"""What Alembic itself knows of the schema: what it would change, on which connection, and that it leaves none open."""

from collections.abc import Iterator

import pytest
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from sqlalchemy import NullPool, create_engine, inspect, text

from questline_persistence import schema
from questline_persistence.dialects import parse_url
from questline_persistence.schema.metadata import METADATA
from questline_persistence.store import Database
from tests.waiting import eventually

#: What sessions, to-do lists, history and lessons are kept in, and indexes that lists of them go by.
MADE = {
    "sessions": {"ix_sessions_user_id", "ix_sessions_created_at"},
    "states": {"ix_states_timestamp"},
    "todo_lists": {"ix_todo_lists_session_id"},
    "execution_history": {"ix_execution_history_session_id", "ix_execution_history_timestamp"},
    "memories": {"ix_memories_tool_name", "ix_memories_created_at"},
}


@pytest.fixture
def blank(blank_database_url: str) -> Iterator[Database]:
    database = Database(blank_database_url)
    yield database
    database.close()


def would_change(database: Database) -> str:
    """Return the body of the migration that `alembic revision --autogenerate` would write."""

    def work(connection: object) -> str:
        options = {"include_name": lambda name, kind, _: kind != "table" or name in METADATA.tables}
        context = MigrationContext.configure(connection, opts=options)  # type: ignore[arg-type]
        upgrade = produce_migrations(context, METADATA).upgrade_ops
        assert upgrade is not None
        return render_python_code(upgrade).strip()

    return database.read(work)


def test_autogenerate_has_nothing_to_add_and_writes_down_what_is_missing(database: Database) -> None:
    assert [line.strip() for line in would_change(database).splitlines() if "#" not in line] == ["pass"]

    database.write(lambda own: own.execute(text("DROP INDEX ix_states_timestamp")))
    assert "op.create_index('ix_states_timestamp', 'states'" in would_change(database)


def test_the_migration_makes_the_tables_of_sessions_with_their_indexes(blank: Database) -> None:
    def found() -> dict[str, set[str]]:
        return blank.read(
            lambda own: {
                name: {str(index["name"]) for index in inspect(own).get_indexes(name)}
                for name in MADE
                if inspect(own).has_table(name)
            }
        )

    schema.migrate(blank, "0004")
    assert found() == {}
    schema.migrate(blank, "0005")
    now = found()
    assert {name: missing for name, indexes in MADE.items() if (missing := indexes - now.get(name, set()))} == {}
    assert set(now) == set(MADE)


def test_a_migration_leaves_no_connection_open(blank_postgres_url: str) -> None:
    schema.upgrade(blank_postgres_url)
    engine = create_engine(parse_url(blank_postgres_url), poolclass=NullPool)
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

    def count() -> int:
        with engine.connect() as connection:
            return int(connection.execute(text(f"{others} AND backend_type = 'client backend'")).scalar_one())

    eventually(lambda: count() == 0, timeout=30)
