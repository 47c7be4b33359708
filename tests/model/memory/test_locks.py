"""Everybody locks in one order: the model's transactions, and whoever makes several writes at once."""

from itertools import pairwise, permutations

import pytest

from questline_persistence import kinds
from questline_persistence.kinds import AGENT_STATES, EVENTS, MEMORIES, RUNS, SESSIONS, TRANSITIONS
from questline_persistence.writes import Enters, Key, Remembered, Saves, in_order
from tests.model.memory.locks import (
    ENTRIES,
    HEADS,
    OUTBOX,
    QUEST_1,
    TICKET_1,
    TICKET_2,
    TRANSACTIONS,
    Kind,
    Lock,
)

HERE = Key("here", "", "")
#: Of each kind that locks in its own way, some whose keys and ids stand otherwise than their tables and streams.
WRITES: tuple[Remembered, ...] = (
    Saves(AGENT_STATES, HERE._replace(name="z")),
    Saves(SESSIONS, HERE._replace(name="é")),
    Enters(EVENTS, "here", "", "2", {}, stream="a"),
    Enters(EVENTS, "here", "", "1", {}, stream="z"),
    Enters(TRANSITIONS, "here", "", "3", {}, stream="y"),
    Enters(RUNS, "here", "", "a", {}),
    Enters(MEMORIES, "here", "", "b", {}),
)


def lock(write: Remembered) -> Lock:
    """Return what a write locks first, and waits for."""
    if isinstance(write, Saves):
        return Lock(Kind.HEAD, write.kind.heads.encode(), write.key.name.encode())
    if write.kind.stream is not None:
        return Lock(Kind.HEAD, write.kind.stream.of.heads.encode(), str(write.stream).encode())
    return Lock(Kind.ENTRY, write.kind.table.encode(), write.entry_id.encode())


@pytest.mark.parametrize(
    ("earlier", "later"), [*pairwise([TICKET_1, TICKET_2, QUEST_1[1], *HEADS, *ENTRIES, *OUTBOX])], ids=str
)
def test_a_lock_goes_before_another(earlier: Lock, later: Lock) -> None:
    assert earlier < later


@pytest.mark.parametrize("name", TRANSACTIONS)
def test_every_transaction_takes_its_locks_in_the_one_order(name: str) -> None:
    locks = TRANSACTIONS[name]
    assert list(locks) == sorted(set(locks))


def test_several_writes_lock_in_the_one_order_however_they_are_given() -> None:
    wanted = sorted(lock(write) for write in WRITES)
    assert all([lock(write) for write in in_order(given)] == wanted for given in permutations(WRITES))


def test_what_one_head_numbers_stays_in_the_order_given() -> None:
    events = [Enters(EVENTS, "here", "", entry_id, {}, stream="s") for entry_id in ("b", "a", "c")]
    assert in_order([*events, WRITES[0]]) == [WRITES[0], *events]


def test_the_kinds_are_listed_in_the_one_order() -> None:
    for tables in ([kind.heads for kind in kinds.VERSIONED], [kind.table for kind in kinds.ENTRIES]):
        assert tables == sorted(tables)
