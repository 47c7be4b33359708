"""A table whose rows name their quest goes where quests go."""

from questline_persistence.kinds import ENTRIES, VERSIONED
from questline_persistence.schema import METADATA, OF_QUEST, tickets

#: Tables whose rows outlive the quest that they name.
OUTLIVING = {"audit", "batch_results", "tombstones"}
#: Those of what Lords remember: what is a quest's own of it goes by its key.
REMEMBERED = {kind.versions for kind in VERSIONED} | {kind.table for kind in ENTRIES}


def test_every_table_that_names_quests_goes_with_them_or_outlives_them() -> None:
    naming = {table.name for table in METADATA.tables.values() if "quest_id" in table.c}

    assert naming - OUTLIVING - REMEMBERED == {table.name for table in (*OF_QUEST, tickets)}


def test_rows_are_inserted_behind_those_that_they_name() -> None:
    order = [table for table in METADATA.sorted_tables if table in OF_QUEST]

    assert OF_QUEST[0] is order[0]
