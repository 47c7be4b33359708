"""The scenes: submit reviews, kill a worker in mid-step, pause and resume, replay from a Lord."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from questline_persistence.errors import QuestlineError
from questline_persistence.recovery import Holder
from questline_persistence.states import ExecutionStatus
from questline_scheduler.client import QuestClient

T = TypeVar("T")

#: Longest that the demonstration waits for anything, in seconds.
PATIENCE = 30.0
#: Seconds that each Lord of a watched review takes at least; the others take what they take.
WATCHED_PACE = 2.0
#: The quest whose worker is killed, and the Lord at whose work that happens.
KILLED, KILLED_AT = "review-json", "forge_master"
#: The quest that is paused, and the Lord in whose middle the pause is asked for.
PAUSED, PAUSED_AT = "review-logging", "architect"
#: The quest that is replayed, and from where.
REPLAYED, REPLAYED_FROM = "review-email", "forge_master"


class DemoFailed(Exception):
    """Something that the demonstration waited for did not come."""


@dataclass(frozen=True, slots=True)
class Kill:
    """A worker killed in mid-step: its process, the step, and how soon another had it."""

    pid: int
    position: str
    recovery_seconds: float
    new_pid: int


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause: how long the running step still took, and how many runs were recorded while it lasted."""

    wait_seconds: float
    runs_meanwhile: int


def submit_reviews(client: QuestClient, packages: list[tuple[str, str]], report_dir: Path) -> list[str]:
    """Submit one review per package (name, path); return the quests' ids."""
    quests = [_review(name, path, report_dir) for name, path in packages]
    # The one whose worker is to be killed goes first, so that its steps can be waited for from the start.
    quests.sort(key=lambda quest: quest["quest_id"] != KILLED)
    return [handle.quest_id for handle in client.submit_many(quests)]


def _review(name: str, path: str, report_dir: Path) -> dict[str, Any]:
    quest_id = f"review-{name}"
    pace = WATCHED_PACE if quest_id in {KILLED, PAUSED} else 0.0
    data = {"root": path, "report_dir": str(report_dir), "pace_seconds": pace}
    return {"quest_type": "codebase_review", "quest_id": quest_id, "input_data": data, "labels": {"package": name}}


def kill_worker(client: QuestClient) -> Kill:
    """Kill the process that runs a step, and wait until another process has the step."""
    holder = await_(lambda: _holder_amid(client, KILLED, KILLED_AT), f"{KILLED_AT} to be amid its work on {KILLED}")
    os.kill(holder.pid, signal.SIGKILL)
    killed_at = time.monotonic()
    successor = await_(lambda: _other_holder(client, KILLED, holder), f"another worker to take over {KILLED}")
    return Kill(holder.pid, holder.position, time.monotonic() - killed_at, successor.pid)


def pause_quest(client: QuestClient, quiet_seconds: float = 1.0) -> Pause:
    """Pause a quest in the middle of a step, watch that nothing starts, and resume it."""
    await_(lambda: _holder_amid(client, PAUSED, PAUSED_AT), f"{PAUSED_AT} to be amid its work on {PAUSED}")
    client.pause(PAUSED, reason="shown in the demonstration")
    asked_at = time.monotonic()
    await_(lambda: client.repository.status(PAUSED) is ExecutionStatus.PAUSED, f"{PAUSED} to be paused")
    wait = time.monotonic() - asked_at
    before = len(client.runs(PAUSED))
    time.sleep(quiet_seconds)  # nothing may happen meanwhile, so there is nothing to wait for
    meanwhile = len(client.runs(PAUSED)) - before
    client.resume(PAUSED)
    return Pause(wait, meanwhile)


def replay_quest(client: QuestClient) -> int:
    """Replay a completed quest from a Lord; return its new epoch."""
    await_(lambda: client.repository.status(REPLAYED) is ExecutionStatus.COMPLETED, f"{REPLAYED} to be completed")
    return client.replay(REPLAYED, from_=REPLAYED_FROM).epoch


def await_(probe: Callable[[], T | None], what: str) -> T:
    """Return the first true answer of `probe`, asked again and again.

    Raises:
      DemoFailed: it did not come within the patience.
    """
    deadline = time.monotonic() + PATIENCE
    while not (found := probe()):
        if time.monotonic() > deadline:
            raise DemoFailed(f"waited {PATIENCE:g} s in vain for {what}")
        time.sleep(0.01)
    return found


def _holder_amid(client: QuestClient, quest_id: str, lord_name: str) -> Holder | None:
    """Return who runs the Lord's step of a watched quest, once that is well begun and far from its end."""
    holder = client.register.holder_of(quest_id)
    if holder is None or not 0.2 < (client.database.clock.now() - holder.claimed_at) / WATCHED_PACE < 0.6:  # noqa: PLR2004  (shares of the pace)
        return None
    steps = {step.position: step.lord_name for step in client.get(quest_id).steps}
    return holder if steps.get(holder.position) == lord_name else None


def _other_holder(client: QuestClient, quest_id: str, before: Holder) -> Holder | None:
    holder = client.register.holder_of(quest_id)
    return holder if holder is not None and holder.claim_id != before.claim_id else None


def progress(client: QuestClient) -> tuple[int, int]:
    """Return how many quests have ended, and how many there are."""
    try:
        stats = client.stats()
    except QuestlineError:
        return 0, 0
    return stats["completed"] + stats["failed"] + stats["cancelled"], stats["total_quests"]
