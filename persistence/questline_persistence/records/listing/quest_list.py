"""Lists of quests: pages in any order, how many there are, and the ids of all quests that are meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from questline_persistence.arguments import Moment, moment, whole, wrong_type
from questline_persistence.errors import PayloadError
from questline_persistence.models import QuestExecutionData
from questline_persistence.pages import cursor_behind, place_of
from questline_persistence.records.listing.quest_filter import QuestFilter, Statuses, statuses_of
from questline_persistence.records.listing.quest_look import QuestLook
from questline_persistence.records.listing.quest_sort import QuestSort
from questline_persistence.records.quest_view import listed_quests
from questline_persistence.schema import opened, quests
from questline_persistence.states import TERMINAL
from questline_persistence.store import Database

#: Most quests on one page of a list.
MAX_PAGE = 1_000
#: Largest offset of a list; to go further, use a cursor, which costs less.
MAX_OFFSET = 100_000
#: Most quests that a page over HTTP looks at to find those of a filter that no index leads to.
MAX_PASSED = 10_000
#: Most quests that one filter reaches at a time, unless told otherwise.
MAX_MATCHED = 10_000


@dataclass(frozen=True, slots=True)
class Page:
    """Some quests of a list.

    Parameters:
      items: the quests, in the order of the list.
      next_cursor: where the next page begins; None if this is the last page.
      looked: how many quests were looked at, where that ended before the page was full; else None. There may be more
        that are meant: `next_cursor` goes on.
    """

    items: list[QuestExecutionData]
    next_cursor: str | None = None
    looked: int | None = None


class Counted(NamedTuple):
    """How many quests are meant.

    Parameters:
      number: how many were found.
      more: whether there may be more, since counting ended before the last one.
    """

    number: int
    more: bool


class QuestList:
    """Lists the quests of one namespace.

    Parameters:
      database: the store.
      namespace: the tenant; quests of others are never listed.
    """

    def __init__(self, database: Database, namespace: str) -> None:
        self.database = database
        self.namespace = namespace

    def page(
        self,
        chosen: QuestFilter | None,
        *,
        sort: QuestSort | str = QuestSort.NEWEST,
        limit: int,
        offset: int = 0,
        cursor: str | None = None,
        most_looked: int | None = None,
    ) -> Page:
        """Return one page of the quests that `chosen` means, without their outputs and steps.

        Parameters:
          chosen: which quests; None means all.
          sort: in which order.
          limit: at most this many, 1 to `MAX_PAGE`.
          offset: leave out this many at the beginning, 0 to `MAX_OFFSET`.
          cursor: the `next_cursor` of the page before.
          most_looked: end after so many quests that the filter may or may not mean; None looks until the page is full.

        Raises:
          PayloadError: an unknown order, a limit or offset out of range, or a cursor that no page of this order has
            given.
        """
        refuse_limit(limit, MAX_PAGE)
        if not 0 <= whole(offset, "offset", most=None) <= MAX_OFFSET:
            raise PayloadError(f"offset must be 0 to {MAX_OFFSET:,}, not {offset}", hint="go on with the page's cursor")
        order = QuestSort.of(sort)
        look = self._look(chosen or QuestFilter(), order, cursor, most_looked)
        meant = look.meant(limit + 1, offset)
        query = select(quests).where(quests.c.quest_id.in_(meant)).order_by(*order.order(quests))

        def work(connection: Connection) -> Page:
            rows = [opened(connection, quests, row) for row in connection.execute(query)]
            items = listed_quests(connection, rows[:limit])
            if len(rows) > limit:
                last = rows[limit - 1]
                return Page(items, _cursor(order, (getattr(last, order.moment), last.quest_id)))
            end = None if look.most is None else connection.execute(look.end(look.most)).first()
            return Page(items) if end is None else Page(items, _cursor(order, tuple(end)), look.most)

        return self.database.read(work, shown=True)

    def counted(
        self,
        chosen: QuestFilter,
        *,
        sort: QuestSort | str = QuestSort.NEWEST,
        limit: int,
        most_looked: int | None = None,
    ) -> Counted:
        """Return how many quests a list has.

        Parameters:
          chosen: which quests.
          sort: in which order they are looked at.
          limit: where counting ends.
          most_looked: end after so many quests that the filter may or may not mean.

        Raises:
          PayloadError: it is no filter, or the limit no number above 0.
        """
        most = whole(limit, "limit", least=1)
        look = self._look(chosen, QuestSort.of(sort), None, most_looked)
        number = select(func.count()).select_from(look.meant(most + 1).subquery())

        def work(connection: Connection) -> Counted:
            found = connection.execute(number).scalar_one()
            ended = look.most is not None and connection.execute(look.end(look.most)).first() is not None
            return Counted(min(found, most), found > most or ended)

        return self.database.read(work)

    def matching(self, chosen: QuestFilter, *, limit: int = MAX_MATCHED) -> list[str]:
        """Return the ids of the quests that `chosen` means, oldest first.

        Parameters:
          chosen: which quests.
          limit: at most this many.

        Raises:
          PayloadError: it is no filter, or the limit no number above 0.
        """
        most = whole(limit, "limit", least=1)
        query = self._look(chosen, QuestSort.OLDEST, None, None).meant(most)
        return self.database.read(lambda connection: list(connection.execute(query).scalars()))

    def ended_before(
        self, end_time: Moment, status: Statuses, *, limit: int = MAX_PAGE, quest_type: str | None = None
    ) -> list[str]:
        """Return the ids of quests that ended before `end_time`, oldest end first.

        Parameters:
          end_time: epoch seconds, a datetime, or ISO 8601 text.
          status: how they ended; statuses in which no quest ends are left out.
          limit: at most this many.
          quest_type: only quests of this type; None means all.

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
                *([] if quest_type is None else [quests.c.quest_type == quest_type]),
            )
            .order_by(quests.c.end_time)
            .limit(whole(limit, "limit", least=1))
        )
        return self.database.read(lambda connection: list(connection.execute(query).scalars()))

    def _look(self, chosen: QuestFilter, sort: QuestSort, cursor: str | None, most: int | None) -> QuestLook:
        """Return how to find what a filter means here, or raise PayloadError where it is none."""
        if not isinstance(chosen, QuestFilter):
            raise wrong_type(chosen, "chosen", "a QuestFilter", 'such as QuestFilter("failed")')
        chosen.refuse_sealed(self.database.codec)
        place = None if cursor is None else place_of(cursor, _named(sort), 2)
        return QuestLook(self.database.dialect, self.namespace, chosen, sort, place=place, most=most)


def refuse_limit(limit: int, most: int) -> None:
    """Raise PayloadError unless a page may have so many items.

    Parameters:
      limit: how many items are asked for.
      most: how many a page of this list has at most.
    """
    if not 1 <= whole(limit, "limit", most=None) <= most:
        raise PayloadError(f"limit must be 1 to {most:,}, not {limit}", hint="go on behind a page for more")


def _named(sort: QuestSort) -> tuple[str, str]:
    """Return what a cursor names its list by: with another filter it may go on, not in another order."""
    return "quests", str(sort)


def _cursor(sort: QuestSort, place: tuple[Any, ...]) -> str:
    return cursor_behind(_named(sort), place)
