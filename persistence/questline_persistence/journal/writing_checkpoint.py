"""The checkpoint of a step that writes more than its result: steps that it pushes, and what its Lord remembers.

All of it is committed in one transaction under the step's claim, or none of it is. The claim's ticket is locked first,
then the plan and the result are written, and last what strangers share: heads by key, entries by id.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import compress
from typing import TypeAlias

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from questline_persistence.claims import Checkpoint, Settled, Succeeded
from questline_persistence.dialects import Overtime, execute
from questline_persistence.errors import Conflict, PayloadError
from questline_persistence.failpoints import failpoint
from questline_persistence.journal.endings import holds
from questline_persistence.journal.pushed_steps import insert_pushed
from questline_persistence.journal.remembering import entered, remember
from questline_persistence.schema import tickets
from questline_persistence.store import Database
from questline_persistence.writes import Enters, Moved, Origin, Pushes, Remembered, Saves, with_words


class _Fenced(Exception):
    """Rolls back what was written beside a checkpoint that turned out to be fenced."""


#: What keeps results from being committed together, of which nothing is written then: each may be by itself.
TO_BE_WRITTEN_ALONE = (Moved, IntegrityError, Overtime)

#: Results, each with what is remembered with it.
_Ends: TypeAlias = Sequence[tuple[Checkpoint[Succeeded], Sequence[Remembered]]]
#: By the ids of claims, what became of their results. One that is missing had lost its step.
_SettledBy: TypeAlias = dict[str, Settled]


class WritingCheckpoint:
    """Commits results together with what else their steps write.

    Parameters:
      database: the store.
      commit: commits results within a transaction; returns what became of those whose claims still held their steps.
      won_before: returns what an earlier try of the same result has settled, if it was committed.
    """

    def __init__(
        self,
        database: Database,
        commit: Callable[[Connection, Sequence[Checkpoint[Succeeded]]], _SettledBy],
        won_before: Callable[[Checkpoint[Succeeded]], Settled],
    ) -> None:
        self._database = database
        self._commit = commit
        self._won_before = won_before

    def within(self, connection: Connection, ends: _Ends) -> dict[str, Settled | Exception]:
        """Commit results in a transaction that has the write lock; what one meets is its own.

        Parameters:
          ends: what `ready` has made of them before.

        Returns:
          By the ids of their claims, what became of them: a `Moved` or an `IntegrityError` where nothing was written of
          one. One that is missing had lost its step.
        """
        return _gathered(partial(self._at_savepoint, connection), ends)

    def together(self, checkpoints: Sequence[Checkpoint[Succeeded]]) -> dict[str, Settled | Exception]:
        """Commit results in one transaction, which waits for nobody's lock for long; what one meets is its own.

        Returns:
          As `within` does; an `Overtime`, too, where somebody keeps locked what a step writes.
        """
        return _gathered(self._at_once, ready(checkpoints))

    def _at_once(self, ends: _Ends) -> _SettledBy:
        return self._database.statements(partial(self._all, ends=ends), at="also", briefly=True)

    def _at_savepoint(self, connection: Connection, ends: _Ends) -> _SettledBy:
        execute(connection, "SAVEPOINT steps")
        try:
            settled = self._all(connection, ends)
        except (Moved, IntegrityError):
            execute(connection, "ROLLBACK TO steps")
            execute(connection, "RELEASE steps")
            raise
        execute(connection, "RELEASE steps")
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
        if not checkpoint.outcome.pushes:
            # The checkpoint's own statement comes first: it locks the ticket, and finds the claim there or gone.
            work = partial(self._all, ends=[(checkpoint, writes)])
            return self._database.statements(work, at="also").get(checkpoint.claim.claim_id)
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
        settled = self._all(connection, [(checkpoint, writes)])
        if not settled:
            raise _Fenced
        return settled[claim.claim_id]

    def _all(self, connection: Connection, ends: _Ends) -> _SettledBy:
        """Write results and what is remembered with them, of those whose claims still hold their steps."""
        failpoint("also.fenced")
        settled = self._commit(connection, [checkpoint for checkpoint, _ in ends])
        if settled:
            failpoint("also.result")
            kept = [write for checkpoint, writes in ends if checkpoint.claim.claim_id in settled for write in writes]
            remember(connection, self._database.dialect, kept, self._database.clock.now())
        return settled

    def _unentered(self, writes: Sequence[Remembered]) -> Sequence[Remembered]:
        """Return writes but for the entries that are there already, and say the same."""

        def work(connection: Connection) -> list[Remembered]:
            return [one for one in writes if not isinstance(one, Enters) or entered(connection, one) is None]

        try:
            return self._database.read(work)
        except Conflict as error:
            raise PayloadError(error.message, hint=error.hint) from error


def ready(checkpoints: Sequence[Checkpoint[Succeeded]]) -> _Ends:
    """Return results with what is remembered with them, as far as it can be known before anything is locked."""
    return [(checkpoint, _of_step(checkpoint)) for checkpoint in checkpoints]


def _gathered(commit: Callable[[_Ends], _SettledBy], ends: _Ends) -> dict[str, Settled | Exception]:
    """Return what became of results that are committed together, or by themselves where one is in the way.

    A key that has moved puts those apart that save it, and the others are committed together all the same.

    Parameters:
      commit: commits all of the results that it is given, or none.
      ends: the results.
    """
    try:
        return {**commit(ends)}
    except TO_BE_WRITTEN_ALONE as error:
        if len(ends) == 1:
            return {ends[0][0].claim.claim_id: error}
        in_the_way = [not isinstance(error, Moved) or _saves(one, error) for one, _ in ends]
    others = [one for one, apart in zip(ends, in_the_way, strict=True) if not apart]
    found = _gathered(commit, others) if others else {}
    for one in compress(ends, in_the_way):
        found |= _gathered(commit, [one])
    return found


def _saves(checkpoint: Checkpoint[Succeeded], moved: Moved) -> bool:
    """Tell whether a step saves the key that has moved."""
    place = (moved.save.kind, moved.save.key)
    return any(isinstance(one, Saves) and (one.kind, one.key) == place for one in checkpoint.outcome.also)


def _of_step(checkpoint: Checkpoint[Succeeded]) -> Sequence[Remembered]:
    """Return what a step remembers, with the step and the version that its checkpoint makes as the origin."""
    claim = checkpoint.claim
    origin = Origin(claim.quest_id, claim.epoch, claim.position, claim.version + 1)
    return [with_words(one, origin=origin) for one in checkpoint.outcome.also if isinstance(one, Saves | Enters)]
