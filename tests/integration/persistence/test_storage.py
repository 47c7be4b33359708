"""How PostgreSQL keeps the tables that change most: the settings are there after a migration, and go with it."""

import subprocess
import sys

from sqlalchemy import text

from questline_persistence import schema
from questline_persistence.kinds import VERSIONED
from questline_persistence.schema.metadata import METADATA
from questline_persistence.store import Database

EXPECTED = {
    "tickets": {
        "autovacuum_vacuum_threshold=1000",
        "autovacuum_vacuum_scale_factor=0",
        "autovacuum_vacuum_cost_delay=0",
        "autovacuum_analyze_threshold=1000",
        "autovacuum_analyze_scale_factor=0",
        "vacuum_truncate=false",
    },
    "quest_executions": {"autovacuum_vacuum_scale_factor=0.02", "autovacuum_analyze_scale_factor=0.02"},
    **{kind.heads: {"fillfactor=80"} for kind in VERSIONED},
}


def storage(url: str) -> dict[str, set[str]]:
    """Return the settings that tables of a database have of their own."""
    query = text("SELECT relname, reloptions FROM pg_class WHERE relkind = 'r' AND reloptions IS NOT NULL")
    database = Database(url)
    rows = database.read(lambda connection: list(connection.execute(query)))
    database.close()
    tables = METADATA.tables.keys()
    return {row.relname: set(row.reloptions) for row in rows if row.relname in tables}


def test_the_tables_have_their_settings_after_an_upgrade(blank_postgres_url: str) -> None:
    command = [sys.executable, "-m", "questline", "db", "upgrade", "--database-url", blank_postgres_url]
    subprocess.run(command, check=True, capture_output=True)

    assert storage(blank_postgres_url) == EXPECTED


def test_the_tables_that_the_code_declares_have_the_same_settings(blank_postgres_url: str) -> None:
    database = Database(blank_postgres_url)
    METADATA.create_all(database.engine)
    database.close()

    assert storage(blank_postgres_url) == EXPECTED


def test_a_downgrade_takes_the_settings_back(postgres_url: str) -> None:
    database = Database(postgres_url)
    schema.downgrade(database, "0001")
    assert storage(postgres_url) == {}

    schema.migrate(database)
    assert storage(postgres_url) == EXPECTED
    assert schema.drift(database) == []
    database.close()
