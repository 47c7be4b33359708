"""The timeline of a quest: when each attempt of each step ran, on an axis from which idle time is folded away.

Decided from the steps, their attempts and the tickets alone; the template draws it as SVG, x and width in per cent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import NamedTuple

from questline_persistence import shown_times
from questline_persistence.models import LordRun, StepView
from questline_persistence.records import TicketView
from questline_persistence.states import RunStatus, StepStatus, TicketState

#: An idle gap is folded if it is longer than this, and than this part of the busy time.
FOLD_SECONDS, FOLD_PART = 30.0, 0.2
#: How wide a folded gap is, and what is left free behind the last attempt for steps that are still to come; per cent.
FOLD_WIDTH, LATER_WIDTH = 7.0, 7.0
#: Most gaps that are folded; the longest are.
MAX_FOLDS = 4
#: Most marks of time on the axis.
MAX_TICKS = 4
#: What a label needs on the narrowest axis that has any, and where the middle of the first is; per cent.
LABEL_WIDTH, FIRST_LABEL = 18.0, 7.0
#: The narrowest bar, per cent, and the narrowest that has room for its number.
LEAST, NUMBERED = 0.4, 3.0
#: The distances between marks of time that people read well, in seconds.
_STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800)
_LONG_STEPS = (3_600, 7_200, 14_400, 28_800, 86_400, 172_800, 604_800)


class Bar(NamedTuple):
    """A stretch of a lane; `x` and `width` are per cent of the axis.

    Parameters:
      kind: "ok", "bad", "run", "off" for an attempt, "wait" for a wait before one, "later" for a step to come.
      x: where it begins.
      width: how wide it is.
      number: which attempt it was, where that is worth telling and has room; else "".
      title: what it means, as a text.
    """

    kind: str
    x: float
    width: float
    number: str
    title: str


class Lane(NamedTuple):
    """One step on the timeline.

    Parameters:
      step: the step.
      bars: its attempts and waits.
      seconds: how long its attempts took together; None where none has run.
      label: the lane in words.
    """

    step: StepView
    bars: tuple[Bar, ...]
    seconds: float | None
    label: str


class Fold(NamedTuple):
    """Idle time that is left out: where its column stands, and how long it was."""

    x: float
    seconds: float


class Tick(NamedTuple):
    """A mark of time on the axis: where, and how much later than the mark before."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """When the steps of a quest ran.

    Parameters:
      lanes: one for each step that is shown.
      folds: the idle times that are left out.
      ticks: the marks of the axis.
      start: when the first attempt that is shown began; None where none has.
      end: when the last one ended, or now.
      busy: how long at least one attempt was under way, in seconds.
    """

    lanes: tuple[Lane, ...]
    folds: tuple[Fold, ...]
    ticks: tuple[Tick, ...]
    start: float | None
    end: float | None
    busy: float


class _Span(NamedTuple):
    start: float
    end: float


class _Tries(NamedTuple):
    """A step, its attempts that have ended, in order, and its ticket."""

    step: StepView
    runs: Sequence[LordRun]
    ticket: TicketView | None

    @property
    def running_since(self) -> float | None:
        """Since when an attempt runs; None while none does."""
        running = self.ticket is not None and self.ticket.state is TicketState.RUNNING
        return self.ticket.claimed_at if self.ticket is not None and running else None

    @property
    def several(self) -> bool:
        """Whether there is more than one attempt."""
        return len(self.runs) + (self.running_since is not None) > 1

    def spans(self, now: float) -> list[_Span]:
        """Return when each attempt was under way."""
        ended = [_Span(run.start_time, _end(run)) for run in self.runs]
        since = self.running_since
        return ended if since is None else [*ended, _Span(since, max(now, since))]


@dataclass(frozen=True, slots=True)
class _Axis:
    """Where a time stands, per cent: real time between the folded gaps, a fixed width for each of these."""

    start: float
    end: float
    gaps: tuple[_Span, ...] = ()
    scale: float = field(init=False)

    def __post_init__(self) -> None:
        shown = (self.end - self.start) - sum(gap.end - gap.start for gap in self.gaps)
        room = 100.0 - LATER_WIDTH - FOLD_WIDTH * len(self.gaps)
        object.__setattr__(self, "scale", room / shown if shown > 0 else 0.0)

    def at(self, moment: float) -> float:
        x, since = 0.0, self.start
        for gap in self.gaps:
            if moment <= gap.start:
                break
            x += (gap.start - since) * self.scale
            inside = min((moment - gap.start) / (gap.end - gap.start), 1.0)
            x += FOLD_WIDTH * inside
            since = gap.end
            if inside < 1.0:
                return x
        return x + max(min(moment, self.end) - since, 0.0) * self.scale


def timeline_of(
    steps: Sequence[StepView],
    runs: Sequence[LordRun],
    tickets: Sequence[TicketView],
    *,
    epoch: int,
    now: float,
    fold: bool = True,
) -> Timeline:
    """Return the timeline of a quest.

    Parameters:
      steps: the steps that are to be shown.
      runs: their attempts, in any order; of steps that a replay has kept, those of the epoch in which they ran.
      tickets: what the quest may run now, runs or waits to run.
      epoch: the quest's replay number.
      now: the database's time.
      fold: whether long idle times are left out.
    """
    ticket_at = {ticket.position: ticket for ticket in tickets}
    tries = [_Tries(step, _counting(step, runs, epoch), ticket_at.get(step.position)) for step in steps]
    spans = [span for each in tries for span in each.spans(now)]
    if not spans:
        return Timeline(
            tuple(Lane(one, _to_come(one), None, str(one.status)) for one in steps), (), (), None, None, 0.0
        )
    merged = _merged(spans)
    axis = _Axis(merged[0].start, merged[-1].end, _folded(merged) if fold else ())
    lanes = tuple(_lane(each, axis, now) for each in tries)
    folds = tuple(Fold(axis.at(gap.start) + FOLD_WIDTH / 2, gap.end - gap.start) for gap in axis.gaps)
    busy = sum(span.end - span.start for span in merged)
    return Timeline(lanes, folds, tuple(_ticks(axis)), axis.start, axis.end, busy)


def _end(run: LordRun) -> float:
    return max(run.start_time if run.end_time is None else run.end_time, run.start_time)


def _counting(step: StepView, runs: Sequence[LordRun], epoch: int) -> list[LordRun]:
    """Return the attempts that count for a step: this epoch's, or those of the one from which a replay has kept it."""
    mine = sorted((run for run in runs if run.position == step.position), key=lambda run: (run.epoch, run.run_id))
    by_epoch = {number: list(several) for number, several in groupby(mine, key=lambda run: run.epoch)}
    if epoch in by_epoch or step.status is not StepStatus.SUCCESS:
        return by_epoch.get(epoch, [])
    return by_epoch[max(by_epoch)] if by_epoch else []


def _merged(spans: Sequence[_Span]) -> list[_Span]:
    """Return the times at which something ran, without overlaps, in order."""
    merged: list[_Span] = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].end:
            merged[-1] = _Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def _folded(merged: Sequence[_Span]) -> tuple[_Span, ...]:
    """Return the idle times between these that are long enough to be left out."""
    busy = sum(span.end - span.start for span in merged)
    least = max(FOLD_SECONDS, busy * FOLD_PART)
    gaps = [_Span(one.end, two.start) for one, two in pairwise(merged)]
    longest = sorted(gaps, key=lambda gap: gap.start - gap.end)[:MAX_FOLDS]
    return tuple(sorted(gap for gap in longest if gap.end - gap.start > least))


def _lane(tries: _Tries, axis: _Axis, now: float) -> Lane:
    step, runs = tries.step, tries.runs
    bars: list[Bar] = []
    for index, run in enumerate(runs):
        if index:
            bars += _wait(axis, _end(runs[index - 1]), run.start_time)
        bars.append(_attempt(run, axis, numbered=tries.several))
    if tries.running_since is not None:
        if runs:
            bars += _wait(axis, _end(runs[-1]), tries.running_since)
        bars.append(_under_way(tries, axis, now))
    elif runs and tries.ticket is not None:
        bars += _wait(axis, _end(runs[-1]), axis.end, least=LATER_WIDTH * 0.8)
    elif not runs:
        bars += _to_come(step)
    spans = tries.spans(now)
    seconds = sum(span.end - span.start for span in spans) if spans else None
    return Lane(step, tuple(bars), seconds, _label(step, runs, seconds))


def _under_way(tries: _Tries, axis: _Axis, now: float) -> Bar:
    """Return the attempt that runs now."""
    since = now if tries.running_since is None else tries.running_since
    number = str(tries.ticket.attempt + 1) if tries.several and tries.ticket is not None else ""
    x = axis.at(since)
    return _bar("run", x, axis.at(now) - x, number, f"runs for {shown_times.length(max(now - since, 0.0))}")


def _attempt(run: LordRun, axis: _Axis, *, numbered: bool) -> Bar:
    kind = {RunStatus.SUCCESS: "ok", RunStatus.ERROR: "bad"}.get(run.status, "off")
    x = axis.at(run.start_time)
    how = "worker lost" if run.lost else str(run.status)
    took = shown_times.length(_end(run) - run.start_time)
    number = str(run.attempt_number) if numbered else ""
    return _bar(kind, x, axis.at(_end(run)) - x, number, f"attempt {run.attempt_number}: {how} after {took}")


def _bar(kind: str, x: float, width: float, number: str, title: str) -> Bar:
    wide = max(width, LEAST)
    return Bar(kind, min(x, 100.0 - wide), wide, number if wide >= NUMBERED else "", title)


def _wait(axis: _Axis, since: float, until: float, *, least: float = 0.0) -> list[Bar]:
    """Return the wait between two attempts, if it is long enough to be seen."""
    x = axis.at(since)
    width = max(axis.at(until) - x, least)
    return [Bar("wait", x, width, "", "waits before the next attempt")] if width > LEAST else []


def _to_come(step: StepView) -> tuple[Bar, ...]:
    coming = step.status in {StepStatus.PENDING, StepStatus.QUEUED, StepStatus.WAITING, StepStatus.RUNNING}
    return (Bar("later", 100.0 - LATER_WIDTH + 0.5, LATER_WIDTH - 1.0, "", "to come"),) if coming else ()


def _label(step: StepView, runs: Sequence[LordRun], seconds: float | None) -> str:
    if seconds is None:
        return f"{step.status}"
    failed = sum(run.status is RunStatus.ERROR for run in runs)
    tries = f", {failed} failed attempt{'s' if failed > 1 else ''}" if failed else ""
    return f"{step.status}, {shown_times.length(seconds)}{tries}"


def _ticks(axis: _Axis) -> list[Tick]:
    """Return marks of time in each stretch between folded gaps, told from the beginning of that stretch."""
    shown = (axis.end - axis.start) - sum(gap.end - gap.start for gap in axis.gaps)
    every = next((one for one in (*_STEPS, *_LONG_STEPS) if shown / one <= MAX_TICKS), shown or 1.0)
    ticks = [Tick(0.0, shown_times.moment(axis.start)[11:16])]
    since = axis.start
    for until in (*(gap.start for gap in axis.gaps), axis.end):
        marks = int((until - since) / every)
        ticks += [
            Tick(axis.at(since + number * every), "+" + _short(number * every))
            for number in range(1, marks + 1)
            if until - since > number * every
        ]
        since = next((gap.end for gap in axis.gaps if gap.start == until), until)
    return _apart(ticks, [axis.at(gap.start) + FOLD_WIDTH / 2 for gap in axis.gaps])


def _apart(ticks: Sequence[Tick], folds: Sequence[float]) -> list[Tick]:
    """Return the marks whose labels do not run into each other, or into those of folded gaps."""
    first, *others = ticks
    kept, taken = [first], [FIRST_LABEL, *folds]
    for tick in others:
        if all(abs(tick.x - x) >= LABEL_WIDTH for x in taken):
            kept.append(tick)
            taken.append(tick.x)
    return kept


def _short(seconds: float) -> str:
    """Return a distance between marks, which has one unit or two."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")):
        if seconds >= size:
            whole, rest = divmod(seconds, size)
            return f"{whole:.0f} {unit}" if not rest else shown_times.length(seconds)
    return f"{seconds * 1_000:.0f} ms"
