"""Lists of quests: pages, newest first, and the ids of all quests that are meant."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, literal, select, tuple_

from questline_persistence.arguments import Moment, moment, text, whole, wrong_type
from questline_persistence.errors import PayloadError
from questline_persistence.models import QuestExecutionData
from questline_persistence.records.newest_quests import NEWEST_FIRST
from questline_persistence.records.quest_filter import QuestFilter, Statuses, statuses_of
from questline_persistence.records.quest_view import listed_quests
from questline_persistence.schema import quests
from questline_persistence.states import TERMINAL
from questline_persistence.store import Database

#: Most quests on one page of a list.
MAX_PAGE = 1_000
#: Largest offset of a list; to go further, use a cursor, which costs less.
MAX_OFFSET = 100_000
#: Most quests that one filter reaches at a time, unless told otherwise.
MAX_MATCHED = 10_000


@dataclass(frozen=True, slots=True)
class Page:
    """Some quests of a list.

    Parameters:
      items: the quests, newest first.
      next_cursor: where the next page begins; None if this is the last page.
    """

    items: list[QuestExecutionData]
    next_cursor: str | None = None


class QuestList:
    """Lists the quests of one namespace.

    Parameters:
      database: the store.
      namespace: the tenant; quests of others are never listed.
    """

    def __init__(self, database: Database, namespace: str) -> None:
        self.database = database
        self.namespace = namespace

    def page(self, chosen: QuestFilter | None, *, limit: int, offset: int = 0, cursor: str | None = None) -> Page:
        """Return one page of the quests that `chosen` means, newest first, without their outputs and steps.

        Parameters:
          chosen: which quests; None means all.
          limit: at most this many, 1 to `MAX_PAGE`.
          offset: leave out this many at the beginning, 0 to `MAX_OFFSET`.
          cursor: the `next_cursor` of the page before.

        Raises:
          PayloadError: a limit or offset out of range, or a cursor that no page has given.
        """
        refuse_limit(limit, MAX_PAGE)
        if not 0 <= whole(offset, "offset", most=None) <= MAX_OFFSET:
            raise PayloadError(f"offset must be 0 to {MAX_OFFSET:,}, not {offset}", hint="go on with the page's cursor")
        conditions = self._conditions(chosen or QuestFilter())
        if cursor is not None:
            conditions.append(_behind(cursor))
        query = select(quests).where(*conditions).order_by(*NEWEST_FIRST).limit(limit + 1).offset(offset)

        def work(connection: Connection) -> Page:
            rows = list(connection.execute(query))
            items = listed_quests(connection, rows[:limit])
            more = len(rows) > limit
            return Page(items, _cursor(rows[limit - 1].created_at, rows[limit - 1].quest_id) if more else None)

        return self.database.read(work)

    def matching(self, chosen: QuestFilter, *, limit: int) -> list[str]:
        """Return the ids of the quests that `chosen` means, oldest first.

        Parameters:
          chosen: which quests.
          limit: at most this many.

        Raises:
          PayloadError: it is no filter, or the limit no number above 0.
        """
        query = (
            select(quests.c.quest_id)
            .where(*self._conditions(chosen))
            .order_by(quests.c.created_at, quests.c.quest_id)
            .limit(whole(limit, "limit", least=1))
        )
        return self.database.read(lambda connection: list(connection.execute(query).scalars()))

    def ended_before(self, end_time: Moment, status: Statuses, *, limit: int) -> list[str]:
        """Return the ids of quests that ended before `end_time`, oldest end first.

        Parameters:
          end_time: epoch seconds, a datetime, or ISO 8601 text.
          status: how they ended; statuses in which no quest ends are left out.
          limit: at most this many.

        Raises:
          PayloadError: a time that is none, an unknown status, or a limit that is no number above 0.
        """
        before, ended = moment(end_time, "end_time"), TERMINAL.intersection(statuses_of(status))
        query = (
            select(quests.c.quest_id)
            .where(
                quests.c.namespace == self.namespace,
                quests.c.status.in_(sorted(ended)),
                quests.c.end_time < before,
            )
            .order_by(quests.c.end_time)
            .limit(whole(limit, "limit", least=1))
        )
        return self.database.read(lambda connection: list(connection.execute(query).scalars()))

    def _conditions(self, chosen: QuestFilter) -> list[ColumnElement[bool]]:
        """Return what a filter means here, or raise PayloadError where it is none."""
        if not isinstance(chosen, QuestFilter):
            raise wrong_type(chosen, "chosen", "a QuestFilter", 'such as QuestFilter("failed")')
        return [quests.c.namespace == self.namespace, *chosen.conditions(self.database.dialect)]


def refuse_limit(limit: int, most: int) -> None:
    """Raise PayloadError unless a page may have so many items.

    Parameters:
      limit: how many items are asked for.
      most: how many a page of this list has at most.
    """
    if not 1 <= whole(limit, "limit", most=None) <= most:
        raise PayloadError(f"limit must be 1 to {most:,}, not {limit}", hint="go on behind a page for more")


def _cursor(created_at: str, quest_id: str) -> str:
    """Return the cursor that stands behind a quest in a list, newest first."""
    return base64.urlsafe_b64encode(f"{created_at} {quest_id}".encode()).decode().rstrip("=")


def _behind(cursor: str) -> ColumnElement[bool]:
    """Return the condition that a quest comes behind `cursor`, or raise PayloadError where it is no cursor of ours."""
    try:
        cursor = text(cursor, "a cursor")
        created_at, quest_id = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split(" ", 1)
    except (ValueError, binascii.Error):
        raise PayloadError(f"{cursor!r} is not a cursor", hint="use the next_cursor of the page before") from None
    return tuple_(quests.c.created_at, quests.c.quest_id) < tuple_(literal(created_at), literal(quest_id))
