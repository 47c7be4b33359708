"""Single quests as the store has them: whole, at a glance, or the status alone; their tickets; what an id means."""

from __future__ import annotations

from dataclasses import fields

from sqlalchemy import Connection, select

from questline_persistence import arguments
from questline_persistence.ids import is_possible, not_found
from questline_persistence.models import QuestExecutionData
from questline_persistence.records import short_ids
from questline_persistence.records.quest_view import listed_quests, quest_row, whole_quest
from questline_persistence.records.ticket_view import TicketView
from questline_persistence.schema import quests, tickets
from questline_persistence.states import ExecutionStatus, TicketState
from questline_persistence.store import Database


class StoredQuests:
    """Reads single quests of one namespace.

    Parameters:
      database: the store.
      namespace: the tenant; a quest of another is not found.
    """

    def __init__(self, database: Database, namespace: str) -> None:
        self.database = database
        self.namespace = namespace

    def load(self, quest_id: str) -> QuestExecutionData:
        """Return a quest with its outputs, its steps and the rest of its stack, all as of one moment.

        Raises:
          QuestNotFound: there is no such quest in the namespace.
          PayloadError: its outputs together are larger than the store's limit for what is read as a whole.
        """

        def work(connection: Connection) -> QuestExecutionData:
            row = quest_row(connection, self.namespace, quest_id)
            return whole_quest(connection, row, limit=self.database.limits.state)

        return self.database.read(work, shown=True)

    def glance(self, quest_id: str) -> QuestExecutionData:
        """Return a quest with its progress, but without its outputs and steps, as in a list.

        Raises:
          QuestNotFound: there is no such quest in the namespace.
        """

        def work(connection: Connection) -> QuestExecutionData:
            row = quest_row(connection, self.namespace, quest_id)
            return listed_quests(connection, [row])[0]

        return self.database.read(work, shown=True)

    def status(self, quest_id: str) -> ExecutionStatus:
        """Return a quest's status, by one look-up that costs the same whatever the quest holds.

        Raises:
          QuestNotFound: there is no such quest in the namespace.
        """
        if not is_possible(quest_id):
            raise not_found(quest_id)
        query = select(quests.c.status).where(quests.c.quest_id == quest_id, quests.c.namespace == self.namespace)
        found = self.database.read(lambda connection: connection.execute(query).scalar())
        if found is None:
            raise not_found(quest_id)
        return ExecutionStatus(found)

    def tickets(self, quest_id: str) -> list[TicketView]:
        """Return what a quest may run now, runs or waits to run, by position; nothing where there is no such quest."""
        if not is_possible(quest_id):
            return []
        query = (
            select(*(tickets.c[each.name] for each in fields(TicketView)))
            .where(tickets.c.quest_id == quest_id, tickets.c.namespace == self.namespace)
            .order_by(tickets.c.position)
        )
        rows = self.database.read(lambda connection: connection.execute(query).all())
        return [TicketView(**{**row._asdict(), "state": TicketState(row.state)}) for row in rows]

    def full_id(self, typed: str) -> str:
        """Return the id that a person means by what is typed.

        Parameters:
          typed: a whole id, the beginning or end of only one quest's, "@last" for the newest quest, or "@last:TYPE".

        Raises:
          QuestNotFound: no quest, or several, are meant.
          PayloadError: it is no text.
        """
        typed = arguments.text(typed, "an id")
        return self.database.read(lambda connection: short_ids.resolve(connection, self.namespace, typed))
