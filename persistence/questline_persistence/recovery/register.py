"""The register of worker processes: who is alive, what they can run, what they hold."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, insert, select, update

from questline_persistence.claims import Progress
from questline_persistence.journal import error_text
from questline_persistence.payload import cells, decode, encode
from questline_persistence.recovery.worker_card import WorkerCard
from questline_persistence.recovery.worker_conditions import is_alive, steps_at_end
from questline_persistence.recovery.worker_view import ClaimView, Holder, WorkerView
from questline_persistence.schema import in_state, still_in_state, tickets, workers
from questline_persistence.states import TicketState, WorkerState
from questline_persistence.store import Database

#: Most workers that are listed; those alive come first.
MAX_LISTED = 500
#: Most claims that are listed of one worker; one that has more is counted all the same.
MAX_CLAIMS = 20
#: Most workers that are dropped from the list in one go.
MAX_FORGOTTEN = 1_000
#: Longest word of a step on its progress, in characters.
MAX_MESSAGE = 500
#: How long a worker that has ended stays listed, in seconds.
KEEP_ENDED_SECONDS = 86_400.0

#: The columns of a worker, and of a claim, that are shown.
_SHOWN = [workers.c[each.name] for each in fields(WorkerView) if each.name != "holding"]
_CLAIM = [each.name for each in fields(ClaimView)]


class Register:
    """Keeps the leases of the worker processes of one namespace.

    Each of its methods raises `StoreUnavailable` where the store does not answer.

    Parameters:
      database: the store.
      namespace: the tenant.
    """

    def __init__(self, database: Database, namespace: str) -> None:
        self.database = database
        self.namespace = namespace

    def enter(self, card: WorkerCard, lease_seconds: float) -> None:
        """Add a live worker; one that is in the register already is left as it is.

        Parameters:
          card: the worker.
          lease_seconds: the length of its first lease.
        """
        self.database.write(partial(self._enter, card=card, lease_seconds=lease_seconds), at="enter")

    def rehearse(self, card: WorkerCard) -> None:
        """Add a worker and take that back, to find out whether this user may.

        Raises:
          NotAllowed: it may not.
        """
        self.database.rehearse(partial(self._enter, card=card, lease_seconds=0.0))

    def _enter(self, connection: Connection, *, card: WorkerCard, lease_seconds: float) -> None:
        values = {
            "worker_id": card.worker_id,
            "namespace": self.namespace,
            "process_id": card.process_id,
            "host": card.host,
            "pid": card.pid,
            "state": WorkerState.LIVE,
            "started_at": self.database.clock_in_sql,
            "lease_until": self.database.clock_in_sql + lease_seconds,
            "heartbeat_at": self.database.clock_in_sql,
            "queues": encode(card.queues, what="queues"),
            "handlers": encode(card.handlers, what="handlers"),
            "threads": card.threads,
            "code_version": card.code_version,
        }
        known = select(workers.c.worker_id).where(workers.c.worker_id == card.worker_id)
        if connection.execute(known).first() is None:
            connection.execute(insert(workers).values(**values))

    def renew(self, worker_id: str, lease_seconds: float) -> bool:
        """Prolong a worker's lease, from now on by the database's clock.

        Parameters:
          worker_id: the worker.
          lease_seconds: the length of the new lease.

        Returns:
          False when the worker has been declared lost, or has left, meanwhile.
        """
        change = (
            update(workers)
            .where(workers.c.worker_id == worker_id, workers.c.state == WorkerState.LIVE)
            .values(lease_until=self.database.clock_in_sql + lease_seconds, heartbeat_at=self.database.clock_in_sql)
            .returning(workers.c.lease_until)
        )
        return self.database.write(lambda connection: connection.execute(change).first() is not None, at="renew")

    def note_progress(self, told: Sequence[Progress]) -> None:
        """Note how far steps say to be, for people to see; one whose claim is gone meanwhile is left out.

        So is one whose ticket somebody has locked: the heartbeat that tells of it must not wait.

        Parameters:
          told: the steps; their messages are cut to `MAX_MESSAGE`.
        """
        whose = and_(tickets.c.quest_id == bindparam("whose"), tickets.c.claim_id == bindparam("by"))
        free = select(tickets.c.branch).where(whose).with_for_update(skip_locked=True)
        change = (
            update(tickets)
            .where(whose, tickets.c.branch.in_(free), still_in_state(TicketState.RUNNING))
            .values(
                progress=bindparam("fraction"), progress_message=bindparam("message"), progress_claim_id=bindparam("by")
            )
        )
        rows = [
            {
                "whose": one.quest_id,
                "by": one.claim_id,
                "fraction": one.fraction,
                "message": self.database.codec.seal(
                    error_text(one.message)[:MAX_MESSAGE], cells.of_progress(one.quest_id, one.claim_id)
                ),
            }
            for one in told
        ]
        if rows:
            self.database.write(lambda connection: connection.execute(change, rows), at="renew")

    def held(self, worker_ids: list[str]) -> set[str]:
        """Return the ids of the claims that these workers hold."""
        query = select(tickets.c.claim_id).where(
            tickets.c.namespace == self.namespace,
            in_state(TicketState.RUNNING),
            tickets.c.worker_id.in_(worker_ids),
        )
        return self.database.read(lambda connection: set(connection.execute(query).scalars()))

    def holds(self, quest_id: str, claim_id: str) -> bool:
        """Return whether a claim still holds its step."""
        query = select(tickets.c.quest_id).where(
            tickets.c.quest_id == quest_id,
            tickets.c.claim_id == claim_id,
            tickets.c.namespace == self.namespace,
            still_in_state(TicketState.RUNNING),
        )
        return self.database.read(lambda connection: connection.execute(query).first() is not None)

    def claims_of(self, worker_ids: Sequence[str]) -> dict[str, list[ClaimView]]:
        """Return the steps that these workers run, by worker.

        Returns:
          Those that have run longest first, at most `MAX_CLAIMS` of each worker; nothing of one that runs none.
        """
        rank = func.row_number().over(partition_by=tickets.c.worker_id, order_by=tickets.c.claimed_at).label("rank")
        running = (
            select(*(tickets.c[name] for name in ("worker_id", *_CLAIM)), rank)
            .where(
                tickets.c.namespace == self.namespace,
                tickets.c.state == TicketState.RUNNING,
                tickets.c.worker_id.in_(worker_ids),
            )
            .subquery()
        )
        query = select(running).where(running.c.rank <= MAX_CLAIMS).order_by(running.c.rank)
        found: dict[str, list[ClaimView]] = {}
        for row in self.database.read(lambda connection: connection.execute(query).mappings().all()):
            found.setdefault(row["worker_id"], []).append(ClaimView(**{name: row[name] for name in _CLAIM}))
        return found

    def with_claims(self, *, now: float | None = None) -> list[tuple[WorkerView, list[ClaimView]]]:
        """Return the workers as `all` does, each with the steps that it runs, as `claims_of` does.

        Parameters:
          now: the time of the question, in epoch seconds; None asks the database.
        """
        found = self.all(now=now)
        claims = self.claims_of([worker.worker_id for worker in found if worker.holding])
        return [(worker, claims.get(worker.worker_id, [])) for worker in found]

    def holder_of(self, quest_id: str) -> Holder | None:
        """Return who runs a step of the quest now, or None."""
        query = (
            select(tickets.c.position, tickets.c.claim_id, workers.c.worker_id, tickets.c.claimed_at, workers.c.host)
            .add_columns(workers.c.pid)
            .join(workers, workers.c.worker_id == tickets.c.worker_id)
            .where(
                tickets.c.quest_id == quest_id,
                tickets.c.namespace == self.namespace,
                tickets.c.state == TicketState.RUNNING,
            )
            .order_by(tickets.c.position)
        )
        row = self.database.read(lambda connection: connection.execute(query).first())
        return None if row is None else Holder(**row._asdict())

    def known(self, handlers: Collection[str], *, now: float | None = None) -> set[str]:
        """Return those of the handlers that a live worker knows.

        Parameters:
          handlers: Lords with their tools, as "lord:tool".
          now: the time of the question, in epoch seconds; None asks the database.
        """
        now = self.database.clock.now() if now is None else now
        query = select(workers.c.handlers).where(workers.c.namespace == self.namespace, is_alive(now))
        lists = self.database.read(lambda connection: connection.execute(query.distinct()).scalars().all())
        return {*handlers}.intersection(name for text in lists for name in decode(text))

    def number_alive(self, *, now: float | None = None) -> int:
        """Return how many workers are alive.

        Parameters:
          now: the time of the question, in epoch seconds; None asks the database.
        """
        now = self.database.clock.now() if now is None else now
        query = select(func.count()).select_from(workers).where(workers.c.namespace == self.namespace, is_alive(now))
        return self.database.read(lambda connection: int(connection.execute(query).scalar_one()))

    def leave(self, worker_id: str) -> None:
        """Mark a worker as stopped."""
        self._end(workers.c.worker_id == worker_id, WorkerState.STOPPED)

    def declare_dead(self, process_id: str) -> list[str]:
        """Mark the workers of a process that is known to have died as lost; return their ids.

        Parameters:
          process_id: the name under which its supervisor knew it.
        """
        return self._end(workers.c.process_id == process_id, WorkerState.LOST)

    def _end(self, which: ColumnElement[bool], state: WorkerState) -> list[str]:
        """Move workers from live to stopped or lost; return their ids."""
        change = (
            update(workers)
            .where(which, workers.c.state == WorkerState.LIVE)
            .values(
                state=state,
                lease_until=self.database.clock_in_sql,
                ended_at=self.database.clock_in_sql,
                **steps_at_end(),
            )
            .returning(workers.c.worker_id)
        )
        return self.database.write(lambda connection: list(connection.execute(change).scalars()), at="leave")

    def forget(self, *, now: float | None = None) -> int:
        """Drop workers that ended more than a day ago, at most `MAX_FORGOTTEN` at a time; return how many.

        Parameters:
          now: the time that a day is counted from, in epoch seconds; None asks the database.
        """
        before = (self.database.clock.now() if now is None else now) - KEEP_ENDED_SECONDS
        old = and_(
            workers.c.namespace == self.namespace,
            workers.c.state.in_((WorkerState.LOST, WorkerState.STOPPED)),  # for the index
            workers.c.ended_at < before,
        )
        chosen = select(workers.c.worker_id).where(old).limit(MAX_FORGOTTEN).with_for_update(skip_locked=True)
        change = workers.delete().where(workers.c.worker_id.in_(chosen))
        return self.database.write(lambda connection: connection.execute(change).rowcount, at="forget")

    def all(self, *, now: float | None = None) -> list[WorkerView]:
        """Return the workers with the number of steps that each runs: the live ones first, and the newest of each.

        Parameters:
          now: the time by which a lease is over, in epoch seconds; None asks the database.

        Returns:
          At most `MAX_LISTED`.
        """
        now = self.database.clock.now() if now is None else now
        holding = (
            select(func.count())
            .where(
                tickets.c.namespace == self.namespace,
                tickets.c.worker_id == workers.c.worker_id,
                tickets.c.state == TicketState.RUNNING,
            )
            .scalar_subquery()
        )
        query = (
            select(*_SHOWN, holding.label("holding"))
            .where(workers.c.namespace == self.namespace)
            .order_by(workers.c.state != WorkerState.LIVE, workers.c.started_at.desc())
            .limit(MAX_LISTED)
        )
        rows = self.database.read(lambda connection: connection.execute(query).mappings().all())
        return [_view(dict(row), now) for row in rows]


def _view(row: dict[str, Any], now: float) -> WorkerView:
    """Return a row of the register as people are shown it."""
    over = row["state"] == WorkerState.LIVE and row["lease_until"] <= now
    state = WorkerState.LOST if over else WorkerState(row["state"])
    read: dict[str, Any] = {"queues": tuple(decode(row["queues"])), "handlers": tuple(decode(row["handlers"]))}
    return WorkerView(**{**row, **read, "state": state})
