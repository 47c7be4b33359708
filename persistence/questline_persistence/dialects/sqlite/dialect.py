"""SQLite, by the contract of dialects."""

from __future__ import annotations

from questline_persistence.dialects.sqlite import quests, steps


class Sqlite:
    """Keeps the contract of `Dialect` for SQLite."""

    name = "sqlite"
    has_one_writer = True

    claim = staticmethod(steps.claim)
    mine = staticmethod(steps.mine)
    ended = staticmethod(steps.ended)
    checkpoint = staticmethod(steps.checkpoint)
    insert_quests = staticmethod(quests.insert)
