"""No verb goes through all that is remembered to find what a quest has written or kept."""

import re
from collections.abc import Callable

import pytest

from questline_persistence.kinds import ENTRIES, VERSIONED
from tests.contract.lessons import event, lesson, state, step
from tests.contract.quests import Workbench
from tests.model.statements import sent

TABLES = {one for kind in VERSIONED for one in (kind.heads, kind.versions)} | {kind.table for kind in ENTRIES}


def replay(bench: Workbench, quest_id: str) -> None:
    bench.replay(quest_id, "b")


def fork(bench: Workbench, quest_id: str) -> None:
    bench.fork(quest_id, "b")


def delete(bench: Workbench, quest_id: str) -> None:
    bench.controls.cancel(quest_id)
    bench.repository.delete_quest(quest_id)


@pytest.mark.parametrize("verb", [replay, fork, delete])
def test_a_verb_finds_what_a_quest_remembers_by_indexes(
    sqlite_url: str, verb: Callable[[Workbench, str], None]
) -> None:
    bench = Workbench(sqlite_url)
    quest_id = bench.submit("a", "b", "c")
    for data in ("first", "second"):
        own = state(bench, data, f"{quest_id}/own", owner=quest_id), event(bench, data, quest_id, owner=quest_id)
        step(bench, quest_id, state(bench, data), *own, lesson(bench, data))
    with sent(bench.database) as found:
        verb(bench, quest_id)

    # A list of values is that of one row, where it comes from the driver; SQLAlchemy takes it for many rows.
    asked = [
        (text, tuple(values) if isinstance(values, list) else values)
        for text, values in found
        if any(table in text for table in TABLES)
    ]
    with bench.database.engine.connect() as connection:
        plans = [row[3] for one in asked for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one[0]}", one[1])]
    bench.close()
    assert asked
    assert [plan for plan in plans if re.match(rf"SCAN ({'|'.join(TABLES)})\b", plan)] == []
