"""The batches of a namespace: made, looked at, aborted. Who does what they say is elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, literal, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from questline_persistence.arguments import sought, whole
from questline_persistence.audit import Actor, AuditVerb, note
from questline_persistence.batches.batch import (
    Batch,
    BatchOutcome,
    BatchPage,
    BatchPreview,
    BatchResult,
    BatchResults,
)
from questline_persistence.batches.meant import OLDEST_FIRST, conditions, count
from questline_persistence.batches.order import BatchOrder
from questline_persistence.clock import rfc3339
from questline_persistence.dialects import codec_of
from questline_persistence.errors import NotFound, PayloadError, QuestConflict, suggestion
from questline_persistence.ids import new_quest_id
from questline_persistence.models import MAX_KEY_LENGTH
from questline_persistence.pages import cursor_behind, place_of
from questline_persistence.payload import encode
from questline_persistence.schema import batch_results, batches, opened_by, quests, sealed
from questline_persistence.states import BatchState
from questline_persistence.store import Database, Tries

#: Most batches of a namespace that have not ended.
MAX_BATCHES = 100
#: Most batches, and most results, on one page.
MAX_BATCH_PAGE, MAX_RESULTS_PAGE = 1_000, 1_000
#: How many quests a preview names.
PREVIEWED = 20

#: The states in which a batch has something to do.
OPEN = (BatchState.NEW, BatchState.RUNNING)


class BatchBook:
    """Makes, shows and aborts the batches of one namespace.

    Parameters:
      database: the store.
      namespace: the tenant; batches and quests of others are never seen.
      actor: on whose behalf, as the audit tells it: of what each batch does to its quests, too.

    Parameters of its methods:
      batch_id: the batch.
      reason: why; the audit keeps it.

    Raised by its methods:
      NotFound: there is no such batch.
    """

    def __init__(self, database: Database, namespace: str, actor: Actor) -> None:
        self.database = database
        self.namespace = namespace
        self.actor = actor

    def preview(self, order: BatchOrder) -> BatchPreview:
        """Return which quests an order means now, and change nothing.

        Parameters:
          order: the verb and the quests.
        """
        until = rfc3339(self.database.clock.now())

        def work(connection: Connection) -> BatchPreview:
            total, capped = count(connection, self.namespace, order.chosen, until=until)
            meant = conditions(connection, self.namespace, order.chosen, until=until)
            first = select(quests.c.quest_id).where(*meant).order_by(*OLDEST_FIRST).limit(PREVIEWED)
            return BatchPreview(order, total, capped, list(connection.execute(first).scalars()))

        return self.database.read(work)

    def create(self, order: BatchOrder, *, reason: str | None = None, key: str | None = None) -> Batch:
        """Make a batch, which the loops of the namespace then carry out; return it, or the one that its key has made.

        Parameters:
          order: the verb and the quests.
          key: the idempotency key, or None.

        Raises:
          PayloadError: the corrections are no JSON, or too large; the key is empty or too long.
          QuestConflict: 100 batches have not ended yet, or the key has made a batch that asks for something else.
        """
        key = _key(key)
        if key is not None and (earlier := self._earlier(key, order)) is not None:
            return earlier
        now, batch_id, tries = self.database.clock.now(), new_quest_id(), Tries()
        arguments, chosen = order.arguments(), order.chosen
        total, capped = self.database.read(
            lambda connection: count(connection, self.namespace, chosen, until=rfc3339(now))
        )
        made = Batch(
            *(batch_id, self.namespace, order, BatchState.NEW, total, capped, 0),
            outcomes=dict.fromkeys(BatchOutcome, 0),
            by=self.actor,
            reason=reason,
            created_at=rfc3339(now),
            idempotency_key=key,
        )

        def work(connection: Connection) -> None:
            if tries.again() and connection.execute(self._row(batch_id)).first() is not None:
                return  # by an earlier try, whose COMMIT went through though its reply was lost
            self._refuse_more(connection)
            connection.execute(insert(batches).values(sealed(connection, batches, _columns(made, arguments))))
            self._note(connection, AuditVerb.BATCH_CREATE, made, now, reason)

        try:
            self.database.write(work, at="save")
        except IntegrityError:
            earlier = None if key is None else self._earlier(key, order)
            if earlier is None:
                raise
            return earlier  # somebody else has come first with this key
        return made

    def abort(self, batch_id: str, *, reason: str | None = None) -> Batch:
        """Stop a batch; what it has done stays, and no verb is begun any more. An aborted one stays as it is.

        Raises:
          QuestConflict: it is done.
        """
        mine = (batches.c.batch_id == _known(batch_id), batches.c.namespace == self.namespace)
        ending = update(batches).where(*mine, batches.c.state.in_(OPEN))

        def work(connection: Connection) -> Batch:
            now = self.database.clock.now()
            values = {"state": BatchState.ABORTED, "ended_time": now, "claim_id": None}
            ended = connection.execute(ending.values(**values)).rowcount
            batch = self._found(connection, batch_id)
            if batch.state is BatchState.DONE:
                raise QuestConflict(f"batch {batch_id} is done", hint=f"run: questline batch results {batch_id}")
            if ended:
                self._note(connection, AuditVerb.BATCH_ABORT, batch, now, reason)
            return batch

        return self.database.write(work, at="save")

    def get(self, batch_id: str) -> Batch:
        """Return a batch."""
        return self.database.read(lambda connection: self._found(connection, batch_id))

    def page(self, *, limit: int = 100, cursor: str | None = None) -> BatchPage:
        """Return one page of the batches, newest first.

        Parameters:
          limit: at most this many, 1 to 1,000.
          cursor: the `next_cursor` of the page before.

        Raises:
          PayloadError: a limit out of range, or a cursor that no page of this list has given.
        """
        _refuse_limit(limit, MAX_BATCH_PAGE)
        of = (self.namespace, "batches")
        query = select(batches).where(batches.c.namespace == self.namespace)
        place = (batches.c.created_at, batches.c.batch_id)
        if cursor is not None:
            query = query.where(tuple_(*place) < tuple_(*map(literal, place_of(cursor, of, 2))))
        query = query.order_by(*(column.desc() for column in place)).limit(limit + 1)

        def work(connection: Connection) -> BatchPage:
            rows = list(connection.execute(query))
            items = [_told(connection, row) for row in rows[:limit]]
            more = len(rows) > limit
            return BatchPage(items, cursor_behind(of, (items[-1].created_at, items[-1].batch_id)) if more else None)

        return self.database.read(work)

    def results(
        self, batch_id: str, *, outcome: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> BatchResults:
        """Return one page of what came of a batch's quests, in the order of the work.

        Parameters:
          outcome: only "changed", "unchanged", "refused" or "failed" ones; None means all.
          limit: at most this many, 1 to 1,000.
          cursor: the `next_cursor` of the page before, of the same outcome.

        Raises:
          PayloadError: there is no such outcome, a limit out of range, or a cursor that no page of this list has given.
        """
        _refuse_limit(limit, MAX_RESULTS_PAGE)
        of = (batch_id, outcome)
        query = select(batch_results).where(batch_results.c.batch_id == batch_id)
        if outcome is not None:
            query = query.where(batch_results.c.outcome == _outcome(outcome))
        if cursor is not None:
            query = query.where(batch_results.c.number > whole(place_of(cursor, of, 1)[0], "a cursor"))
        query = query.order_by(batch_results.c.number).limit(limit + 1)

        def work(connection: Connection) -> BatchResults:
            self._found(connection, batch_id)
            rows = list(connection.execute(query))
            items = [BatchResult.of(row) for row in rows[:limit]]
            return BatchResults(items, cursor_behind(of, (items[-1].number,)) if len(rows) > limit else None)

        return self.database.read(work)

    def _earlier(self, key: str, order: BatchOrder) -> Batch | None:
        """Return the batch that a key has made, if any.

        Raises:
          QuestConflict: it asks for something else.
        """
        mine = (batches.c.namespace == self.namespace, batches.c.idempotency_key == key)
        row = self.database.read(lambda connection: connection.execute(select(batches).where(*mine)).first())
        if row is None:
            return None
        found = Batch.of(row)
        if not found.order.same_as(order):
            message = f"the idempotency key {key!r:.100} has made batch {found.batch_id}, which asks for something else"
            raise QuestConflict(message, hint=f"give another key, or look: questline batch show {found.batch_id}")
        return replace(found, repeated=True)

    def _row(self, batch_id: str) -> Select[Any]:
        mine = (batches.c.batch_id == _known(batch_id), batches.c.namespace == self.namespace)
        return select(batches).where(*mine)

    def _found(self, connection: Connection, batch_id: str) -> Batch:
        row: Row[Any] | None = connection.execute(self._row(batch_id)).first()
        if row is None:
            raise NotFound(f"there is no batch {batch_id:.100}", hint="run: questline batch list")
        return _told(connection, row)

    def _refuse_more(self, connection: Connection) -> None:
        open_ones = select(batches.c.batch_id).where(batches.c.namespace == self.namespace, batches.c.state.in_(OPEN))
        number = select(func.count()).select_from(open_ones.limit(MAX_BATCHES).subquery())
        if connection.execute(number).scalar_one() >= MAX_BATCHES:
            message = f"{MAX_BATCHES} batches have not ended yet"
            raise QuestConflict(message, hint="wait for one, or abort one: questline batch list")

    def _note(self, connection: Connection, verb: AuditVerb, batch: Batch, now: float, reason: str | None) -> None:
        """Note in the audit that a batch was made or aborted."""
        done = {"verb": batch.order.verb, "filter": batch.order.chosen.to_json(), "total": batch.total}
        own = (connection, self.actor, self.namespace, verb)
        note(*own, now=now, subject=batch.batch_id, reason=reason, outcome={**done, "done": batch.done})


def _told(connection: Connection, row: Row[Any]) -> Batch:
    """Return the batch that a row tells of; it is looked at, and stopped, without a key as well."""
    return Batch.of(opened_by(codec_of(connection), batches, row, shown=True))


def _columns(batch: Batch, arguments: str) -> dict[str, Any]:
    """Return the row of a batch that nobody has begun."""
    order, by = batch.order, batch.by
    return {
        "batch_id": batch.batch_id,
        "namespace": batch.namespace,
        "name": order.name,
        "verb": order.verb,
        "arguments": arguments,
        "filter": encode(order.chosen.to_json(), what="filter"),
        "state": batch.state,
        "total": batch.total,
        "total_capped": int(batch.total_capped),
        "done": 0,
        **dict.fromkeys(map(str, BatchOutcome), 0),
        "actor": by.name,
        "door": by.door,
        "address": by.address,
        "request_id": by.request_id,
        "reason": batch.reason,
        "idempotency_key": batch.idempotency_key,
        "created_at": batch.created_at,
        "reached_at": "",
        "reached_id": "",
        "lease_until": 0.0,
    }


def _known(batch_id: str) -> str:
    """Return an id that can be looked for."""
    return sought(batch_id, "batch_id") or ""


def _key(given: str | None) -> str | None:
    """Return an idempotency key that can be kept, or None."""
    key = sought(given, "idempotency_key")
    if key is not None and not 1 <= len(key) <= MAX_KEY_LENGTH:
        raise PayloadError(f"an idempotency key has 1 to {MAX_KEY_LENGTH} characters, not {len(key)}")
    return key


def _outcome(given: str) -> BatchOutcome:
    try:
        return BatchOutcome(given)
    except ValueError:
        near = suggestion(str(given), BatchOutcome, kind="outcomes")
        raise PayloadError(f"{given!r:.100} is not an outcome", hint=near) from None


def _refuse_limit(limit: int, most: int) -> None:
    if not 1 <= whole(limit, "limit", most=None) <= most:
        raise PayloadError(f"limit must be 1 to {most:,}, not {limit}", hint="go on behind a page for more")
