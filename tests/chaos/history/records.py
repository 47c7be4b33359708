"""A soak's history as plain data: what a checker needs, and what a test can forge."""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property

from tests.chaos.history.audit import Event
from tests.chaos.history.ledger import Entry
from tests.chaos.plan import QuestPlan

#: The answer of a verb whose outcome is not known, and of one that was refused.
UNKNOWN, REFUSED = "unknown", "refused"


@dataclass(frozen=True, slots=True)
class Quest:
    """A quest's row at the end."""

    quest_id: str
    status: str
    epoch: int
    version: int
    output: str | None


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt as it stands in the store."""

    quest_id: str
    epoch: int
    position: str
    status: str
    claim_id: str
    output: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One snapshot as it stands in the store; `parent` is the version that a replay started from."""

    quest_id: str
    version: int
    epoch: int
    position: str | None
    reason: str
    parent: int | None = None


@dataclass(frozen=True, slots=True)
class Verb:
    """What the admin asked for and was told: a status, `refused`, or `unknown` if the reply was lost."""

    verb: str
    quest_id: str
    sent: float
    answered: float
    answer: str
    epoch: int | None = None


@dataclass(frozen=True, slots=True)
class Standstill:
    """A time in which a process (or, with `pid` None, every worker) may have been unable to learn anything."""

    begun: float
    ended: float
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A row that a step has kept, as it stands in the store: a version of a state, or an event."""

    kind: str
    key: str
    number: int
    op: str
    value: str | None
    quest_id: str | None
    epoch: int | None
    position: str | None


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was recorded to run once, as it stands in the store."""

    quest_id: str
    epoch: int
    position: str
    claim_id: str
    result: str


@dataclass(frozen=True, slots=True)
class Worker:
    """One incarnation of a worker process."""

    worker_id: str
    pid: int
    started_at: float


@dataclass
class History:
    """Everything that is known about a soak when it is over."""

    plans: list[QuestPlan] = field(default_factory=list)
    quests: dict[str, Quest] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    ledger: list[Entry] = field(default_factory=list)
    verbs: list[Verb] = field(default_factory=list)
    standstills: list[Standstill] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    @cached_property
    def events_of(self) -> dict[str, list[Event]]:
        """The events of each quest, in order."""
        found: defaultdict[str, list[Event]] = defaultdict(list)
        for event in self.events:
            found[event.quest_id].append(event)
        return dict(found)

    @cached_property
    def grants(self) -> dict[str, Event]:
        """For each claim, the event that gave it its step."""
        found: dict[str, Event] = {}
        for event in self.events:
            if event.kind == "ticket" and event.op != "DELETE" and event.state == "running" and event.claim_id:
                found.setdefault(event.claim_id, event)
        return found

    @cached_property
    def commits(self) -> dict[tuple[str, int, str], Event]:
        """For each step that succeeded, the event of its first success."""
        found: dict[tuple[str, int, str], Event] = {}
        for event in self.events:
            if event.kind == "run" and event.state == "success":
                found.setdefault(event.key, event)
        return found

    @cached_property
    def ended(self) -> dict[str, float]:
        """For each claim that ended with an error, be it that its worker was lost, when that was recorded."""
        return {
            event.claim_id: event.at
            for event in self.events
            if event.kind == "run" and event.state == "error" and event.claim_id is not None
        }

    @cached_property
    def verbs_of(self) -> dict[str, list[Verb]]:
        """What was asked of each quest, in the order in which it was sent."""
        found: defaultdict[str, list[Verb]] = defaultdict(list)
        for verb in sorted(self.verbs, key=lambda verb: verb.sent):
            found[verb.quest_id].append(verb)
        return dict(found)

    def stood_still(self, pid: int, since: float, until: float) -> bool:
        """Return whether a process may have gone on with old knowledge somewhere between two moments."""
        return any(
            still.pid in {None, pid} and still.begun <= until and still.ended >= since for still in self.standstills
        )
