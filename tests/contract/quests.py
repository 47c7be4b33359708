"""A workbench with every part of the store, to lead quests through their lives by hand."""

import uuid
from collections import namedtuple
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from sqlalchemy import Connection, Row, Table, TextClause, event, select, text
from sqlalchemy.exc import DBAPIError

from questline_persistence.audit import Actor, AuditEntry, AuditLog
from questline_persistence.claims import Checkpoint, Claim, ClaimRequest, Failed, Settled, Succeeded
from questline_persistence.clock import Clock, Reading
from questline_persistence.controls import Controls, Correction, StartingPoint
from questline_persistence.errors import EncryptionError
from questline_persistence.ids import new_claim_id
from questline_persistence.journal import Identity, Journal, Submitted, prepare_quest, submit_one
from questline_persistence.models import LordStep, QuestExecutionData, Snapshot
from questline_persistence.payload import Codec, encode
from questline_persistence.records import QuestRepository
from questline_persistence.recovery import Bells, Counters, Register, Sweep, WorkerCard
from questline_persistence.schema import PAYLOADS, opened, quests, runs, snapshots, steps, tickets
from questline_persistence.schema.metadata import METADATA
from questline_persistence.store import Database
from questline_persistence.writes import Pushes

#: The lease of a worker on the bench, and a while after which it is over; both in seconds.
LEASE, LONG = 10.0, 3_600.0
#: A lease that no test outlives, in seconds.
EVERLASTING = 1_000 * LONG
#: On whose behalf verbs are carried out on the bench.
ACTOR = Actor("ada", "http", "192.0.2.7", "request-1")
#: What a worker on the bench can run, unless a test says otherwise.
HANDLERS = [f"{name}:work" for name in "abcdefgh"]


class HandClock(Clock):
    """A clock that stands still until a test moves it."""

    def __init__(self, time: float) -> None:
        super().__init__(lambda: Reading.of(lambda: self.time))
        self.time = time

    def now(self) -> float:
        return self.time

    def refresh(self) -> None:
        """Ask nobody."""

    def advance(self, seconds: float) -> float:
        self.time += seconds
        return self.time


def step(lord: str | LordStep, **options: Any) -> LordStep:
    """Return a step of `lord` whose tool is called work."""
    return lord if isinstance(lord, LordStep) else LordStep(lord, "work", **options)


def quest(*lords: str | LordStep, **fields: Any) -> QuestExecutionData:
    """Return a quest with a step for each of `lords`."""
    return QuestExecutionData(**{"quest_type": "test", "execution_stack": [step(lord) for lord in lords], **fields})


def checkpoint(claim: Claim, output: Any = None, *pushed: str | LordStep) -> Checkpoint[Succeeded]:
    """Return the end of a claim that came to `output`."""
    found = encode(output, what="the output")
    return Checkpoint(
        claim,
        Succeeded(found, (Pushes(tuple(step(lord) for lord in pushed)),) if pushed else ()),
        claim.start_time + 1.0,
    )


def failure(claim: Claim, error: str = "broken", *, retry_in: float | None = 0.0) -> Checkpoint[Failed]:
    """Return the end of a claim that came to an error."""
    return Checkpoint(claim, Failed(error, retry_in), claim.start_time + 1.0)


@dataclass
class Workbench:
    """The store of one namespace, and a clock that stands still."""

    url: str
    namespace: str = "default"
    codec: Codec | None = None
    database: Database = field(init=False)
    clock: HandClock = field(init=False)
    _journal: Journal | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.database = Database(self.url) if self.codec is None else Database(self.url, codec=self.codec)
        self.clock = HandClock(self.database.clock.now())
        self.database.clock = self.clock
        self.controls = Controls(self.database, self.namespace, ACTOR)
        self.sweep = Sweep(self.database, self.namespace)
        self.bells = Bells(self.database, self.namespace)
        self.counters = Counters(self.database, self.namespace)
        self.register = Register(self.database, self.namespace)
        self.repository = QuestRepository(self.database, namespace=self.namespace, actor=ACTOR)

    def close(self) -> None:
        self.database.close()

    def audit(self) -> list[AuditEntry]:
        """Return what the audit tells, newest first."""
        return AuditLog(self.database, self.namespace).page().items

    # A worker's life

    def worker(
        self,
        *,
        handlers: Sequence[str] = HANDLERS,
        process_id: str = "process",
        lease: float = LEASE,
        code_version: str = "",
    ) -> Journal:
        """Return the journal of a new worker that is alive."""
        identity = Identity(new_claim_id(), handlers, code_version=code_version)
        card = WorkerCard(
            identity.worker_id, process_id, "host", 1, 8, ("default",), tuple(handlers), code_version=code_version
        )
        self.register.enter(card, lease)
        return Journal(self.database, self.namespace, identity)

    @property
    def journal(self) -> Journal:
        """The journal of the worker that is used when a test names none."""
        if self._journal is None:
            self._journal = self.worker()
        return self._journal

    def send(self, data: QuestExecutionData, key: str | None = None) -> Submitted:
        codec, now = self.database.codec, self.clock.now()
        rows = prepare_quest(data, namespace=self.namespace, now=now, idempotency_key=key, codec=codec)
        return self.database.write(lambda connection: submit_one(connection, rows))

    def submit(self, *lords: str | LordStep, **fields: Any) -> str:
        """Submit a quest and return its id."""
        return self.send(quest(*lords, **fields)).quest_id

    def request(self, quest_id: str, **changed: Any) -> ClaimRequest:
        """Return the request to run the step that a quest's ticket stands at."""
        ticket = self.ticket(quest_id)
        found = {"epoch": ticket.epoch, "position": ticket.position, "claim_id": new_claim_id(), **changed}
        return ClaimRequest(quest_id, **found)

    def try_claim(self, quest_id: str, journal: Journal | None = None, **changed: Any) -> Claim | None:
        return (journal or self.journal).claim(self.request(quest_id, **changed))

    def claim(self, quest_id: str, journal: Journal | None = None) -> Claim:
        """Claim the next step of a quest, which must be possible."""
        claim = self.try_claim(quest_id, journal)
        assert claim is not None, f"quest {quest_id} could not be claimed"
        return claim

    def finish(self, claim: Claim, output: Any = None, *pushed: str | LordStep) -> Settled:
        return self.journal.checkpoint(checkpoint(claim, output, *pushed))

    def advance(self, quest_id: str, *outputs: Any) -> None:
        """Run as many steps of a quest as there are outputs."""
        for output in outputs:
            assert self.finish(self.claim(quest_id), output).won

    def advance_one(self, quest_id: str, output: Any, *, tell: str = "idempotency_key") -> str:
        """Run the next step of a quest, and return what its claim tells."""
        claim = self.claim(quest_id)
        assert self.finish(claim, output).won
        return str(getattr(claim, tell))

    def end(self, ending: str, *lords: str) -> str:
        """Submit a quest, lead it to an end and return its id."""
        quest_id = self.submit(*(lords or ("a",)))
        if ending == "completed":
            self.advance(quest_id, *range(len(lords or ("a",))))
        elif ending == "failed":
            self.fail(quest_id)
        else:
            self.controls.cancel(quest_id)
        return quest_id

    def fail(self, quest_id: str, error: str = "broken") -> None:
        """Run the next step of a quest into an error that fails the quest."""
        assert self.journal.fail(failure(self.claim(quest_id), error, retry_in=None)).won

    def replay(
        self, quest_id: str, start: str | None = None, correction: Correction | None = None, **options: Any
    ) -> Any:
        return self.controls.replay(quest_id, StartingPoint(start), correction or {}, **options)

    def fork(
        self, quest_id: str, start: str | None = None, correction: Correction | None = None, **options: Any
    ) -> str:
        new_id = options.pop("new_id", str(uuid.uuid4()))
        forked, _ = self.controls.fork(quest_id, StartingPoint(start), correction or {}, new_id=new_id, **options)
        return forked.quest_id

    # Looking behind the door

    def execute(self, statement: str, **values: Any) -> int:
        """Run a statement as if somebody had been at the rows by hand."""
        return self.database.write(lambda connection: connection.execute(text(statement), values).rowcount)

    def rows(self, table: Table, quest_id: str) -> list[Row[Any]]:
        return self.database.read(lambda connection: _rows(connection, table, quest_id))

    def ticket(self, quest_id: str) -> Row[Any]:
        (found,) = self.rows(tickets, quest_id)
        return found

    def has_ticket(self, quest_id: str) -> bool:
        return bool(self.rows(tickets, quest_id))

    def everything(self, quest_id: str) -> dict[str, list[Row[Any]]]:
        """Return all rows of a quest, to see later that nothing has changed."""
        return self.database.read(lambda connection: _everything(connection, quest_id))

    def status(self, quest_id: str) -> str:
        return self.repository.load_quest(quest_id).status

    def snapshots(self, quest_id: str) -> list[Snapshot]:
        """Return all snapshots of a quest, whole."""
        return [self.repository.load_snapshot(quest_id, row["version"]) for row in self.repository.snapshots(quest_id)]

    def reasons(self, quest_id: str) -> list[str]:
        return [row["snapshot_reason"] for row in self.repository.snapshots(quest_id)]

    def quest_ids(self) -> list[str]:
        return self.database.read(lambda connection: list(connection.execute(select(quests.c.quest_id)).scalars()))

    def check(self) -> None:
        """Assert what holds for every quest at every moment (docs/project/protocol.md, "Invariants")."""

        def work(connection: Connection) -> list[dict[str, list[Row[Any]]]]:
            quest_ids = connection.exec_driver_sql("SELECT quest_id FROM quest_executions").scalars().all()
            return [_everything(connection, quest_id) for quest_id in quest_ids]

        for rows in self.database.read(work):
            self._check_quest(rows)

    @staticmethod
    def _check_quest(rows: dict[str, list[Row[Any]]]) -> None:
        (row,) = rows["quest_executions"]
        won = [(run.epoch, run.position) for run in rows["lord_runs"] if run.status == "success" and run.position]
        assert len(won) == len(set(won)), "I2: a step succeeded twice in one epoch"
        versions = [snapshot.version for snapshot in rows["quest_snapshots"]]
        assert versions == list(range(len(versions))), "I3: snapshot versions have a gap"
        for ticket in rows["tickets"]:
            assert (ticket.state == "running") == (ticket.claim_id is not None), "I4: running without a claim"
            assert ticket.version == versions[-1], "the ticket does not stand at the newest snapshot"
        live = row.status in {"new", "running", "waiting", "pausing", "paused"}
        by_hand = row.fence == 0 and not rows["tickets"]
        assert by_hand or live == bool(rows["tickets"]), "a live quest has a ticket, an ended one has none"


def _everything(connection: Connection, quest_id: str) -> dict[str, list[Row[Any]]]:
    return {table.name: _rows(connection, table, quest_id) for table in (quests, steps, tickets, runs, snapshots)}


def _rows(connection: Connection, table: Table, quest_id: str) -> list[Row[Any]]:
    return [_clear(connection, table, row) for row in connection.execute(_query(table), {"quest_id": quest_id})]


def _clear(connection: Connection, table: Table, row: Row[Any]) -> Row[Any]:
    """Return a row as it is without a codec, unless it cannot be read."""
    if table.name not in PAYLOADS or (clear := opened(connection, table, row)) is row:
        return row
    try:
        return _row_of(row._fields)(**clear._asdict())  # type: ignore[no-any-return]
    except EncryptionError:
        return row


@cache
def _row_of(fields: tuple[str, ...]) -> Any:
    """Return a type that answers as SQLAlchemy's rows do."""
    return type("Row", (namedtuple("Row", fields),), {"_mapping": property(lambda row: row._asdict())})  # noqa: PYI024


@cache
def _query(table: Table) -> TextClause:
    """Return what reads a quest's rows: a text, as each test's engine would compile a statement anew."""
    keys = ", ".join(table.primary_key.columns.keys())
    return text(f"SELECT * FROM {table.name} WHERE quest_id = :quest_id ORDER BY {keys}")


@contextmanager
def memory_bench() -> Iterator[Workbench]:
    """Open a workbench on an SQLite store in memory, with the newest schema."""
    bench = Workbench(":memory:")
    METADATA.create_all(bench.database.engine)
    try:
        yield bench
    finally:
        bench.close()


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Collect the SQL statements that are sent inside the block."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN ISOLATION"):  # which the driver sends unseen where no pooler is
            sent.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


@contextmanager
def lost_reply(database: Database, meanwhile: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Let the first commit inside the block arrive while its reply is lost: its caller sees a broken connection.

    Parameters:
      meanwhile: what happens before the caller tries again.
    """
    lost: list[bool] = []

    def losing(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            result = real(*arguments, **options)
            at = options.get("at", arguments[1] if len(arguments) > 1 else None)
            if not lost and at is not None:  # without a name it is a read
                lost.append(True)
                meanwhile()
                raise DBAPIError("COMMIT", {}, Exception("server closed the connection"), connection_invalidated=True)
            return result

        return call

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "_transaction", losing(database._transaction))
        patch.setattr(database, "_run", losing(database._run))
        yield
    assert lost, "nothing was committed"


@contextmanager
def refused_commit(database: Database, meanwhile: Callable[[], object]) -> Iterator[None]:
    """Let the first write inside the block be rolled back as a victim of a deadlock; then `meanwhile` happens."""
    refused: list[bool] = []
    real = database._transaction

    def refusing(work: Callable[..., Any], **options: Any) -> Any:
        if refused:
            return real(work, **options)
        refused.append(True)

        def undone(connection: Any) -> None:
            work(connection)
            raise DBAPIError("COMMIT", {}, Exception("deadlock detected"), connection_invalidated=True)

        try:
            return real(undone, **options)
        finally:
            meanwhile()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "_transaction", refusing)
        yield
    assert refused, "nothing was written"
