"""The verbs of an admin: pause, resume, cancel, retry, replay, fork.

Each is one transaction that first locks the quest's tickets (by position) and then the quest's row, the
order that every writer keeps; what it then decides cannot change under it, and a worker's claim or
checkpoint either came before or finds its guard gone. What it changes it notes in the audit, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, delete, update

from questline_persistence.audit import Actor, AuditVerb, note
from questline_persistence.claims import REDISPATCH_FIRST, Doorbell
from questline_persistence.controls.controlled import Controlled
from questline_persistence.controls.corrections import Correction
from questline_persistence.controls.inheriting import Inheriting
from questline_persistence.controls.locked_quest import LockedQuest, is_there, lock
from questline_persistence.controls.part import Part
from questline_persistence.controls.replays import (
    CallsOfFork,
    PastStep,
    earlier,
    fork_calls,
    forked_rows,
    keep_calls,
    past_step,
    start_again,
)
from questline_persistence.controls.restart import Restart
from questline_persistence.controls.rewinding import Rewinding
from questline_persistence.controls.starting_point import StartingPoint
from questline_persistence.errors import QuestConflict
from questline_persistence.journal import Submitted, ended, history, settle_pause, submit_one
from questline_persistence.schema import BELL, not_before_available, tickets
from questline_persistence.states import LIVE, ExecutionStatus, TicketState
from questline_persistence.store import Database, Tries
from questline_persistence.writes import Origin

_RUNS_ON = frozenset({ExecutionStatus.RUNNING, ExecutionStatus.COMPLETED, ExecutionStatus.FAILED})
#: What may become of a quest by itself after a verb has left it with this status.
_FOLLOWING = {
    ExecutionStatus.NEW: _RUNS_ON | {ExecutionStatus.NEW},
    ExecutionStatus.RUNNING: _RUNS_ON,
    ExecutionStatus.PAUSING: _RUNS_ON | {ExecutionStatus.PAUSING, ExecutionStatus.PAUSED},
    ExecutionStatus.PAUSED: {ExecutionStatus.PAUSED},
    ExecutionStatus.CANCELLED: {ExecutionStatus.CANCELLED},
}


class Controls:
    """Carries out an admin's verbs on the quests of one namespace.

    Parameters:
      database: the store.
      namespace: the tenant whose quests may be touched.
      actor: on whose behalf, as the audit tells it.
      part: what the verb is a part of, if it is.

    Parameters of its methods:
      quest_id: the quest.
      reason: why, as the audit tells it.
      seen: the version the caller has seen; if the quest has moved on since, nothing is done. None: any version.
    """

    def __init__(self, database: Database, namespace: str, actor: Actor, part: Part | None = None) -> None:
        self.database = database
        self.namespace = namespace
        self.actor = actor
        self.part = part

    def pause(self, quest_id: str, reason: str | None = None, *, seen: int | None = None) -> Controlled:
        """Move a live quest to paused, or to pausing while a step of it runs; leave a paused one as it is.

        Raises:
          QuestNotFound: there is no such quest.
          QuestConflict: the quest has ended, or `seen` is over.
        """

        def work(locked: LockedQuest) -> Controlled:
            locked.require_version(seen)
            if locked.status in {ExecutionStatus.PAUSING, ExecutionStatus.PAUSED}:
                return replace(Controlled.of(locked, locked.status), changed=False)
            locked.require("pause")
            return pause_locked(locked, reason)

        return self.database.write(self._truthful(AuditVerb.PAUSE, quest_id, reason, work), at="pause")

    def resume(
        self,
        quest_id: str,
        reason: str | None = None,
        *,
        seen: int | None = None,
        first: Callable[[LockedQuest], object] = lambda _: None,
    ) -> Controlled:
        """Move a paused or pausing quest back to running; its held tickets become ready.

        A live quest that was only saved, and so has no ticket, gets its first one.

        Parameters:
          first: what is done before, in the same transaction.

        Raises:
          QuestNotFound: there is no such quest.
          QuestConflict: the quest is not paused, or `seen` is over.
        """

        def work(locked: LockedQuest) -> Controlled:
            locked.require_version(seen)
            if locked.status in LIVE and not locked.tickets:
                return _adopt(locked)
            locked.require("resume")
            first(locked)
            return _resume(locked)

        return self.database.write(self._truthful(AuditVerb.RESUME, quest_id, reason, work), at="resume")

    def cancel(self, quest_id: str, reason: str | None = None, *, seen: int | None = None) -> Controlled:
        """Stop a live quest for good: its tickets go, so that no running step can commit; leave a cancelled one.

        Raises:
          QuestNotFound: there is no such quest.
          QuestConflict: the quest is completed, or has failed, or `seen` is over.
        """

        def work(locked: LockedQuest) -> Controlled:
            locked.require_version(seen)
            if locked.status is ExecutionStatus.CANCELLED:
                return replace(Controlled.of(locked, locked.status), changed=False)
            locked.require("cancel")
            locked.cut_short(f"the quest was cancelled: {reason}" if reason else "the quest was cancelled")
            locked.connection.execute(delete(tickets).where(tickets.c.quest_id == quest_id))
            locked.change(
                status=ExecutionStatus.CANCELLED,
                reason=reason,
                **ended(locked.now),
                version=locked.version,
                fence=locked.fence + 1,
            )
            return Controlled.of(locked, ExecutionStatus.CANCELLED)

        return self.database.write(self._truthful(AuditVerb.CANCEL, quest_id, reason, work), at="cancel")

    def retry(self, quest_id: str, reason: str | None = None, *, seen: int | None = None) -> Controlled:
        """Move a failed quest back to running: the failed step again, with all of its attempts.

        Raises:
          QuestNotFound: there is no such quest.
          QuestConflict: the quest has not failed, or `seen` is over.
        """

        def work(connection: Connection) -> Controlled:
            locked = self._lock(connection, quest_id)
            locked.require_version(seen)
            locked.require("retry")
            position = history.snapshot_row(connection, quest_id).position
            if position is None:
                raise QuestConflict(f"quest {quest_id} has no step left to run", hint=locked.instead_of("retry"))
            bell = locked.issue_ticket(locked.quest.epoch, position, locked.version)
            locked.change(status=ExecutionStatus.RUNNING, error=None, end_time=None, duration_seconds=None)
            done = Controlled.of(locked, ExecutionStatus.RUNNING, bell)
            self._note(AuditVerb.RETRY, locked, reason, _became(done))
            return self._noted(connection, done)

        return self.database.write(work, at="retry", repeatable=False)

    def replay(
        self,
        quest_id: str,
        start: StartingPoint,
        correction: Correction,
        *,
        seen: int | None = None,
        dry_run: bool = False,
        keep_state: bool = False,
        keep_once: bool = False,
        reason: str | None = None,
    ) -> Controlled:
        """Take a quest back to an earlier snapshot, under the next epoch, and let it run from there.

        Parameters:
          start: where to start from.
          correction: what to change in the input or in earlier outputs, in the same transaction.
          dry_run: change nothing, only say what would be done.
          keep_state: leave what other quests can read as it is: keys that are not the quest's own.
          keep_once: serve what the steps have recorded by `ctx.once`, rather than make those calls anew.

        Raises:
          QuestNotFound: there is no such quest, snapshot or step.
          QuestConflict: the step has not been reached yet, nothing remains to be run, or `seen` is over.
        """

        def work(connection: Connection) -> Controlled:
            locked = self._lock(connection, quest_id)
            locked.require_version(seen)
            found = earlier(locked, start, correction)
            bells = () if dry_run else (start_again(locked, found),)
            origin = Origin(quest_id, locked.quest.epoch + 1, found.restart.position, locked.version + 1)
            rewinding = Rewinding(connection, origin, keep_state, locked.now)
            restart = replace(found.restart, keys=rewinding.take_back(found.restart.version, dry_run=dry_run))
            done = Controlled.of(locked, ExecutionStatus.RUNNING, *bells, version=origin.quest_version)
            done = replace(done, changed=not dry_run, notice=found.notice, epoch=origin.epoch, restart=restart)
            if dry_run:
                return done
            if keep_once:
                keep_calls(connection, quest_id, quest_id, origin.epoch, origin.position)
            self._note(AuditVerb.REPLAY, locked, reason, _became(done) | _began(restart))
            return self._noted(connection, done)

        return self.database.write(work, at="replay", repeatable=False)

    def fork(
        self,
        quest_id: str,
        start: StartingPoint,
        correction: Correction,
        *,
        new_id: str,
        seen: int | None = None,
        dry_run: bool = False,
        calls: CallsOfFork = CallsOfFork.ANEW,
        reason: str | None = None,
    ) -> tuple[Submitted, Restart]:
        """Create a new quest from a snapshot of another; return it, and what it starts with.

        Parameters:
          calls: what becomes of the calls that the steps have recorded by `ctx.once`.

        Raises:
          QuestNotFound: there is no such quest, snapshot or step.
          QuestConflict: nothing remains to be run there, `new_id` exists, or `seen` is over.
        """
        now = self.database.clock.now()  # the same in every try, by which a second one knows its own rows
        tries = Tries()

        def work(connection: Connection) -> tuple[Submitted, Restart]:
            again = tries.again()
            locked = lock(connection, self.namespace, quest_id, now=now, limits=self.database.limits)
            made = again and is_there(connection, new_id)  # with its keys, by a try whose COMMIT went through
            if not made:
                locked.require_version(seen)
            found = earlier(locked, start, correction)
            rows, restart = forked_rows(locked, found, new_id), found.restart
            forked = Submitted(new_id, created=False) if dry_run else submit_one(connection, rows)
            epoch = 0 if forked.doorbell is None else forked.doorbell.epoch
            origin = Origin(new_id, epoch, restart.position, 0)
            inheriting = Inheriting(connection, quest_id, origin, now)
            keys = inheriting.inherit(restart.version, dry_run=dry_run or made)
            if not (dry_run or made):
                fork_calls(connection, quest_id, origin, calls)
                self._note(AuditVerb.FORK, locked, reason, _began(restart), subject=new_id)
            return forked, replace(restart, keys=keys)

        return self.database.write(work, at="fork")

    def past_step(self, quest_id: str, start: StartingPoint, correction: Correction) -> PastStep:
        """Return a step as it was before it ran, corrected; nothing is written.

        Raises:
          QuestNotFound: there is no such quest, snapshot or step.
          QuestConflict: the step has not been reached yet, or nothing remains to be run there.
          PayloadError: a correction's path leads nowhere, or its value is not JSON.
        """
        found: list[PastStep] = []

        def work(connection: Connection) -> None:
            found.append(past_step(self._lock(connection, quest_id), start, correction))

        self.database.rehearse(work)
        return found[-1]

    def _lock(self, connection: Connection, quest_id: str) -> LockedQuest:
        now, limits = self.database.clock.now(), self.database.limits
        return lock(connection, self.namespace, quest_id, now=now, limits=limits)

    def _note(
        self,
        verb: AuditVerb,
        locked: LockedQuest,
        reason: str | None,
        outcome: dict[str, Any],
        *,
        subject: str | None = None,
    ) -> None:
        """Note in the audit what is done to a quest."""
        own = (locked.connection, self.actor, self.namespace, verb)
        subject = subject if self.part is None else self.part.whole
        note(*own, now=locked.now, quest_id=locked.quest_id, subject=subject, reason=reason, outcome=outcome)

    def _noted(self, connection: Connection, done: Controlled) -> Controlled:
        """Note what was done with what it is a part of; return it."""
        if self.part is not None:
            self.part.note(connection, done.changed)
        return done

    def _truthful(
        self, verb: AuditVerb, quest_id: str, reason: str | None, work: Callable[[LockedQuest], Controlled]
    ) -> Callable[[Connection], Controlled]:
        """Return a verb for a transaction that may be tried again, which answers truly however many tries it took.

        A second try finds nothing left to do if the first one's COMMIT went through and only its reply was lost, or if
        another admin wanted the same meanwhile. It lets a quest alone that was replayed since. Where the first came to
        nothing, and what came between speaks against the verb, the answer is that.
        """
        first: Controlled | None = None

        def tried(connection: Connection) -> Controlled:
            nonlocal first
            locked = self._lock(connection, quest_id)
            if first is not None and first.epoch != locked.quest.epoch:
                return first
            try:
                again = work(locked)
            except QuestConflict:
                if first is None or locked.status not in _FOLLOWING[first.status]:
                    raise
                return replace(first, status=locked.status)
            if again.changed:
                self._note(verb, locked, reason, _became(again))
            if first is None or again.changed:
                first = again
            return replace(first, status=again.status)

        return lambda connection: self._noted(connection, tried(connection))


def _became(done: Controlled) -> dict[str, Any]:
    """Return what the audit tells of what a quest has become."""
    return {"status": done.status, "epoch": done.epoch, "version": done.version}


def _began(restart: Restart) -> dict[str, Any]:
    """Return what the audit tells of where a replay or a fork starts: paths that were corrected, but no values."""
    return {
        "from_version": restart.version,
        "from_position": restart.position,
        "corrected": [change.path for change in restart.changes],
    }


def pause_locked(locked: LockedQuest, reason: str | None) -> Controlled:
    """Hold what is not running; ask what is running to rest at its checkpoint.

    Parameters:
      locked: a live quest, whose rows are locked.
      reason: why, as people see it with the quest.
    """
    mine, execute = tickets.c.quest_id == locked.quest_id, locked.connection.execute
    execute(update(tickets).where(mine).values(pause_requested=1))
    execute(
        update(tickets)
        .where(mine, tickets.c.state.in_([TicketState.READY, TicketState.WAITING]))
        .values(state=TicketState.HELD, fence=tickets.c.fence + 1)
    )
    locked.change(status=ExecutionStatus.PAUSING, reason=reason)
    if locked.running:
        return Controlled.of(locked, ExecutionStatus.PAUSING)
    first, version = locked.tickets[0], locked.version + 1
    settle_pause(locked.connection, locked.quest_id, first.epoch, first.position, version=version, now=locked.now)
    execute(update(tickets).where(mine).values(version=version))
    return Controlled.of(locked, ExecutionStatus.PAUSED, version=version)


def _resume(locked: LockedQuest) -> Controlled:
    """Let held tickets run again, and forget a pause that has not come to rest yet."""
    mine, execute = tickets.c.quest_id == locked.quest_id, locked.connection.execute
    execute(update(tickets).where(mine).values(pause_requested=0))
    ready = execute(
        update(tickets)
        .where(mine, tickets.c.state == TicketState.HELD)
        .values(
            state=TicketState.READY,
            fence=tickets.c.fence + 1,
            ring_at=not_before_available(locked.now + REDISPATCH_FIRST),
            dispatches=0,
        )
        .returning(*BELL)
    )
    bells = [Doorbell(*row) for row in ready]
    locked.change(status=locked.begun, reason=None)
    return Controlled.of(locked, locked.begun, *bells)


def _adopt(locked: LockedQuest) -> Controlled:
    """Hand a saved quest to the workers, at the step where its program left it."""
    newest = history.snapshot_row(locked.connection, locked.quest_id)
    if newest.position is None:
        raise QuestConflict(f"quest {locked.quest_id} has no step left to run")
    bell = locked.issue_ticket(newest.epoch, newest.position, locked.version)
    locked.change(status=locked.begun, reason=None)
    return Controlled.of(locked, locked.begun, bell)
