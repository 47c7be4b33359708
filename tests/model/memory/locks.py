"""Who locks what until its COMMIT, and in which order: any two or three of them, as far as each has come.

The order is one for all. A transaction leaves out what it does not need, and takes nothing that stands before what it
has taken:

1. tickets, by quest and position;
2. the rows of quests;
3. heads, by table and key: last of what strangers share, as each is held from its update to the COMMIT;
4. entries, by table and id: an id that users choose is a lock, too, since whoever adds the same one waits. What a
   head numbers needs no place of its own: nobody adds to a stream without its head's lock;
5. the outbox.

Names and keys are compared as bytes. No function of a user runs under any of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from itertools import combinations
from typing import ClassVar, NamedTuple

from tests.model.memory.model import STUCK, Model, Move, left


class Kind(IntEnum):
    """What is locked; a lower one goes first."""

    TICKET = 1
    QUEST = 2
    HEAD = 3
    ENTRY = 4
    OUTBOX = 5


class Lock(NamedTuple):
    """A row that one transaction holds at a time: locks are taken in the order in which they sort."""

    kind: Kind
    table: bytes  # of tickets and quests, the quest
    key: bytes = b""

    def __str__(self) -> str:
        return f"{self.kind.name.lower()} {self.table.decode()} {self.key.decode()}".strip()


Locks = tuple[Lock, ...]
#: How many locks each transaction has taken.
World = tuple[tuple[str, int], ...]

TICKET_1, TICKET_2 = Lock(Kind.TICKET, b"1", b"0001"), Lock(Kind.TICKET, b"2", b"0001")
QUEST_1 = (TICKET_1, Lock(Kind.QUEST, b"1"))
QUEST_2 = (TICKET_2, Lock(Kind.QUEST, b"2"))
#: By their tables; by key or id alone they would stand the other way round.
HEADS = (Lock(Kind.HEAD, b"agent_states", b"writer"), Lock(Kind.HEAD, b"sessions", b"planner"))
ENTRIES = (Lock(Kind.ENTRY, b"memories", b"second"), Lock(Kind.ENTRY, b"runs", b"first"))
OUTBOX = (Lock(Kind.OUTBOX, b"outbox"),)

#: What each transaction locks, in its order.
TRANSACTIONS: Mapping[str, Locks] = {
    "step of quest 1": (*QUEST_1, *HEADS, *ENTRIES, *OUTBOX),
    "step of quest 2": (*QUEST_2, *HEADS, *ENTRIES, *OUTBOX),
    "step of quest 2 that adds entries": (*QUEST_2, *ENTRIES),
    "save from outside": HEADS[:1],
    "event from outside": HEADS[1:],
    "batch from outside": (*HEADS, *ENTRIES),
    "entries from outside": ENTRIES,
    "replay of quest 2": (*QUEST_2, *HEADS),
    "deletion of quest 1": (*QUEST_1, *HEADS, *ENTRIES),
    "claims": (TICKET_1, TICKET_2),
    "recorded calls": (TICKET_1, TICKET_2),
}

#: What a transaction locks in an order of its own, where a guard is lacking.
ASTRAY: Mapping[str, tuple[str, Locks]] = {
    "heads.by_table_and_key": ("step of quest 2", (*QUEST_2, *reversed(HEADS), *ENTRIES, *OUTBOX)),
    "heads.before_entries": ("step of quest 2", (*QUEST_2, *ENTRIES, *HEADS, *OUTBOX)),
    "entries.by_table_and_id": ("step of quest 2 that adds entries", (*QUEST_2, *reversed(ENTRIES))),
    "tickets.first": ("step of quest 2", (*HEADS, *QUEST_2, *ENTRIES, *OUTBOX)),
    "tickets.by_quest": ("recorded calls", (TICKET_2, TICKET_1)),
    "outbox.last": ("step of quest 2", (*QUEST_2, *OUTBOX, *HEADS, *ENTRIES)),
    # The function of an update runs between transactions: within one it may need any lock.
    "updates.no_function": ("save from outside", (*HEADS[:1], TICKET_2)),
}


class Locking(Model[World]):
    """Two or three transactions at once."""

    guards: ClassVar[Mapping[str, str]] = dict.fromkeys(ASTRAY, STUCK)

    def __init__(self, without: str | None = None) -> None:
        super().__init__(without)
        self._locks = dict(TRANSACTIONS)
        if without is not None:
            name, locks = ASTRAY[without]
            self._locks[name] = locks

    def starts(self) -> Iterable[World]:
        for many in (2, 3):
            for names in combinations(sorted(self._locks), many):
                yield tuple((name, 0) for name in names)

    def rests(self, world: World) -> bool:
        return not world

    def moves(self, world: World) -> Iterator[Move[World]]:
        for number, (name, taken) in enumerate(world):
            others = left(world, number)
            if taken == len(self._locks[name]):
                yield Move(f"the {name} commits", others)
                continue
            lock = self._locks[name][taken]
            if not any(lock in self._locks[other][:held] for other, held in others):
                yield Move(f"the {name} locks {lock}", tuple(sorted((*others, (name, taken + 1)))))
