"""What calls within steps came to, for those who look at a quest: each belongs to the attempt that made it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select

from questline_persistence.dialects import dialect_of
from questline_persistence.models import OnceCall
from questline_persistence.payload import decode
from questline_persistence.schema import once, opened


def calls_by_claim(
    connection: Connection, quest_id: str, claim_ids: Collection[str]
) -> dict[tuple[str, int], list[OnceCall]]:
    """Return the calls that attempts of a quest have recorded, by claim and epoch of each, in the order of their end.

    What a replay has kept of them is another epoch's.

    Parameters:
      connection: a transaction that reads.
      quest_id: the quest.
      claim_ids: the claims of the attempts.
    """
    found: defaultdict[tuple[str, int], list[OnceCall]] = defaultdict(list)
    if claim_ids:
        theirs = dialect_of(connection).one_of(once.c.claim_id, list(claim_ids))
        for row in _rows(connection, once.c.quest_id == quest_id, theirs):
            found[row.claim_id, row.epoch].append(_call(row))
    return found


def calls_of_step(connection: Connection, quest_id: str, epoch: int, position: str) -> list[OnceCall]:
    """Return the calls that the attempts of one step have recorded, in the order of their end.

    Parameters:
      connection: a transaction that reads.
      quest_id: the quest.
      epoch: its replay number.
      position: the step.
    """
    step = (once.c.epoch == epoch, once.c.position == position)
    return [_call(row) for row in _rows(connection, once.c.quest_id == quest_id, *step)]


def _rows(connection: Connection, *which: ColumnElement[bool]) -> Sequence[Row[Any]]:
    query = select(once).where(*which).order_by(once.c.ended_at, once.c.ordinal)
    return [opened(connection, once, row) for row in connection.execute(query)]


def _call(row: Row[Any]) -> OnceCall:
    return OnceCall.model_construct(
        name=row.name,
        attempt_number=row.attempt,
        claim_id=row.claim_id,
        output_data=decode(row.result),
        started_at=row.started_at,
        ended_at=row.ended_at,
        duration_seconds=(
            datetime.fromisoformat(row.ended_at) - datetime.fromisoformat(row.started_at)
        ).total_seconds(),
    )
