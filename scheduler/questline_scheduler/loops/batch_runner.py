"""The batches: one verb over many quests, done quest by quest, by whichever process takes a batch up."""

from __future__ import annotations

from dataclasses import dataclass

from questline_persistence.batches import MAX_QUESTS, BatchOutcome, BatchWork, LeftBatch, Place, Taken, do
from questline_persistence.clock import uptime
from questline_persistence.errors import QuestlineError, StoreUnavailable
from questline_persistence.log import get_logger
from questline_scheduler.doorbells import Ringer

log = get_logger(__name__)

#: A run that takes longer than this goes on in the next one, in seconds: other batches wait, and a stop must be heard.
LONGEST_RUN = 2.0
#: One run in this many also removes what ended long ago.
TIDY_EVERY = 1_000


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run did.

    Parameters:
      batch_id: the batch that it worked at, or None.
      more: whether there may be more to do at once.
    """

    batch_id: str | None = None
    more: bool = False


class BatchRunner:
    """Carries out batches.

    Parameters:
      work: knows them, and notes how far they have come.
      ringer: rings for the steps that a verb has made ready.
      longest_run: after how many seconds a run ends, though its batch goes on.
    """

    name = "batches"
    interval = 1.0

    def __init__(self, work: BatchWork, ringer: Ringer, *, longest_run: float = LONGEST_RUN) -> None:
        self._work = work
        self._ringer = ringer
        self._longest_run = longest_run
        self._runs = 0

    def run_once(self, *, now: float | None = None) -> Ran:
        """Take up the batch that waited longest, and go on with it for a while.

        Parameters:
          now: the time by which batches are free, in epoch seconds; None asks the database.

        Returns:
          the batch; `more` asks to be called again at once.

        Raises:
          StoreUnavailable: the store did not answer; the batch goes on from there.
        """
        self._runs += 1
        if self._runs % TIDY_EVERY == 1:
            self._work.forget(now=now)
        taken = self._work.take(now=now)
        if taken is None:
            return Ran()
        try:
            self._go_on(taken)
        except LeftBatch:  # the next run goes on with it, if that is still to be done
            log.info("batch_left", batch_id=taken.batch.batch_id)
        return Ran(taken.batch.batch_id, more=True)

    def _go_on(self, taken: Taken) -> None:
        """Do a batch's verb to quests for a while, or to the end."""
        until, reached, left = uptime() + self._longest_run, taken.reached, MAX_QUESTS - taken.batch.done
        while left > 0 and (places := self._work.following(taken, reached)):
            for reached in places[:left]:
                self._do(taken, reached)
                left -= 1
                if uptime() >= until:
                    self._work.let_go(taken)
                    return
        if self._work.end(taken):
            log.info("batch_done", batch_id=taken.batch.batch_id, verb=str(taken.batch.order.verb))

    def _do(self, taken: Taken, place: Place) -> None:
        """Do a batch's verb to one quest; what it was refused with is its result."""
        try:
            self._ringer.ring(do(self._work, taken, place))
        except (LeftBatch, StoreUnavailable):
            raise
        except QuestlineError as error:
            self._work.note_error(taken, place, BatchOutcome.REFUSED, code=error.code, message=error.message)
        except Exception as error:
            log.exception("batch_stumbled", batch_id=taken.batch.batch_id, quest_id=place.quest_id)
            # Its text may quote what the quest was given, which not everybody may see who sees results.
            told = f"{type(error).__name__}; the log tells more, as batch_stumbled"
            self._work.note_error(taken, place, BatchOutcome.FAILED, code="unexpected", message=told)
