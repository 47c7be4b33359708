"""A quest whose rows are locked: what an admin's verb decides upon, and writes through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from questline_persistence.claims import REDISPATCH_FIRST, Doorbell, Failed
from questline_persistence.clock import rfc3339
from questline_persistence.errors import QuestConflict
from questline_persistence.ids import is_possible, not_found
from questline_persistence.journal import UNCLAIMED, EndedAttempt, record
from questline_persistence.payload import DEFAULTS, Limits
from questline_persistence.schema import BELL, opened, quests, sealed, steps, tickets
from questline_persistence.states import LIVE, TRANSITIONS, ExecutionStatus, RunStatus, TicketState

#: How often to look again when a quest gains a ticket between the two locks.
MAX_LOCK_TRIES = 10

_HINTS = {
    "pause": "an ended quest can be replayed: questline replay {quest_id}",
    "resume": "only a paused quest can be resumed; retry a failed one, replay an ended one",
    "retry": "only a failed quest can be retried; any other can be replayed: questline replay {quest_id}",
    "cancel": "the quest has ended already",
}


@dataclass(frozen=True, slots=True)
class LockedQuest:
    """One quest's rows, locked until the transaction ends, and the moment at which the verb happens.

    Parameters:
      connection: the transaction that holds the locks.
      quest: the quest's row.
      tickets: its tickets, by position.
      now: the database's time.
      limits: how large what the verb stores may be.
    """

    connection: Connection
    quest: Row[Any]
    tickets: list[Row[Any]]
    now: float
    limits: Limits = DEFAULTS

    @property
    def quest_id(self) -> str:
        """The quest, by its id."""
        return str(self.quest.quest_id)

    @property
    def status(self) -> ExecutionStatus:
        """Its status."""
        return ExecutionStatus(self.quest.status)

    @property
    def version(self) -> int:
        """Its version, which may be further on in its tickets than in its row."""
        return max(int(row.version) for row in (self.quest, *self.tickets))

    @property
    def fence(self) -> int:
        """The highest fence that any of its rows has reached."""
        return max(int(row.fence) for row in (self.quest, *self.tickets))

    @property
    def running(self) -> bool:
        """Whether a worker has a claim on any of its steps."""
        return any(ticket.state == TicketState.RUNNING for ticket in self.tickets)

    @property
    def begun(self) -> ExecutionStatus:
        """The status of a quest that goes on: running, or new as long as no step of it was ever claimed."""
        return ExecutionStatus.NEW if self.quest.start_time is None else ExecutionStatus.RUNNING

    def require(self, verb: str) -> None:
        """Raise QuestConflict unless `verb` may be applied to the quest's present status."""
        if self.status in TRANSITIONS[verb].sources and (self.tickets or self.status not in LIVE):
            return
        if self.status in LIVE and not self.tickets:
            message = f"quest {self.quest_id} was only saved: no worker has it yet"
            raise QuestConflict(message, hint=f"hand it to the workers first: questline resume {self.quest_id}")
        *others, last = sorted(TRANSITIONS[verb].sources)
        allowed = f"{', '.join(others)} or {last}" if others else last
        message = f"quest {self.quest_id} is {self.status}; {verb} needs it to be {allowed}"
        raise QuestConflict(message, hint=self.instead_of(verb))

    def require_version(self, seen: int | None) -> None:
        """Raise QuestConflict where the quest is at another version than the caller has seen; None has seen none."""
        if seen is not None and seen != self.version:
            message = f"quest {self.quest_id} is at version {self.version}, not {seen}"
            raise QuestConflict(message, hint="the quest has changed meanwhile: look at it again first")

    def instead_of(self, verb: str) -> str | None:
        """Return what to do where a verb does not apply."""
        hint = _HINTS.get(verb)
        return hint and hint.format(quest_id=self.quest_id)

    def cut_short(self, why: str) -> None:
        """Record what runs now as cancelled; the verb is about to take its claim away."""
        for ticket in self.tickets:
            if ticket.state == TicketState.RUNNING:
                attempt = EndedAttempt.of_ticket(
                    ticket, Failed(why, None), end_time=self.now, status=RunStatus.CANCELLED
                )
                record(self.connection, [attempt], self.now)

    def change(self, **values: Any) -> None:
        """Write columns of the quest's row."""
        mine, whose = quests.c.quest_id == self.quest_id, {"namespace": self.quest.namespace, "quest_id": self.quest_id}
        written = sealed(self.connection, quests, values, **whose)
        self.connection.execute(update(quests).where(mine).values(**written, updated_at=rfc3339(self.now)))

    def issue_ticket(self, epoch: int, position: str, version: int) -> Doorbell:
        """Insert the one ticket of a quest that is to run from `position`; return its doorbell."""
        step = self.connection.execute(
            select(steps.c.lord_name, steps.c.tool_name, steps.c.queue).where(
                steps.c.quest_id == self.quest_id, steps.c.epoch == epoch, steps.c.position == position
            )
        ).one()
        row = self.connection.execute(
            insert(tickets)
            .values(
                quest_id=self.quest_id,
                branch=0,
                namespace=self.quest.namespace,
                position=position,
                epoch=epoch,
                handler=f"{step.lord_name}:{step.tool_name}",
                state=TicketState.READY,
                **UNCLAIMED,
                fence=self.fence + 1,
                version=version,
                available_at=self.now,
                ring_at=self.now + REDISPATCH_FIRST,
                queue=step.queue,
                priority=self.quest.priority,
            )
            .returning(*BELL)
        ).one()
        return Doorbell(*row)


def lock(
    connection: Connection, namespace: str, quest_id: str, *, now: float, limits: Limits = DEFAULTS
) -> LockedQuest:
    """Lock a quest's tickets by position, then its row: the order that every writer keeps.

    Raises:
      QuestNotFound: the namespace has no such quest.
    """
    if not is_possible(quest_id):
        raise not_found(quest_id)
    mine = (tickets.c.quest_id == quest_id, tickets.c.namespace == namespace)
    for _ in range(MAX_LOCK_TRIES):
        held = list(connection.execute(select(tickets).where(*mine).order_by(tickets.c.position).with_for_update()))
        quest = connection.execute(
            select(quests).where(quests.c.quest_id == quest_id, quests.c.namespace == namespace).with_for_update()
        ).first()
        if quest is None:
            raise not_found(quest_id)
        # A quest that looked ended may have been retried or replayed before its row was locked.
        if held or not connection.execute(select(tickets.c.quest_id).where(*mine).limit(1)).first():
            return LockedQuest(connection, opened(connection, quests, quest), held, now, limits)
    raise QuestConflict(f"quest {quest_id} keeps changing", hint="try again")


def is_there(connection: Connection, quest_id: str) -> bool:
    """Return whether there is such a quest, in whatever namespace."""
    return connection.execute(select(quests.c.quest_id).where(quests.c.quest_id == quest_id)).first() is not None
