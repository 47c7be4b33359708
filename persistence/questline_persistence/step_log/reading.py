"""Reads the logs of a namespace's quests, page by page, and follows them while they grow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, literal, not_, select, tuple_

from questline_persistence.arguments import whole
from questline_persistence.clock import uptime
from questline_persistence.errors import PayloadError
from questline_persistence.ids import is_possible, not_found
from questline_persistence.records import HistoryPage
from questline_persistence.schema import opened, quests, step_events
from questline_persistence.step_log.line import LineKind, LogLine, Place
from questline_persistence.store import Database

#: Most lines on one page.
MAX_LINES_PAGE = 1_000
#: How long a claim that another one has followed may still bring lines, in seconds: its process writes them late.
LATE_SECONDS = 60.0
#: Most such claims that are looked for.
MAX_LATE = 100

_ORDER = (step_events.c.fence, step_events.c.claim_id, step_events.c.seq)


class StepLog:
    """Reads what the steps of one namespace's quests say.

    Parameters:
      database: the store.
      namespace: the tenant; a quest of another is not found.

    Parameters of its methods:
      quest_id: the quest's id.
      after: the `cursor` of the line behind which to begin; None begins with the first.

    Raised by its methods:
      QuestNotFound: there is no such quest in the namespace.
      PayloadError: a limit out of range, or a cursor that no line has.
    """

    def __init__(self, database: Database, namespace: str) -> None:
        self.database = database
        self.namespace = namespace

    def page(
        self, quest_id: str, *, limit: int = MAX_LINES_PAGE, after: str | None = None, position: str | None = None
    ) -> HistoryPage[LogLine]:
        """Return a page of what a quest's steps have said: claim after claim, each in its order.

        Parameters:
          limit: at most this many, 1 to `MAX_LINES_PAGE`.
          position: only lines of this step; None means all.
        """
        if not 1 <= whole(limit, "limit") <= MAX_LINES_PAGE:
            raise PayloadError(
                f"limit must be 1 to {MAX_LINES_PAGE:,}, not {limit}", hint="go on behind a page for more"
            )
        which: list[ColumnElement[bool]] = []
        if after is not None:
            which.append(tuple_(*_ORDER) > tuple_(*map(literal, Place.of_cursor(after))))
        if position is not None:
            which.append(step_events.c.position == position)
        found = self.read(quest_id, which, limit=limit + 1)
        return HistoryPage(found[:limit], found[limit - 1].place.cursor if len(found) > limit else None)

    def newest(self, quest_id: str, position: str, *, limit: int) -> list[LogLine]:
        """Return what a step has said last, in its order.

        Parameters:
          position: the step.
          limit: at most this many lines.
        """
        return self.read(quest_id, [step_events.c.position == position], limit=limit, newest=True)

    def tail(self, quest_id: str, *, after: str | None = None) -> LogTail:
        """Return what follows the log of a quest."""
        return LogTail(self, quest_id, None if after is None else Place.of_cursor(after))

    def read(
        self, quest_id: str, which: Sequence[ColumnElement[bool]], *, limit: int, newest: bool = False
    ) -> list[LogLine]:
        """Return those lines of a quest that meet conditions, in their order.

        Parameters:
          which: the conditions.
          limit: at most this many.
          newest: whether the last ones are meant, and not the first.
        """
        there = exists().where(quests.c.quest_id == quest_id, quests.c.namespace == self.namespace)
        order = [column.desc() if newest else column.asc() for column in _ORDER]
        query = select(step_events).where(step_events.c.quest_id == quest_id, *which).order_by(*order).limit(limit)

        def work(connection: Connection) -> list[LogLine]:
            if not (is_possible(quest_id) and connection.execute(select(there)).scalar()):
                raise not_found(quest_id)
            found = [_line(opened(connection, step_events, row)) for row in connection.execute(query)]
            return found[::-1] if newest else found

        return self.database.read(work, shown=True)


class LogTail:
    """Follows the log of one quest, and misses no line: each look returns those that have come since the last one.

    It knows of each claim how far it has read. A claim's lines are written in the order of their numbers by the one
    process that holds it, so that none comes behind a later one of the same claim; and a claim that comes later has a
    higher fence.

    Parameters:
      log: the logs of the namespace.
      quest_id: the quest.
      after: the place behind which to begin; None begins with the first line.
    """

    def __init__(self, log: StepLog, quest_id: str, after: Place | None = None) -> None:
        self._log = log
        self._quest_id = quest_id
        self._floor = 0 if after is None else after.fence
        #: Of each claim, by its fence, the number of the newest line that was read, and when that was.
        self._read: dict[tuple[int, str], tuple[int, float]] = {}
        if after is not None:
            self._read[after.fence, after.claim_id] = (after.seq, uptime())

    def look(self) -> list[LogLine]:
        """Return the lines that have come since, at most `MAX_LINES_PAGE` at a time; look again until there is none.

        Raises:
          QuestNotFound: the quest is gone.
        """
        known = [
            not_(and_(step_events.c.fence == fence, step_events.c.claim_id == claim_id, step_events.c.seq <= seq))
            for (fence, claim_id), (seq, _) in self._read.items()
        ]
        found = self._log.read(self._quest_id, [step_events.c.fence >= self._floor, *known], limit=MAX_LINES_PAGE)
        now = uptime()
        for line in found:
            self._read[line.fence, line.claim_id] = (line.seq, now)
        self._forget(now)
        return found

    def _forget(self, now: float) -> None:
        """Look no longer for lines of claims that others have followed for long."""
        newest = sorted(self._read)[-MAX_LATE:]
        kept = [claim for claim in newest if claim == newest[-1] or now - self._read[claim][1] < LATE_SECONDS]
        self._read = {claim: self._read[claim] for claim in kept}
        self._floor = max(self._floor, kept[0][0]) if kept else self._floor


def _line(row: Row[Any]) -> LogLine:
    return LogLine(**{**row._asdict(), "kind": LineKind(row.kind)})
