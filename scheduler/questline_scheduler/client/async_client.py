"""The client for async programs, such as FastAPI's and async Lords: `QuestClient`, called on threads of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextvars import copy_context
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from sqlalchemy import Connection

from questline_persistence.arguments import Length
from questline_persistence.audit import Actor
from questline_persistence.controls import Controlled, Correction
from questline_persistence.dialects import forks
from questline_persistence.errors import QuestConflict
from questline_persistence.models import LordRun, QuestExecutionData, Snapshot
from questline_persistence.store import Threads
from questline_scheduler.client.async_batches import AsyncBatches
from questline_scheduler.client.client import QuestClient
from questline_scheduler.client.handle import AsyncQuestHandle, QuestHandle, QuestRef, id_of
from questline_scheduler.client.submissions import OnConflict, is_session
from questline_scheduler.client.waiting import Wait

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

T = TypeVar("T")

#: Most calls that one client has under way; the others wait for their turn.
CALLS = 10
_GOES_ON = "the quest goes on: wait again (the client opens again by itself), and close the client only after its waits"


class _AsyncTransaction(Protocol):
    """SQLAlchemy's `AsyncConnection` or `AsyncSession`."""

    def run_sync(self, fn: Callable[..., T]) -> Awaitable[T]:
        """Return what a function returns that is called with the sync connection or session behind this one."""
        ...


class AsyncQuestClient:
    """The methods of `QuestClient`, to be awaited; what they raise is the same.

    Nothing connects before the first call, so that it may be made where a module is imported. What a call has begun
    goes on if its task is cancelled.

    Parameters:
      database_url: URL or SQLite path of the store; default: the setting.
      broker_url: URL of the broker; default: the setting.
      namespace: the tenant; default: the setting.
      actor: on whose behalf the client acts, as of `QuestClient`.

    Raises:
      ConfigurationError: a URL or setting is wrong; told by the first call, or by `async with`.

    Example:
      quests = AsyncQuestClient()
      handle = await quests.submit({"quest_type": "design_microservice"}, connection=session)
    """

    def __init__(
        self,
        database_url: str | Path | None = None,
        broker_url: str | None = None,
        namespace: str | None = None,
        *,
        actor: Actor | None = None,
    ) -> None:
        self._open = partial(QuestClient, database_url, broker_url, namespace, actor=actor)
        self._client: QuestClient | None = None
        self._opening = forks.new_lock()
        self._threads = Threads("questline-client", CALLS)

    @property
    def batches(self) -> AsyncBatches:
        """One verb over many quests: previewed, made, looked at, aborted."""
        return AsyncBatches(lambda verb: self._call(lambda client: verb(client.batches)))

    async def __aenter__(self) -> Self:
        await self._call(lambda _: None)  # so that a wrong setting is told here
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; a later call opens new ones. Waits that are under way end with `QuestConflict`."""
        await self._in_thread(self._close)

    async def submit(
        self,
        quest: QuestExecutionData | Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
        on_conflict: OnConflict = "error",
        connection: _AsyncTransaction | Connection | Session | None = None,
    ) -> AsyncQuestHandle:
        """Submit a quest, as `QuestClient.submit` does; `connection` may be SQLAlchemy's async one, or its session.

        Parameters:
          quest: the quest, or its object as in a quest file.
          idempotency_key: as of `QuestClient.submit`.
          on_conflict: as of `QuestClient.submit`.
          connection: as of `QuestClient.submit`; by an `AsyncConnection` or `AsyncSession` the quest is inserted
            on the caller's event loop, where that lives.
        """
        submit = partial(QuestClient.submit, quest=quest, idempotency_key=idempotency_key, on_conflict=on_conflict)
        return self._handle(await self._within(connection, submit))

    async def submit_many(
        self,
        quests: Iterable[QuestExecutionData | Mapping[str, Any]],
        *,
        on_conflict: OnConflict = "error",
        connection: _AsyncTransaction | Connection | Session | None = None,
    ) -> Sequence[AsyncQuestHandle]:
        """Submit many quests, as `QuestClient.submit_many` does; `connection` may be SQLAlchemy's async one.

        Parameters:
          quests: quests, or their objects as in a quest file.
          on_conflict: as of `QuestClient.submit`.
          connection: as of `submit`; then all of them are in the caller's transaction.
        """
        submit = partial(QuestClient.submit_many, quests=quests, on_conflict=on_conflict)
        return [self._handle(made) for made in await self._within(connection, submit)]

    async def pause(self, quest_id: QuestRef, reason: str | None = None, *, seen: int | None = None) -> Controlled:
        """Pause a live quest, as `QuestClient.pause` does."""
        return await self._call(lambda client: client.pause(quest_id, reason, seen=seen))

    async def resume(
        self, quest_id: QuestRef, reason: str | None = None, *, seen: int | None = None, budget: bool = False
    ) -> Controlled:
        """Let a paused quest go on, as `QuestClient.resume` does."""
        return await self._call(lambda client: client.resume(quest_id, reason, seen=seen, budget=budget))

    async def cancel(self, quest_id: QuestRef, reason: str | None = None, *, seen: int | None = None) -> Controlled:
        """Stop a live quest for good, as `QuestClient.cancel` does."""
        return await self._call(lambda client: client.cancel(quest_id, reason, seen=seen))

    async def retry(self, quest_id: QuestRef, reason: str | None = None, *, seen: int | None = None) -> Controlled:
        """Run the failed step of a failed quest again, as `QuestClient.retry` does."""
        return await self._call(lambda client: client.retry(quest_id, reason, seen=seen))

    async def replay(
        self,
        quest_id: QuestRef,
        from_: str | None = None,
        set: Correction | None = None,  # noqa: A002  (as `QuestClient`'s)
        *,
        seen: int | None = None,
        dry_run: bool = False,
        from_lord: str | None = None,
        keep_state: bool = False,
        keep_once: bool = False,
        reason: str | None = None,
    ) -> Controlled:
        """Take a quest back to an earlier snapshot and run it again, as `QuestClient.replay` does."""
        kept = partial(QuestClient.replay, keep_state=keep_state, keep_once=keep_once)
        replay = partial(kept, seen=seen, dry_run=dry_run, from_lord=from_lord, reason=reason)
        return await self._call(lambda client: replay(client, quest_id, from_, set))

    async def fork(
        self,
        quest_id: QuestRef,
        from_: str | None = None,
        set: Correction | None = None,  # noqa: A002  (as `QuestClient`'s)
        quest_id_new: str | None = None,
        *,
        seen: int | None = None,
        dry_run: bool = False,
        from_lord: str | None = None,
        keep_once: bool = False,
        recorded: bool = False,
        reason: str | None = None,
    ) -> AsyncQuestHandle:
        """Start a new quest from a snapshot of another, as `QuestClient.fork` does."""
        kept = partial(QuestClient.fork, keep_once=keep_once, recorded=recorded)
        fork = partial(kept, seen=seen, dry_run=dry_run, from_lord=from_lord, reason=reason)
        return self._handle(await self._call(lambda client: fork(client, quest_id, from_, set, quest_id_new)))

    async def delete(self, quest_id: QuestRef, reason: str | None = None) -> bool:
        """Remove an ended quest and its history, as `QuestClient.delete` does; return whether it was there."""
        return await self._call(lambda client: client.delete(quest_id, reason))

    async def get(self, quest_id: QuestRef) -> QuestExecutionData:
        """Return a quest, whole, as `QuestClient.get` does."""
        return await self._call(lambda client: client.get(quest_id))

    async def list(self, **filters: Any) -> Sequence[QuestExecutionData]:
        """Return quests, newest first, as `QuestClient.list` does."""
        return await self._call(lambda client: client.list(**filters))

    async def runs(self, quest_id: QuestRef, *, limit: int | None = None, after: int = 0) -> Sequence[LordRun]:
        """Return the attempts of a quest's steps, as `QuestClient.runs` does."""
        return await self._call(lambda client: client.runs(quest_id, limit=limit, after=after))

    async def snapshots(
        self, quest_id: QuestRef, *, limit: int | None = None, after: int = -1
    ) -> Sequence[dict[str, Any]]:
        """Return what snapshots a quest has, without their contents, as `QuestClient.snapshots` does."""
        return await self._call(lambda client: client.snapshots(quest_id, limit=limit, after=after))

    async def snapshot(self, quest_id: QuestRef, version: int | None = None) -> Snapshot:
        """Return one snapshot, whole, as `QuestClient.snapshot` does."""
        return await self._call(lambda client: client.snapshot(quest_id, version))

    async def wait(self, quest_id: QuestRef, timeout: Length | None = None) -> QuestExecutionData:  # noqa: ASYNC109  (as `QuestClient`'s)
        """Wait until a quest is completed, as `QuestClient.wait` does, and return it; no thread waits meanwhile.

        Raises:
          QuestConflict: this client was closed meanwhile.
        """
        client = await self._in_thread(self._opened)
        wait = Wait(client.repository, id_of(quest_id), timeout)
        while (quest := await self._in_thread(partial(self._look, client, wait))) is None:  # noqa: ASYNC110  (only rows tell)
            await asyncio.sleep(wait.pause)
        return quest

    async def stats(self) -> dict[str, Any]:
        """Return how many quests there are of each status, as `QuestClient.stats` does."""
        return await self._call(lambda client: client.stats())

    async def lord_stats(self, lord_name: str | None = None) -> Sequence[dict[str, Any]]:
        """Return, per Lord and tool, how its newest attempts went, as `QuestClient.lord_stats` does."""
        return await self._call(lambda client: client.lord_stats(lord_name))

    def _handle(self, made: QuestHandle) -> AsyncQuestHandle:
        """Return the handle of a quest whose methods ask this client."""
        return AsyncQuestHandle(made.quest_id, made.created, self)

    async def _within(self, connection: _AsyncTransaction | Connection | Session | None, submit: Callable[..., T]) -> T:
        """Return what `submit` returns, called with the client and, if there is one, the caller's transaction."""
        if connection is None or isinstance(connection, Connection) or is_session(connection):
            return await self._call(lambda client: submit(client, connection=connection))
        client = await self._in_thread(self._opened)
        if not callable(getattr(connection, "run_sync", None)):
            return await self._in_thread(lambda: submit(client, connection=connection))  # which refuses it
        return await connection.run_sync(lambda own: submit(client, connection=own))

    async def _call(self, verb: Callable[[QuestClient], T]) -> T:
        """Return what `verb` returns, called with the client, opened if need be, on a thread."""
        return await self._in_thread(lambda: self._used(self._opened(), verb))

    def _used(self, client: QuestClient, verb: Callable[[QuestClient], T]) -> T:
        """Return what `verb` returns, called with the client; leave nothing open that was opened after a close."""
        try:
            return verb(client)
        finally:
            if self._client is not client:  # it was closed meanwhile, and what this call has opened is left
                client.close()

    def _look(self, client: QuestClient, wait: Wait) -> QuestExecutionData | None:
        """Look once at a quest that is waited for, unless the client of the wait is closed."""
        if self._client is not client:
            raise QuestConflict("this client was closed during the wait", hint=_GOES_ON)
        return self._used(client, lambda _: wait.look())

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Return what `work` returns, called on a thread in a copy of the task's context."""
        return await asyncio.wrap_future(self._threads.submit(copy_context().run, work))

    def _close(self) -> None:
        """Close the client, if one is open."""
        with self._opening:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _opened(self) -> QuestClient:
        """Return the client, opened if need be."""
        with self._opening:
            if self._client is None:
                self._client = self._open()
            return self._client
