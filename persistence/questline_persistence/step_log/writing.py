"""Writes lines of steps' logs: all that a process has together, in a transaction that no checkpoint waits for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import Connection, bindparam, exists, insert, literal_column, select
from sqlalchemy.exc import IntegrityError

from questline_persistence.schema import quests, sealed, step_events
from questline_persistence.step_log.line import LogLine
from questline_persistence.store import Database

_NAMES = [column.name for column in step_events.columns]
_VALUES = {name: bindparam(f"of_{name}", type_=step_events.c[name].type) for name in _NAMES}
#: A line whose quest is gone is left out, and so is one that is there: the reply to an earlier COMMIT was lost.
_WRITE = insert(step_events).from_select(
    _NAMES,
    select(*_VALUES.values()).where(
        exists(select(literal_column("1")).where(quests.c.quest_id == _VALUES["quest_id"])),
        ~exists(
            select(literal_column("1")).where(*(column == _VALUES[column.name] for column in step_events.primary_key))
        ),
    ),
)


def write_lines(database: Database, lines: Sequence[LogLine]) -> None:
    """Write lines, but for those of quests that are gone; it is tried once, for the caller keeps them.

    Parameters:
      database: the store.
      lines: the lines; those of one claim in the order of their numbers.

    Raises:
      StoreUnavailable: the store did not answer; whether they are written is not known, and they may come again.
    """

    def work(connection: Connection) -> None:
        rows = [sealed(connection, step_events, asdict(line)) for line in lines]
        connection.execute(_WRITE, [{f"of_{name}": value for name, value in row.items()} for row in rows])

    try:
        database.write(work, at="save", tries=1)
    except IntegrityError:  # a quest was deleted just now: the next look leaves its lines out
        database.write(work, at="save", tries=1)
