"""Every world that the protocol can reach is explored, and each invariant asked on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from questline_persistence.states import TERMINAL
from questline_persistence.states import ExecutionStatus as Status
from tests.model.invariants import ACROSS, ALWAYS
from tests.model.lineage import lineage
from tests.model.protocol import Protocol
from tests.model.search import Explored, Search
from tests.model.step import Step
from tests.model.verbs import HELPFUL
from tests.model.world import Action, Run, Snapshot, Ticket, World

#: The name of what a dead end breaks.
STUCK = "I10 a live quest can go on to its end by what happens of itself"


class _Search(Search[World, Action, Step]):
    """The worlds of the protocol under some rules."""

    dead_end: ClassVar[str] = STUCK

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol
        self._pasts = _Pasts()
        super().__init__([protocol.start()])

    def key(self, world: World) -> object:
        return canonical(world, self._pasts.number(world))

    def rests(self, world: World) -> bool:
        return world.status is None or world.status in TERMINAL or world.status is Status.PAUSED

    def following(self, world: World) -> Iterator[tuple[Action, Step]]:
        return self._protocol.steps(world)

    def take(self, number: int, world: World, action: Action, step: Step) -> str | None:
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


def explore(protocol: Protocol) -> Explored:
    """Return what the whole of the bounded model looks like, or the shortest way to a broken invariant."""
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
