"""What steps have kept beside their results: with each result that counts as a success, and with nothing else."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TypeAlias

from tests.chaos.history.records import History, Kept
from tests.chaos.plan import COUNTER
from tests.chaos.rules.violation import Harm, Violation

#: What each step that remembers keeps: a state of its quest, an event, and one more in what all of them count in.
PARTS = ("state", "event", "count")
_Step: TypeAlias = tuple[str | None, int | None, str | None]


def memories(history: History) -> Iterator[Violation]:
    """Yield results without what their steps have kept, kept rows without results, gaps, and counts that were lost."""
    rows: defaultdict[str, list[Kept]] = defaultdict(list)
    for row in history.kept:
        rows[f"{row.kind} {row.key}"].append(row)
    for name, of_key in rows.items():
        yield from _numbered(name, of_key)
    yield from _counted(rows[f"state {COUNTER}"])
    yield from _together(history)


def _numbered(name: str, rows: list[Kept]) -> Iterator[Violation]:
    if [row.number for row in rows] != [*range(1, len(rows) + 1)]:
        yield Violation(Harm.LOST, "I24 numbers run without gap", name, str([row.number for row in rows]))


def _counted(rows: list[Kept]) -> Iterator[Violation]:
    """Yield the steps that have not added one to what was there: another one's was lost, or its own."""
    before = 0
    for row in rows:
        found = int(row.value or 0)
        if row.op == "save" and found != before + 1:
            text = f"{found} in version {row.number}, after {before}"
            yield Violation(Harm.LOST, "each step adds one to the counter", str(row.quest_id), text)
        before = found


def _together(history: History) -> Iterator[Violation]:
    """Compare, step by step, the results with what is kept."""
    remembering = {plan.quest_id for plan in history.plans if plan.remembers}
    results: Counter[_Step] = Counter(
        (run.quest_id, run.epoch, run.position)
        for run in history.runs
        if run.status == "success" and run.quest_id in remembering and "." not in run.position
    )
    kept = [row for row in history.kept if row.op == "save" and row.quest_id is not None]
    for part in PARTS:
        found: Counter[_Step] = Counter((row.quest_id, row.epoch, row.position) for row in kept if _part(row) == part)
        for step in results - found:
            yield Violation(
                Harm.LOST, "a result and what its step kept come together", str(step[0]), f"{step}: no {part}"
            )
        for step in found - results:
            text = f"{step}: {part} without a result, or twice"
            yield Violation(Harm.DOUBLED, "a result and what its step kept come together", str(step[0]), text)
    for row in kept:
        if _part(row) != "count" and row.value != f"{row.quest_id}:{row.epoch}:{row.position}":
            yield Violation(Harm.LOST, "a step keeps what it says", str(row.quest_id), str(row))


def _part(row: Kept) -> str:
    return "count" if row.key == COUNTER else row.kind
