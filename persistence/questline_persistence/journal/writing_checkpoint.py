"""The checkpoint of a step that writes more than its result: steps that it pushes, and what its Lord remembers.

All of it is committed in one transaction under the step's claim, or none of it is. The claim's ticket is locked first,
then the plan and the result are written, and last what strangers share: heads by key, entries by id.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from questline_persistence.claims import Checkpoint, Settled, Succeeded
from questline_persistence.dialects import execute
from questline_persistence.errors import Conflict, PayloadError
from questline_persistence.failpoints import failpoint
from questline_persistence.journal.endings import holds
from questline_persistence.journal.pushed_steps import insert_pushed
from questline_persistence.journal.remembering import entered, remember
from questline_persistence.schema import tickets
from questline_persistence.store import Database
from questline_persistence.writes import Enters, Moved, Origin, Pushes, Remembered, Saves


class _Fenced(Exception):
    """Rolls back what was written beside a checkpoint that turned out to be fenced."""


class WritingCheckpoint:
    """Commits results together with what else their steps write.

    Parameters:
      database: the store.
      commit: commits a result within a transaction; returns None where its claim no longer holds the step.
      won_before: returns what an earlier try of the same result has settled, if it was committed.
    """

    def __init__(
        self,
        database: Database,
        commit: Callable[[Connection, Checkpoint[Succeeded]], Settled | None],
        won_before: Callable[[Checkpoint[Succeeded]], Settled],
    ) -> None:
        self._database = database
        self._commit = commit
        self._won_before = won_before

    def within(
        self, connection: Connection, checkpoints: Sequence[Checkpoint[Succeeded]]
    ) -> dict[str, Settled | Exception]:
        """Commit results in a transaction that has the write lock, each by itself: what one meets is its own.

        Returns:
          By the ids of their claims, what became of them: a `Moved` or an `IntegrityError` where nothing was written of
          one. One that is missing had lost its step.
        """
        found = ((checkpoint.claim.claim_id, self._apart(connection, checkpoint)) for checkpoint in checkpoints)
        return {claim_id: settled for claim_id, settled in found if settled is not None}

    def _apart(self, connection: Connection, checkpoint: Checkpoint[Succeeded]) -> Settled | Exception | None:
        execute(connection, "SAVEPOINT step")
        try:
            settled = self._all(connection, checkpoint, _of_step(checkpoint))
        except (Moved, IntegrityError) as refused:
            execute(connection, "ROLLBACK TO step")
            execute(connection, "RELEASE step")
            return refused
        execute(connection, "RELEASE step")
        return settled

    def write(self, checkpoint: Checkpoint[Succeeded]) -> Settled:
        """Commit a result with all that its step writes besides.

        Raises:
          Moved: a key is at another version than its save expects; nothing was written.
          PayloadError: there is an entry of an id, and it says something else; nothing was written.
          Overtime: somebody keeps locked what it writes; nothing was written.
        """
        writes = _of_step(checkpoint)
        while True:
            try:
                return self._send(checkpoint, writes) or self._won_before(checkpoint)
            except IntegrityError:
                fresh = self._unentered(writes)
                if len(fresh) == len(writes):
                    raise
                writes = fresh

    def _send(self, checkpoint: Checkpoint[Succeeded], writes: Sequence[Remembered]) -> Settled | None:
        """Write all in one transaction; return None where its claim no longer holds the step."""
        if not any(isinstance(write, Pushes) for write in checkpoint.outcome.also):
            # The checkpoint's own statement comes first: it locks the ticket, and finds the claim there or gone.
            work = partial(self._all, checkpoint=checkpoint, writes=writes)
            return self._database.statements(work, at="also")
        with suppress(_Fenced):
            push = partial(self._push, checkpoint=checkpoint, writes=writes)
            return self._database.write(push, at="also", limited=True)
        return None

    def _push(self, connection: Connection, checkpoint: Checkpoint[Succeeded], writes: Sequence[Remembered]) -> Settled:
        """Write all in a transaction that locks the ticket before the plan.

        Else a late claim would meet the steps that a later one pushed, or those that an earlier try did.
        """
        claim = checkpoint.claim
        guard = holds(claim.quest_id, claim.epoch, claim.position, claim.claim_id)
        if connection.execute(select(tickets.c.quest_id).where(guard).with_for_update()).first() is None:
            raise _Fenced
        for pushes in checkpoint.outcome.also:
            if isinstance(pushes, Pushes):
                insert_pushed(connection, claim, pushes.steps, self._database.limits)
        self._database.dialect.plan_by_keys(connection)
        settled = self._all(connection, checkpoint, writes)
        if settled is None:
            raise _Fenced
        return settled

    def _all(
        self, connection: Connection, checkpoint: Checkpoint[Succeeded], writes: Sequence[Remembered]
    ) -> Settled | None:
        """Write a result and what is remembered with it; return None where its claim no longer holds the step."""
        failpoint("also.fenced")
        settled = self._commit(connection, checkpoint)
        if settled is not None:
            failpoint("also.result")
            remember(connection, self._database.dialect, writes, self._database.clock.now())
        return settled

    def _unentered(self, writes: Sequence[Remembered]) -> Sequence[Remembered]:
        """Return writes but for the entries that are there already, and say the same."""

        def work(connection: Connection) -> list[Remembered]:
            return [one for one in writes if not isinstance(one, Enters) or entered(connection, one) is None]

        try:
            return self._database.read(work)
        except Conflict as error:
            raise PayloadError(error.message, hint=error.hint) from error


def _of_step(checkpoint: Checkpoint[Succeeded]) -> Sequence[Remembered]:
    """Return what a step remembers, with the step and the version that its checkpoint makes as the origin."""
    claim = checkpoint.claim
    origin = Origin(claim.quest_id, claim.epoch, claim.position, claim.version + 1)
    return [replace(one, origin=origin) for one in checkpoint.outcome.also if isinstance(one, Saves | Enters)]
