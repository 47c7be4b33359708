"""How quests come into the store: the quest, its plan, its first snapshot and its first ticket, in one go."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from questline_persistence.claims import REDISPATCH_FIRST, Doorbell
from questline_persistence.clock import rfc3339
from questline_persistence.dialects import Meaning, dialect_of, meaning_of, reason_of
from questline_persistence.errors import ConfigurationError, PayloadError, QuestConflict
from questline_persistence.journal.tombstones import after_deleted
from questline_persistence.models import LordStep, QuestExecutionData, refuse_labels
from questline_persistence.new_quest import NewQuest
from questline_persistence.payload import CLEAR, DEFAULTS, Codec, Limits, encode, refuse_halves
from questline_persistence.plan import Plans
from questline_persistence.schema import opened_by, quests
from questline_persistence.store import Database

#: Most steps that one statement inserts, and most characters of payloads; a single quest may have more.
MAX_STEPS_AT_ONCE, MAX_TEXT_AT_ONCE = 5_000, 10_000_000
#: How often to insert a quest whose id or key was taken by one that is gone when looked for.
MAX_TRIES = 3
#: The fence of a quest's first ticket.
FIRST_FENCE = 1


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of one submission: the quest's id, whether this call created it, and the bell to ring."""

    quest_id: str
    created: bool
    doorbell: Doorbell | None = None


class _Taken(Exception):
    """An id or key of the batch is there already, or the id was a deleted quest's."""


def prepare_quest(
    quest: QuestExecutionData,
    *,
    namespace: str,
    now: float,
    idempotency_key: str | None = None,
    ring_in: float = REDISPATCH_FIRST,
    limits: Limits = DEFAULTS,
    stack: Sequence[LordStep] | None = None,
    plans: Plans | None = None,
    any_input: bool = False,
    codec: Codec = CLEAR,
) -> NewQuest:
    """Return what the rows of a new quest are made of.

    Parameters:
      ring_in: seconds after which the relay rings if nobody has claimed the first step by then.
      limits: how large the quest's parts may be.
      stack: the steps to run; default: the quest's own.
      plans: where quests that are submitted together find a plan that another of them has, too.
      any_input: whether a key that was used for a quest of another type or input gives that quest, and no error.
      codec: what its payloads pass on their way into the store.

    Raises:
      PayloadError: the quest has no steps or too many, its labels are not labels, or its input or params are not JSON
        or too large.
    """
    stack = quest.execution_stack if stack is None else stack
    if not stack:
        raise PayloadError(
            f"quest {quest.quest_id} has no steps", hint="give it an execution_stack, or a registered quest_type"
        )
    refuse_labels(quest.labels)
    key = idempotency_key or quest.idempotency_key
    for what, text in (("quest_id", quest.quest_id), ("quest_type", quest.quest_type), ("idempotency_key", key)):
        refuse_halves(text, what=what)
    refuse_halves(quest.forked_from, what="forked_from")
    return NewQuest(
        quest_id=quest.quest_id,
        namespace=namespace,
        quest_type=quest.quest_type,
        plan=(plans or Plans(limits)).of(stack),
        input_data=encode(quest.input_data, what="input_data", limit=limits.input),
        run_data="{}",
        labels=json.dumps(quest.labels) if quest.labels else "{}",
        queue=quest.queue,
        priority=quest.priority,
        forked_from=quest.forked_from,
        idempotency_key=key,
        created_at=rfc3339(now),
        schema_version=quest.schema_version,
        available_at=now,
        ring_at=now + ring_in,
        epoch=0,
        fence=FIRST_FENCE,
        any_input=any_input,
        codec=codec,
    )


def submit(database: Database, quest: NewQuest) -> Submitted:
    """Insert a quest in a transaction of its own, as `submit_one` does."""
    if database.dialect.has_one_writer:
        return database.write(partial(submit_one, quest=quest), at="submit")
    # One statement, which commits itself: whatever `submit_one` asks besides, it asks only after that wrote nothing.
    return database.statement(partial(submit_one, quest=quest), at="submit")


def submit_many(database: Database, batch: Sequence[NewQuest]) -> list[Submitted]:
    """Insert quests in one transaction, or none of them if one is refused.

    Raises:
      QuestConflict: as `submit_one`.
    """
    return database.write(partial(_submit_batch, batch=batch), at="submit_many")


def _submit_batch(connection: Connection, batch: Sequence[NewQuest]) -> list[Submitted]:
    """Insert a batch in one go; if one of its quests exists already, or is in it twice, one by one."""
    if _all_inserted(connection, batch):
        return [_submitted(quest) for quest in batch]
    later = after_deleted(connection, batch)
    if later is not batch and _all_inserted(connection, later):
        return [_submitted(quest) for quest in later]
    return [submit_one(connection, quest) for quest in batch]


def _all_inserted(connection: Connection, batch: Sequence[NewQuest]) -> bool:
    """Insert a batch and return True; or nothing, if one of its ids or keys is taken, or was a deleted quest's."""
    try:
        with connection.begin_nested():
            _insert_all(connection, batch)
    except (_Taken, IntegrityError):
        return False
    return True


def _insert_all(connection: Connection, batch: Sequence[NewQuest]) -> None:
    if insert_quests(connection, batch) < len(batch):
        raise _Taken


def submit_one(connection: Connection, quest: NewQuest) -> Submitted:
    """Insert a quest, unless its id or idempotency key is there already: then return that quest's id.

    Raises:
      QuestConflict: a quest of that id exists which was not submitted with the same key; or the key was used for
        another type or input.
    """
    for _ in range(MAX_TRIES):
        if insert_quests(connection, [quest]):
            return _submitted(quest)
        existing = _find_existing(connection, quest)
        if existing is not None:
            return existing
        (quest,) = after_deleted(connection, [quest])
    raise _being_submitted(quest)


def submit_within(connection: Connection, batch: Sequence[NewQuest]) -> list[Submitted]:
    """Insert quests as part of the caller's own transaction, as `submit_one` does; if one is refused, none.

    Raises:
      QuestConflict: as `submit_one`; also if another transaction has submitted the same quest where this one, isolated
        as it is, cannot see it.
      ConfigurationError: the connection has no transactions, since it commits each statement by itself; or is to a
        database without our tables.
    """
    dialect = dialect_of(connection)
    if not dialect.begin_callers(connection):
        raise _no_transaction()
    try:
        with connection.begin_nested():
            return [submit_one(connection, *batch)] if len(batch) == 1 else _submit_batch(connection, batch)
    except DBAPIError as error:
        meaning = meaning_of(error, dialect)
        if Meaning.UNSEEN in meaning:
            raise _being_submitted(batch[0]) from error
        if Meaning.NO_TRANSACTION in meaning:
            raise _no_transaction() from error
        if Meaning.NOT_OURS in meaning:  # not its cause: that repeats the quest's input
            raise _of_another_database(reason_of(error)) from None
        raise


def _of_another_database(reason: str) -> ConfigurationError:
    message = f"the connection is to a database without questline's schema: {reason}"
    return ConfigurationError(message, hint="pass a connection to the database that holds the quests")


def _no_transaction() -> ConfigurationError:
    message = "the connection commits each statement by itself, so it has no transaction for the quest"
    return ConfigurationError(message, hint="write `with engine.begin() as connection`, without AUTOCOMMIT")


def _being_submitted(quest: NewQuest) -> QuestConflict:
    message = f"quest {quest.quest_id}, or its idempotency key, is being submitted by another transaction"
    return QuestConflict(message, hint="roll back and run your transaction again")


def insert_quests(connection: Connection, batch: Sequence[NewQuest], *, tickets_too: bool = True) -> int:
    """Insert whole quests of one namespace; return how many were new.

    One whose id a deleted quest had is new only with an epoch above that one's. If not all are new, the caller is to
    roll back what came of the others.
    """
    dialect = dialect_of(connection)
    portions = ([quest.sealed() for quest in part] for part in _portions(batch))
    return sum(dialect.insert_quests(connection, part, tickets_too=tickets_too) for part in portions)


def _portions(batch: Sequence[NewQuest]) -> Iterator[Sequence[NewQuest]]:
    """Yield the batch in parts that are each fit for one statement."""
    start = steps = size = 0
    for number, quest in enumerate(batch):
        more, larger = len(quest.plan.steps), len(quest.input_data) + len(quest.plan.text) + len(quest.run_data)
        if number > start and (steps + more > MAX_STEPS_AT_ONCE or size + larger > MAX_TEXT_AT_ONCE):
            yield batch[start:number]
            start, steps, size = number, 0, 0
        steps, size = steps + more, size + larger
    yield batch[start:]


def _submitted(quest: NewQuest) -> Submitted:
    """Return what to tell of a quest that is inserted."""
    return Submitted(quest.quest_id, created=True, doorbell=quest.doorbell)


def _find_existing(connection: Connection, quest: NewQuest) -> Submitted | None:
    """Return the quest that an earlier submission with the same id or idempotency key created."""
    key = quest.idempotency_key
    if key is not None:
        same_key = (quests.c.namespace == quest.namespace, quests.c.idempotency_key == key)
        first = connection.execute(select(*_COMPARED).where(*same_key)).first()
        if first is not None and (first.quest_id, first.created_at) != (quest.quest_id, quest.created_at):
            _refuse_another(opened_by(quest.codec, quests, first, namespace=quest.namespace), quest)
            return Submitted(first.quest_id, created=False)
    taken = connection.execute(select(*_WHOSE).where(quests.c.quest_id == quest.quest_id)).first()
    if taken is None:
        return None
    if taken[:2] == (quest.namespace, quest.created_at) and _says_same(taken, quest):
        # This very submission, whose COMMIT went through though its reply was lost.
        (quest,) = after_deleted(connection, [quest])
        return _submitted(quest)
    hint = "use another id; to submit a quest only once, use an idempotency key"
    raise QuestConflict(f"a quest {quest.quest_id} exists already", hint=hint)


#: What is looked at of a quest that may be this very one.
_WHOSE = (quests.c.namespace, quests.c.created_at, quests.c.quest_id, quests.c.input_data, quests.c.execution_stack)
#: What is looked at of a quest whose idempotency key is used again.
_COMPARED = (
    quests.c.quest_id,
    quests.c.created_at,
    quests.c.quest_type,
    quests.c.submitted_input,
    quests.c.input_data,
)


def _says_same(taken: Row[*tuple[Any, ...]], quest: NewQuest) -> bool:
    """Tell whether a stored quest has the input and the plan of one that is submitted."""
    row = opened_by(quest.codec, quests, taken)
    return (row.input_data, row.execution_stack) == (quest.input_data, quest.plan.text)


def _refuse_another(first: Row[Any], quest: NewQuest) -> None:
    """Raise QuestConflict if a key that is used again would stand for something else, unless that is wanted."""
    submitted = first.submitted_input or first.input_data
    same = first.quest_type == quest.quest_type and _comparable(submitted) == _comparable(quest.input_data)
    if not same and not quest.any_input:
        what = "input" if first.quest_type == quest.quest_type else "type"
        message = f"the idempotency key {quest.idempotency_key} was used for quest {first.quest_id} of another {what}"
        raise QuestConflict(message, hint='use another key, or on_conflict="return" to be given that quest')


def _comparable(text: str) -> str:
    """Return JSON text with its keys in order and its whole numbers written alike: 1.0 is 1."""
    return json.dumps(json.loads(text, parse_float=_number), sort_keys=True)


def _number(text: str) -> float:
    number = float(text)
    return int(number) if number.is_integer() else number
