"""Doing a batch's verb to one of its quests, by the verbs that admins have."""

from __future__ import annotations

from sqlalchemy import Connection

from questline_persistence.batches.batch import BatchOutcome
from questline_persistence.batches.order import BatchVerb
from questline_persistence.batches.work import BatchWork, Place, Taken
from questline_persistence.claims import Doorbell
from questline_persistence.controls import Controls, Part, Removal, StartingPoint
from questline_persistence.ids import not_found


def do(work: BatchWork, taken: Taken, place: Place) -> tuple[Doorbell, ...]:
    """Do a batch's verb to a quest, and note that in the same transaction; return the bells to ring for it.

    Parameters:
      work: notes it.
      taken: the batch.
      place: the quest.

    Raises:
      LeftBatch: the batch was aborted, or somebody else has it; nothing was done.
      QuestNotFound: the quest is gone.
      QuestConflict: its state does not allow the verb.
      PayloadError: a correction's path leads nowhere.
      StoreUnavailable: the store did not answer.
    """

    def note(connection: Connection, changed: bool) -> None:
        work.note(connection, taken, place, BatchOutcome.CHANGED if changed else BatchOutcome.UNCHANGED)

    batch, order = taken.batch, taken.batch.order
    own = (work.database, batch.namespace, batch.by, Part(batch.batch_id, note))
    if order.verb is BatchVerb.DELETE:
        if not Removal(*own).delete(place.quest_id, batch.reason):
            raise not_found(place.quest_id)
        return ()
    if order.verb is BatchVerb.REPLAY:
        start, correction = StartingPoint(order.from_), order.set
        done = Controls(*own).replay(
            *(place.quest_id, start, correction), keep_state=order.keep_state, reason=batch.reason
        )
        return done.doorbells
    controls = Controls(*own)
    verbs = {
        BatchVerb.PAUSE: controls.pause,
        BatchVerb.RESUME: controls.resume,
        BatchVerb.CANCEL: controls.cancel,
        BatchVerb.RETRY: controls.retry,
    }
    return verbs[order.verb](place.quest_id, batch.reason).doorbells
