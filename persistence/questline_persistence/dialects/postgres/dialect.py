"""PostgreSQL, by the contract of dialects."""

from __future__ import annotations

from questline_persistence.dialects.postgres import quests, steps


class Postgres:
    """Keeps the contract of `Dialect` for PostgreSQL."""

    name = "postgresql"
    has_one_writer = False

    claim = staticmethod(steps.claim)
    mine = staticmethod(steps.mine)
    ended = staticmethod(steps.ended)
    checkpoint = staticmethod(steps.checkpoint)
    insert_quests = staticmethod(quests.insert)
