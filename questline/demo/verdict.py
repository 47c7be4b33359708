"""The verdict: whether every quest ended as it should, and no committed step ran twice."""

from __future__ import annotations

from collections import Counter

from questline.demo.scenes import KILLED, KILLED_AT, REPLAYED, REPLAYED_FROM
from questline_persistence.models import LordRun, QuestExecutionData
from questline_persistence.states import ExecutionStatus, RunStatus
from questline_scheduler.client import QuestClient


def complaints(client: QuestClient, quest_ids: list[str]) -> list[str]:
    """Return what went otherwise than expected; nothing, if all is well."""
    found = []
    for quest_id in quest_ids:
        quest, runs = client.get(quest_id), list(client.runs(quest_id))
        found += _common(quest, runs)
        if quest_id == KILLED:
            found += _killed(runs)
        if quest_id == REPLAYED:
            found += _replayed(quest, runs)
    return found


def _common(quest: QuestExecutionData, runs: list[LordRun]) -> list[str]:
    if quest.status is not ExecutionStatus.COMPLETED:
        return [f"{quest.quest_id} is {quest.status}: {(quest.error or '').splitlines()[:1]}"]
    counts = Counter((run.epoch, run.position) for run in runs if run.status is RunStatus.SUCCESS)
    twice = [f"{quest.quest_id}: step {key} was committed {count} times" for key, count in counts.items() if count > 1]
    done = {position for _, position in counts}
    missing = [
        f"{quest.quest_id}: step {step.position} has no result" for step in quest.steps if step.position not in done
    ]
    return twice + missing


def _killed(runs: list[LordRun]) -> list[str]:
    """Check that the killed step failed once for its dead worker, and that no other step ran again."""
    lost = [run.lord_name for run in runs if run.status is RunStatus.ERROR and "was lost" in (run.error_message or "")]
    if lost != [KILLED_AT]:
        return [f"{KILLED}: expected one lost run of {KILLED_AT}, found {lost}"]
    again = Counter(run.lord_name for run in runs) - Counter(lost)
    return [
        f"{KILLED}: {name} ran again though nothing had happened to it" for name, count in again.items() if count > 1
    ]


def _replayed(quest: QuestExecutionData, runs: list[LordRun]) -> list[str]:
    """Check that the replay ran from its Lord on under epoch 1, and that epoch 0 is still there."""
    done = [run for run in runs if run.status is RunStatus.SUCCESS]
    by_epoch = {epoch: [run.lord_name for run in done if run.epoch == epoch] for epoch in (0, 1)}
    order = [step.lord_name for step in quest.steps]
    expected = order[order.index(REPLAYED_FROM) :]
    if quest.epoch != 1 or by_epoch[0] != order or by_epoch[1] != expected:
        return [f"{REPLAYED}: epoch {quest.epoch}, results {by_epoch}; expected {order}, then {expected} in epoch 1"]
    return []
