"""The overview: how many quests there are of each status, what needs a person, and how Lords and workers fare."""

from __future__ import annotations

from typing import NamedTuple

from starlette.responses import Response

from questline_gateway.dashboard import fleet, told
from questline_gateway.dashboard.failures import Failure, failures
from questline_gateway.dashboard.fleet import Steps, durations, ready_steps, worst_first
from questline_gateway.dashboard.pages.quest_list import first_quest
from questline_gateway.dashboard.visit import Visit
from questline_persistence.records import Group, QuestFilter, Span, Stage, obstacle, throughput_of
from questline_persistence.recovery import WorkerView
from questline_persistence.states import ExecutionStatus

#: Things that need a person, and Lords and workers, that are shown; the rest is a link away.
MAX_SHOWN = 6
#: The newest quests, so many, tell how long quests take.
MAX_TIMED = 1_000


class Todo(NamedTuple):
    """Something that needs a person.

    Parameters:
      tone: the colour of its icon.
      icon: its icon.
      head: what it is about; it is shown in bold.
      text: the rest of the sentence.
      detail: when, where and since when.
      action: what the link says that leads to the way out.
      href: where it leads.
    """

    tone: str
    icon: str
    head: str
    text: str
    detail: str
    action: str
    href: str


def overview(visit: Visit) -> Response:
    """Return the overview; that of an empty store teaches the first quest."""
    statistics = visit.here.statistics
    found = statistics.quests(count_to=fleet.MAX_SHOWN_COUNT, timed=MAX_TIMED)
    if not found.total_quests:
        return first_quest(visit)
    ready = ready_steps(visit)
    workers = visit.here.register.all(now=visit.now)
    live = [worker for worker in workers if worker.live]
    lords = worst_first(statistics.lords())[:MAX_SHOWN]
    todos = [*_unheard(visit, ready, live), *(_failed(visit, one) for one in failures(visit)), *_paused(visit)]
    span = Span.DAY if visit.asked("span") == Span.DAY else Span.HOUR
    throughput = throughput_of(visit.here.database, visit.here.namespace, span, visit.now)
    return visit.page(
        "overview.html",
        throughput=throughput,
        highest=max(bucket.completed + bucket.failed for bucket in throughput.buckets),
        counts=found.counts,
        capped=found.capped,
        average=found.avg_duration_seconds,
        oldest=_oldest(ready.groups),
        threads=sum(worker.threads for worker in live),
        busy=sum(worker.holding for worker in live),
        todos=todos[:MAX_SHOWN],
        todo_number=len(todos),
        lords=lords,
        durations=durations(visit, lords),
        workers=live[:MAX_SHOWN],
        lost=sum(worker.state.value == "lost" for worker in workers),
        live_number=len(live),
        statuses=ExecutionStatus,
    )


def _oldest(ready: list[Group]) -> Group | None:
    """Return the group with the step that has waited longest for a worker."""
    waiting = [group for group in ready if group.stage is not Stage.LATER]
    return min(waiting, key=lambda group: group.since, default=None)


def _unheard(visit: Visit, ready: Steps, live: list[WorkerView]) -> list[Todo]:
    """Return the steps that no worker will take."""
    todos: list[Todo] = []
    for group in ready.groups:
        blocked = None if group.stage is Stage.LATER else obstacle(group.handler, group.queue, live)
        if blocked is not None:
            steps = f"{group.number:,}{'+' if ready.capped else ''} step{'s' if group.number > 1 else ''}"
            text = f"wait{'s' if group.number == 1 else ''} for {group.handler}: {blocked.message}"
            detail = f"Oldest {told.age(visit.now - group.since)} · queue {group.queue} · {blocked.hint or ''}"
            todos.append(Todo("bad", "tri", steps, text, detail, "See workers", visit.url("workers")))
    return todos


def _failed(visit: Visit, failure: Failure) -> Todo:
    """Return an error that failed quests have in common; of one that a single quest has, its page is the way out."""
    detail = f"Last {told.age(visit.now - failure.last)} ago · {failure.quests[0].quest_type}"
    if len(failure.quests) == 1:
        quest_id = failure.quests[0].quest_id
        return Todo(
            "bad", "failed", quest_id, f"failed: {failure.error}", detail, "See why", visit.url("quests", quest_id)
        )
    head = f"{len(failure.quests)} quests"
    href = visit.url("quests", **failure.query)
    return Todo("bad", "failed", head, f"failed with {failure.error}", detail, "See them", href)


def _paused(visit: Visit) -> list[Todo]:
    """Return the quests that wait to be resumed."""
    page = visit.here.repository.page(QuestFilter(ExecutionStatus.PAUSED), limit=MAX_SHOWN)
    return [
        Todo(
            "hold",
            "paused",
            quest.quest_id,
            f"is paused for {told.age(visit.now - (told.epoch(quest.updated_at) or visit.now))}",
            f"“{quest.reason}”" if quest.reason else quest.quest_type,
            "Resume…",
            visit.url("control", "resume", quest.quest_id),
        )
        for quest in page.items
    ]
