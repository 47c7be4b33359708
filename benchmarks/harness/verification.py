"""Checks after every run that the work was done and is in the store: a figure for lost work is worth nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from benchmarks.harness.store import Store
from tests.failpoints.invariants import broken_rows
from tests.failpoints.memory_invariants import REMEMBERED

#: The quests of a run, on each kind of store.
_THESE = {
    "sqlite": "quest_id IN (SELECT value FROM json_each(:ids))",
    "postgresql": "quest_id IN (SELECT jsonb_array_elements_text(CAST(:ids AS jsonb)))",
}
_COUNTS = {
    "completed quests": "SELECT count(*) FROM quest_executions WHERE {these} AND status = 'completed'",
    "attempts": "SELECT count(*) FROM lord_runs WHERE {these}",
    "steps that succeeded exactly once": """
        SELECT count(*) FROM (SELECT 1 AS one FROM lord_runs WHERE {these} AND status = 'success'
        GROUP BY quest_id, epoch, position HAVING count(*) = 1) AS steps""",
    "snapshots": "SELECT count(*) FROM quest_snapshots WHERE {these}",
    "quests whose last snapshot says so": """
        SELECT count(*) FROM quest_snapshots WHERE {these} AND snapshot_reason = 'completed' AND version = :steps""",
    "tickets left": "SELECT count(*) FROM tickets WHERE {these}",
}


class LostWork(AssertionError):
    """The store does not hold what the run claims to have done."""


@dataclass(frozen=True, slots=True)
class Verified:
    """How much work was found in the store."""

    quests: int
    steps: int


def verify(store: Store, quest_ids: Sequence[str], steps: int) -> Verified:
    """Return what quests of `steps` steps each have left in the store, read over a connection of its own.

    Raises:
      LostWork: a quest is not completed, or a step, snapshot or attempt is missing or one too many.
    """
    count = len(set(quest_ids))
    wanted = {
        "completed quests": count,
        "attempts": count * steps,
        "steps that succeeded exactly once": count * steps,
        "snapshots": count * (steps + 1),
        "quests whose last snapshot says so": count,
        "tickets left": 0,
    }
    database = store.database()
    try:
        found = database.read(lambda connection: _count(connection, quest_ids, steps))
    finally:
        database.close()
    wrong = [
        f"{found[name]:,} {name} instead of {number:,}" for name, number in wanted.items() if found[name] != number
    ]
    if wrong:
        raise LostWork("; ".join(wrong))
    return Verified(count, count * steps)


def verify_remembered(store: Store) -> None:
    """Check that what Lords remember is whole: versions and numbers without gap, payloads and words where they belong.

    Raises:
      LostWork: something is missing, or one too many.
    """
    database = store.database()
    try:
        broken = database.read(lambda connection: broken_rows(connection, REMEMBERED))
    finally:
        database.close()
    if broken:
        raise LostWork("; ".join(f"{rule}: {rows[:3]}" for rule, rows in broken.items()))


def _count(connection: Connection, quest_ids: Sequence[str], steps: int) -> dict[str, int]:
    these = _THESE[connection.dialect.name]
    values: dict[str, Any] = {"ids": json.dumps(list(quest_ids))}
    return {
        name: connection.execute(
            text(query.format(these=these)), values | ({"steps": steps} if ":steps" in query else {})
        ).scalar_one()
        for name, query in _COUNTS.items()
    }
