"""The producer's and admin's side of questline: submit, look, and steer.

Every verb needs only SQL to succeed. The doorbell is rung after the commit; if the broker is down, the
loops ring when it is back.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Connection

from questline_persistence import schema, settings
from questline_persistence.arguments import Length, wrong_type
from questline_persistence.audit import Actor
from questline_persistence.controls import CallsOfFork, Controlled, Controls, Correction
from questline_persistence.models import LordRun, QuestExecutionData, Snapshot
from questline_persistence.records import QuestRepository
from questline_persistence.recovery import Bells, Register
from questline_persistence.store import Database, open_database
from questline_scheduler.client.batches import Batches
from questline_scheduler.client.handle import QuestHandle, QuestRef, id_of
from questline_scheduler.client.steering import Steering, one_start, reason_of
from questline_scheduler.client.submissions import OnConflict, Submissions
from questline_scheduler.client.waiting import Wait
from questline_scheduler.doorbells import DoorbellBroker, Ringer, open_broker

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class QuestClient:
    """Talks to one namespace of one store; threads may share it.

    Parameters:
      database_url: URL or SQLite path of the store; default: the setting.
      broker_url: URL of the broker; default: the setting.
      namespace: the tenant; default: the setting.
      database: an open store to use instead of `database_url`.
      broker: an open broker to use instead of `broker_url`; set by processes that also run steps.
      actor: on whose behalf the client acts, as the audit tells it; default: the setting, else the user who runs this
        process.

    Parameters of its methods:
      quest_id: the quest: its id, its handle, or the quest as it was read.
      reason: why, in at most 2,000 characters; the audit keeps it.
      seen: the version that you have seen; questline refuses if the quest has moved on.

    Raises:
      ConfigurationError: a URL or setting is wrong, or the store has the wrong schema.
      PayloadError: an argument is of a wrong type.
      StoreUnavailable: the store cannot be reached.

    Raised by its methods:
      StoreUnavailable: the store did not answer.

    Example:
      with QuestClient() as client:
          handle = client.submit({"quest_type": "design_microservice", "input_data": {"service": "billing"}})
    """

    def __init__(
        self,
        database_url: str | Path | None = None,
        broker_url: str | None = None,
        namespace: str | None = None,
        *,
        database: Database | None = None,
        broker: DoorbellBroker | None = None,
        actor: Actor | None = None,
    ) -> None:
        if not isinstance(database, Database | None):
            raise wrong_type(database, "database", "an open Database", "give a path or URL as database_url")
        if not isinstance(broker, DoorbellBroker | None):
            raise wrong_type(broker, "broker", "an open broker", "give a URL as broker_url")
        if not isinstance(actor, Actor | None):
            raise wrong_type(actor, "actor", "an Actor", 'such as Actor("deploy-bot")')
        file, text = (database_url, None) if isinstance(database_url, Path) else (None, database_url)
        chosen = settings.load(database_url=text, broker_url=broker_url, namespace=namespace)
        self.namespace = chosen.namespace
        self._owns_database, self._owns_broker = database is None, broker is None
        self.database = database or open_database(file, chosen)
        self.broker = open_broker(chosen.broker_url, namespace=chosen.namespace) if broker is None else broker
        self._register = Register(self.database, self.namespace)
        self._bells = Bells(self.database, self.namespace)
        # A ring in this process reaches nobody when the workers are elsewhere: then the relay is to find the ticket.
        self._ringer = Ringer(self.broker, self._bells, heard=broker is not None or not self.broker.in_process)
        self._submissions = Submissions(self.database, self.namespace, self._ringer)
        self._act_for(actor or Actor.of_process(chosen.actor))
        schema.ensure(self.database, auto_migrate=chosen.auto_migrate)

    def _act_for(self, actor: Actor) -> None:
        """Make what changes quests on somebody's behalf."""
        self._repository = QuestRepository(self.database, namespace=self.namespace, actor=actor)
        self._controls = Controls(self.database, self.namespace, actor)
        self._steering = Steering(self._controls, self._ringer)
        self._batches = Batches(self.database, self.namespace, actor)

    def acting_as(self, actor: Actor) -> QuestClient:
        """Return a client with the connections of this one that acts on somebody else's behalf; it need not be closed.

        Parameters:
          actor: on whose behalf, as the audit tells it.
        """
        other = copy(self)
        other._owns_database = other._owns_broker = False  # noqa: SLF001  (it is made here, and nobody has it yet)
        other._act_for(actor)  # noqa: SLF001
        return other

    @property
    def repository(self) -> QuestRepository:
        """The records of the namespace, with filters, pages and statistics."""
        return self._repository

    @property
    def batches(self) -> Batches:
        """One verb over many quests: previewed, made, looked at, aborted."""
        return self._batches

    @property
    def register(self) -> Register:
        """The worker processes of the namespace."""
        return self._register

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that this client opened; a later call opens new ones."""
        if self._owns_database:
            self.database.close()
        if self._owns_broker:
            self.broker.close()

    # Submitting

    def submit(
        self,
        quest: QuestExecutionData | Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
        on_conflict: OnConflict = "error",
        connection: Connection | Session | None = None,
    ) -> QuestHandle:
        """Submit a quest; a quest without steps gets those of its registered type.

        Parameters:
          quest: the quest, or its object as in a quest file.
          idempotency_key: submitting again with the same key returns the first one's quest, `created` False.
          on_conflict: what a key is answered with that was used for a quest of another type or input: "error", or
            "return", which gives that quest all the same.
          connection: the caller's SQLAlchemy connection, or session, on the same database: then the quest exists if and
            only if the caller's transaction commits, and starts when the loops find it, within a second.

        Raises:
          PayloadError: the quest is malformed, too large, or of an unknown type.
          QuestConflict: a quest of that id exists already, or the key was used for another input.
          ConfigurationError: `connection` is to another database.

        Example:
          quest = {"quest_type": "design_microservice", "input_data": {"service": "billing"}}
          handle = client.submit(quest, idempotency_key="order-17")
        """
        outcome = self._submissions.submit(
            quest, idempotency_key=idempotency_key, on_conflict=on_conflict, connection=connection
        )
        return QuestHandle(outcome.quest_id, outcome.created, self)

    def submit_many(
        self,
        quests: Iterable[QuestExecutionData | Mapping[str, Any]],
        *,
        on_conflict: OnConflict = "error",
        connection: Connection | Session | None = None,
    ) -> Sequence[QuestHandle]:
        """Submit many quests with set-based inserts, a thousand to a transaction; return their handles in order.

        Parameters:
          quests: quests, or their objects as in a quest file.
          on_conflict: as of `submit`.
          connection: as of `submit`; then all of them are in the caller's transaction.

        Raises:
          PayloadError: one of them is malformed (then none is submitted), or they are more than 100,000.
          QuestConflict: one of the ids exists already, or one of the keys was used for another input; batches before it
            stay submitted.
          ConfigurationError: `connection` is to another database.
        """
        outcomes = self._submissions.submit_many(quests, on_conflict=on_conflict, connection=connection)
        return [QuestHandle(outcome.quest_id, outcome.created, self) for outcome in outcomes]

    def pause(self, quest_id: QuestRef, reason: str | None = None, *, seen: int | None = None) -> Controlled:
        """Pause a live quest: at once, or when its running step has ended (`status` tells).

        One that is paused already stays as it is, `changed` False.

        Parameters:
          reason: why; people see it when they look at the quest.

        Raises:
          QuestNotFound: there is no such quest.
          QuestConflict: the quest has ended, or `seen` is an old version.
          PayloadError: the reason is longer than 2,000 characters.
        """
        return self._steering.pause(quest_id, reason, seen=seen)

    def resume(
        self, quest_id: QuestRef, reason: str | None = None, *, seen: int | None = None, budget: bool = False
    ) -> Controlled:
        """Let a paused quest go on from where it stands.

        Parameters:
          budget: whether from now on no budget pauses it, its own or another.

        Raises:
          QuestNotFound: there is no such quest.
          QuestConflict: the quest is not paused, or `seen` is an old version.
        """
        return self._steering.resume(quest_id, reason, seen=seen, budget=budget)

    def cancel(self, quest_id: QuestRef, reason: str | None = None, *, seen: int | None = None) -> Controlled:
        """Stop a live quest for good; questline drops what its running step still returns.

        One that is cancelled already stays as it is, its reason too, `changed` False.

        Parameters:
          reason: why; people see it when they look at the quest.

        Raises:
          QuestNotFound: there is no such quest.
          QuestConflict: the quest is completed, or has failed, or `seen` is an old version.
          PayloadError: the reason is longer than 2,000 characters.
        """
        return self._steering.cancel(quest_id, reason, seen=seen)

    def retry(self, quest_id: QuestRef, reason: str | None = None, *, seen: int | None = None) -> Controlled:
        """Run the failed step of a failed quest again, with all of its attempts.

        Raises:
          QuestNotFound: there is no such quest.
          QuestConflict: the quest has not failed, or `seen` is an old version.
        """
        return self._steering.retry(quest_id, reason, seen=seen)

    def replay(
        self,
        quest_id: QuestRef,
        from_: str | None = None,
        set: Correction | None = None,  # noqa: A002  (the word that users know from the command line)
        *,
        seen: int | None = None,
        dry_run: bool = False,
        from_lord: str | None = None,
        keep_state: bool = False,
        keep_once: bool = False,
        reason: str | None = None,
    ) -> Controlled:
        """Take a quest back to an earlier snapshot and run it again from there, as its next epoch.

        Parameters:
          from_: `LORD` or `LORD:TOOL`, the second of its steps as `LORD#2` or `LORD:TOOL#2`, a position such as `0003`,
            a version such as `v7`; default: the beginning.
          set: corrections made in the same transaction: `{"input_data.KEY": value, "run_data.LORD.KEY": value,
            "execution_stack.STEP.params.KEY": value}`.
          dry_run: change nothing, and return what would happen: `restart` tells the start, the changes, the steps, and
            what becomes of the keys that these have written of what Lords remember.
          from_lord: another name of `from_`.
          keep_state: leave the keys that quests share as they are; those that are the quest's own go back all the same.
          keep_once: serve what the steps have recorded by `ctx.once`, rather than make those calls anew.

        Raises:
          QuestNotFound: there is no such quest, snapshot or step.
          QuestConflict: the quest has not reached that step, no step remains to run, or `seen` is an old version.
          PayloadError: both `from_` and `from_lord` were given, or a correction's path leads nowhere.

        Example:
          client.replay(quest_id, from_="forge_master", set={"input_data.language": "go"})
        """
        start = one_start(from_, from_lord)
        return self._steering.replay(
            quest_id, start, set, reason, seen=seen, dry_run=dry_run, keep_state=keep_state, keep_once=keep_once
        )

    def fork(
        self,
        quest_id: QuestRef,
        from_: str | None = None,
        set: Correction | None = None,  # noqa: A002  (the word that users know from the command line)
        quest_id_new: str | None = None,
        *,
        seen: int | None = None,
        dry_run: bool = False,
        from_lord: str | None = None,
        keep_once: bool = False,
        recorded: bool = False,
        reason: str | None = None,
    ) -> QuestHandle:
        """Start a new quest from a snapshot of another quest, and leave that quest as it is.

        Parameters:
          from_: where to start, as in `replay`.
          set: corrections, as in `replay`.
          quest_id_new: the new quest's id; default: a new one.
          dry_run: change nothing, return a handle whose `restart` tells the start, the changes and the steps.
          from_lord: another name of `from_`.
          keep_once: as in `replay`.
          recorded: the same; and a call that is not recorded fails the new quest for good, instead of going out.

        Raises:
          QuestNotFound: there is no such quest, snapshot or step.
          QuestConflict: the quest has not reached that step, no step remains to run, `quest_id_new` exists, or `seen`
            is an old version.
          PayloadError: both `from_` and `from_lord` were given, or a correction's path leads nowhere.
        """
        start = one_start(from_, from_lord)
        calls = CallsOfFork.of(keep_once=keep_once, recorded=recorded)
        forked, restart = self._steering.fork(
            quest_id, start, set, reason, new_id=quest_id_new, seen=seen, dry_run=dry_run, calls=calls
        )
        return QuestHandle(forked.quest_id, forked.created, self, restart)

    def delete(self, quest_id: QuestRef, reason: str | None = None) -> bool:
        """Remove an ended quest and its history; return whether it was there.

        Raises:
          QuestConflict: the quest is live.
        """
        return self.repository.delete_quest(id_of(quest_id), reason=reason_of(reason))

    def get(self, quest_id: QuestRef) -> QuestExecutionData:
        """Return a quest, whole.

        Raises:
          QuestNotFound: there is no such quest.
        """
        return self.repository.load_quest(id_of(quest_id))

    def list(self, **filters: Any) -> Sequence[QuestExecutionData]:
        """Return quests, newest first, without their outputs and steps (`get` gives those).

        Parameters:
          filters: the parameters of `QuestRepository.list_quests`.

        Raises:
          PayloadError: an unknown status or filter, or a limit out of range.

        Example:
          failed = client.list(status="failed", quest_type="design_microservice", limit=20)
        """
        return self.repository.list_quests(**filters)

    def runs(self, quest_id: QuestRef, *, limit: int | None = None, after: int = 0) -> Sequence[LordRun]:
        """Return the attempts of a quest's steps, as `QuestRepository.runs` does."""
        return self.repository.runs(id_of(quest_id), limit=limit, after=after)

    def snapshots(self, quest_id: QuestRef, *, limit: int | None = None, after: int = -1) -> Sequence[dict[str, Any]]:
        """Return what snapshots a quest has, without their contents, as `QuestRepository.snapshots` does."""
        return self.repository.snapshots(id_of(quest_id), limit=limit, after=after)

    def snapshot(self, quest_id: QuestRef, version: int | None = None) -> Snapshot:
        """Return one snapshot, whole, as `QuestRepository.load_snapshot` does."""
        return self.repository.load_snapshot(id_of(quest_id), version)

    def wait(self, quest_id: QuestRef, timeout: Length | None = None) -> QuestExecutionData:
        """Wait until a quest is completed, and return it.

        Parameters:
          timeout: the longest to wait, in seconds or as a timedelta; None waits for as long as it takes.

        Raises:
          QuestNotFound: there is no such quest.
          QuestFailed: it failed, was cancelled or is paused; the error's `status` tells which.
          WaitTimeout: it goes on after `timeout`. The quest is well, and `wait` can be called again. This is Python's
            `TimeoutError`, too.
          PayloadError: it has ended, and its outputs together are larger than `QUESTLINE_MAX_STATE_BYTES` lets be
            loaded.
        """
        wait = Wait(self.repository, id_of(quest_id), timeout)
        while (quest := wait.look()) is None:
            time.sleep(wait.pause)
        return quest

    def stats(self) -> dict[str, Any]:
        """Return how many quests there are of each status, how long they took, and `counters` of recovered failures.

        The keys are those of `QuestRepository.get_quest_stats`, and `counters`, which holds what
        `QuestRepository.get_counters` returns.
        """
        return self.repository.get_quest_stats() | {"counters": self.repository.get_counters()}

    def lord_stats(self, lord_name: str | None = None) -> Sequence[dict[str, Any]]:
        """Return, per Lord and tool, how its newest attempts went, as `QuestRepository.get_lord_stats` does."""
        return self.repository.get_lord_stats(lord_name)
