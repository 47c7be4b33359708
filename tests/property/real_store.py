"""The real store, led through the model's actions: the code's own methods, on a clock that is moved by hand."""

from __future__ import annotations

import uuid
from collections import namedtuple
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, delete, update

from questline_persistence.claims import Checkpoint, Claim, ClaimRequest, Failed, Succeeded
from questline_persistence.controls import Controls, StartingPoint
from questline_persistence.errors import QuestConflict, QuestNotFound
from questline_persistence.ids import new_claim_id
from questline_persistence.journal import Identity, Journal
from questline_persistence.models import LordStep
from questline_persistence.payload import encode
from questline_persistence.recovery import Bells, Sweep
from questline_persistence.schema import METADATA, counts, quests, runs, snapshots, steps, tickets, tombstones, workers
from questline_persistence.schema.security_tables import audit
from questline_persistence.store import Tries
from questline_persistence.suspicion import MAX_LOST
from tests.contract.quests import Workbench
from tests.model.actions import BEGINNING, STEP_2
from tests.model.changes import unused_claim
from tests.model.guards import ELSEWHERE, UNKNOWN
from tests.model.step import Step
from tests.model.world import Action, Hold, Look, Phase, Rules, World
from tests.property.record import LORDS, OURS, Record, Rows, output_of, position_of

#: The model's bounds that stand for the code's own numbers; faults and verbs are without end.
RULES = Rules(steps=len(LORDS), max_attempts=3, max_lost=MAX_LOST, faults=10_000, verbs=10_000, bells=3)
#: A step's timeout, that of a bystander's step, and a lease, in seconds: time moves on from timeout to timeout, and
#: nothing else runs out meanwhile.
TIMEOUT, LONG_TIMEOUT, LEASE = 1e4, 2.5e6, 1e9
#: The tables that hold quests and who works at them, with what is referred to first.
_TABLES = (counts, quests, tombstones, workers, runs, snapshots, steps, tickets)
#: What reads each table. Not as a statement of SQLAlchemy's, which takes longer over it than the store over its
#: answer: all tables are read after each rule.
_QUERIES = {
    table.name: f"SELECT {', '.join(table.c.keys())} FROM {table.name} ORDER BY {', '.join(table.primary_key.c.keys())}"
    for table in _TABLES
}
_NAMED: Any = namedtuple  # noqa: PYI024  (the columns are known at run time alone)
_ROW_TYPES = {table.name: _NAMED(table.name, table.c.keys()) for table in _TABLES}
#: Tells which other table holds anything, which none ever does but the list of migrations and the audit.
_FILLED = " UNION ALL ".join(
    f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})"
    for name in METADATA.tables.keys() - _QUERIES.keys() - {"migrations", "audit"}
)


def _next_claim(hold: Hold, step: Step) -> int | None:
    """Return the model's claim on the step after `hold`'s, if that was made together with its result."""
    if step.begun is not None:
        return step.begun.claim
    return next((other.next_claim for other in step.world.holds if other.claim == hold.claim), None)


class RealStore:
    """One quest, what two workers, two sweeps and an admin have in hand of it, and quests that nothing may touch.

    Parameters:
      bench: a workbench on a store, which is emptied first.
    """

    def __init__(self, bench: Workbench) -> None:
        self.bench, self.quest_id = bench, str(uuid.uuid4())
        self.database, self.clock = bench.database, bench.clock
        self._empty()
        self.journals = [self._journal(number) for number in range(2)]
        self._outside = Journal(self.database, "outside", Identity("", self.journals[0].identity.handlers))
        self._neighbour = self._settle_bystanders()
        self.ids: dict[int, str] = {}
        self._claims: dict[int, Claim] = {}
        self._ends: dict[int, Checkpoint[Succeeded]] = {}
        self._failures: dict[int, Checkpoint[Failed]] = {}
        self._looks: dict[Look, list[Row[Any]]] = {}
        #: How often an admin's verb has changed anything: each time is noted in the audit.
        self._changes = 0

    def _empty(self) -> None:
        def work(connection: Connection) -> None:
            for table in (audit, *reversed(_TABLES)):
                connection.execute(delete(table))

        self.database.write(work)

    def _journal(self, number: int) -> Journal:
        known = [lord for position, lord in enumerate(LORDS, start=1) if (number, position) not in UNKNOWN]
        return self.bench.worker(handlers=[f"{lord}:work" for lord in known], process_id=OURS, lease=LEASE)

    def _settle_bystanders(self) -> str:
        """Put a ready quest and a running one beside ours, and the same elsewhere, where the worker is dead.

        Return the one beside ours that is ready.
        """
        stack = [LordStep(lord, "work", timeout_seconds=LONG_TIMEOUT) for lord in LORDS]
        quest_ids = [self.bench.submit(*stack) for _ in range(4)]
        self.bench.claim(quest_ids[1], self.bench.worker(lease=LEASE))
        lost = self.bench.worker(lease=LEASE)
        self.bench.claim(quest_ids[3], lost)

        def work(connection: Connection) -> None:
            for table in (quests, tickets):
                moved = table.c.quest_id.in_(quest_ids[2:])
                connection.execute(update(table).where(moved).values(namespace="elsewhere"))
            gone = {"namespace": "elsewhere", "lease_until": 0.0}
            connection.execute(update(workers).where(workers.c.worker_id == lost.worker_id).values(gone))

        self.database.write(work)
        return quest_ids[0]

    def perform(self, world: World, action: Action, step: Step) -> bool | None:
        """Do what the model did in `world`; return whether it won, or None where nobody is told."""
        done: Callable[[World, Action, Step], bool | None] | None = getattr(self, f"_{action.verb}", None)
        return done(world, action, step) if done else None

    def _submit(self, world: World, *_: object) -> bool:
        options: dict[str, Any] = {"max_attempts": 3, "backoff_seconds": 60, "timeout_seconds": TIMEOUT}
        stack = [LordStep(lord, "work", **options) for lord in LORDS]
        stack[ELSEWHERE - 1].queue = "elsewhere"
        try:
            self.bench.submit(*stack, quest_id=self.quest_id)
        except QuestConflict:
            return False
        return world.status is None

    def _redispatch(self, _: World, action: Action, __: Step) -> bool:
        """Ring for all that is ready and due; the bystander beside ours is so too."""
        bells = Bells(self.database, "outside") if action.outsider else self.bench.bells
        bells.ring_all()
        rung = {bell.quest_id for bell in bells.due()}
        assert rung - {self.quest_id} == (set() if action.outsider else {self._neighbour})
        return self.quest_id in rung

    def _claim(self, world: World, action: Action, _: Step) -> bool:
        assert action.bell is not None
        journal = self._outside if action.outsider else self.journals[action.worker]
        number = action.hold.claim if action.hold else unused_claim(world)
        claim_id = self.ids[number] if action.hold else new_claim_id()
        quest_id = str(uuid.uuid4()) if action.foreign else self.quest_id
        request = ClaimRequest(quest_id, action.bell.epoch, str(position_of(action.bell.position)), claim_id)
        claim = self._again(journal, request) if action.hold else journal.claim(request)
        if claim is not None:
            assert (claim.quest_id, claim.claim_id, claim.worker_id) == (quest_id, claim_id, journal.worker_id)
            self.ids[number], self._claims[number] = claim_id, claim
        return claim is not None

    def _again(self, journal: Journal, request: ClaimRequest) -> Claim | None:
        """Send a claim again whose reply was lost, as the journal does."""
        tries = Tries()
        tries.again()
        return self.database.write(lambda connection: journal._claims(connection, [request], tries)).get(
            request.claim_id
        )

    def _checkpoint(self, _: World, action: Action, step: Step) -> bool:
        hold = action.hold
        assert hold is not None
        if hold.phase is not Phase.SENT:
            self._ends[hold.claim] = self._end(self._claims[hold.claim], next_claim=action.next_claim)
        end = self._ends[hold.claim]
        settled = self.journals[hold.worker].checkpoint(end)
        number = _next_claim(hold, step)
        if number is not None:
            assert end.next_claim_id is not None
            assert settled.next_claim is not None
            self.ids[number] = end.next_claim_id
            first = self._claims[number] if hold.phase is Phase.SENT else settled.next_claim
            self._claims[number] = settled.next_claim
            # Sent again, it is dated now, and in the name that the worker goes by since.
            told = {"start_time": first.start_time, "worker_id": first.worker_id}
            assert replace(settled.next_claim, **told) == first
        assert number is not None or settled.next_claim is None
        return settled.won

    def _end(self, claim: Claim, *, next_claim: bool) -> Checkpoint[Succeeded]:
        output = encode(output_of(claim.epoch, claim.position), what="output")
        return Checkpoint(claim, Succeeded(output), self.clock.now(), new_claim_id() if next_claim else None)

    def _fail(self, _: World, action: Action, __: Step) -> bool:
        hold = action.hold
        assert hold is not None
        if hold.phase is not Phase.FAILED:
            retry_in = None if action.final or hold.attempt >= RULES.max_attempts else 60.0
            self._failures[hold.claim] = Checkpoint(
                self._claims[hold.claim], Failed("broken", retry_in), self.clock.now()
            )
        return self.journals[hold.worker].fail(self._failures[hold.claim]).won

    def _release(self, _: World, action: Action, __: Step) -> bool:
        assert action.hold is not None
        after = 60.0 if action.later else None
        return self.journals[action.hold.worker].release(self._claims[action.hold.claim], after=after).won

    def _stray(self, _: World, action: Action, __: Step) -> bool:
        assert action.hold is not None
        return self.journals[action.worker].release_stray(self.ids[action.hold.claim]).won

    def _lapse(self, _: World, action: Action, __: Step) -> None:
        """End one lease by hand: time, which would end it otherwise, is the same for all."""
        mine = workers.c.worker_id == self.journals[action.worker].worker_id
        self.database.write(lambda connection: connection.execute(update(workers).where(mine).values(lease_until=0.0)))

    def _renew(self, _: World, action: Action, __: Step) -> bool:
        return self.bench.register.renew(self.journals[action.worker].worker_id, LEASE)

    def _enter(self, _: World, action: Action, __: Step) -> None:
        self.journals[action.worker] = self._journal(action.worker)

    def _look(self, _: World, action: Action, step: Step) -> None:
        sweep = Sweep(self.database, "outside") if action.outsider else self.bench.sweep
        sweep.declare_lost(self.clock.now())
        rows = sweep._candidates(self.clock.now())
        assert {row.quest_id for row in rows} <= {self.quest_id}
        if rows:
            self._looks.setdefault(step.world.looks[-1], []).append(rows[0])

    def _sweep(self, _: World, action: Action, __: Step) -> bool:
        assert action.look is not None
        return bool(self.bench.sweep._freeing.free([self._looks[action.look].pop(0)], self.clock.now()))

    def _due(self, *_: object) -> None:
        self.clock.time = self.bench.ticket(self.quest_id).available_at

    def _late(self, *_: object) -> None:
        self.clock.time = self.bench.ticket(self.quest_id).deadline

    def _verb(self, world: World, action: Action, _: Step) -> bool:
        controls = (
            Controls(self.database, "outside", self.bench.controls.actor) if action.outsider else self.bench.controls
        )
        try:
            changed = self._controlled(controls, world, action)
        except (QuestConflict, QuestNotFound):
            return False
        self._changes += changed
        return changed

    def _controlled(self, controls: Controls, world: World, action: Action) -> bool:
        if action.verb != "replay":
            return bool(getattr(controls, action.verb)(self.quest_id).changed)
        start = {BEGINNING: None, STEP_2: "0002"}.get(str(action.start), f"v{world.version}")
        return controls.replay(self.quest_id, StartingPoint(start), {}, seen=action.seen).changed

    _pause = _resume = _cancel = _retry = _replay = _verb

    def rows(self) -> Rows:
        """Return everything that the store holds, in the order in which it was written where that is known."""

        def work(connection: Connection) -> Rows:
            cursor: Any = connection.connection.cursor()
            assert cursor.execute(_FILLED).fetchall() == []
            assert cursor.execute("SELECT count(*) FROM audit").fetchone()[0] == self._changes
            return {
                table: list(map(_ROW_TYPES[table]._make, cursor.execute(query).fetchall()))
                for table, query in _QUERIES.items()
            }

        return self.database.read(work)

    def record(self) -> Record:
        """Return what the store holds now, to be compared with the model."""
        worker_ids = [journal.worker_id for journal in self.journals]
        return Record(self.rows(), self.quest_id, worker_ids, self.clock.now())
