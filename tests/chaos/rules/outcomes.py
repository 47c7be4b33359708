"""How quests must end: none is lost or stuck, and every result is what can be computed again from the seed."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from tests.chaos.history.records import History, Quest, Run, Snapshot
from tests.chaos.plan import QuestPlan
from tests.chaos.rules.violation import Harm, Violation


@dataclass(frozen=True, slots=True)
class Lineage:
    """Which epoch each position of a quest was last run in, according to its replays."""

    replays: dict[int, Snapshot]
    epochs: dict[int, int]

    def epoch_of(self, position: str, epoch: int) -> int:
        """Return the epoch in which `position` was run, as `epoch` sees it."""
        replay = self.replays.get(epoch)
        while replay is not None and position < str(replay.position):
            epoch = self.epochs[replay.parent or 0]
            replay = self.replays.get(epoch)
        return epoch


def lineages(history: History) -> dict[str, Lineage]:
    """Return the lineage of every quest."""
    found: defaultdict[str, Lineage] = defaultdict(lambda: Lineage({}, {}))
    for snapshot in history.snapshots:
        lineage = found[snapshot.quest_id]
        lineage.epochs[snapshot.version] = snapshot.epoch
        if snapshot.reason == "replay":
            lineage.replays[snapshot.epoch] = snapshot
    return found


def outcomes(history: History) -> Iterator[Violation]:
    """Yield what is wrong with how quests ended."""
    runs: defaultdict[str, list[Run]] = defaultdict(list)
    for run in history.runs:
        runs[run.quest_id].append(run)
    known = lineages(history)
    for plan in history.plans:
        quest = history.quests.get(plan.quest_id)
        if quest is None:
            yield Violation(Harm.LOST, "accepted quests exist", plan.quest_id, "acknowledged, but not in the store")
            continue
        yield from _ending(quest, history)
        yield from _results(plan, quest, runs[plan.quest_id], known[plan.quest_id])


def _ending(quest: Quest, history: History) -> Iterator[Violation]:
    if quest.status == "cancelled":
        if not any(verb.verb == "cancel" for verb in history.verbs_of.get(quest.quest_id, [])):
            yield Violation(Harm.LOST, "only an admin cancels", quest.quest_id, "cancelled by nobody")
    elif quest.status == "failed":
        yield Violation(Harm.LOST, "no fault fails a quest", quest.quest_id, "failed for good")
    elif quest.status != "completed":
        yield Violation(Harm.STUCK, "every quest ends", quest.quest_id, f"still {quest.status}")


def _results(plan: QuestPlan, quest: Quest, runs: list[Run], lineage: Lineage) -> Iterator[Violation]:
    """Compare every committed result, of every epoch, with what it must be."""
    won = {(run.epoch, run.position): run.output for run in runs if run.status == "success"}
    expected: dict[int, dict[str, str]] = {}
    for (epoch, position), output in won.items():
        if epoch not in expected:
            expected[epoch] = plan.outputs(lambda place, epoch=epoch: lineage.epoch_of(place, epoch))  # type: ignore[misc]
        if output != f'"{expected[epoch].get(position)}"':
            text = f"epoch {epoch}, step {position}: {output}"
            yield Violation(Harm.LOST, "results are what their inputs make them", plan.quest_id, text)
    if quest.status != "completed":
        return
    final = plan.outputs(lambda place: lineage.epoch_of(place, quest.epoch))
    for position in final:
        if (lineage.epoch_of(position, quest.epoch), position) not in won:
            yield Violation(Harm.LOST, "a completed quest has every step", plan.quest_id, f"step {position} is missing")
    if quest.output != f'"{list(final.values())[-1]}"':
        yield Violation(Harm.LOST, "the output is the last step's result", plan.quest_id, f"it is {quest.output}")
