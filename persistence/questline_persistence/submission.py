"""How quests come into the store: the quest, its plan, its first snapshot and its first ticket, in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from questline_persistence.claims import REDISPATCH_FIRST, Doorbell
from questline_persistence.clock import rfc3339
from questline_persistence.errors import PayloadError, QuestConflict
from questline_persistence.journal import step_row
from questline_persistence.limits import DEFAULTS, Limits
from questline_persistence.models import MAX_STEPS, LordStep, QuestExecutionData, refuse_labels
from questline_persistence.payload import MAX_STATE_DEPTH, encode
from questline_persistence.states import ExecutionStatus, SnapshotReason, TicketState
from questline_persistence.tables import quests, snapshots, steps, tickets

#: Most rows in one INSERT statement's batch.
MAX_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of one submission: the quest's id, whether this call created it, and the bell to ring."""

    quest_id: str
    created: bool
    doorbell: Doorbell | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """A quest taken apart into the rows that make it."""

    quest: dict[str, Any]
    steps: list[dict[str, Any]]
    snapshot: dict[str, Any]
    ticket: dict[str, Any]


def take_apart(
    quest: QuestExecutionData,
    *,
    namespace: str,
    now: float,
    idempotency_key: str | None = None,
    ring_in: float = REDISPATCH_FIRST,
    limits: Limits = DEFAULTS,
) -> Rows:
    """Return the rows of a new quest.

    Parameters:
      ring_in: seconds after which the relay rings if nobody has claimed the first step by then.
      limits: how large the quest's parts may be.

    Raises:
      PayloadError: the quest has no steps or too many, its labels are not labels, or its input or params are not JSON
        or too large.
    """
    if not quest.execution_stack:
        raise PayloadError(
            f"quest {quest.quest_id} has no steps", hint="give it an execution_stack, or a registered quest_type"
        )
    refuse_labels(quest.labels)
    plan = plan_rows(quest.quest_id, quest.execution_stack, queue=quest.queue, limits=limits)
    stamp = rfc3339(now)
    return Rows(
        quest=_quest_row(quest, namespace, stamp, limits)
        | {"idempotency_key": idempotency_key or quest.idempotency_key},
        steps=plan,
        snapshot={
            "quest_id": quest.quest_id,
            "version": 0,
            "epoch": 0,
            "position": plan[0]["position"],
            "run_data": "{}",
            "snapshot_reason": SnapshotReason.START.value,
            "created_at": stamp,
        },
        ticket=first_ticket(quest, namespace, plan[0]["position"], now) | {"ring_at": now + ring_in},
    )


def plan_rows(
    quest_id: str, stack: Sequence[LordStep], *, queue: str, limits: Limits = DEFAULTS
) -> list[dict[str, Any]]:
    """Return the rows of a plan, its positions counted from `0001`.

    Raises:
      PayloadError: they are too many, or params are not JSON or too large.
    """
    if len(stack) > MAX_STEPS:  # asked again here: a list can grow after its quest was made
        raise PayloadError(
            f"the execution_stack has {len(stack):,} steps; the limit is {MAX_STEPS:,}", hint=_STACK_HINT
        )
    seen: dict[str, int] = {}
    rows = []
    for number, step in enumerate(stack, start=1):
        seen[step.lord_name] = seen.get(step.lord_name, 0) + 1
        which = seen[step.lord_name]
        rows.append(step_row(step, quest_id, f"{number:04d}", which, queue=queue, limit=limits.params))
    return rows


_STACK_HINT = "split it into several quests, or let one step do the work of several"


def _quest_row(quest: QuestExecutionData, namespace: str, stamp: str, limits: Limits) -> dict[str, Any]:
    return {
        "quest_id": quest.quest_id,
        "namespace": namespace,
        "quest_type": quest.quest_type,
        "status": ExecutionStatus.NEW.value,
        "epoch": 0,
        "version": 0,
        "fence": 0,
        "input_data": encode(quest.input_data, what="input_data", limit=limits.input),
        "execution_stack": stack_text(quest.execution_stack, limits),
        "labels": quest.labels,
        "queue": quest.queue,
        "priority": quest.priority,
        "forked_from": quest.forked_from,
        "created_at": stamp,
        "updated_at": stamp,
        "schema_version": quest.schema_version,
    }


def stack_text(stack: Sequence[LordStep], limits: Limits = DEFAULTS) -> str:
    """Return the stack as JSON text."""
    plain = [
        {
            "lord_name": step.lord_name,
            "tool_name": step.tool_name,
            "params": step.params,
            "max_attempts": step.max_attempts,
            "timeout_seconds": step.timeout_seconds,
            "backoff_seconds": step.backoff_seconds,
            "queue": step.queue,
        }
        for step in stack
    ]
    return encode(plain, what="execution_stack", limit=limits.stack, depth=MAX_STATE_DEPTH)


def first_ticket(quest: QuestExecutionData, namespace: str, position: str, now: float) -> dict[str, Any]:
    """Return the ticket of a quest that is about to start."""
    return {
        "quest_id": quest.quest_id,
        "branch": 0,
        "namespace": namespace,
        "position": position,
        "epoch": 0,
        "handler": quest.execution_stack[0].handler,
        "state": TicketState.READY.value,
        "fence": 1,
        "version": 0,
        "available_at": now,
        "ring_at": now + REDISPATCH_FIRST,
        "queue": quest.execution_stack[0].queue or quest.queue,
        "priority": quest.priority,
    }


def doorbell(rows: Rows) -> Doorbell:
    """Return the bell to ring once the rows are committed."""
    ticket = rows.ticket
    return Doorbell(
        ticket["quest_id"],
        ticket["epoch"],
        ticket["position"],
        ticket["fence"],
        ticket["queue"],
        ticket["priority"],
        ticket["available_at"],
    )


def insert_quests(connection: Connection, batch: Sequence[Rows], *, tickets_too: bool = True) -> None:
    """Insert whole quests, in the order that the foreign keys ask for."""
    _insert(connection, quests, [rows.quest for rows in batch])
    _insert(connection, steps, [row for rows in batch for row in rows.steps])
    _insert(connection, snapshots, [rows.snapshot for rows in batch])
    if tickets_too:
        _insert(connection, tickets, [rows.ticket for rows in batch])


def _insert(connection: Connection, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(rows), MAX_ROWS):
        connection.execute(insert(table), rows[start : start + MAX_ROWS])


def submit_one(connection: Connection, rows: Rows) -> Submitted:
    """Insert a quest, unless its id or idempotency key is there already: then return that quest's id.

    Raises:
      QuestConflict: a quest of that id exists which was not submitted with the same key.
    """
    existing = find_existing(connection, rows)
    if existing is not None:
        return existing
    try:
        with connection.begin_nested():
            insert_quests(connection, [rows])
    except IntegrityError:
        # Another producer was faster between the look and the insert.
        existing = find_existing(connection, rows)
        if existing is None:
            raise
        return existing
    return submitted(rows)


def submit_within(connection: Connection, rows: Rows) -> Submitted:
    """Insert a quest as part of the caller's own transaction, as `submit_one` does.

    Raises:
      QuestConflict: as `submit_one`; also if another transaction submits the same quest at this moment.
    """
    driver: Any = connection.connection.dbapi_connection
    if connection.dialect.name == "sqlite" and not getattr(driver, "in_transaction", True):
        # Python's driver begins no transaction before a SAVEPOINT, and releasing that would commit.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        return submit_one(connection, rows)
    except IntegrityError as error:
        message = f"quest {rows.quest['quest_id']}, or its idempotency key, is being submitted by another transaction"
        raise QuestConflict(message, hint="roll back and run your transaction again") from error


def submitted(rows: Rows) -> Submitted:
    """Return what to tell of rows that are inserted."""
    return Submitted(rows.quest["quest_id"], created=True, doorbell=doorbell(rows))


def find_existing(connection: Connection, rows: Rows) -> Submitted | None:
    """Return the quest that an earlier submission with the same id or idempotency key created."""
    quest = rows.quest
    key = quest["idempotency_key"]
    if key is not None:
        same_key = (quests.c.namespace == quest["namespace"], quests.c.idempotency_key == key)
        first = connection.execute(select(quests.c.quest_id, quests.c.created_at).where(*same_key)).first()
        if first is not None and tuple(first) != (quest["quest_id"], quest["created_at"]):
            return Submitted(first.quest_id, created=False)
    same = ("namespace", "created_at", "input_data", "execution_stack")
    query = select(*(quests.c[name] for name in same)).where(quests.c.quest_id == quest["quest_id"])
    taken = connection.execute(query).first()
    if taken is None:
        return None
    if tuple(taken) == tuple(quest[name] for name in same):
        # This very submission, whose COMMIT went through though its reply was lost.
        return Submitted(quest["quest_id"], created=True, doorbell=doorbell(rows))
    hint = "use another id, or an idempotency key to submit it once"
    raise QuestConflict(f"a quest {quest['quest_id']} exists already", hint=hint)
