"""Breadth-first exploration of every world that the protocol can reach, with a shortest trace to what is wrong."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from questline_persistence.states import TERMINAL
from questline_persistence.states import ExecutionStatus as Status
from tests.model.invariants import ACROSS, ALWAYS
from tests.model.lineage import lineage
from tests.model.protocol import Protocol
from tests.model.step import Step
from tests.model.verbs import HELPFUL
from tests.model.world import Action, Run, Snapshot, Ticket, World

#: Where a search gives up; the bounded model must end before.
MAX_STATES = 1_000_000
#: The name of what a dead end breaks.
STUCK = "I10 a live quest can go on to its end by what happens of itself"


@dataclass(frozen=True, slots=True)
class Explored:
    """What an exploration found: how much there is, and the way to the first invariant that is broken."""

    states: int
    steps: int
    broken: str | None = None
    trace: tuple[Action, ...] = ()

    def __str__(self) -> str:
        lines = [f"{number:3}. {action}" for number, action in enumerate(self.trace, start=1)]
        return "\n".join([f"{self.states:,} states, {self.steps:,} steps: {self.broken or 'all is well'}", *lines])


class _Search:
    """The worlds found so far, and how each was reached."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.numbers: dict[object, int] = {}
        self.came: list[tuple[int, Action | None]] = []
        self.queue: deque[tuple[int, World]] = deque()
        self.steps = 0
        self.pasts = _Pasts()
        #: For each world, from which others a helpful step leads to it.
        self.helped: list[list[int]] = []
        self.ends: list[int] = []
        self.note(protocol.start(), -1, None)

    def note(self, world: World, came_from: int, action: Action | None) -> tuple[int, bool]:
        """Return a world's number, and whether it is new."""
        key = canonical(world, self.pasts.number(world))
        number = self.numbers.get(key)
        if number is not None:
            return number, False
        number = self.numbers[key] = len(self.came)
        self.came.append((came_from, action))
        self.helped.append([])
        if world.status is None or world.status in TERMINAL or world.status is Status.PAUSED:
            self.ends.append(number)
        self.queue.append((number, world))
        return number, True

    def found(self, name: str | None, number: int = 0, *last: Action) -> Explored:
        trace: list[Action] = []
        while number > 0:
            number, action = self.came[number]
            trace += [action] if action else []
        return Explored(len(self.came), self.steps, name, (*reversed(trace), *last))

    def run(self) -> Explored:
        while self.queue:
            number, world = self.queue.popleft()
            for action, step in self.protocol.steps(world):
                self.steps += 1
                name = self.take(number, world, action, step)
                if name is not None:
                    return self.found(name, number, action)
            if len(self.came) > MAX_STATES:
                raise AssertionError(f"the model has more than {MAX_STATES:,} states: its bounds are too wide")
        return self.stuck()

    def take(self, number: int, world: World, action: Action, step: Step) -> str | None:
        """Go along one step; return the invariant that it breaks, if any."""
        for name, across in ACROSS.items():
            if not across(world, action, step):
                return name
        target, new = self.note(step.world, number, action)
        if new:
            for name, always in ALWAYS.items():
                if not always(step.world):
                    return name
        if action.verb in HELPFUL and step.world.faults == world.faults:
            self.helped[target].append(number)
        return None

    def stuck(self) -> Explored:
        """Look for worlds from which no helpful way leads to an end or a rest."""
        reached, waiting = set(self.ends), list(self.ends)
        while waiting:
            fresh = [number for number in self.helped[waiting.pop()] if number not in reached]
            reached.update(fresh)
            waiting += fresh
        if len(reached) == len(self.came):
            return self.found(None)
        return self.found(STUCK, next(number for number in range(len(self.came)) if number not in reached))


def explore(protocol: Protocol) -> Explored:
    """Return what the whole of the bounded model looks like, or the shortest way to a broken invariant."""
    with _no_collection():
        return _Search(protocol).run()


def canonical(world: World, past: int) -> object:
    """Return what tells a world from others: claims are renamed in order of appearance, and the fence is left out.

    No guard reads the fence, and that it rises is asked of every step; claim ids are only compared with each other,
    and those that only the history knows can be told apart by nobody.

    Parameters:
      past: a number for the world's history.
    """
    ticket = world.ticket
    holds = [
        (hold.worker, hold.epoch, hold.position, hold.attempt, hold.phase, hold.claim, hold.next_claim)
        for hold in world.holds
    ]
    if len(holds) > 1:
        holds.sort()
    names: dict[int | None, int] = {None: 0}
    if ticket is not None:
        names.setdefault(ticket.claim, len(names))
    for hold in holds:
        names.setdefault(hold[5], len(names))
        names.setdefault(hold[6], len(names))
    for look in world.looks:
        names.setdefault(look.claim, len(names))
    return (
        world.faults,
        world.verbs,
        world.status and world.status._value_,
        world.started,
        ticket and _told(ticket, names),
        world.workers,
        tuple([(*hold[:5], names[hold[5]], names[hold[6]]) for hold in holds]),
        world.bells,
        tuple(
            sorted(
                [
                    (names[look.claim], look.epoch, look.position, look.dead, look.final, look.at_once)
                    for look in world.looks
                ]
            )
        ),
        past,
        frozenset([(names[run.claim], run.ended) for run in world.runs if run.claim in names]),
    )


def _told(ticket: Ticket, names: dict[int | None, int]) -> tuple[object, ...]:
    """Return a ticket's fields, its claim renamed."""
    at = (ticket.epoch, ticket.position, ticket.state._value_, names[ticket.claim], ticket.worker)
    return (*at, ticket.attempt, ticket.lost, ticket.pause_requested, ticket.due, ticket.late)


def _past(runs: tuple[Run, ...], snapshots: tuple[Snapshot, ...]) -> object:
    """Return what anybody can ever ask of the history, but for how the claims ended that are still in hand.

    Which steps have succeeded in which epoch, where the quest stands, and in each epoch of its lineage what counts and
    whether a replay could start from step 2.
    """
    if not snapshots:
        return None
    won = [run for run in runs if run.version is not None]
    lines = tuple(
        (
            epoch,
            frozenset(run.position for run in won if run.epoch == epoch and (run.version or 0) <= limit),
            any((each.epoch, each.position) == (epoch, 2) for each in snapshots[: limit + 1]),
        )
        for epoch, limit in lineage(snapshots)
    )
    return snapshots[-1].position, lines, frozenset((run.epoch, run.position) for run in won)


class _Pasts:
    """Remembers what worlds tell of their past, which most steps leave as it is.

    By identity, as most worlds share theirs with the one before; each past gets a number, so that few are compared.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[int, object]] = {}
        self._numbers: dict[object, int] = {}

    def number(self, world: World) -> int:
        key = (id(world.runs), id(world.snapshots))
        found = self._known.get(key)
        if found is None:
            past = _past(world.runs, world.snapshots)
            number = self._numbers.setdefault(past, len(self._numbers))
            # What is kept here keeps its identity.
            found = self._known[key] = number, (world.runs, world.snapshots)
        return found[0]


@contextmanager
def _no_collection() -> Iterator[None]:
    """Spare the garbage collector: frozen worlds make no cycles."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
