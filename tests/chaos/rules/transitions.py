"""The protocol's transitions, folded over the database's own account: who held what when it was changed (I1 to I8)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

from questline_persistence.states import TERMINAL, TRANSITIONS
from tests.chaos.history.audit import Event
from tests.chaos.history.records import History
from tests.chaos.rules.violation import Harm, Violation

#: Every change of status that some verb may make.
ALLOWED = {(str(old), str(new)) for verb in TRANSITIONS.values() for old in verb.sources for new in verb.targets}

_ENDED = frozenset(map(str, TERMINAL))


def transitions(history: History) -> Iterator[Violation]:
    """Yield every change that its guard should have prevented."""
    claims: dict[str, str] = {}
    for quest_id, events in history.events_of.items():
        fold = _Fold(quest_id, claims)
        for _, group in groupby(sorted(events, key=_order(events)), key=lambda event: event.tx):
            yield from fold.transaction(list(group))


def _order(events: list[Event]):  # noqa: ANN202  (a sort key)
    """Return the order of transactions by their first event, and of events within them."""
    first: dict[str, int] = {}
    for event in events:
        first.setdefault(event.tx, event.seq)
    return lambda event: (first[event.tx], event.seq)


@dataclass
class _Fold:
    """The state of one quest as the events so far made it."""

    quest_id: str
    claims: dict[str, str]
    ticket: Event | None = None
    status: str | None = None
    fence: int = -1
    version: int = -1
    committed: set[tuple[str, int, str]] = field(default_factory=set)

    def transaction(self, events: list[Event]) -> Iterator[Violation]:
        """Apply one transaction, and yield what was wrong with it."""
        by_kind = {kind: [event for event in events if event.kind == kind] for kind in _KINDS}
        replayed = any(event.state == "replay" for event in by_kind["snapshot"])
        before = self.ticket
        for run in by_kind["run"]:
            yield from self._run(run, before)
        yield from self._snapshots(by_kind["snapshot"])
        for ticket in by_kind["ticket"]:
            yield from self._ticket(ticket)
        for quest in by_kind["quest"]:
            yield from self._quest(quest, replayed=replayed)

    def _broken(self, rule: str, text: str, harm: Harm = Harm.BROKEN) -> Violation:
        return Violation(harm, rule, self.quest_id, text)

    def _run(self, run: Event, before: Event | None) -> Iterator[Violation]:
        if run.op != "INSERT":
            yield self._broken("I1 runs are only added", f"{run.op} of step {run.position}")
            return
        held = before is not None and before.state == "running" and before.claim_id == run.claim_id
        if not held or before is None or before.key != run.key:
            yield self._broken("I6 only the holder commits", f"{run.state} of {run.key} by {run.claim_id}")
        if run.state == "success":
            if run.key in self.committed:
                yield self._broken("I2 one success per step", f"{run.key} again by {run.claim_id}", Harm.DOUBLED)
            self.committed.add(run.key)

    def _snapshots(self, snapshots: list[Event]) -> Iterator[Violation]:
        for snapshot in sorted(snapshots, key=lambda event: event.version or 0):
            if snapshot.op != "INSERT":
                yield self._broken("I1 snapshots are only added", f"{snapshot.op} of version {snapshot.version}")
                continue
            if snapshot.version != self.version + 1:
                yield self._broken("I3 versions have no gap", f"{snapshot.version} follows {self.version}")
            self.version = snapshot.version or 0

    def _ticket(self, ticket: Event) -> Iterator[Violation]:
        before, self.ticket = self.ticket, None if ticket.op == "DELETE" else ticket
        if self.ticket is None:
            return
        if (ticket.state == "running") != (ticket.claim_id is not None):
            yield self._broken("I4 running means claimed", f"{ticket.state} with claim {ticket.claim_id}")
        fence = ticket.fence or 0
        if fence < self.fence or (fence == self.fence and not _only_flagged(before, ticket)):
            yield self._broken("I5 the fence rises", f"{ticket.state} at {ticket.position}: {fence} after {self.fence}")
        self.fence = fence
        if ticket.state == "running" and (before is None or before.claim_id != ticket.claim_id):
            yield from self._granted(ticket, before)

    def _granted(self, ticket: Event, before: Event | None) -> Iterator[Violation]:
        """Judge a claim; the quest's status is still that of before the transaction."""
        ready = before is not None and before.state == "ready" and before.key == ticket.key
        if not ready and not self._handed_over(ticket, before):
            yield self._broken("only a ready step is claimed", f"{ticket.key} by {ticket.claim_id}")
        if before is not None and before.pause:
            yield self._broken("nothing starts once a pause was asked for", f"{ticket.key} by {ticket.claim_id}")
        if self.status in {"paused", "pausing"}:
            yield self._broken("I8 nothing starts in a paused quest", f"{ticket.key} by {ticket.claim_id}")
        if self.status in _ENDED:
            yield self._broken("I7 nothing starts in an ended quest", f"{ticket.key} by {ticket.claim_id}")
        if ticket.key in self.committed:
            yield self._broken("a committed step is not claimed again", f"{ticket.key}", Harm.DOUBLED)
        if ticket.claim_id in self.claims:
            yield self._broken("a claim is used once", f"{ticket.claim_id} had {self.claims[ticket.claim_id]}")
        self.claims[str(ticket.claim_id)] = f"{ticket.key}"

    def _handed_over(self, ticket: Event, before: Event | None) -> bool:
        """Tell whether the checkpoint of a step, in the same transaction, has claimed one that comes after it."""
        return (
            before is not None
            and before.state == "running"
            and before.key in self.committed
            and before.key[:2] == ticket.key[:2]
            and (before.position or "") < (ticket.position or "")
        )

    def _quest(self, quest: Event, *, replayed: bool) -> Iterator[Violation]:
        before, self.status = self.status, quest.state
        if quest.op == "DELETE":
            yield self._broken("no quest is deleted", "it was", Harm.LOST)
        if before is None or before == quest.state:
            return
        if (before, quest.state) not in ALLOWED and not replayed:
            yield self._broken("statuses change as the table says", f"{before} to {quest.state}")
        if before in _ENDED and not replayed and before != "failed":
            yield self._broken("I7 an ended quest stays as it is", f"{before} to {quest.state}")
        if quest.state == "paused" and (self.ticket is None or self.ticket.state != "held"):
            yield self._broken("a paused quest's step is held", f"{self.ticket}")
        if quest.state in _ENDED and self.ticket is not None:
            yield self._broken("an ended quest has no ticket", f"{quest.state} with {self.ticket}")


_KINDS = ("run", "snapshot", "ticket", "quest")


def _only_flagged(before: Event | None, after: Event) -> bool:
    """Tell whether only the wish to pause, or the version, was written."""
    return before is not None and (before.state, before.key, before.claim_id) == (
        after.state,
        after.key,
        after.claim_id,
    )
