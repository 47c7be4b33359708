"""What `questline doctor` finds among the tickets: how many wait, and for what. It changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from questline.cli import times
from questline.cli.doctor.check import Check, Verdict, passed
from questline.cli.invocation import Invocation
from questline_persistence.records import MAX_LOOKED, SWEEP_HINT, Cause, Group, Stage, obstacle
from questline_persistence.recovery import WorkerView

#: A step that may run, and that nobody has picked up for longer, is reported; in seconds.
PATIENCE = 30.0
#: Most quests, Lords or queues that one check names.
MAX_NAMED = 5

_NOT_PICKED_UP = "if all threads are busy, start more workers; if not, look at the broker"
#: Verbs as they are said of one step.
_OF_ONE = {"wait": "waits", "run": "runs", "have": "has", "are": "is", "pause": "pauses"}
#: What is said of steps that no live worker will take.
_STUCK = {
    Cause.NO_WORKER: "may run, and no worker is alive",
    Cause.LORD_UNKNOWN: "wait for a Lord that no live worker knows",
    Cause.QUEUE_UNHEARD: "wait in a queue to which no live worker with their Lord listens",
    Cause.QUEUED: f"may run, and nobody has picked them up for more than {PATIENCE:g} s",
}
#: What is said of the other stages that people should know of, how bad it is, and what mends it.
_HELD = {
    Stage.LOST: (Cause.WORKER_LOST, Verdict.WARN, "run on a worker that is lost", SWEEP_HINT),
    Stage.LATE: (Cause.PAST_DEADLINE, Verdict.WARN, "have run longer than their time-out", SWEEP_HINT),
    Stage.PAUSED: (Cause.PAUSED, Verdict.PASS, "are paused", None),
    Stage.PAUSING: (Cause.PAUSING, Verdict.PASS, "pause when their running step has ended", None),
}


def check_tickets(invocation: Invocation) -> Iterator[Check]:
    """Yield what steps wait for: how many for each reason, with some of their quests."""
    now, backlog = invocation.now(), invocation.backlog
    live = [worker for worker in invocation.register.all(now=now) if worker.live]
    ready, running = backlog.ready(patience=PATIENCE, now=now), backlog.running(now=now)
    waiting = f"{_number(ready)} {_agreeing(ready, 'wait for a worker or for their time')}"
    message = f"{waiting}, {_number(running)} {_agreeing(running, 'run')}"
    yield passed("tickets", "all", message, {"ready": _sum(ready), "running": _sum(running)})
    yield from _later([group for group in ready if group.stage is Stage.LATER], now)
    yield from _stuck([group for group in ready if group.stage is not Stage.LATER], live)
    yield from _held([*running, *backlog.paused()])


def _later(groups: Sequence[Group], now: float) -> Iterator[Check]:
    """Yield how many steps wait for their time, and until when."""
    if groups:
        first, last = min(group.since for group in groups), max(group.until for group in groups)
        message = f"wait for their time; the first goes on {times.ago(first, now)}, the last {times.ago(last, now)}"
        until = {"first_at": times.stamped(first), "last_at": times.stamped(last)}
        yield _check(Verdict.PASS, Cause.BACK_OFF, message, None, groups=groups, more=until)


def _stuck(groups: Sequence[Group], live: Sequence[WorkerView]) -> Iterator[Check]:
    """Yield why steps that may run do not, where that is not simply for their turn."""
    found: dict[Cause, tuple[str | None, list[Group]]] = {}
    for group in groups:
        wall = obstacle(group.handler, group.queue, live)
        if wall is not None:
            found.setdefault(wall.cause, (wall.hint, []))[1].append(group)
        elif group.stage is Stage.OVERDUE:
            found.setdefault(Cause.QUEUED, (_NOT_PICKED_UP, []))[1].append(group)
    for cause, (hint, several) in found.items():
        names = {"handlers": sorted({group.handler for group in several}), "queues": _queues(several)}
        what = names["queues"] if cause is Cause.QUEUE_UNHEARD else names["handlers"]
        yield _check(Verdict.WARN, cause, f"{_STUCK[cause]}: {_some(what)}", hint, groups=several, more=names)


def _held(groups: Sequence[Group]) -> Iterator[Check]:
    """Yield which steps wait for the sweep, and which quests for a human."""
    for stage, (cause, verdict, message, hint) in _HELD.items():
        several = [group for group in groups if group.stage is stage]
        if several:
            yield _check(verdict, cause, message, hint, groups=several)


def _check(
    verdict: Verdict,
    cause: Cause,
    message: str,
    hint: str | None,
    *,
    groups: Sequence[Group],
    more: dict[str, Any] | None = None,
) -> Check:
    ids = [quest_id for group in groups for quest_id in group.quest_ids][:MAX_NAMED]
    text = f"{_number(groups)} {_agreeing(groups, message)} ({_some(ids)})"
    return Check("tickets", str(cause), verdict, text, hint, {"count": _sum(groups), "quest_ids": ids, **(more or {})})


def _agreeing(groups: Iterable[Group], text: str) -> str:
    """Return what is said of steps, a verb first, as it is said of one where there is only one."""
    if _sum(groups) != 1:
        return text
    verb, space, rest = text.partition(" ")
    return f"{_OF_ONE.get(verb, verb)}{space}{rest}".replace(" their ", " its ").replace(" them ", " it ")


def _sum(groups: Iterable[Group]) -> int:
    return sum(group.number for group in groups)


def _number(groups: Iterable[Group]) -> str:
    """Return how many tickets there are, or that there may be more than were looked at."""
    number = _sum(groups)
    return f"{number:,} or more" if number >= MAX_LOOKED else f"{number:,}"


def _queues(groups: Iterable[Group]) -> list[str]:
    return sorted({group.queue for group in groups})


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:MAX_NAMED]) + (", …" if len(names) > MAX_NAMED else "")
