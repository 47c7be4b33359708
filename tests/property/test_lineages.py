"""Random histories of quests that write keys and streams, replayed and forked, against a full recomputation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from questline_persistence.claims import Checkpoint, Succeeded
from questline_persistence.controls import KeyChange, StartingPoint
from questline_persistence.kinds import AGENT_STATES, EVENTS
from questline_persistence.memory.kept import Kept
from questline_persistence.schema import table_of
from questline_persistence.writes import Enters, Op, Saves
from tests.contract.quests import Workbench
from tests.failpoints.invariants import assert_invariants
from tests.failpoints.memory_invariants import REMEMBERED
from tests.property.lineage_world import OWN, SHARED, STEPS, LineageWorld, Value

#: Histories on each store, what happens in one at most, and how many quests there are then.
HISTORIES, LENGTH, QUESTS = 20, 20, 5
#: What happens: steps most often, and a number from which follows which, to whom and from where.
ACTIONS = st.lists(
    st.tuples(st.sampled_from(("step",) * 5 + ("outside",) * 2 + ("replay",) * 3 + ("fork",)), st.integers(0, 9_999)),
    min_size=4,
    max_size=LENGTH,
)
_prefixes = count()


@pytest.fixture
def bench(database_url: str) -> Iterator[Workbench]:
    bench = Workbench(database_url)
    yield bench
    bench.close()
    assert_invariants(database_url, REMEMBERED)


class Lineages:
    """The store and the world, led through the same history, under a key prefix of its own."""

    def __init__(self, bench: Workbench) -> None:
        self.bench, self.world = bench, LineageWorld()
        self.prefix = f"history-{next(_prefixes)}"
        self.kept = Kept(bench.database, bench.namespace, self.prefix)
        self._tags = count()
        for _ in range(2):
            self.world.submit(bench.submit(*"abc", quest_id=self._new_id()))

    def _new_id(self) -> str:
        return f"{self.prefix}-{len(self.world.quests)}"

    def act(self, what: str, number: int) -> None:
        number, which = divmod(number, len(self.world.quests))
        quest = list(self.world.quests)[which]
        if what == "outside":
            self._outside(number)
        elif what == "step" and self.world.quests[quest].snapshots[-1].position <= STEPS:
            self._step(quest, number)
        elif what in {"replay", "fork"}:
            starts = [at for at, one in enumerate(self.world.quests[quest].snapshots) if one.position <= STEPS]
            self._again(what, quest, starts[number % len(starts)])

    def _outside(self, number: int) -> None:
        key = SHARED[number % 2]
        write, value = self._saved(key, delete=number % 5 == 0)
        self.kept.write([write])
        self.world.save(key, value)

    def _step(self, quest: str, number: int) -> None:
        """Run the next step, which writes what the bits of a number tell: keys that it has loaded, and entries."""
        tag, bits = f"{quest}#{next(self._tags)}", [bool(number & 1 << bit) for bit in range(6)]
        names = [name for name, written in zip((OWN, *SHARED), bits, strict=False) if written]
        keys = [self.world.key_of(quest, name) for name in names]
        saves = {key: self._saved(key, delete=bits[3] and key == SHARED[0], tag=tag, by=quest) for key in keys}
        streams = [stream for stream, written in zip((quest, "log"), bits[4:], strict=True) if written]
        entries = [self._entry(f"{stream}:{tag}", stream) for stream in streams]
        claim = self.bench.claim(quest)
        also = (*(write for write, _ in saves.values()), *entries)
        assert self.bench.journal.checkpoint(Checkpoint(claim, Succeeded("1", also), claim.start_time)).won

        origin = self.world.stepped(quest, tag, own=OWN in names)
        for key, (_, value) in saves.items():
            self.world.save(key, value, origin)
        for stream, entry in zip(streams, entries, strict=True):
            self.world.enter(stream, entry.entry_id, origin)

    def _saved(self, key: str, *, delete: bool, tag: str | None = None, by: str | None = None) -> tuple[Saves, Value]:
        """Return a save of a key as it was loaded, with a tag added; or its deletion."""
        loaded = self.world.present(key)
        if delete and loaded is not None:
            return Saves(AGENT_STATES, self.kept.key(key), Op.DELETE), None
        value = (*(loaded or ()), tag or f"outside#{next(self._tags)}")
        body = {"state_data": json.dumps(value), "metadata": "{}"}
        owner = by if by and key.startswith(f"{by}/") else None
        expected = len(self.world.keys.get(key, ()))
        write = Saves(AGENT_STATES, self.kept.key(key), columns={}, body=body, expected=expected, owner=owner)
        return write, value

    def _entry(self, entry_id: str, stream: str) -> Enters:
        said = {"event_type": "said", "actor_type": "agent", "content": entry_id}
        owner = stream if stream in self.world.quests else None
        return Enters(EVENTS, self.bench.namespace, self.prefix, entry_id, said, stream=stream, owner=owner)

    def _again(self, what: str, quest: str, version: int) -> None:
        """Replay or fork a quest from a version, and compare what is told and all that is there."""
        controls, start = self.bench.controls, StartingPoint(f"v{version}")
        told: tuple[KeyChange, ...]
        if what == "replay":
            restart = controls.replay(quest, start, {}).restart
            assert restart is not None
            told, expected = restart.keys, self.world.replayed(quest, version)
        elif len(self.world.quests) < QUESTS:
            new_id = self._new_id()
            told = controls.fork(quest, start, {}, new_id=new_id)[1].keys
            expected = self.world.forked(quest, version, new_id)
        else:
            return
        assert {(one.key, str(one.fate)) for one in told} == expected
        self.check()

    def check(self) -> None:
        """Assert that each key and stream is as all results that count have made it."""
        keys = {key: self.world.present(key) for key in self.world.keys}
        rows = self.kept.load_all(AGENT_STATES, list(keys))
        there = {key: tuple(json.loads(rows[key].state_data)) if key in rows else None for key in keys}
        assert there == keys
        for quest, history in self.world.quests.items():
            assert there.get(f"{quest}/{OWN}") == history.folded(len(history.snapshots) - 1)
        events = table_of(EVENTS)
        query = select(events.c.session_id, events.c.event_id).where(
            events.c.key_prefix == self.prefix, events.c.abandoned_by.is_(None)
        )
        shown: dict[str, list[str]] = {}
        for stream, entry_id in self.bench.database.read(
            lambda connection: connection.execute(query.order_by(events.c.seq)).all()
        ):
            shown.setdefault(stream, []).append(entry_id)
        assert shown == {stream: names for stream in self.world.streams if (names := self.world.shown(stream))}


@settings(
    max_examples=HISTORIES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(actions=ACTIONS)
def test_fault_32_what_is_remembered_is_what_the_results_that_count_have_made(
    bench: Workbench, actions: list[tuple[str, int]]
) -> None:
    lineages = Lineages(bench)
    for what, number in actions:
        lineages.act(what, number)
    lineages.check()
