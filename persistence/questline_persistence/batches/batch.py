"""A batch as it is told of: what it does, how far it has come, and what came of each quest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import Row

from questline_persistence.audit import Actor
from questline_persistence.batches.order import BatchOrder, BatchVerb
from questline_persistence.clock import rfc3339
from questline_persistence.payload import decode
from questline_persistence.records import QuestFilter
from questline_persistence.states import BatchState


class BatchOutcome(StrEnum):
    """What came of a batch's verb for one quest.

    Values:
      changed: the verb was done.
      unchanged: there was nothing to do, as with a quest that was paused already.
      refused: the quest did not allow it; `code` and `message` tell why.
      failed: an error that nobody foresaw; `message` names it.
    """

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Batch:
    """A verb over all quests that a filter means.

    Parameters:
      batch_id: its id.
      namespace: the tenant.
      order: the verb, and the quests that are meant.
      state: "new", "running", "done" or "aborted".
      total: how many quests were meant when it was made; at most 100,000, which is what it reaches.
      total_capped: whether there were more.
      done: on how many quests the verb was tried.
      outcomes: how many of these were `changed`, `unchanged`, `refused`, `failed`.
      by: on whose behalf.
      reason: why, or None.
      created_at: when it was made (RFC 3339); quests made later are not meant.
      started_time: when it was begun, in epoch seconds, or None.
      ended_time: when it was done or aborted, in epoch seconds, or None.
      idempotency_key: the key that it was made with, or None.
      repeated: whether this call has found it by that key, as an earlier one has made it.
    """

    batch_id: str
    namespace: str
    order: BatchOrder
    state: BatchState
    total: int
    total_capped: bool
    done: int
    outcomes: Mapping[BatchOutcome, int]
    by: Actor
    reason: str | None
    created_at: str
    started_time: float | None = None
    ended_time: float | None = None
    idempotency_key: str | None = None
    repeated: bool = False

    @property
    def ended(self) -> bool:
        """Whether nothing more will be done."""
        return self.state in {BatchState.DONE, BatchState.ABORTED}

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """Return the batch that a row tells of.

        Parameters:
          row: all columns of the table.
        """
        chosen = QuestFilter(**decode(row.filter))
        return cls(
            batch_id=row.batch_id,
            namespace=row.namespace,
            order=BatchOrder(BatchVerb(row.verb), chosen, row.name, **decode(row.arguments)),
            state=BatchState(row.state),
            total=row.total,
            total_capped=bool(row.total_capped),
            done=row.done,
            outcomes={outcome: getattr(row, outcome.value) for outcome in BatchOutcome},
            by=Actor(row.actor, row.door, row.address, row.request_id),
            reason=row.reason,
            created_at=row.created_at,
            started_time=row.started_time,
            ended_time=row.ended_time,
            idempotency_key=row.idempotency_key,
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        order = self.order
        times = {"started_at": self.started_time, "ended_at": self.ended_time}
        return {
            "batch_id": self.batch_id,
            "namespace": self.namespace,
            "name": order.name,
            "verb": str(order.verb),
            "filter": order.chosen.to_json(),
            "from": order.from_,
            "set": dict(order.set),
            "keep_state": order.keep_state,
            "state": str(self.state),
            "total": self.total,
            "total_capped": self.total_capped,
            "done": self.done,
            **{str(outcome): number for outcome, number in self.outcomes.items()},
            "actor": self.by.name,
            "door": str(self.by.door),
            "reason": self.reason,
            "idempotency_key": self.idempotency_key,
            "created_at": self.created_at,
            **{name: None if value is None else rfc3339(value) for name, value in times.items()},
        }


@dataclass(frozen=True, slots=True)
class BatchPage:
    """Some batches.

    Parameters:
      items: the batches, newest first.
      next_cursor: where the next page begins; None if this is the last page.
    """

    items: list[Batch]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What came of a batch's verb for one quest.

    Parameters:
      number: the how-manieth quest of the batch it was.
      quest_id: the quest.
      outcome: "changed", "unchanged", "refused" or "failed".
      code: the error's code, or None.
      message: the error's message, or None.
      at: when, by the database's clock (RFC 3339).
    """

    number: int
    quest_id: str
    outcome: str
    code: str | None
    message: str | None
    at: str

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """Return the result that a row is.

        Parameters:
          row: all columns of the table.
        """
        return cls(row.number, row.quest_id, row.outcome, row.code, row.message, row.at)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class BatchResults:
    """Some results of a batch.

    Parameters:
      items: the results, in the order of the work.
      next_cursor: where the next page begins; None if this is the last page.
    """

    items: list[BatchResult]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class BatchPreview:
    """What a batch would do.

    Parameters:
      order: the verb, and the quests that would be meant.
      total: how many these are now, at most 100,000.
      total_capped: whether there are more.
      quest_ids: the first of them.
    """

    order: BatchOrder
    total: int
    total_capped: bool
    quest_ids: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        return {
            "verb": str(self.order.verb),
            "filter": self.order.chosen.to_json(),
            "total": self.total,
            "total_capped": self.total_capped,
            "quest_ids": self.quest_ids,
        }
