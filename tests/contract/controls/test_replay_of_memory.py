"""A replay takes what its quest's steps have written back to what still counts, and hides nobody else's work."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, text

from questline_persistence.controls import Fate
from questline_persistence.kinds import CONTEXTS, MEMORIES, SESSIONS
from questline_persistence.memory.kept import Kept
from questline_persistence.payload import encode
from questline_persistence.writes import Key, Moved, Saves
from tests.contract.lessons import deletion, entries, event, lesson, ops, outside, present, state, step
from tests.contract.quests import Workbench, statements
from tests.failpoints.invariants import assert_invariants
from tests.failpoints.memory_invariants import REMEMBERED
from tests.waiting import eventually


@pytest.fixture(autouse=True)
def invariants(bench: Workbench, database_url: str) -> Iterator[None]:  # noqa: ARG001  (the store is made before)
    yield
    assert_invariants(database_url, REMEMBERED)


def told(done: object) -> list[str]:
    return [str(key) for key in done.restart.keys]  # type: ignore[attr-defined]


def test_a_key_goes_back_to_what_still_counts(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    for data in ("first", "second", "third"):
        step(bench, quest_id, state(bench, data))
    done = bench.replay(quest_id, "b")

    assert present(bench) == "first"
    assert told(done) == ["planner: v3 goes back to v1"]
    assert ops(bench) == [(1, "save", 1, None), (2, "save", 2, 1), (3, "save", 3, 1), (4, "rewind", 1, None)]


def test_a_key_of_which_nothing_counts_is_gone(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    step(bench, quest_id, state(bench, "first"))
    done = bench.replay(quest_id)

    assert present(bench) is None
    assert told(done) == ["planner: v1 goes back to nothing"]
    step(bench, quest_id, state(bench, "again"))
    assert present(bench) == "again"


def test_a_key_that_was_there_before_is_as_it_was(bench: Workbench) -> None:
    outside(bench, state(bench, "before"))
    quest_id = bench.submit("a", "b")
    step(bench, quest_id, deletion(bench))
    assert present(bench) is None
    bench.replay(quest_id)

    assert present(bench) == "before"


def test_a_deletion_that_counts_again_is_one_again(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    step(bench, quest_id, state(bench, "first"))
    step(bench, quest_id, deletion(bench))
    bench.replay(quest_id, "b")
    assert present(bench) == "first"
    bench.replay(quest_id, "v2")

    assert present(bench) is None


def test_what_somebody_else_has_built_on_is_kept_and_named(bench: Workbench) -> None:
    quest_id, other = bench.submit("a", "b"), bench.submit("a", "b")
    step(bench, quest_id, state(bench, "mine"), state(bench, "mine too", "maker"))
    step(bench, other, state(bench, "mine, and theirs"))
    outside(bench, state(bench, "by hand", "maker"))
    before = ops(bench)
    done = bench.replay(quest_id)

    assert (present(bench), present(bench, "maker")) == ("mine, and theirs", "by hand")
    assert told(done) == [
        "maker: v2 of what was saved outside of quests builds on it; kept",
        f"planner: v2 of quest {other} builds on it; kept",
    ]
    assert [row[:3] for row in ops(bench)] == [row[:3] for row in before]


def test_a_replay_waits_for_whoever_saves_a_key_and_keeps_what_they_save(
    bench: Workbench, open_bench: Callable[..., Workbench]
) -> None:
    quest_id, other = bench.submit("a", "b"), open_bench()
    step(bench, quest_id, state(bench, "mine"))

    def saving(connection: Connection) -> Future[Any]:
        other.database.dialect.save(connection, state(bench, "theirs"), now=other.clock.now())
        replaying = pool.submit(bench.replay, quest_id)
        if connection.dialect.name == "postgresql":
            query = text("SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))")
            eventually(lambda: connection.execute(query).first(), message="the replay did not wait")
        return replaying

    with ThreadPoolExecutor(1) as pool:
        done = other.database.write(saving).result(timeout=30)
    assert [key.fate for key in done.restart.keys] == [Fate.KEPT]
    assert present(bench) == "theirs"


def test_who_has_loaded_what_a_replay_takes_back_meets_a_conflict(bench: Workbench) -> None:
    one, other = bench.submit("a", "b"), bench.submit("a")
    step(bench, one, state(bench, "mine"))
    bench.replay(one)

    with pytest.raises(Moved):
        step(bench, other, state(bench, "mine, and theirs", expected=1))
    assert present(bench) is None


def test_a_replay_into_an_abandoned_epoch_brings_back_what_counted_there(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    step(bench, quest_id, state(bench, "first"), event(bench, "e1"), lesson(bench, "m1"))
    step(bench, quest_id, state(bench, "second"), event(bench, "e2"), lesson(bench, "m2"))
    bench.replay(quest_id)
    assert (present(bench), entries(bench), entries(bench, MEMORIES)) == (None, [], [])
    step(bench, quest_id, state(bench, "other"), event(bench, "e3"))
    bench.replay(quest_id, "v2")

    assert (present(bench), entries(bench), entries(bench, MEMORIES)) == ("second", ["e1", "e2"], ["m1", "m2"])


def test_a_rewind_belongs_to_its_replay_so_that_a_later_one_drops_it_too(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    step(bench, quest_id, state(bench, "first"))
    step(bench, quest_id, state(bench, "second"))
    bench.replay(quest_id, "b")
    bench.replay(quest_id)

    assert present(bench) is None
    assert [row[3] for row in ops(bench)] == [2, 1, 2, None]


def test_a_dry_run_names_the_same_keys_and_changes_nothing(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    step(bench, quest_id, state(bench, "mine"), state(bench, "mine too", "maker"), event(bench, "e"))
    outside(bench, state(bench, "by hand", "maker"))
    before = ops(bench), ops(bench, "maker"), entries(bench)
    would = bench.replay(quest_id, dry_run=True)

    assert (ops(bench), ops(bench, "maker"), entries(bench)) == before
    assert [key.fate for key in would.restart.keys] == [Fate.KEPT, Fate.REWOUND]
    assert told(bench.replay(quest_id)) == told(would)


def test_keep_state_leaves_shared_keys_and_takes_own_ones_back(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    own = f"{quest_id}/planner"
    step(bench, quest_id, state(bench, "shared"), state(bench, "own", own, owner=quest_id))
    done = bench.replay(quest_id, keep_state=True)

    assert (present(bench), present(bench, own)) == ("shared", None)
    assert told(done) == [f"{own}: v1 goes back to nothing", "planner: left at v1, as it is"]
    bench.replay(quest_id)
    assert present(bench) is None


def test_what_the_payload_tells_of_stands_in_the_head_again(bench: Workbench) -> None:
    quest_id, kept = bench.submit("a", "b", "c"), Kept(bench.database, bench.namespace)

    def writes(word: str) -> tuple[Saves, Saves]:
        told = {"epic_num": 1, "feature": word, "workflow_name": word, "current_phase": word, "status": "running"}
        said = encode({**told, "story_num": None}, what="a context")
        context = Saves(CONTEXTS, kept.key("w"), columns=told, body={"context_data": said})
        body = {"state_json": f'{{"mission":"{word}","status":["odd"]}}'}
        return context, Saves(SESSIONS, kept.key("s"), columns={"mission": word, "status": "pending"}, body=body)

    step(bench, quest_id, *writes("one"))
    step(bench, quest_id, *writes("two"))
    bench.replay(quest_id, "b")

    context, session = kept.load(CONTEXTS, "w"), kept.load(SESSIONS, "s")
    assert context is not None
    assert session is not None
    assert (context.feature, context.current_phase, context.version) == ("one", "one", 3)
    assert (session.mission, session.status) == ("one", "pending")


def test_a_quest_that_remembers_nothing_pays_one_look_more(bench: Workbench) -> None:
    one, other = bench.submit("a", "b"), bench.submit("a", "b")
    bench.advance(one, 1)
    step(bench, other, state(bench, "x"))
    with statements(bench.database) as sent:
        bench.replay(one)
    looks = [text for text in sent if "agent_states" in text or "agent_state_versions" in text]

    assert len(looks) == 1
    assert looks[0].startswith("SELECT")


def test_keys_are_compared_whatever_they_are_called(bench: Workbench) -> None:
    names = ["", "%", "_", "a", "A", "é", "z", "日本", "a/b"]
    quest_id = bench.submit("a", "b")
    step(bench, quest_id, *(state(bench, "x", name) for name in names if name))
    outside(bench, *(state(bench, "y", f"{name}x") for name in names))
    done = bench.replay(quest_id)

    assert [key.key for key in done.restart.keys] == sorted((name for name in names if name), key=str.encode)
    assert {present(bench, name) for name in names if name} == {None}
    assert {present(bench, f"{name}x") for name in names} == {"y"}


def test_two_prefixes_of_one_name_are_two_keys(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    outside(bench, *(_of(bench, prefix, "before") for prefix in ("", "acme", "acme-corp")))
    step(bench, quest_id, _of(bench, "acme", "mine"))
    done = bench.replay(quest_id)

    assert [(key.key_prefix, key.version, key.to) for key in done.restart.keys] == [("acme", 2, 1)]


def _of(bench: Workbench, prefix: str, data: str) -> Saves:
    body = {"state_data": data, "metadata": "{}"}
    return Saves(state(bench, data).kind, Key(bench.namespace, prefix, "planner"), columns={"name": ""}, body=body)
