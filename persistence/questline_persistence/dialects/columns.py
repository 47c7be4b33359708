"""The columns of what is read and written on a step's way: each list once, for the statements of every dialect."""

from __future__ import annotations

from collections.abc import Sequence

from questline_persistence.claims import CLAIMED
from questline_persistence.plan import PlannedStep

#: Where in `CLAIMED` the step's fields begin, and the quest's; before them are the ticket's.
_OF_STEP, _OF_QUEST = CLAIMED.index("lord_name"), CLAIMED.index("quest_type")
#: Which fields of a claim each table has, where the ticket is t, its step s and its quest q; and a field's column, if
#: not called so.
_TABLES = {"t": CLAIMED[:_OF_STEP], "s": CLAIMED[_OF_STEP:_OF_QUEST], "q": CLAIMED[_OF_QUEST:]}
_COLUMNS = {"attempt": "attempt + 1", "params_json": "params", "input_json": "input_data"}
#: What is read of the next step, in the order of `claims.claim_on_next`: all that a plan says of it but its queue.
NEXT_STEP = PlannedStep._fields[:-1]
#: What is written of a step of a plan.
STEP = ("quest_id", "epoch", *PlannedStep._fields, "since_version")
#: What is written of a run that came to a result.
RUN = (
    "quest_id",
    "epoch",
    "position",
    "version",
    "lord_name",
    "tool_name",
    "run_index",
    "status",
    "start_time",
    "end_time",
    "duration_seconds",
    "input_data",
    "output_data",
    "attempt_number",
    "max_attempts",
    "created_at",
    "worker_id",
    "claim_id",
    "code_version",
    "namespace",
)
#: What is written of a snapshot that follows from those before it, and of one that holds all of its `run_data`.
SNAPSHOT = ("quest_id", "version", "epoch", "position", "snapshot_reason", "created_at")
BASE_SNAPSHOT = (*SNAPSHOT[:4], "run_data", *SNAPSHOT[4:])
#: What is written of a new quest.
QUEST = (
    "quest_id",
    "namespace",
    "quest_type",
    "status",
    "epoch",
    "version",
    "fence",
    "input_data",
    "execution_stack",
    "step_counts",
    "labels",
    "queue",
    "priority",
    "forked_from",
    "idempotency_key",
    "created_at",
    "updated_at",
    "schema_version",
)
#: What is written of a new quest's first ticket.
TICKET = (
    "quest_id",
    "branch",
    "namespace",
    "position",
    "epoch",
    "handler",
    "state",
    "fence",
    "version",
    "available_at",
    "ring_at",
    "queue",
    "priority",
)


def claim_columns(*tables: str) -> str:
    """Return the columns of a claim that are these tables', as a statement lists them: in the order of `CLAIMED`.

    Parameters:
      tables: their aliases: t for tickets, s for steps, q for quests.
    """
    found = {name: table for table in tables for name in _TABLES[table]}
    return ", ".join(f"{found[name]}.{_COLUMNS.get(name, name)}" for name in CLAIMED if name in found)


def listed(columns: Sequence[str], *, of: str = "", **others: str) -> str:
    """Return columns as a statement lists them.

    Parameters:
      columns: their names.
      of: the name or alias of their table, if it is to be said.
      others: what stands in the place of a column, by its name: a value, or a column of another table.
    """
    return ", ".join(others.get(name) or (f"{of}.{name}" if of else name) for name in columns)
