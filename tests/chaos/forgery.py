"""A forged history: one quest that ran as it should, to be spoiled by a test of the checker."""

from collections.abc import Callable
from dataclasses import replace

from tests.chaos.history.audit import Event
from tests.chaos.history.ledger import Entry
from tests.chaos.history.records import Call, History, Kept, Quest, Run, Snapshot, Verb
from tests.chaos.plan import COUNTER, QuestPlan

PID = 100


class Forger:
    """Writes the history of a quest, a transaction a second, as questline would have.

    Parameters:
      plan: what the quest does.
    """

    def __init__(self, plan: QuestPlan) -> None:
        self.plan = plan
        self.quest_id = plan.quest_id
        self.history = History(plans=[plan])
        self.now = 0.0
        self.fence = 0
        self.version = -1
        self.outputs = plan.outputs(lambda _: 0)
        self.positions = list(self.outputs)
        self.transaction(
            self.event("quest", state="new", op="INSERT"),
            self.event("ticket", op="INSERT", position=self.positions[0], state="ready", fence=self.rise()),
            self.snapshot(self.positions[0], "start"),
        )

    def run(self, *positions: str) -> None:
        """Claim, run and commit steps."""
        for position in positions:
            self.claim(position)
            self.begin(position)
            self.commit(position)

    def claim(self, position: str, claim_id: str | None = None) -> None:
        """Move the ticket to running."""
        claim_id = claim_id or f"claim-{position}"
        started = [self.event("quest", state="running")] if self.now == 1.0 else []
        self.transaction(self.held(position, claim_id), *started)

    def held(self, position: str, claim_id: str) -> Event:
        """Return the event of a claim."""
        fields = {"claim_id": claim_id, "worker_id": "worker", "fence": self.rise()}
        return self.event("ticket", position=position, state="running", **fields)

    def begin(self, position: str, claim_id: str | None = None, pid: int = PID) -> None:
        """Note that a body ran, from its begin to its end."""
        key = f"{self.quest_id}:0:{position}"
        for word in ("begin", "call", "end"):
            self.history.ledger.append(Entry(word, key, claim_id or f"claim-{position}", pid, self.now))

    def commit(self, position: str, claim_id: str | None = None, next_claim_id: str | None = None) -> None:
        """Commit a step's result and move the ticket on; `next_claim_id` claims the next step."""
        claim_id = claim_id or f"claim-{position}"
        index = self.positions.index(position) + 1
        ahead = self.positions[index] if index < len(self.positions) else None
        run = self.event("run", op="INSERT", position=position, state="success", claim_id=claim_id)
        moved = (
            self.event("ticket", op="DELETE", position=position, state="running", claim_id=claim_id, fence=self.fence)
            if ahead is None
            else self.event("ticket", position=ahead, state="ready", fence=self.rise())
            if next_claim_id is None
            else self.held(ahead, next_claim_id)
        )
        ended = [self.event("quest", state="completed")] if ahead is None else []
        reason = "completed" if ahead is None else "checkpoint"
        self.transaction(run, moved, self.snapshot(ahead, reason), *ended)
        output = f'"{self.outputs[position]}"'
        self.history.runs.append(Run(self.quest_id, 0, position, "success", claim_id, output))
        if self.plan.remembers:
            self.keep(position)
            self.history.calls.append(Call(self.quest_id, 0, position, claim_id, output))
        status = "completed" if ahead is None else "running"
        self.history.quests[self.quest_id] = Quest(self.quest_id, status, 0, self.version, output)

    def keep(self, position: str) -> None:
        """Keep what a step keeps beside its result."""
        number = sum(row.key == COUNTER for row in self.history.kept) + 1
        key = f"{self.quest_id}:0:{position}"
        for kind, name, value in (
            ("state", self.quest_id, key),
            ("event", self.quest_id, key),
            ("state", COUNTER, str(number)),
        ):
            self.history.kept.append(Kept(kind, name, number, "save", value, self.quest_id, 0, position))

    def lose(self, position: str, claim_id: str) -> None:
        """Sweep a claim whose worker was lost."""
        self.transaction(
            self.event("ticket", position=position, state="ready", fence=self.rise()),
            self.event("run", op="INSERT", position=position, state="error", claim_id=claim_id),
        )
        self.history.runs.append(Run(self.quest_id, 0, position, "error", claim_id, error="lost"))

    def pause(self, position: str) -> None:
        """Pause the quest between two steps, and report it."""
        sent = self.now
        self.transaction(
            self.event("ticket", position=position, state="held", fence=self.rise(), pause=1),
            self.event("quest", state="pausing"),
            self.event("quest", state="paused"),
            self.snapshot(position, "pause"),
        )
        self.history.verbs.append(Verb("pause", self.quest_id, sent, self.now, "paused"))

    def resume(self, position: str) -> None:
        """Let a paused quest go on."""
        sent = self.now
        self.transaction(
            self.event("ticket", position=position, state="ready", fence=self.rise()),
            self.event("quest", state="running"),
        )
        self.history.verbs.append(Verb("resume", self.quest_id, sent, self.now, "running"))

    def cancel(self, position: str) -> None:
        """Cancel the quest, and report it."""
        sent = self.now
        self.transaction(
            self.event("ticket", op="DELETE", position=position, state="ready", fence=self.fence),
            self.event("quest", state="cancelled"),
        )
        self.history.verbs.append(Verb("cancel", self.quest_id, sent, self.now, "cancelled"))
        self.history.quests[self.quest_id] = Quest(self.quest_id, "cancelled", 0, self.version, None)

    def transaction(self, *events: Event) -> None:
        """Commit events together, a second after the last ones."""
        self.now += 1.0
        self.history.events += [replace(event, tx=f"{self.now:g}", at=self.now) for event in events]
        self.history.events = [replace(event, seq=number) for number, event in enumerate(self.history.events)]

    def event(self, kind: str, *, state: str, op: str = "UPDATE", **fields: object) -> Event:
        """Return an event that is yet to be committed."""
        return Event(0, "", 0.0, kind, op, self.quest_id, state=state, **{"pause": 0, **fields})  # type: ignore[arg-type]

    def snapshot(self, position: str | None, reason: str) -> Event:
        """Take a snapshot, and return its event."""
        self.version += 1
        self.history.snapshots.append(Snapshot(self.quest_id, self.version, 0, position, reason))
        return self.event("snapshot", op="INSERT", position=position, state=reason, version=self.version)

    def rise(self) -> int:
        """Return the next fence."""
        self.fence += 1
        return self.fence

    def change_events(self, change: Callable[[Event], Event | None]) -> None:
        """Put what `change` returns into the place of every event, nothing where it returns None."""
        self.history.events = [changed for event in self.history.events if (changed := change(event)) is not None]
