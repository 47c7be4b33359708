"""The table of migrations: what was applied and taken back, noted as it happens."""

from types import SimpleNamespace
from typing import Any

from sqlalchemy import select

from questline_persistence import schema
from questline_persistence.schema.migration_notes import note_migration
from questline_persistence.store import Database

#: The first migrations of the state store, which keep their names as parts of the one that brought all of it.
STATE_STORE = ["agent_states", "state_transitions", "state_snapshots", "indexes"]


def noted(database: Database) -> dict[str, tuple[str, bool]]:
    """Return the names of the migrations by version, and whether each counts as applied."""
    query = select(schema.migrations).order_by(schema.migrations.c.version)
    rows = database.read(lambda own: own.execute(query).all())
    return {row.version: (row.name, row.reverted_at is None) for row in rows}


def test_every_migration_is_noted_once(blank_database_url: str) -> None:
    database = Database(blank_database_url)
    schema.migrate(database)
    found = noted(database)
    schema.migrate(database)

    assert noted(database) == found
    assert {version: name for version, (name, _) in found.items() if "." not in version} == dict(schema.history())
    assert [found[f"0005.{number}"][0] for number in (1, 2, 3, 4)] == STATE_STORE
    assert all(applied for _, applied in found.values())
    database.close()


def test_a_store_of_before_the_table_notes_what_it_had(blank_database_url: str) -> None:
    database = Database(blank_database_url)
    schema.migrate(database, "0003")
    schema.migrate(database)

    assert [version for version in noted(database) if "." not in version] == [
        one for one, _ in reversed(schema.history())
    ]
    schema.downgrade(database, "0004")
    schema.migrate(database)
    assert len(noted(database)) == len(schema.history()) + len(STATE_STORE)
    database.close()


def test_a_migration_that_is_taken_back_says_so_until_it_is_applied_again(database: Database) -> None:
    scripts = {
        "0005": SimpleNamespace(revision="0005", doc="what", module=SimpleNamespace(), down_revision=None),
        "9999": SimpleNamespace(revision="9999", doc="next", module=SimpleNamespace(), down_revision="0005"),
    }

    def step(*, is_upgrade: bool) -> None:
        done: Any = SimpleNamespace(
            is_upgrade=is_upgrade,
            up_revision=scripts["9999"],
            revision_map=SimpleNamespace(get_revision=scripts.__getitem__),
        )
        database.write(
            lambda own: note_migration(SimpleNamespace(connection=own), done, (), {}, now=1.0)  # type: ignore[arg-type]
        )

    step(is_upgrade=True)
    assert noted(database)["9999"] == ("next", True)
    step(is_upgrade=False)
    assert (noted(database)["9999"], noted(database)["0005"][1]) == (("next", False), True)
    step(is_upgrade=True)
    assert noted(database)["9999"] == ("next", True)
