"""The newest runs of both kinds, merged: quests, and what was executed elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from questline_persistence.memory.kept import Kept
from questline_persistence.memory.models import RunSummary
from questline_persistence.memory.reading import present
from questline_persistence.memory.runs import kept_runs, quest_runs
from questline_persistence.memory.runs.kept_runs import runs
from questline_persistence.records import NEWEST_FIRST
from questline_persistence.schema import fetched, quests


class _Place(NamedTuple):
    """Where a run stands in the list: when it was recorded, as text that sorts, its id, and whether it is a quest's."""

    created_at: str
    run_id: str
    of_quest: bool


def newest_runs(connection: Connection, kept: Kept, now: float, *, limit: int, offset: int) -> list[RunSummary]:
    """Return a page of the runs, newest (created_at, run_id) first.

    Of either source no more places are read than the page and what comes before it have, each from an index; and what
    a run holds is read of the runs on the page alone.

    Parameters:
      connection: a transaction that reads.
      kept: the tenant's store.
      now: the database's time.
      limit: at most this many.
      offset: leave out this many at the beginning.
    """
    reach = offset + limit
    # Each source in the order of its index, so that pages never overlap, whatever a collation makes of ids.
    merged = merge(_of_quests(connection, kept, reach), _elsewhere(connection, kept, now, reach), reverse=True)
    page = list(islice(merged, offset, reach))
    quest_ids = [place.run_id for place in page if place.of_quest]
    run_ids = [place.run_id for place in page if not place.of_quest]
    found = {(True, one.run_id): one for one in _summaries_of_quests(connection, kept, quest_ids)}
    found |= {(False, one.run_id): one for one in _summaries_of_runs(connection, kept, run_ids)}
    return [found[place.of_quest, place.run_id] for place in page]


def _of_quests(connection: Connection, kept: Kept, most: int) -> list[_Place]:
    query = select(quests.c.created_at, quests.c.quest_id).where(quests.c.namespace == kept.namespace)
    rows = connection.execute(query.order_by(*NEWEST_FIRST).limit(most))
    return [_Place(row.created_at, row.quest_id, of_quest=True) for row in rows]


def _elsewhere(connection: Connection, kept: Kept, now: float, most: int) -> list[_Place]:
    query = select(runs.c.created_at, runs.c.run_id).where(*kept.rows(runs))
    newest = query.where(*present(runs, now)).order_by(runs.c.saved_time.desc(), runs.c.run_id.desc())
    return [_Place(row.created_at, row.run_id, of_quest=False) for row in connection.execute(newest.limit(most))]


def _summaries_of_quests(connection: Connection, kept: Kept, quest_ids: list[str]) -> list[RunSummary]:
    mine = (quests.c.quest_id.in_(quest_ids), quests.c.namespace == kept.namespace)
    rows: Iterable[Any] = connection.execute(quest_runs.LISTED.where(*mine)) if quest_ids else ()
    return [quest_runs.summary(connection, row) for row in rows]


def _summaries_of_runs(connection: Connection, kept: Kept, run_ids: list[str]) -> list[RunSummary]:
    mine = (*kept.rows(runs), runs.c.run_id.in_(run_ids))
    rows: Iterable[Any] = fetched(connection, kept_runs.LISTED.where(*mine)) if run_ids else ()
    return [kept_runs.summary(row) for row in rows]
