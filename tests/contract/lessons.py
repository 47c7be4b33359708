"""What steps remember in tests of verbs, and what is there of it afterwards."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from questline_persistence.claims import Checkpoint, Succeeded
from questline_persistence.kinds import AGENT_STATES, EVENTS, MEMORIES, Entries
from questline_persistence.memory.kept import Kept
from questline_persistence.payload import encode
from questline_persistence.schema import table_of, tables_of
from questline_persistence.writes import Enters, Key, Op, Remembered, Saves
from tests.contract.quests import Workbench


def state(bench: Workbench, data: str, name: str = "planner", **more: Any) -> Saves:
    """Return a save of an agent's state."""
    body = {"state_data": data, "metadata": "{}"}
    key = Key(bench.namespace, "", name)
    return Saves(AGENT_STATES, key, columns={"name": data, "status": data[:1]}, body=body, **more)


def deletion(bench: Workbench, name: str = "planner") -> Saves:
    """Return a deletion of an agent's state."""
    return Saves(AGENT_STATES, Key(bench.namespace, "", name), Op.DELETE)


def event(bench: Workbench, event_id: str, stream: str = "session", **more: Any) -> Enters:
    """Return an event of a session."""
    columns = {"event_type": "said", "actor_type": "agent", "content": event_id}
    return Enters(EVENTS, bench.namespace, "", event_id, columns, stream=stream, **more)


def lesson(bench: Workbench, memory_id: str) -> Enters:
    """Return a memory."""
    columns = {"context": "c", "lesson": memory_id, "confidence": 0}
    return Enters(MEMORIES, bench.namespace, "", memory_id, columns)


def step(bench: Workbench, quest_id: str, *writes: Remembered, output: object = 1) -> None:
    """Run the next step of a quest, which writes besides."""
    claim = bench.claim(quest_id)
    ended = Succeeded(encode(output, what="the output"), writes)
    assert bench.journal.checkpoint(Checkpoint(claim, ended, claim.start_time + 1.0)).won


def outside(bench: Workbench, *writes: Remembered) -> None:
    """Write outside of steps."""
    Kept(bench.database, bench.namespace).write(writes)


def present(bench: Workbench, name: str = "planner") -> str | None:
    """Return what an agent's state is; None where there is none. Its columns say the same as its payload."""
    row = Kept(bench.database, bench.namespace).load(AGENT_STATES, name)
    if row is None:
        return None
    assert (row.name, row.status) == (row.state_data, row.state_data[:1])
    return str(row.state_data)


def ops(bench: Workbench, name: str = "planner") -> Sequence[tuple[Any, ...]]:
    """Return an agent's versions: number, what each came from, whose payload it has, and who abandoned it."""
    versions = tables_of(AGENT_STATES).versions
    shown = (versions.c[column] for column in ("version", "op", "body_version", "abandoned_by"))
    query = select(*shown).where(versions.c.agent_id == name).order_by(versions.c.version)
    return [tuple(row) for row in bench.database.read(lambda connection: connection.execute(query).all())]


def entries(bench: Workbench, kind: Entries = EVENTS) -> list[str]:
    """Return the ids of the entries of a kind that are shown."""
    table = table_of(kind)
    query = select(table.c[kind.entry_id]).where(table.c.abandoned_by.is_(None)).order_by(table.c.id)
    return bench.database.read(lambda connection: list(connection.execute(query).scalars()))
