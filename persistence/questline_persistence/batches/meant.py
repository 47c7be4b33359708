"""Which quests a batch means: those that its filter means, made no later than itself, in the order of their making."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, func, literal, select, tuple_

from questline_persistence.batches.order import MAX_QUESTS
from questline_persistence.dialects import codec_of, dialect_of
from questline_persistence.records import QuestFilter
from questline_persistence.schema import quests

#: The order in which a batch goes through its quests; neither column ever changes.
OLDEST_FIRST = (quests.c.created_at, quests.c.quest_id)


def conditions(connection: Connection, namespace: str, chosen: QuestFilter, *, until: str) -> list[ColumnElement[bool]]:
    """Return which quests are meant, as conditions on `quest_executions`.

    Parameters:
      connection: the transaction that asks.
      namespace: the tenant.
      chosen: the filter.
      until: the time of the batch, as texts in the store tell times.
    """
    chosen.refuse_sealed(codec_of(connection))
    found = chosen.conditions(dialect_of(connection))
    return [quests.c.namespace == namespace, quests.c.created_at <= until, *found]


def count(connection: Connection, namespace: str, chosen: QuestFilter, *, until: str) -> tuple[int, bool]:
    """Return how many quests are meant, of which a batch reaches no more than that, and whether there are more.

    Parameters:
      connection: the transaction that asks.
      namespace: the tenant.
      chosen: the filter.
      until: the time of the batch.
    """
    meant = conditions(connection, namespace, chosen, until=until)
    found = select(quests.c.quest_id).where(*meant).limit(MAX_QUESTS + 1).subquery()
    number = connection.execute(select(func.count()).select_from(found)).scalar_one()
    return min(number, MAX_QUESTS), number > MAX_QUESTS


def behind(place: tuple[str, str]) -> ColumnElement[bool]:
    """Return the condition that a quest comes behind a place.

    Parameters:
      place: when the quest at that place was made, and its id.
    """
    made_at, quest_id = place
    return tuple_(*OLDEST_FIRST) > tuple_(literal(made_at), literal(quest_id))
