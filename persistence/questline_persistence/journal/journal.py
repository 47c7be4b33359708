"""The journal: what a worker writes. Each method is one guarded transition, and tells whether it won.

`recovery` and `controls` are its other hands, for the loops and for admins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, select
from sqlalchemy.exc import IntegrityError

from questline_persistence.claims import Checkpoint, Claim, ClaimRequest, Failed, OnceRecord, Settled, Succeeded
from questline_persistence.journal.conflicts import MAX_CONFLICTS, conflict_wait, conflicts
from questline_persistence.journal.ended_attempt import EndedAttempt, is_recorded
from questline_persistence.journal.endings import end_attempt, release
from questline_persistence.journal.identity import Identity
from questline_persistence.journal.writing_checkpoint import WritingCheckpoint, ready
from questline_persistence.payload import CLEAR, cells
from questline_persistence.schema import in_state, runs, tickets
from questline_persistence.states import RunStatus, TicketState
from questline_persistence.store import Committer, Database, Tries
from questline_persistence.writes import Moved, Pushes

_Item: TypeAlias = ClaimRequest | Checkpoint[Succeeded] | OnceRecord
#: What became of a checkpoint: an exception where nothing was written of it.
_Result: TypeAlias = Settled | Exception
#: What becomes of an item, whatever it is: of a record, whether it was made.
_Any: TypeAlias = Claim | _Result | bool | None
_Committer: TypeAlias = Committer[_Item, _Any]

#: Told of posted checkpoints that are settled, each with what became of it or the error that it met.
OnSettled: TypeAlias = Callable[[Sequence[tuple[Checkpoint[Succeeded], Settled | BaseException]]], object]

_SUCCEEDED = runs.c.status == RunStatus.SUCCESS


class Journal:
    """Claims steps for one worker process and commits what came of them.

    Parameters:
      database: the store.
      namespace: the tenant; no ticket of another one is ever claimed.
      identity: who claims, and which Lords it knows; read anew for each transaction.
      on_settled: told of every posted checkpoint that is settled, with what became of it or the error that it met.
    """

    def __init__(
        self, database: Database, namespace: str, identity: Identity, *, on_settled: OnSettled = lambda _: None
    ) -> None:
        self.database = database
        self.namespace = namespace
        self.identity = identity
        self._dialect = database.dialect
        told: Any = on_settled  # nothing but checkpoints is posted
        # With one writer, nothing can go on beside what takes long.
        slowly = None if self._dialect.has_one_writer else self._flush_slowly
        self._checkpointing: _Committer = Committer(self._flush, told, _size, self._flush_again, slowly)
        # With one writer, what is committed together costs one sync. Elsewhere claims and records wait for nobody's.
        own: list[_Committer] = [
            Committer(self._flush, lambda _: None, _size, self._flush_again, slowly) for _ in range(2)
        ]
        together = [self._checkpointing, self._checkpointing]
        self._claiming, self._recording = together if self._dialect.has_one_writer else own

        self._writing = WritingCheckpoint(database, self._checkpoints, self._settled_before)
        # What steps remember may be locked by others: plain results do not wait for that.
        apart: _Committer = Committer(self._flush_writing, told, _size)
        self._remembering: _Committer = self._checkpointing if self._dialect.has_one_writer else apart

    @property
    def worker_id(self) -> str:
        """The name under which the process claims now."""
        return self.identity.worker_id

    def claim(self, request: ClaimRequest) -> Claim | None:
        """Move a ticket from ready to running; return the claim, or None if it may not run here and now."""
        won = self._claiming.submit(request)
        return self._with_codec(won) if isinstance(won, Claim) else None

    def checkpoint(self, checkpoint: Checkpoint[Succeeded]) -> Settled:
        """Move a ticket from running to its next step, committing the result of the last one with it.

        Raises:
          Moved: a key that the step saves is at another version than it expects; nothing was written.
          Overtime: somebody keeps locked what the step writes; nothing was written.
        """
        checkpoint = self._sealed(checkpoint)
        if checkpoint.outcome.also and not self._in_batch(checkpoint):
            return self._writing.write(checkpoint)
        settled = self._checkpointing.submit(checkpoint)
        if isinstance(settled, Moved):
            raise settled
        if isinstance(settled, IntegrityError):  # an entry is there already, which only a transaction of its own mends
            return self._writing.write(checkpoint)
        return settled if isinstance(settled, Settled) else Settled(won=False)

    def _in_batch(self, checkpoint: Checkpoint[Succeeded]) -> bool:
        """Tell whether a result is committed with others, and each apart: where one sync is for all of them."""
        return self._dialect.has_one_writer and not checkpoint.outcome.pushes

    def post(self, checkpoint: Checkpoint[Succeeded]) -> None:
        """Have a checkpoint that pushes nothing committed soon; waits while too many are on their way.

        `on_settled` is told. One of `TO_BE_WRITTEN_ALONE` tells it that nothing was written, and `checkpoint` mends it.
        """
        committer = self._remembering if checkpoint.outcome.also else self._checkpointing
        committer.post(self._sealed(checkpoint))

    def _sealed(self, checkpoint: Checkpoint[Succeeded]) -> Checkpoint[Succeeded]:
        """Return a checkpoint with its output as it is stored: in the attempt's row, and in the quest's."""
        codec, claim, outcome = self.database.codec, checkpoint.claim, checkpoint.outcome
        if codec is CLEAR or outcome.last is not None:  # what was posted before may come again
            return checkpoint
        cell = cells.of_attempt("output_data", claim.quest_id, claim.epoch, claim.position, claim.claim_id)
        last = codec.seal(outcome.output, cells.of_quest("output_data", claim.namespace, claim.quest_id))
        return replace(checkpoint, outcome=replace(outcome, output=codec.seal(outcome.output, cell), last=last))

    def _with_codec(self, claim: Claim) -> Claim:
        """Return a claim that can read what it holds."""
        codec = self.database.codec
        return claim if claim.codec is codec else replace(claim, codec=codec)

    def record_once(self, record: OnceRecord) -> bool:
        """Keep what a call within a step came to, before the step ends; return whether its claim still held the step.

        Those that threads of this process hand in together are committed together.
        """
        claim, codec = record.claim, self.database.codec
        cell = cells.of_call(claim.quest_id, claim.epoch, claim.position, record.name)
        return self._recording.submit(replace(record, result=codec.seal(record.result, cell))) is True

    def drain(self) -> None:
        """Wait until every posted checkpoint is settled."""
        self._checkpointing.drain()
        self._remembering.drain()

    def fail(self, checkpoint: Checkpoint[Failed], *, recorded: bool = True) -> Settled:
        """Move a ticket from running to ready after a back-off, or fail its quest; record the error.

        Parameters:
          recorded: False leaves the history out, where the store takes none: the attempt counts all the same.
        """
        attempt = EndedAttempt.of_checkpoint(checkpoint)

        def work(connection: Connection) -> Settled:
            settled = end_attempt(connection, attempt, now=self.database.clock.now(), recorded=recorded)
            # The sweep may have ended the same claim with another error: only this very failure is ours.
            return settled if settled.won else Settled(won=is_recorded(connection, checkpoint))

        return self.database.write(work, at="fail")

    def put_off(self, checkpoint: Checkpoint[Failed]) -> Settled | None:
        """Move a ticket from running to ready, no attempt spent, where what its step saves was changed meanwhile.

        Parameters:
          checkpoint: what was in the way. The wait is none of its own: none at first, then twice as long each time.

        Returns:
          What became of the claim; None, and nothing is written, where this has happened too often to the step.
        """
        claim, ours = checkpoint.claim, runs.c.status == RunStatus.CONFLICT

        def work(connection: Connection) -> Settled | None:
            before = conflicts(connection, claim)
            if before >= MAX_CONFLICTS:
                return None
            put_off = replace(checkpoint, outcome=replace(checkpoint.outcome, retry_in=conflict_wait(before)))
            attempt = EndedAttempt.of_checkpoint(put_off, status=RunStatus.CONFLICT)
            settled = end_attempt(connection, attempt, now=self.database.clock.now())
            return settled if settled.won else self._recorded(connection, [claim], ours).get(claim.claim_id, settled)

        return self.database.write(work, at="put_off")

    def release(self, claim: Claim, *, after: float | None = None, quiet: float = 0.0) -> Settled:
        """Move a ticket from running back to ready, no attempt spent.

        Parameters:
          after: seconds by which the step has asked to be put off, if it has.
          quiet: seconds for which nobody is told that it is ready.
        """
        return self.database.write(
            lambda connection: release(
                connection,
                quest_id=claim.quest_id,
                epoch=claim.epoch,
                position=claim.position,
                claim_id=claim.claim_id,
                now=self.database.clock.now(),
                after=after,
                quiet=quiet,
            ),
            at="release",
        )

    def release_stray(self, claim_id: str) -> Settled:
        """Move a ticket from running back to ready that this worker holds by a claim it does not know of."""

        def work(connection: Connection) -> Settled:
            query = select(tickets.c.quest_id, tickets.c.epoch, tickets.c.position).where(
                tickets.c.namespace == self.namespace,
                in_state(TicketState.RUNNING),
                tickets.c.worker_id == self.identity.worker_id,
                tickets.c.claim_id == claim_id,
            )
            # The heartbeat asks for this: it must not wait for one that somebody has locked, and will ask again.
            row = connection.execute(query.with_for_update(skip_locked=True)).first()
            if row is None:
                return Settled(won=False)
            return release(connection, **row._asdict(), claim_id=claim_id, now=self.database.clock.now())

        return self.database.write(work, at="release")

    def _flush_again(self, item: _Item) -> _Any:
        """Commit one item that an earlier try may have committed."""
        return self._flush([item], again=True)[0]

    def _flush_slowly(self, item: _Item) -> _Any:
        """Commit one such item, for which the store may take long."""
        return self._flush([item], again=True, alone=True)[0]

    def _flush(self, items: Sequence[_Item], *, again: bool = False, alone: bool = False) -> Sequence[_Any]:
        """Commit what the threads of this process have gathered: what calls came to, then results, then claims.

        Parameters:
          again: whether an earlier try may have been committed, though it met an error.
          alone: whether it is one item, for which the store may take long.

        Raises:
          Overtime: the store took longer than what is gathered may take, or than one item may.
        """
        checkpoints = [item for item in items if isinstance(item, Checkpoint)]
        requests = [item for item in items if isinstance(item, ClaimRequest)]
        records = [item for item in items if isinstance(item, OnceRecord)]
        settled, claims, kept = self._settle(checkpoints, requests, records, Tries(again=again), alone=alone)

        def result(item: _Item) -> _Any:
            if isinstance(item, Checkpoint):
                return settled.get(item.claim.claim_id, Settled(won=False))
            return claims.get(item.claim_id) if isinstance(item, ClaimRequest) else _named(item) in kept

        return [result(item) for item in items]

    def _flush_writing(self, items: Sequence[_Item]) -> Sequence[_Result]:
        """Commit results of steps that remember something besides."""
        checkpoints = [item for item in items if isinstance(item, Checkpoint)]
        settled = self._writing.together(checkpoints)
        missing = [checkpoint for checkpoint in checkpoints if checkpoint.claim.claim_id not in settled]
        settled |= self._won_before(missing, alone=True) if missing else {}
        return [settled.get(checkpoint.claim.claim_id, Settled(won=False)) for checkpoint in checkpoints]

    def _settle(
        self,
        checkpoints: Sequence[Checkpoint[Succeeded]],
        requests: Sequence[ClaimRequest],
        records: Sequence[OnceRecord],
        tries: Tries,
        *,
        alone: bool,
    ) -> tuple[dict[str, _Result], dict[str, Claim], set[tuple[str, str]]]:
        settled: dict[str, _Result] = {}
        claims: dict[str, Claim] = {}
        kept: set[tuple[str, str]] = set()
        if self._dialect.has_one_writer:
            plain = [checkpoint for checkpoint in checkpoints if not checkpoint.outcome.also]
            writing = ready([checkpoint for checkpoint in checkpoints if checkpoint.outcome.also])

            def work(own: Connection) -> tuple[dict[str, _Result], dict[str, Claim], set[tuple[str, str]]]:
                made = self._dialect.record_once(own, records) if records else kept
                results: dict[str, _Result] = {**self._checkpoints(own, plain)}
                results |= self._writing.within(own, writing) if writing else {}
                return results, self._claims(own, requests, tries), made

            held = "checkpoint" if plain else "once" if records else "claim"
            settled, claims, kept = self.database.statement(work, at="also" if writing else held, alone=alone)
        else:
            if records:
                record = partial(self._dialect.record_once, records=records)
                kept = self.database.statement(record, at="once", alone=alone)
            if checkpoints:
                settled |= self.database.statement(
                    lambda own: self._checkpoints(own, checkpoints), at="checkpoint", alone=alone
                )
            if requests:
                claims = self.database.statement(
                    lambda own: self._claims(own, requests, tries), at="claim", alone=alone
                )
        missing = [checkpoint for checkpoint in checkpoints if checkpoint.claim.claim_id not in settled]
        return {**settled, **self._won_before(missing, alone=alone)} if missing else settled, claims, kept

    def _won_before(self, checkpoints: Sequence[Checkpoint[Succeeded]], *, alone: bool) -> dict[str, Settled]:
        """Return what an earlier try has settled: a COMMIT whose reply was lost is sent again, and finds nothing."""
        ended = [checkpoint.claim for checkpoint in checkpoints]
        won = self.database.read(lambda own: self._recorded(own, ended, _SUCCEEDED))
        before = {
            checkpoint.next_claim_id: checkpoint.claim
            for checkpoint in checkpoints
            if checkpoint.next_claim_id and checkpoint.claim.claim_id in won
        }
        if before:
            requests = [
                ClaimRequest(claim.quest_id, claim.epoch, claim.position, next_claim_id)
                for next_claim_id, claim in before.items()
            ]
            mine = partial(
                self._dialect.mine,
                requests=requests,
                worker_id=self.identity.worker_id,
                namespace=self.namespace,
                now=self.database.clock.now(),
            )
            claims = self.database.statement(mine, at="claim", alone=alone)
            won |= {
                before[claim.claim_id].claim_id: Settled(won=True, next_claim=self._with_codec(claim))
                for claim in claims
            }
        return won

    def _checkpoints(self, connection: Connection, checkpoints: Sequence[Checkpoint[Succeeded]]) -> dict[str, Settled]:
        if not checkpoints:
            return {}
        now = self.database.clock.now()
        return self._dialect.checkpoint(
            connection,
            checkpoints,
            worker_id=self.identity.worker_id,
            handlers=self.identity.handlers,
            now=now,
            code_version=self.identity.code_version or None,
        )

    def _claims(self, connection: Connection, requests: Sequence[ClaimRequest], tries: Tries) -> dict[str, Claim]:
        if not requests:
            return {}
        now = self.database.clock.now()
        won_before: list[Claim] = []
        if tries.again():
            won_before = self._dialect.mine(
                connection, requests, worker_id=self.identity.worker_id, namespace=self.namespace, now=now
            )
            known = {claim.claim_id for claim in won_before} | self._dialect.ended(connection, requests)
            # A claim id names one attempt: what was won by an earlier try is not won again, even if swept just now.
            requests = [request for request in requests if request.claim_id not in known]
        won = self._dialect.claim(
            connection,
            requests,
            worker_id=self.identity.worker_id,
            namespace=self.namespace,
            handlers=self.identity.handlers,
            now=now,
        )
        return {claim.claim_id: claim for claim in (*won_before, *won)}

    @staticmethod
    def _recorded(connection: Connection, claims: Sequence[Claim], ended: ColumnElement[bool]) -> dict[str, Settled]:
        """Return, for the claims that have a run in the history which `ended` so, that they won."""
        rows = connection.execute(
            select(runs.c.claim_id).where(
                runs.c.quest_id.in_([claim.quest_id for claim in claims]),
                runs.c.run_index.in_([claim.occurrence for claim in claims]),
                runs.c.claim_id.in_([claim.claim_id for claim in claims]),
                ended,
            )
        )
        return {row.claim_id: Settled(won=True) for row in rows}

    def _settled_before(self, checkpoint: Checkpoint[Succeeded]) -> Settled:
        before = self._won_before([checkpoint], alone=True)
        return before.get(checkpoint.claim.claim_id, Settled(won=False))


def _named(record: OnceRecord) -> tuple[str, str]:
    """Return what tells a record from all others of a transaction."""
    return record.claim.claim_id, record.name


def _size(item: _Item) -> int:
    """Return how many characters an item brings into a statement, but for the ids."""
    if isinstance(item, OnceRecord):
        return len(item.result)
    if not isinstance(item, Checkpoint):
        return 0
    return len(item.outcome.output) + sum(write.size for write in item.outcome.also if not isinstance(write, Pushes))
