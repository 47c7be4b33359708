"""An attempt that came to no result: what is known of its end, and its row in the history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import Connection, Double, Integer, Row, Text, bindparam, func, insert, select

from questline_persistence.claims import Checkpoint, Failed
from questline_persistence.clock import rfc3339
from questline_persistence.dialects import codec_of
from questline_persistence.payload import Codec, cells
from questline_persistence.schema import opened, quests, runs, steps, workers
from questline_persistence.states import RunStatus
from questline_persistence.suspicion import Loss

#: Longest error text kept with a run, in characters.
MAX_ERROR_LENGTH = 20_000


@dataclass(frozen=True, slots=True)
class EndedAttempt:
    """One attempt that came to no result, whoever has ended it: its worker, a sweep or an admin.

    `loss` tells that the worker died, which spends no attempt; `status` is that of the run.
    """

    quest_id: str
    epoch: int
    position: str
    claim_id: str
    worker_id: str | None
    attempt_number: int
    start_time: float
    end_time: float
    outcome: Failed
    loss: Loss | None = None
    status: RunStatus = RunStatus.ERROR

    @property
    def spends(self) -> bool:
        """Whether it counts as a failure of its step."""
        return self.loss is None and self.status is not RunStatus.CONFLICT

    @classmethod
    def of_checkpoint(cls, checkpoint: Checkpoint[Failed], *, status: RunStatus = RunStatus.ERROR) -> Self:
        """Return the attempt that its own worker ends."""
        claim = checkpoint.claim
        return cls(
            quest_id=claim.quest_id,
            epoch=claim.epoch,
            position=claim.position,
            claim_id=claim.claim_id,
            worker_id=claim.worker_id,
            attempt_number=claim.attempt,
            start_time=claim.start_time,
            end_time=checkpoint.end_time,
            outcome=checkpoint.outcome,
            status=status,
        )

    @classmethod
    def of_ticket(
        cls,
        ticket: Row[Any],
        outcome: Failed,
        *,
        end_time: float,
        loss: Loss | None = None,
        status: RunStatus = RunStatus.ERROR,
    ) -> Self:
        """Return the attempt that a running ticket tells of, and that another than its worker ends."""
        return cls(
            quest_id=ticket.quest_id,
            epoch=ticket.epoch,
            position=ticket.position,
            claim_id=ticket.claim_id,
            worker_id=ticket.worker_id,
            attempt_number=ticket.attempt + 1,
            start_time=ticket.claimed_at,
            end_time=end_time,
            outcome=outcome,
            loss=loss,
            status=status,
        )


def error_text(error: str) -> str:
    """Return an error as the stores can hold it: bounded, without NUL and lone surrogates, which they refuse."""
    return error[:MAX_ERROR_LENGTH].encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def record(connection: Connection, attempts: Sequence[EndedAttempt], now: float) -> None:
    """Add attempts to the history; whoever ends one may have another idea of the time than who began it."""
    if attempts:
        codec = codec_of(connection)
        connection.execute(_RECORD, [_recorded(attempt, now, codec) for attempt in attempts])


def is_recorded(connection: Connection, checkpoint: Checkpoint[Failed]) -> bool:
    """Return whether the history has this very failure of a claim, and no other end of it."""
    claim, names = checkpoint.claim, ("quest_id", "epoch", "position", "claim_id", "error_message")
    query = select(*(runs.c[name] for name in names)).where(
        runs.c.quest_id == claim.quest_id,
        runs.c.run_index == claim.occurrence,
        runs.c.claim_id == claim.claim_id,
        runs.c.status == RunStatus.ERROR,
    )
    rows = (opened(connection, runs, row) for row in connection.execute(query).all())
    return any(row.error_message == error_text(checkpoint.outcome.error) for row in rows)


def _recorded(attempt: EndedAttempt, now: float, codec: Codec) -> dict[str, Any]:
    cell = cells.of_attempt("error_message", attempt.quest_id, attempt.epoch, attempt.position, attempt.claim_id)
    end_time = max(attempt.start_time, attempt.end_time)
    return {
        "of_quest": attempt.quest_id,
        "of_epoch": attempt.epoch,
        "of_position": attempt.position,
        "began": attempt.start_time,
        "ended": end_time,
        "lasted": end_time - attempt.start_time,
        "error": codec.seal(error_text(attempt.outcome.error), cell),
        "attempt": attempt.attempt_number,
        "recorded": rfc3339(max(now, end_time)),
        "worker": attempt.worker_id,
        "claim": attempt.claim_id,
        "lost": None if attempt.loss is None else 1,
        "status": attempt.status.value,
    }


_RECORD = insert(runs).from_select(
    [
        *("quest_id", "epoch", "position", "lord_name", "tool_name", "run_index", "status"),
        *("start_time", "end_time", "duration_seconds", "input_data", "error_message"),
        *("attempt_number", "max_attempts", "created_at", "worker_id", "claim_id", "lost", "code_version", "namespace"),
    ],
    select(
        steps.c.quest_id,
        steps.c.epoch,
        steps.c.position,
        steps.c.lord_name,
        steps.c.tool_name,
        steps.c.occurrence,
        bindparam("status", type_=Text),
        bindparam("began", type_=Double),
        bindparam("ended", type_=Double),
        bindparam("lasted", type_=Double),
        steps.c.params,
        bindparam("error", type_=Text),
        bindparam("attempt", type_=Integer),
        steps.c.max_attempts,
        bindparam("recorded", type_=Text),
        bindparam("worker", type_=Text),
        bindparam("claim", type_=Text),
        bindparam("lost", type_=Integer),
        # Whoever ends an attempt may run another code than who ran it.
        select(func.nullif(workers.c.code_version, ""))
        .where(workers.c.worker_id == bindparam("worker"))
        .scalar_subquery(),
        select(quests.c.namespace).where(quests.c.quest_id == bindparam("of_quest")).scalar_subquery(),
    ).where(
        steps.c.quest_id == bindparam("of_quest"),
        steps.c.epoch == bindparam("of_epoch"),
        steps.c.position == bindparam("of_position"),
    ),
)
