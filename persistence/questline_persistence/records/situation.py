"""Why a quest is where it is: decided from its tickets and the register of workers, without looking anything up.

`explained_quest` looks up what is needed for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from questline_persistence import shown_times
from questline_persistence.models import QuestExecutionData
from questline_persistence.records.ticket_view import TicketView
from questline_persistence.recovery import WorkerView
from questline_persistence.states import TERMINAL, ExecutionStatus, StepStatus, TicketState


class Cause(StrEnum):
    """What a quest waits for; scripts may rely on these words."""

    ENDED = "ended"
    #: It was saved by a program, and never given to workers.
    KEPT = "kept"
    PAUSED = "paused"
    PAUSING = "pausing"
    RUNNING = "running"
    WORKER_LOST = "worker_lost"
    PAST_DEADLINE = "past_deadline"
    BACK_OFF = "back_off"
    SNOOZED = "snoozed"
    NO_WORKER = "no_worker"
    LORD_UNKNOWN = "lord_unknown"
    QUEUE_UNHEARD = "queue_unheard"
    QUEUED = "queued"


#: A quest that waits for one of these needs nobody's help.
_WELL = frozenset({Cause.ENDED, Cause.RUNNING, Cause.QUEUED})
#: What to do where the sweep does not come.
SWEEP_HINT = "if this lasts, no process runs the background loops: start a worker, or questline scheduler"


@dataclass(frozen=True, slots=True)
class Situation:
    """Why a quest is where it is, and the command that changes it.

    Parameters:
      cause: what it waits for, as a word that scripts may rely on.
      message: the same in a sentence for people.
      hint: the command that changes it, or what to do; None where nothing need be done.
    """

    cause: Cause
    message: str
    hint: str | None = None

    @property
    def ended(self) -> bool:
        """Whether the quest has ended."""
        return self.cause is Cause.ENDED

    @property
    def well(self) -> bool:
        """Whether the quest moves as it should, or has ended."""
        return self.cause in _WELL

    def to_json(self) -> dict[str, str | None]:
        """Return the situation as JSON."""
        return {"cause": str(self.cause), "message": self.message, "hint": self.hint}


def situation_of(
    quest: QuestExecutionData,
    tickets: Sequence[TicketView],
    workers: Sequence[WorkerView],
    now: float,
    *,
    ahead: int = 0,
) -> Situation:
    """Return why a quest is where it is.

    Parameters:
      quest: the quest.
      tickets: its tickets, as `QuestRepository.tickets` returns them.
      workers: the register, as `Register.all` returns it.
      now: the database's time.
      ahead: how many steps come before its own in the queue.
    """
    if quest.status in TERMINAL:
        return _ended(quest)
    if not tickets:
        message = "a program keeps this quest itself, and never gave it to workers"
        return Situation(Cause.KEPT, message, f"questline resume {quest.quest_id}")
    ticket = tickets[0]
    if ticket.state is TicketState.RUNNING:
        return _running(quest, ticket, workers, now)
    if quest.status is ExecutionStatus.PAUSED:
        return Situation(Cause.PAUSED, f"it was paused{_because(quest)}", f"questline resume {quest.quest_id}")
    if ticket.available_at > now:
        return _put_off(ticket, now)
    live = [worker for worker in workers if worker.live]
    return obstacle(ticket.handler, ticket.queue, live) or _queued(ticket, ahead)


def obstacle(handler: str, queue: str, live: Sequence[WorkerView]) -> Situation | None:
    """Return why none of these workers takes a step that may run now; None where one of them would.

    Parameters:
      handler: the Lord and tool that the step needs, as "lord:tool".
      queue: the queue that the step is in.
      live: the workers that are alive.
    """
    if not live:
        return Situation(Cause.NO_WORKER, "no worker is alive", "questline worker MODULE")
    able = [worker for worker in live if handler in worker.handlers]
    if not able:
        message = f"no live worker knows {handler}"
        return Situation(Cause.LORD_UNKNOWN, message, "start a worker with the module that registers it")
    if not any(queue in worker.queues for worker in able):
        message = f"no live worker that knows {handler} listens to queue {queue}"
        return Situation(Cause.QUEUE_UNHEARD, message, f"questline worker -Q {queue}")
    return None


def _ended(quest: QuestExecutionData) -> Situation:
    match quest.status:
        case ExecutionStatus.CANCELLED:
            return Situation(Cause.ENDED, f"it was cancelled{_because(quest)}", f"questline replay {quest.quest_id}")
        case ExecutionStatus.FAILED:
            return Situation(Cause.ENDED, "it has failed", _after_failure(quest))
        case _:
            return Situation(Cause.ENDED, "it is completed")


def _after_failure(quest: QuestExecutionData) -> str:
    """Return what can be done about a failed step: the same again, or again with what it is given corrected."""
    failed = next((step.position for step in quest.steps if step.status == StepStatus.ERROR), None)
    start = "" if failed is None else f" --from {failed}"
    correction = f"questline replay {quest.quest_id}{start} --set PATH=JSON"
    return f"questline retry {quest.quest_id} (runs the step again), or with a correction: {correction}"


def _running(quest: QuestExecutionData, ticket: TicketView, workers: Sequence[WorkerView], now: float) -> Situation:
    position = ticket.position
    holder = next((worker for worker in workers if worker.worker_id == ticket.worker_id), None)
    place = f" on {holder.host} (pid {holder.pid})" if holder else ""
    if holder is None or not holder.live:
        message = f"step {position} was running{place} on a worker that is lost; the next sweep frees the step"
        return Situation(Cause.WORKER_LOST, message, SWEEP_HINT)
    if ticket.is_overdue(now):
        message = f"step {position} has run longer than its time-out{place}; the next sweep frees the step"
        return Situation(Cause.PAST_DEADLINE, message, SWEEP_HINT)
    since = shown_times.length(ticket.running_seconds(now))
    if quest.status is ExecutionStatus.PAUSING:
        message = f"it pauses when step {position} ends; it has been running{place} for {since}{_because(quest)}"
        return Situation(Cause.PAUSING, message, f"questline resume {quest.quest_id}")
    return Situation(Cause.RUNNING, f"step {position} has been running{place} for {since}")


def _put_off(ticket: TicketView, now: float) -> Situation:
    attempt = f"attempt {ticket.attempt + 1} of " if ticket.attempt else ""
    until = f"until {shown_times.moment(ticket.available_at)} ({shown_times.ago(ticket.available_at, now)})"
    if ticket.snoozed:
        return Situation(Cause.SNOOZED, f"{attempt}step {ticket.position} is snoozed {until}")
    return Situation(Cause.BACK_OFF, f"{attempt}step {ticket.position} waits {until}{_suspected(ticket)}")


def _queued(ticket: TicketView, ahead: int) -> Situation:
    before = f"behind {ahead:,} other{'s' if ahead > 1 else ''}" if ahead else "and the next"
    return Situation(
        Cause.QUEUED, f"step {ticket.position} is ready, {before} in queue {ticket.queue}{_suspected(ticket)}"
    )


def _suspected(ticket: TicketView) -> str:
    """Return, after a semicolon, what a step has to bear since its worker died; nothing where none has."""
    if not ticket.lost:
        return ""
    how = "alone in its process" if ticket.company == 1 else "with few others beside it"
    return f"; a worker died while it ran, so next it begins {how}"


def _because(quest: QuestExecutionData) -> str:
    return f": {quest.reason}" if quest.reason else ""
