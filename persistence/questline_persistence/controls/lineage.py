"""Which rows of what Lords remember count: those of the results that have led to one version of a quest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from sqlalchemy import ColumnElement, Connection, FromClause, Integer, case, column, literal, select, text

from questline_persistence.journal import history


class Lineage:
    """What counts at one version of a quest.

    Parameters:
      quest_id: the quest.
      counted: for each epoch that has led there, its newest version that counts.
      since: a version up to which the same counts as counted before.
    """

    def __init__(self, quest_id: str, counted: Mapping[int, int], since: int = -1) -> None:
        self.quest_id = quest_id
        self.since = since
        ((epoch, newest), *others) = counted.items()
        more = ", ".join(f"({each[0]:d}, {each[1]:d})" for each in others)
        first = f"SELECT {epoch:d} AS epoch, {newest:d} AS newest"
        chosen = text(f"{first} UNION ALL VALUES {more}" if more else first)
        self._counted = chosen.columns(column("epoch", Integer), column("newest", Integer)).cte("counted")

    @classmethod
    def at(cls, connection: Connection, quest_id: str, version: int) -> Self:
        """Return what counts at a version."""
        return cls(quest_id, dict(history.lineage(connection, quest_id, version)))

    @classmethod
    def back(cls, connection: Connection, quest_id: str, version: int, *, to: int) -> Self:
        """Return what counts at the version `to`, for a quest that is at `version`."""
        before = dict(history.lineage(connection, quest_id, version))
        counted = dict(history.lineage(connection, quest_id, to))
        since = next((min(before[epoch], counted[epoch]) for epoch in counted if epoch in before), -1)
        return cls(quest_id, counted, since)

    def wrote(self, rows: FromClause) -> ColumnElement[bool]:
        """Return the condition that a step of the quest has written a row, after what counts as before."""
        written: ColumnElement[bool] = rows.c.quest_id == self.quest_id
        return written if self.since < 0 else written & (rows.c.quest_version > self.since)

    def counts(self, rows: FromClause) -> ColumnElement[bool]:
        """Return the condition that a row counts which a step of the quest has written."""
        same = (self._counted.c.epoch == rows.c.epoch, rows.c.quest_version <= self._counted.c.newest)
        return select(literal(1)).select_from(self._counted).where(*same).exists()

    def stands(self, rows: FromClause) -> ColumnElement[bool]:
        """Return the condition that a row counts, whoever has written it."""
        return case((rows.c.quest_id == self.quest_id, self.counts(rows)), else_=rows.c.abandoned_by.is_(None))
