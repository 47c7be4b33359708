"""What is asked of tickets, in the words that the indexes know them by, and in which order they are locked."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, case, literal, literal_column

from questline_persistence.dialects import Dialect, Unindexed
from questline_persistence.schema.tables import tickets
from questline_persistence.states import TicketState

#: The columns of a ticket that make a doorbell, in the order of its fields.
_BELL_FIELDS = ("quest_id", "epoch", "position", "fence", "queue", "priority", "available_at")
BELL = tuple(tickets.c[name] for name in _BELL_FIELDS)


def in_state(state: TicketState) -> ColumnElement[bool]:
    """Return the condition that a ticket is in `state`, by whose index it is to be found.

    The state stands in the statement itself: a plan that PostgreSQL makes for any value cannot use the state's index.
    """
    return tickets.c.state == literal_column(f"'{state}'")


def still_in_state(state: TicketState) -> ColumnElement[bool]:
    """Return the condition that a ticket is in `state` which is to be found by its key.

    It leads to no index: databases would rather read all tickets of the state than look one up.
    """
    return Unindexed(tickets.c.state) == literal_column(f"'{state}'")


def order_of_locks(dialect: Dialect) -> tuple[ColumnElement[Any], ...]:
    """Return the order in which everybody locks several tickets: by the bytes of their ids, which is Python's too."""
    return dialect.by_bytes(tickets.c.quest_id), tickets.c.branch


def not_before_available(moment: float) -> ColumnElement[float]:
    """Return when to ring for a ticket: at `moment`, or when it may run if that is later.

    The looks of the loops go by the time of the next ring, so that none is to come before the step may run.
    """
    return case((tickets.c.available_at > moment, tickets.c.available_at), else_=literal(moment))
