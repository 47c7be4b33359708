"""What statements ask of workers: whether they are alive, hold a ticket, know a Lord, and how many steps they run."""

from __future__ import annotations

from sqlalchemy import ColumnElement, ScalarSelect, and_, func, literal, select, true

from questline_persistence.schema import in_state, tickets, workers
from questline_persistence.states import TicketState, WorkerState
from questline_persistence.suspicion import CLOCK_SLACK


def is_alive(now: float) -> ColumnElement[bool]:
    """Return the condition that a worker is alive: it runs, and its lease is not over.

    Parameters:
      now: the time of the question, by the database's clock, in epoch seconds.
    """
    return and_(workers.c.state == WorkerState.LIVE, workers.c.lease_until > now)


def nobody_holds(now: float) -> ColumnElement[bool]:
    """Return the condition that no worker that is alive holds the ticket.

    Not worded with EXISTS, which PostgreSQL turns into a join that may read all workers: there is one to look up.

    Parameters:
      now: the time of the question, by the database's clock, in epoch seconds.
    """
    alive = select(workers.c.worker_id).where(workers.c.worker_id == tickets.c.worker_id, is_alive(now))
    return alive.scalar_subquery().is_(None)


def somebody_knows(handler: ColumnElement[str], namespace: str, now: float) -> ColumnElement[bool]:
    """Return the condition that a worker that is alive knows a Lord.

    Parameters:
      handler: the Lord and its tool, as a column or a value.
      namespace: the tenant whose workers are meant.
      now: the time of the question, by the database's clock, in epoch seconds.
    """
    found = (
        select(workers.c.worker_id)
        .where(workers.c.namespace == namespace, is_alive(now), _lists(handler))
        .order_by(workers.c.lease_until)
        .limit(1)
    )
    return found.scalar_subquery().is_not(None)


def steps_at_end() -> dict[str, ScalarSelect[int]]:
    """Return what is noted of a worker in the statement that ends it: how many steps it ran, as evidence for `weigh`.

    Counted later, they would be fewer: whoever frees its claims may have come first.
    """
    return {
        "steps_held": _count_held(true()),
        "steps_begun": _count_held(tickets.c.claimed_at > workers.c.heartbeat_at - CLOCK_SLACK),
    }


def _count_held(which: ColumnElement[bool]) -> ScalarSelect[int]:
    """Return how many steps a worker runs of which this is true."""
    held = select(func.count()).select_from(tickets)
    ours = (tickets.c.namespace == workers.c.namespace, tickets.c.worker_id == workers.c.worker_id)
    return held.where(*ours, in_state(TicketState.RUNNING), which).correlate(workers).scalar_subquery()


def _lists(handler: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition that a worker's list of handlers, which is JSON text, holds `handler`.

    LIKE would take the `_` of a name for any character.
    """
    quoted = literal('"').concat(handler).concat('"')
    return func.replace(workers.c.handlers, quoted, "") != workers.c.handlers
