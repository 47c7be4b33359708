"""Why a quest is not moving: decided from its tickets and the register of workers, without looking anything up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from questline.cli import times

if TYPE_CHECKING:
    from questline_persistence.models import QuestExecutionData


@dataclass(frozen=True, slots=True)
class Standstill:
    """Why a quest is not moving, and the command that changes it."""

    message: str
    hint: str | None = None


def why(
    quest: QuestExecutionData,
    tickets: Sequence[Mapping[str, Any]],
    workers: Sequence[Mapping[str, Any]],
    now: float,
) -> Standstill | None:
    """Return why a quest is not moving, or None where it is, or has ended.

    Parameters:
      quest: the quest.
      tickets: its tickets, as `QuestRepository.tickets` returns them.
      workers: the register, as `Register.all` returns it.
      now: the database's time.
    """
    if not tickets:
        return None
    ticket = tickets[0]
    if quest.status in {"paused", "pausing"}:
        return _paused(quest, ticket, workers)
    if ticket["state"] == "running":
        return None
    if ticket["available_at"] > now:
        attempt = f"attempt {ticket['attempt'] + 1} of " if ticket["attempt"] else ""
        message = f"{attempt}step {ticket['position']} waits until {times.moment(ticket['available_at'])}"
        return Standstill(f"{message} ({times.ago(ticket['available_at'], now)})")
    return _unclaimed(ticket, [worker for worker in workers if worker["state"] == "live"])


def _paused(
    quest: QuestExecutionData, ticket: Mapping[str, Any], workers: Sequence[Mapping[str, Any]]
) -> Standstill | None:
    because = f": {quest.reason}" if quest.reason else ""
    resume = f"questline resume {quest.quest_id}"
    if quest.status == "paused":
        return Standstill(f"it was paused{because}", resume)
    holder = next((worker for worker in workers if worker["worker_id"] == ticket["worker_id"]), None)
    place = f" on {holder['host']} (pid {holder['pid']})" if holder else ""
    return Standstill(f"it pauses when step {ticket['position']} has ended{place}{because}", resume)


def _unclaimed(ticket: Mapping[str, Any], live: Sequence[Mapping[str, Any]]) -> Standstill | None:
    """Return why nobody takes a step that may run now."""
    handler, queue = ticket["handler"], ticket["queue"]
    if not live:
        return Standstill("no worker is alive", "questline worker MODULE")
    able = [worker for worker in live if handler in worker["handlers"]]
    if not able:
        return Standstill(f"no live worker knows {handler}", "start a worker with the module that registers it")
    if not any(queue in worker["queues"] for worker in able):
        return Standstill(
            f"no live worker that knows {handler} listens to queue {queue}", f"questline worker -Q {queue}"
        )
    return None
