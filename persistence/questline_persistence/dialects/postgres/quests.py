"""The rows of new quests on PostgreSQL: one set-based statement, and so one round trip."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, text

from questline_persistence.dialects.columns import BASE_SNAPSHOT, QUEST, STEP, TICKET, listed
from questline_persistence.dialects.driver import execute
from questline_persistence.new_quest import NewQuest

#: What is sent, with the types of its columns: each quest, each distinct plan, and each step of such a plan.
_QUEST = {
    "quest_id": "text",
    "namespace": "text",
    "quest_type": "text",
    "input_data": "text",
    "run_data": "text",
    "labels": "text",
    "queue": "text",
    "priority": "int",
    "forked_from": "text",
    "idempotency_key": "text",
    "created_at": "text",
    "schema_version": "int",
    "available_at": "float8",
    "ring_at": "float8",
    "epoch": "int",
    "fence": "int8",
    "plan": "int",
}
_PLAN = {"number": "int", "stack": "text", "position": "text", "handler": "text", "queue": "text", "counts": "text"}
_STEP = {
    "plan": "int",
    "position": "text",
    "lord_name": "text",
    "tool_name": "text",
    "occurrence": "int",
    "params": "text",
    "max_attempts": "int",
    "timeout_seconds": "float8",
    "backoff_seconds": "float8",
    "queue": "text",
}

#: Where a column of a new row is not what was sent under its name.
_OF_QUEST = {
    "status": "'new'",
    "version": "0",
    "fence": "q.fence - 1",
    "execution_stack": "p.stack",
    "step_counts": "p.counts",
    "labels": "CAST(q.labels AS jsonb)",
    "updated_at": "q.created_at",
}
_OF_STEP = {
    "quest_id": "f.quest_id",
    "epoch": "f.epoch",
    "queue": "coalesce(s.queue, f.queue)",
    "since_version": "0",
}
_OF_TICKET = {"branch": "0", "state": "'ready'", "version": "0", "queue": "start_queue"}

# A quest whose id or idempotency key is taken brings in no row at all: all else is inserted for what was `created`.
# Nor does one whose id is that of a deleted quest with as high an epoch. While that quest is being deleted, an insert
# waits for it and would then find its id free, though the statement cannot see the tombstone yet: but what it sees is
# either the quest or its tombstone. Many quests are inserted first, and another statement looks for tombstones then:
# a plan that is made for many may read all quests where it should look up a thousand.
_INSERT = f"""
created AS (
  INSERT INTO quest_executions ({listed(QUEST)})
  SELECT {listed(QUEST, of="q", **_OF_QUEST)}
  FROM quest q JOIN plan p ON p.number = q.plan
  {{unless}}
  ON CONFLICT DO NOTHING
  RETURNING quest_id
), fresh AS (
  SELECT q.*, p.position, p.handler, coalesce(p.queue, q.queue) AS start_queue
  FROM created JOIN quest q ON q.quest_id = created.quest_id JOIN plan p ON p.number = q.plan
), planned AS (
  INSERT INTO quest_steps ({listed(STEP)})
  SELECT {listed(STEP, of="s", **_OF_STEP)}
  FROM fresh f JOIN step s ON s.plan = f.plan
), snapshot AS (
  INSERT INTO quest_snapshots ({listed(BASE_SNAPSHOT)})
  SELECT {listed(BASE_SNAPSHOT, version="0", snapshot_reason="'start'")} FROM fresh
), ticket AS (
  INSERT INTO tickets ({listed(TICKET)})
  SELECT {listed(TICKET, **_OF_TICKET)}
  FROM fresh WHERE :tickets_too
)
SELECT count(*) FROM created
"""  # noqa: S608  (of the columns' names)
_UNLESS_DELETED = """WHERE NOT EXISTS (SELECT FROM quest_executions e WHERE e.quest_id = q.quest_id)
    AND NOT EXISTS (SELECT FROM tombstones t WHERE t.quest_id = q.quest_id AND t.epoch >= q.epoch)"""


_DELETED = """
SELECT count(*) FROM unnest(CAST(:ids AS text[]), CAST(:epochs AS int[])) AS q(quest_id, epoch)
  JOIN tombstones t ON t.quest_id = q.quest_id AND t.epoch >= q.epoch
"""


def _row_of(name: str, columns: dict[str, str]) -> str:
    """Return a part of a statement: what is sent of one thing, each value by itself."""
    return f"{name} AS (SELECT {', '.join(f'CAST(:{name}_{key} AS {kind}) AS {key}' for key, kind in columns.items())})"


def _rows_of(name: str, columns: dict[str, str]) -> str:
    """Return a part of a statement: what is sent of many things, one array per column."""
    arrays = ", ".join(f"CAST(:{name}_{key} AS {kind}[])" for key, kind in columns.items())
    return f"{name} AS (SELECT * FROM unnest({arrays}) AS {name}({', '.join(columns)}))"  # noqa: S608  (of the constants above)


def _statements(*sources: str, unless: str = "") -> tuple[str, str]:
    """Return the statement that inserts quests, as of `_both`."""
    return _both(f"WITH {', '.join(sources)}, {_INSERT.format(unless=unless)}")


def _both(statement: str) -> tuple[str, str]:
    """Return a statement for any driver, and for the one that we bring: it writes faster in binary form, if asked."""
    return statement, re.sub(r":(\w+)", r"%(\1)b", statement)


_MANY = _statements(_rows_of("quest", _QUEST), _rows_of("plan", _PLAN), _rows_of("step", _STEP))
# For a single quest, arrays cost more than what they hold, on both sides.
_ONE = _statements(_row_of("quest", _QUEST), _row_of("plan", _PLAN), _rows_of("step", _STEP), unless=_UNLESS_DELETED)


_ARE_DELETED = _both(_DELETED)


def insert(connection: Connection, batch: Sequence[NewQuest], *, tickets_too: bool = True) -> int:
    """Insert whole quests of one namespace; return how many were new, the others being left as they are.

    One whose id a deleted quest had counts as new only with an epoch above that one's.
    """
    distinct = [*{id(one.plan): one.plan for one in batch}.values()]
    numbers = {id(plan): number for number, plan in enumerate(distinct)}
    quests = [(*one[: len(_QUEST) - 1], numbers[id(one.plan)]) for one in batch]  # all fields before the plan
    plans = [
        (number, one.text, one.position, one.handler, one.queue, one.counts) for number, one in enumerate(distinct)
    ]
    steps = [(number, *step) for number, plan in enumerate(distinct) for step in plan.steps]
    values = _named("step", _STEP, _turned(steps)) | {"tickets_too": tickets_too}
    if len(batch) == 1:
        values |= _named("quest", _QUEST, quests[0]) | _named("plan", _PLAN, plans[0])
        return _count(connection, _ONE, values)
    values |= _named("quest", _QUEST, _turned(quests)) | _named("plan", _PLAN, _turned(plans))
    new = _count(connection, _MANY, values)
    ids = {"ids": [one.quest_id for one in batch], "epochs": [one.epoch for one in batch]}
    return new - _count(connection, _ARE_DELETED, ids)


def _count(connection: Connection, statements: tuple[str, str], values: dict[str, Any]) -> int:
    """Run a statement that returns a number."""
    statement, binary = statements
    if connection.dialect.driver == "psycopg":
        return int(execute(connection, binary, values)[0][0])
    # A caller's own connection may have another driver.
    return int(connection.execute(text(statement), values).scalar_one())


def _turned(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Return the columns of rows."""
    return [*map(list, zip(*rows, strict=True))]


def _named(name: str, columns: dict[str, str], values: Sequence[Any]) -> dict[str, Any]:
    """Return the values of the columns of what is sent as the statement calls them."""
    return {f"{name}_{key}": value for key, value in zip(columns, values, strict=True)}
