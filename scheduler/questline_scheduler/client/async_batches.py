"""Batches for async programs: `Batches`, called on the threads of an `AsyncQuestClient`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Protocol, TypeVar

from questline_persistence.arguments import Length
from questline_persistence.batches import Batch, BatchPage, BatchPreview, BatchResults, BatchVerb
from questline_persistence.records import QuestFilter
from questline_scheduler.client.batches import Batches, BatchWait

T = TypeVar("T")


class _Call(Protocol):
    """Calls a function with the batches of an open client, on a thread."""

    def __call__(self, verb: Callable[[Batches], T], /) -> Awaitable[T]: ...


class AsyncBatches:
    """The methods of `Batches`, to be awaited; what they raise is the same.

    Parameters:
      call: calls a function with the batches of an open client, on a thread.
    """

    def __init__(self, call: _Call) -> None:
        self._call = call

    async def preview(
        self,
        verb: BatchVerb | str,
        chosen: QuestFilter,
        *,
        from_: str | None = None,
        set: Mapping[str, Any] | None = None,  # noqa: A002  (as `Batches`')
        keep_state: bool = False,
    ) -> BatchPreview:
        """Return how many quests a batch would mean now, as `Batches.preview` does."""
        preview = partial(Batches.preview, from_=from_, set=set, keep_state=keep_state)
        return await self._call(lambda batches: preview(batches, verb, chosen))

    async def create(
        self,
        verb: BatchVerb | str,
        chosen: QuestFilter,
        *,
        name: str | None = None,
        from_: str | None = None,
        set: Mapping[str, Any] | None = None,  # noqa: A002  (as `Batches`')
        keep_state: bool = False,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> Batch:
        """Make a batch, as `Batches.create` does."""
        about = partial(Batches.create, name=name, reason=reason, idempotency_key=idempotency_key)
        create = partial(about, from_=from_, set=set, keep_state=keep_state)
        return await self._call(lambda batches: create(batches, verb, chosen))

    async def get(self, batch_id: str) -> Batch:
        """Return a batch, with how far it has come, as `Batches.get` does."""
        return await self._call(lambda batches: batches.get(batch_id))

    async def list(self, *, limit: int = 100, cursor: str | None = None) -> BatchPage:
        """Return one page of the batches, as `Batches.list` does."""
        return await self._call(lambda batches: batches.list(limit=limit, cursor=cursor))

    async def results(
        self, batch_id: str, *, outcome: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> BatchResults:
        """Return one page of what came of the batch's quests, as `Batches.results` does."""
        return await self._call(lambda batches: batches.results(batch_id, outcome=outcome, limit=limit, cursor=cursor))

    async def abort(self, batch_id: str, reason: str | None = None) -> Batch:
        """Stop a batch, as `Batches.abort` does."""
        return await self._call(lambda batches: batches.abort(batch_id, reason))

    async def wait(self, batch_id: str, timeout: Length | None = None) -> Batch:  # noqa: ASYNC109  (as `Batches`')
        """Wait until a batch has ended, as `Batches.wait` does; no thread waits meanwhile."""
        wait = await self._call(lambda batches: BatchWait(batches, batch_id, timeout))
        while (batch := await self._call(lambda _: wait.look())) is None:  # noqa: ASYNC110  (only rows tell)
            await asyncio.sleep(wait.pause)
        return batch
