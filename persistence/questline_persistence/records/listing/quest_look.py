"""One look along an index of quests: which of those that it leads past are meant.

Statuses, and times where the order is that of time, are parts of an index. For the rest of a filter there is none, so
each quest that the index leads past is looked at, and a look may be told to end after so many.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Subquery, select, union_all

from questline_persistence.dialects import Dialect
from questline_persistence.records.listing.quest_filter import QuestFilter
from questline_persistence.records.listing.quest_sort import QuestSort
from questline_persistence.schema import quests
from questline_persistence.states import LIVE, ExecutionStatus


class QuestLook:
    """Tells how to find the quests of a filter in an order.

    Parameters:
      dialect: the database that will be asked.
      namespace: the tenant.
      chosen: which quests.
      sort: in which order.
      place: the moment and the id behind which the look begins, or None.
      most: how many quests are looked at, or None for as many as there are.
    """

    def __init__(
        self,
        dialect: Dialect,
        namespace: str,
        chosen: QuestFilter,
        sort: QuestSort,
        *,
        place: tuple[str, str] | None = None,
        most: int | None = None,
    ) -> None:
        self._dialect, self._namespace, self._chosen, self._sort, self._place = dialect, namespace, chosen, sort, place
        self._needed = [*chosen.unindexed]
        if sort.moment != "created_at" and (chosen.since is not None or chosen.until is not None):
            self._needed.append("created_at")
        self.most = most if self._needed else None

    def meant(self, limit: int, offset: int = 0) -> Select[Any]:
        """Return the query for the ids of the quests that are meant, in their order.

        Parameters:
          limit: at most this many.
          offset: leave out this many at the beginning.
        """
        looked = self._looked(self.most if self._needed else limit + offset)
        conditions = self._chosen.unindexed_conditions(self._dialect, looked)
        if "created_at" in self._needed:
            conditions += self._chosen.span(looked)
        found = select(looked.c.quest_id).where(*conditions).order_by(*self._sort.order(looked))
        return found.limit(limit).offset(offset)

    def end(self, most: int) -> Select[Any, Any]:
        """Return the query for the place at which a look ends that is told to end.

        Parameters:
          most: after how many quests.
        """
        looked = self._looked(most)
        keys = (looked.c[self._sort.moment], looked.c.quest_id)
        return select(*keys).order_by(*self._sort.order(looked)).offset(most - 1).limit(1)

    def _looked(self, most: int | None) -> Subquery:
        """Return the query for the quests that are looked at: one way along an index, or one for each status."""
        ways = [self._way(status, most) for status in self._statuses()]
        if len(ways) == 1:
            return ways[0].subquery()
        merged = union_all(*(select(*way.subquery().c) for way in ways)).subquery()
        return select(*merged.c).order_by(*self._sort.order(merged)).limit(most).subquery() if most else merged

    def _statuses(self) -> Sequence[ExecutionStatus | None]:
        """Return the statuses whose part of an index is looked through; None stands for all in one."""
        if self._chosen.status:
            return list(dict.fromkeys(self._chosen.status))
        if self._sort is QuestSort.WAITING:
            return sorted(LIVE)
        return [*ExecutionStatus] if self._sort is QuestSort.UPDATED else [None]

    def _way(self, status: ExecutionStatus | None, most: int | None) -> Select[Any]:
        """Return the query that goes along an index, and no further than so many quests."""
        names = dict.fromkeys(["quest_id", self._sort.moment, *self._needed])
        way = select(*(quests.c[name] for name in names)).where(*self._within(status, quests))
        return way if most is None else way.order_by(*self._sort.order(quests)).limit(most)

    def _within(self, status: ExecutionStatus | None, of: FromClause) -> Iterator[ColumnElement[bool]]:
        yield of.c.namespace == self._namespace
        if status is not None:
            yield of.c.status == str(status)
        if self._sort.moment == "created_at":
            yield from self._chosen.span(of)
        if self._place is not None:
            yield self._sort.behind(of, self._place)
