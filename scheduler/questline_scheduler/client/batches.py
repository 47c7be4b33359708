"""Batches, as a client has them: one verb over all quests that a filter means, for the loops to carry out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from questline_persistence.arguments import Length
from questline_persistence.audit import Actor
from questline_persistence.batches import (
    Batch,
    BatchBook,
    BatchOrder,
    BatchPage,
    BatchPreview,
    BatchResults,
    BatchVerb,
    verb_of,
)
from questline_persistence.errors import WaitTimeout
from questline_persistence.records import QuestFilter
from questline_persistence.store import Database
from questline_scheduler.client.steering import reason_of
from questline_scheduler.client.waiting import PacedWait

#: First and longest wait between two looks at a batch that is waited for, in seconds.
LOOK_FIRST, LOOK_LONGEST = 0.02, 0.5


class Batches:
    """One verb over all quests that a filter means: previewed, made, looked at, aborted.

    Workers and schedulers carry batches out, quest by quest, each in a transaction of its own that also notes its
    result: a process may die in the middle, and the next one goes on behind the last quest. A batch means quests that
    were made before it, and reaches the oldest 100,000 of them.

    Parameters:
      database: the store.
      namespace: the tenant.
      actor: on whose behalf, as the audit tells it.

    Parameters of its methods:
      batch_id: the batch's id.
      verb: "pause", "resume", "cancel", "retry", "replay" or "delete".
      chosen: which quests; without a status, those in which the verb can be done.
      from_: of a replay: where it starts, as of `QuestClient.replay`.
      set: of a replay: corrections, as of `QuestClient.replay`.
      keep_state: of a replay: as of `QuestClient.replay`.
      reason: why, in at most 2,000 characters; the audit keeps it.

    Raised by its methods:
      NotFound: there is no such batch.
      StoreUnavailable: the store did not answer.

    Example:
      batch = client.batches.create("retry", QuestFilter("failed", error="connection refused"), reason="it is back")
      client.batches.wait(batch.batch_id)
    """

    def __init__(self, database: Database, namespace: str, actor: Actor) -> None:
        self._book = BatchBook(database, namespace, actor)

    def preview(
        self,
        verb: BatchVerb | str,
        chosen: QuestFilter,
        *,
        from_: str | None = None,
        set: Mapping[str, Any] | None = None,  # noqa: A002  (the word of `QuestClient.replay`)
        keep_state: bool = False,
    ) -> BatchPreview:
        """Return how many quests a batch would mean now, and the first 20 of them; change nothing.

        Raises:
          PayloadError: as of `create`.
        """
        order = BatchOrder(verb_of(verb), chosen, from_=from_, set=set or {}, keep_state=keep_state)
        return self._book.preview(order)

    def create(
        self,
        verb: BatchVerb | str,
        chosen: QuestFilter,
        *,
        name: str | None = None,
        from_: str | None = None,
        set: Mapping[str, Any] | None = None,  # noqa: A002  (as above)
        keep_state: bool = False,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> Batch:
        """Make a batch, which begins as soon as a loop finds it; return it.

        Parameters:
          name: what to call it, in at most 100 characters.
          idempotency_key: make it at most once: the same key gives the same batch, for as long as that is kept.

        Raises:
          PayloadError: there is no such verb, the filter is empty, or what only a replay has was given to another verb.
          QuestConflict: 100 batches have not ended yet, or the key has made one that asks for something else.
        """
        order = BatchOrder(verb_of(verb), chosen, name, from_, set or {}, keep_state=keep_state)
        return self._book.create(order, reason=reason_of(reason), key=idempotency_key)

    def get(self, batch_id: str) -> Batch:
        """Return a batch, with how far it has come."""
        return self._book.get(batch_id)

    def list(self, *, limit: int = 100, cursor: str | None = None) -> BatchPage:
        """Return one page of the batches, newest first.

        Parameters:
          limit: at most this many, 1 to 1,000.
          cursor: the `next_cursor` of the page before.

        Raises:
          PayloadError: a limit out of range, or a cursor that no page has given.
        """
        return self._book.page(limit=limit, cursor=cursor)

    def results(
        self, batch_id: str, *, outcome: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> BatchResults:
        """Return one page of what came of the batch's quests, in the order of the work.

        Parameters:
          outcome: only "changed", "unchanged", "refused" or "failed" ones; None means all.
          limit: at most this many, 1 to 1,000.
          cursor: the `next_cursor` of the page before, of the same outcome.

        Raises:
          PayloadError: there is no such outcome, a limit out of range, or a cursor that no page has given.
        """
        return self._book.results(batch_id, outcome=outcome, limit=limit, cursor=cursor)

    def abort(self, batch_id: str, reason: str | None = None) -> Batch:
        """Stop a batch: once this returns, it does nothing more. What it has done stays; an aborted one stays as it is.

        Raises:
          QuestConflict: it is done.
        """
        return self._book.abort(batch_id, reason=reason_of(reason))

    def wait(self, batch_id: str, timeout: Length | None = None) -> Batch:
        """Wait until a batch is done or aborted, and return it.

        Parameters:
          timeout: the longest to wait, in seconds or as a timedelta; None waits for as long as it takes.

        Raises:
          WaitTimeout: it goes on after `timeout`.
        """
        wait = BatchWait(self, batch_id, timeout)
        while (batch := wait.look()) is None:
            time.sleep(wait.pause)
        return batch


class BatchWait(PacedWait):
    """One wait for a batch: looks, and pauses in between that its owner makes.

    Parameters:
      batches: where to look.
      batch_id: the batch.
      timeout: the longest to wait, in seconds or as a timedelta; None waits for as long as it takes.

    Raises:
      PayloadError: `timeout` is no length of time.
    """

    def __init__(self, batches: Batches, batch_id: str, timeout: Length | None) -> None:
        super().__init__(timeout, LOOK_FIRST, LOOK_LONGEST)
        self._batches = batches
        self._batch_id = batch_id

    def look(self) -> Batch | None:
        """Return the batch if it has ended, None if it goes on.

        Raises:
          NotFound: there is no such batch.
          WaitTimeout: it will go on for longer than is to be waited.
        """
        batch = self._batches.get(self._batch_id)
        if batch.ended:
            return batch
        if (waited := self._out_of_time()) is not None:
            far = f"still {batch.state} after {waited:g} s, with {batch.done:,} of {batch.total:,} quests"
            hint = f"wait again, or look: questline batch show {batch.batch_id}"
            raise WaitTimeout(f"batch {batch.batch_id} goes on: it is {far}", hint=hint)
        return None
