"""What `questline doctor` tries of a store: every table, and nothing of it is kept."""

import pytest

from questline_persistence.journal import try_writing
from questline_persistence.schema.metadata import METADATA
from tests.contract.quests import Workbench, statements


@pytest.mark.parametrize("begins", ["INSERT INTO {}", "UPDATE {}", "DELETE FROM {}"])
def test_every_table_is_written_changed_and_deleted_from(bench: Workbench, begins: str) -> None:
    with statements(bench.database) as sent:
        try_writing(bench.database, bench.namespace)

    sql = "\n".join(sent)
    assert [name for name in METADATA.tables if begins.format(f"{name} ") not in sql] == []


def test_nothing_of_it_is_kept(bench: Workbench) -> None:
    def everything() -> dict[str, list[object]]:
        tables = METADATA.tables.items()
        return bench.database.read(lambda own: {name: [*own.execute(table.select())] for name, table in tables})

    before = everything()
    try_writing(bench.database, bench.namespace)

    assert everything() == before
    assert {name for name, rows in before.items() if rows} == {"migrations"}
