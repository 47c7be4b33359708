"""Frees claims that nobody holds any more, or whose time is over.

Many are freed in one transaction. One that cannot be written is found out, and keeps no other from being freed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, Row

from questline_persistence.backoff import backoff
from questline_persistence.claims import Failed, Settled
from questline_persistence.dialects import REFUSALS, Overtime
from questline_persistence.errors import QuestlineError
from questline_persistence.journal import EndedAttempt, end_attempt, end_attempts, lock_where_free
from questline_persistence.log import get_logger
from questline_persistence.recovery.worker_conditions import nobody_holds
from questline_persistence.schema import tickets
from questline_persistence.store import Database
from questline_persistence.suspicion import CLOCK_SLACK, MAX_LOST_IN_ALL, Death, Loss, weigh

log = get_logger(__name__)

#: Longest wait of a step that killed more than one worker, in seconds.
LONGEST_SPREAD = 8.0
#: How long a step waits that is to run alone, in seconds: those that ran beside it go first.
ALONE_AFTER = 5.0

_Ended: TypeAlias = list[tuple[EndedAttempt, Settled]]
_Write: TypeAlias = Callable[..., _Ended]


class Freeing:
    """Ends claims in the place of whoever had them.

    Parameters:
      database: the store.
      max_lost: how many workers a step may kill, alone in each, before its quest fails.
    """

    def __init__(self, database: Database, max_lost: int) -> None:
        self.database = database
        self.max_lost = max_lost

    def free(self, rows: Sequence[Row[Any]], now: float) -> list[Settled]:
        """Move tickets from running to ready, to held, or fail their quests.

        Parameters:
          rows: claims as they were read; what their end depends on is checked again in the statement that ends them.
          now: the time of the sweep, in epoch seconds.

        Returns:
          What became of those that were freed.
        """
        dead = [self._lost(row, now) for row in rows if row.dead]
        late = [_timed_out(row, now) for row in rows if not row.dead]
        return [*self._end(dead, nobody_holds(now), now), *self._end(late, tickets.c.deadline <= now, now)]

    def _lost(self, row: Row[Any], now: float) -> EndedAttempt:
        """Decide how the claim of a worker that is lost ends: with another attempt, unless it has killed too many."""
        loss = weigh(_death(row), lost=row.lost, company=row.company, just_begun=_just_begun(row))
        alone = (row.lost_alone if row.lost else 0) + loss.charged
        what = f"worker {row.worker_id} was lost while it ran this step"
        if alone >= self.max_lost:
            return _ending(row, now, f"{what} and nothing else{_deaths(alone, 'while it ran alone')}", None, loss)
        if row.lost + 1 >= MAX_LOST_IN_ALL:
            return _ending(row, now, f"{what}{_deaths(row.lost + 1, 'while they ran it')}", None, loss)
        return _ending(row, now, what, _pause(row, loss), loss)

    def _end(self, attempts: Sequence[EndedAttempt], still: ColumnElement[bool], now: float) -> list[Settled]:
        """End claims; what somebody else has locked is left for the next sweep, which is soon.

        Parameters:
          attempts: the attempts that end, and how.
          still: what must still be true of the ticket.
          now: the time of the sweep, in epoch seconds.
        """
        again = [attempt for attempt in attempts if attempt.outcome.retry_in is not None]
        final = [attempt for attempt in attempts if attempt.outcome.retry_in is None]
        one_by_one = partial(_end_each, now=now, also=still)
        tried = self._written(again, partial(end_attempts, now=now, also=still), one_by_one)
        tried += self._written(final, one_by_one, one_by_one)
        ended = [(attempt, settled) for attempt, settled in tried if settled.won]
        for attempt, _ in ended:
            _log_freed(attempt)
        return [settled for _, settled in ended]

    def _written(self, attempts: Sequence[EndedAttempt], write: _Write, one_by_one: _Write) -> _Ended:
        """Write the ends of attempts in one transaction; where that fails, by halves, until a bad one is alone.

        Parameters:
          attempts: the attempts that end.
          write: writes them all.
          one_by_one: writes them each by itself.

        Returns:
          Those that ended, and the bad ones as not won.
        """
        if not attempts:
            return []
        try:
            return self.database.write(partial(write, attempts=attempts), at="sweep_free", limited=True)
        except Exception as error:
            if isinstance(error, QuestlineError) and not isinstance(error, REFUSALS):
                raise
            if len(attempts) == 1:
                return self._bad(attempts[0], one_by_one, error)
        half = len(attempts) // 2
        return self._written(attempts[:half], write, one_by_one) + self._written(attempts[half:], write, one_by_one)

    def _bad(self, attempt: EndedAttempt, one_by_one: _Write, error: Exception) -> _Ended:
        """See to the one end that could not be written: put it off, or write it without its record."""
        if isinstance(error, Overtime):
            log.warning("sweep_delayed", quest_id=attempt.quest_id, position=attempt.position, reason=str(error))
            return []
        log.error("sweep_failed", quest_id=attempt.quest_id, position=attempt.position, exc_info=error)
        refused = isinstance(error, REFUSALS)
        return (self._unrecorded([attempt], one_by_one) if refused else []) or [(attempt, Settled(won=False))]

    def _unrecorded(self, attempts: Sequence[EndedAttempt], write: _Write) -> _Ended:
        """Write the ends of attempts without the record that the store refuses: the attempt counts all the same."""
        with suppress(*REFUSALS):
            return self.database.write(partial(write, attempts=attempts, recorded=False), at="sweep_free")
        return []


def _end_each(
    connection: Connection,
    attempts: Sequence[EndedAttempt],
    *,
    now: float,
    also: ColumnElement[bool],
    recorded: bool = True,
) -> _Ended:
    """Lock the tickets that nobody else has locked, and end their claims one after the other; return those ended."""
    mine = lock_where_free(connection, attempts)
    ended = [(attempt, end_attempt(connection, attempt, now=now, also=also, recorded=recorded)) for attempt in mine]
    return [(attempt, settled) for attempt, settled in ended if settled.won]


def _death(row: Row[Any]) -> Death | None:
    """Return how the worker died; None if nobody has noted what it ran."""
    return None if row.steps_held is None else Death(row.steps_held, row.steps_begun)


def _deaths(deaths: int, when: str) -> str:
    """Return how many deaths there were, for people; nothing of a first one."""
    return f"; {deaths} workers have died {when}" if deaths > 1 else ""


def _just_begun(row: Row[Any]) -> bool:
    """Return whether a claim was made after its worker's last heartbeat."""
    return row.heartbeat_at is not None and row.claimed_at > row.heartbeat_at - CLOCK_SLACK


def _pause(row: Row[Any], loss: Loss) -> float:
    """Return how long a step waits that lost its worker, in seconds: the more is against it, the longer."""
    if loss.charged:
        return random.uniform(0.0, min(2.0**row.lost, LONGEST_SPREAD)) if row.lost else 0.0  # noqa: S311  (no secret)
    return ALONE_AFTER if loss.company == 1 else 0.0


def _timed_out(row: Row[Any], now: float) -> EndedAttempt:
    """Decide how a claim ends whose time is over."""
    retry_in = backoff(row.attempt + 1, row.max_attempts, row.backoff_seconds)
    return _ending(row, now, f"timed out after {row.timeout_seconds:g} s", retry_in)


def _ending(row: Row[Any], now: float, error: str, retry_in: float | None, loss: Loss | None = None) -> EndedAttempt:
    return EndedAttempt.of_ticket(row, Failed(error, retry_in), end_time=now, loss=loss)


def _log_freed(attempt: EndedAttempt) -> None:
    """Tell people of a claim that was freed."""
    loss = attempt.loss
    log.warning(
        "claim_freed",
        quest_id=attempt.quest_id,
        position=attempt.position,
        epoch=attempt.epoch,
        worker_id=attempt.worker_id,
        claim_id=attempt.claim_id,
        reason=attempt.outcome.error,
        **({} if loss is None or loss.charged else {"company": loss.company}),
    )
