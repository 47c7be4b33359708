"""In which order a list of quests goes: each is that of an index, so that any page of it costs the same."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, FromClause, literal, tuple_

from questline_persistence.errors import PayloadError, suggestion


class QuestSort(StrEnum):
    """The order of a list of quests; of those at the same moment, the id decides.

    Values:
      newest: the quest that was made last comes first.
      oldest: the quest that was made first comes first.
      updated: the quest whose status changed last comes first.
      waiting: of the quests that have not ended, the one whose status has not changed for longest comes first.
    """

    NEWEST = "newest"
    OLDEST = "oldest"
    UPDATED = "updated"
    WAITING = "waiting"

    @classmethod
    def of(cls, word: str) -> QuestSort:
        """Return the order that a word means.

        Parameters:
          word: the word, or a member.

        Raises:
          PayloadError: there is no such order.
        """
        try:
            return cls(word)
        except ValueError:
            near = suggestion(str(word), cls, kind="orders")
            raise PayloadError(f"{word!r:.100} is not an order of quests", hint=near) from None

    @property
    def moment(self) -> str:
        """The column by which the list is ordered."""
        return "created_at" if self in {QuestSort.NEWEST, QuestSort.OLDEST} else "updated_at"

    def order(self, of: FromClause) -> list[ColumnElement[Any]]:
        """Return the list's order.

        Parameters:
          of: the quests, or a query for some of them.
        """
        keys: list[ColumnElement[Any]] = [of.c[self.moment], of.c.quest_id]
        return [key.desc() for key in keys] if self._descends else keys

    def behind(self, of: FromClause, place: tuple[str, str]) -> ColumnElement[bool]:
        """Return the condition that a quest comes behind a place.

        Parameters:
          of: the quests, or a query for some of them.
          place: the moment and the id of the quest at that place.
        """
        key, at = tuple_(of.c[self.moment], of.c.quest_id), tuple_(*map(literal, place))
        return key < at if self._descends else key > at

    @property
    def _descends(self) -> bool:
        return self in {QuestSort.NEWEST, QuestSort.UPDATED}
