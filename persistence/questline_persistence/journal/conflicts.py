"""Conflicts of a step: how often what it was to save had been changed by others, and how long it waits then."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from questline_persistence.backoff import spread
from questline_persistence.claims import Claim
from questline_persistence.schema import runs
from questline_persistence.states import RunStatus

#: How often a step may be put off by conflicts in an epoch; the next one is an error as others are.
MAX_CONFLICTS = 20
#: The wait before the third run, in seconds, and the longest one; the second run is at once.
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 2.0


def conflicts(connection: Connection, claim: Claim) -> int:
    """Return how often the step of a claim has met conflicts in its epoch."""
    mine = (runs.c.quest_id == claim.quest_id, runs.c.epoch == claim.epoch, runs.c.position == claim.position)
    query = select(func.count()).where(*mine, runs.c.status == RunStatus.CONFLICT)
    return connection.execute(query).scalar_one()


def conflict_wait(before: int) -> float:
    """Return for how long a step waits after a conflict, in seconds; half of it is random.

    Parameters:
      before: how many conflicts it has met before.
    """
    if not before:
        return 0.0
    return spread(min(_FIRST_WAIT * 2.0 ** (before - 1), _LONGEST_WAIT))
