"""How often the steps of a quest were tried, be it where a replay or a fork has kept what they did.

What was kept of a step was tried in an earlier epoch, or in the quest that was forked; so the epochs are gone through
from now backwards until each kept step has been found.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, case, func, select

from questline_persistence.errors import QuestNotFound
from questline_persistence.journal import history
from questline_persistence.records.current_state import CurrentState
from questline_persistence.schema import quests, runs

#: How far back it is looked in a row of quests, each forked from the next.
MAX_FORKS = 100
#: What a fork notes of its source; a program that keeps quests itself may have written anything there.
_SOURCE = re.compile(r"(.+)@v(\d{1,9})")


class Tried(NamedTuple):
    """How often a step was tried.

    Parameters:
      counted: the tries that spent an attempt; one whose worker was lost did not.
      lost: the tries whose worker was lost.
      earlier: those of `counted` that came before the quest was last retried, which gave the step all of its attempts
        anew.
    """

    counted: int = 0
    lost: int = 0
    earlier: int = 0


def tried_steps(
    connection: Connection, quest: Row[Any], current: CurrentState, positions: Iterable[str]
) -> defaultdict[str, Tried]:
    """Return how often each step at `positions` was tried, a try that runs now included.

    Parameters:
      connection: a transaction that reads.
      quest: the quest's row.
      current: where it stands.
      positions: the steps that are asked for.
    """
    found: defaultdict[str, Tried] = defaultdict(Tried)
    for row in _in_epoch(connection, quest.quest_id, current.epoch):
        found[row.position] = row.tried
    kept = {one for one in positions if one not in found and (current.position is None or one < current.position)}
    for quest_id, epoch, version in _lineage(connection, quest, current.version):
        if not kept:
            break
        for row in _in_epoch(connection, quest_id, epoch):
            if row.position in kept and row.succeeded_at is not None and row.succeeded_at <= version:
                found[row.position] = row.tried
                kept.discard(row.position)
    if current.ticket is not None:
        position = str(current.ticket.position)
        counted, now = found[position].counted + current.running, current.ticket.attempt + current.running
        found[position] = Tried(counted, found[position].lost, max(counted - now, 0))
    return found


class _StepInEpoch(NamedTuple):
    """How often a step was tried in one epoch, and the version that its success made; None where it had none."""

    position: str
    tried: Tried
    succeeded_at: int | None


def _in_epoch(connection: Connection, quest_id: str, epoch: int) -> list[_StepInEpoch]:
    """Return how often each step was tried in an epoch."""
    query = (
        select(
            runs.c.position,
            func.count().label("tries"),
            func.coalesce(func.sum(runs.c.lost), 0).label("lost"),
            func.max(runs.c.version).label("succeeded_at"),
            func.max(case((runs.c.lost.is_(None), runs.c.run_id))).label("newest"),
        )
        .where(runs.c.quest_id == quest_id, runs.c.epoch == epoch, runs.c.position.is_not(None))
        .group_by(runs.c.position)
    )
    rows = connection.execute(query).all()
    several = [row.newest for row in rows if row.tries - row.lost > 1]
    numbers = _attempt_numbers(connection, several) if several else {}
    return [
        _StepInEpoch(
            row.position,
            Tried(row.tries - row.lost, row.lost, max(row.tries - row.lost - numbers.get(row.newest, row.tries), 0)),
            row.succeeded_at,
        )
        for row in rows
    ]


def _attempt_numbers(connection: Connection, run_ids: Iterable[int]) -> dict[int, int]:
    """Return which attempt each of these runs was, counted from the last retry."""
    query = select(runs.c.run_id, runs.c.attempt_number).where(runs.c.run_id.in_(list(run_ids)))
    return {row.run_id: row.attempt_number for row in connection.execute(query)}


def _lineage(connection: Connection, quest: Row[Any], version: int) -> Iterator[tuple[str, int, int]]:
    """Yield (quest, epoch, newest version of it that counts), from now back to where the first fork began."""
    quest_id, source = quest.quest_id, quest.forked_from
    for _ in range(MAX_FORKS):
        try:
            for epoch, limit in history.lineage(connection, quest_id, version):
                yield quest_id, epoch, limit
        except QuestNotFound:  # what it was forked from has been deleted
            return
        found = _SOURCE.fullmatch(source or "")
        if found is None:
            return
        quest_id, version = found[1], int(found[2])
        mine = (quests.c.quest_id == quest_id, quests.c.namespace == quest.namespace)
        row = connection.execute(select(quests.c.forked_from).where(*mine)).first()
        if row is None:  # it has been deleted
            return
        source = row.forked_from
