"""What earlier attempts of a step have recorded: read once in an attempt, after its claim.

By then no earlier claim can add to it: a record locks the ticket, and so does the claim.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, and_, select

from questline_persistence.claims import Claim
from questline_persistence.schema import once, opened, quests
from questline_persistence.store import Database

#: What is read of a record: what the call came to, and what tells its row from others.
_RESULT = tuple(once.c[name] for name in ("quest_id", "epoch", "position", "name", "ordinal", "overlapped", "result"))


class RecordedCall(NamedTuple):
    """What a call within a step came to in an earlier attempt.

    Parameters:
      name: the call's name.
      ordinal: its place among the calls of the step.
      overlapped: whether its place may change.
      result: what it returned, as JSON text.
    """

    name: str
    ordinal: int
    overlapped: bool
    result: str


class Recorded(NamedTuple):
    """What there is of earlier attempts of a step.

    Parameters:
      calls: what their calls came to.
      alone: whether that alone is served, and no call may be made now.
    """

    calls: list[RecordedCall]
    alone: bool = False


#: The mode of a quest that serves recorded calls alone.
RECORDED_ALONE = "recorded"


def recorded_calls(database: Database, claim: Claim) -> Recorded:
    """Return what the calls of a step came to in earlier attempts of this epoch.

    Parameters:
      database: the store.
      claim: the hold on the step.

    Raises:
      StoreUnavailable: the store did not answer.
      EncryptionError: the process cannot read what they came to.
    """
    step = and_(once.c.quest_id == quests.c.quest_id, once.c.epoch == claim.epoch, once.c.position == claim.position)
    query = (
        select(quests.c.once_mode, *_RESULT)
        .select_from(quests.outerjoin(once, step))
        .where(quests.c.quest_id == claim.quest_id)
    )

    def work(connection: Connection) -> Recorded:
        found = connection.execute(query).all()
        rows = (opened(connection, once, row) for row in found if row.name)
        calls = [RecordedCall(row.name, row.ordinal, bool(row.overlapped), row.result) for row in rows]
        return Recorded(calls, alone=any(row.once_mode == RECORDED_ALONE for row in found))

    return database.read(work)
