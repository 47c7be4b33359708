"""A fork begins with what its parent's Lords remembered where it begins, and takes nothing from anybody."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from questline_persistence.controls import Fate, Restart, StartingPoint
from questline_persistence.errors import QuestConflict
from questline_persistence.kinds import AGENT_STATES, CONTEXTS, EVENTS, TODO_LISTS
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.step.buffered import Buffered
from questline_persistence.memory.step.own import OwnFirstKept
from questline_persistence.payload import decode, encode
from questline_persistence.schema import table_of
from questline_persistence.writes import Key, Saves
from tests.contract.lessons import event, lesson, ops, outside, present, state, step
from tests.contract.quests import Workbench, lost_reply, statements
from tests.failpoints.invariants import assert_invariants
from tests.failpoints.memory_invariants import REMEMBERED


@pytest.fixture(autouse=True)
def invariants(bench: Workbench, database_url: str) -> Iterator[None]:  # noqa: ARG001  (the store is made before)
    yield
    assert_invariants(database_url, REMEMBERED)


def forked(bench: Workbench, quest_id: str, start: str | None = None, new_id: str = "fork", **more: Any) -> Restart:
    return bench.controls.fork(quest_id, StartingPoint(start), {}, new_id=new_id, **more)[1]


def told(restart: Restart) -> list[str]:
    return [str(key) for key in restart.keys]


def contents(bench: Workbench, session: str) -> list[tuple[int, str]]:
    """Return the numbers and the contents of a session's events that are shown."""
    events = table_of(EVENTS)
    shown = select(events.c.seq, events.c.content).where(
        events.c.session_id == session, events.c.abandoned_by.is_(None)
    )
    query = shown.order_by(events.c.seq)
    return bench.database.read(lambda connection: [tuple(row) for row in connection.execute(query)])


def own(bench: Workbench, quest_id: str, data: str, name: str = "planner") -> Saves:
    return state(bench, data, f"{quest_id}/{name}", owner=quest_id)


def test_a_fork_has_its_parents_own_keys_as_they_were(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    step(bench, quest_id, own(bench, quest_id, "first"))
    step(bench, quest_id, own(bench, quest_id, "second"), own(bench, quest_id, "later", "maker"))
    restart = forked(bench, quest_id, "b")

    assert (present(bench, "fork/planner"), present(bench, "fork/maker")) == ("first", None)
    assert (ops(bench, "fork/planner"), ops(bench, "fork/maker")) == ([(1, "fork", 1, None)], [])
    assert present(bench, f"{quest_id}/planner") == "second"
    assert told(restart) == []


def test_a_shared_key_that_later_steps_have_written_is_copied_and_named(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    step(bench, quest_id, state(bench, "first"), state(bench, "same", "maker"))
    step(bench, quest_id, state(bench, "second"))
    restart = forked(bench, quest_id, "b")

    assert (present(bench), present(bench, "fork/planner")) == ("second", "first")
    assert ops(bench, "fork/maker") == []
    assert told(restart) == ["planner: a copy of its own, of v1; the shared one is at v2"]
    assert [key.fate for key in restart.keys] == [Fate.COPIED]
    bench.advance("fork", 1, 2)
    assert bench.repository.delete_quest("fork")
    assert (present(bench), present(bench, "fork/planner")) == ("second", None)


@pytest.mark.parametrize("before", [None, "before"])
def test_a_fork_from_the_beginning_sees_nothing_of_what_its_parent_has_made(
    bench: Workbench, before: str | None
) -> None:
    if before:
        outside(bench, state(bench, before))
    quest_id = bench.submit("a", "b")
    step(bench, quest_id, state(bench, "made"))
    forked(bench, quest_id)

    assert present(bench, "fork/planner") == before
    assert [row[:3] for row in ops(bench, "fork/planner")] == [(1, "fork", 1 if before else None)]
    assert present(bench) == "made"


def test_a_forks_copy_goes_before_the_shared_agent_even_if_nothing_was_there(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    step(bench, quest_id, state(bench, "made"))
    forked(bench, quest_id)

    def seen(by: str) -> object:
        return OwnFirstKept(Buffered(bench.database, bench.namespace, by), by).load(AGENT_STATES, "planner")

    assert seen("fork") is None
    assert seen(bench.submit("a")) is not None
    step(bench, "fork", own(bench, "fork", "its own"))
    assert seen("fork") is not None
    bench.replay("fork")
    assert seen("fork") is None


def test_what_others_added_before_the_next_step_is_inherited(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    step(bench, quest_id, state(bench, "first"))
    outside(bench, state(bench, "first, and more"))
    step(bench, quest_id, state(bench, "second"))
    outside(bench, state(bench, "second, and more"))
    forked(bench, quest_id, "b")

    assert present(bench, "fork/planner") == "first, and more"


def test_what_is_there_as_the_fork_inherits_it_is_not_copied(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    step(bench, quest_id, state(bench, "first"))
    step(bench, quest_id, state(bench, "second"))
    bench.replay(quest_id, "b")
    restart = forked(bench, quest_id, "v1")

    assert (present(bench), told(restart), ops(bench, "fork/planner")) == ("first", [], [])


def test_a_fork_from_an_abandoned_epoch_has_what_counted_there(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    step(
        bench,
        quest_id,
        own(bench, quest_id, "first"),
        state(bench, "first"),
        event(bench, "e", quest_id, owner=quest_id),
    )
    step(bench, quest_id, own(bench, quest_id, "second"), state(bench, "second"))
    bench.replay(quest_id)
    step(bench, quest_id, own(bench, quest_id, "other"), state(bench, "other"))
    forked(bench, quest_id, "v2")

    assert (present(bench, "fork/planner"), present(bench)) == ("second", "other")
    assert contents(bench, "fork") == [(1, "e")]
    assert contents(bench, quest_id) == []


def test_own_streams_begin_with_the_newest_of_their_entries(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("questline_persistence.controls.inheriting.MAX_ENTRIES", 2)
    quest_id = bench.submit("a", "b", "c")
    step(bench, quest_id, *(event(bench, name, quest_id, owner=quest_id) for name in "xyz"), event(bench, "shared"))
    step(bench, quest_id, event(bench, "late", quest_id, owner=quest_id), lesson(bench, "m"))
    forked(bench, quest_id, "b")

    assert contents(bench, "fork") == [(1, "y"), (2, "z")]
    step(bench, "fork", event(bench, "new", "fork", owner="fork"))
    assert contents(bench, "fork") == [(1, "y"), (2, "z"), (3, "new")]
    bench.replay("fork")
    assert contents(bench, "fork") == [(1, "y"), (2, "z")]
    assert contents(bench, quest_id) == [(1, "x"), (2, "y"), (3, "z"), (4, "late")]


def test_a_fork_of_a_fork_has_what_that_one_had(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    step(bench, quest_id, own(bench, quest_id, "first"))
    forked(bench, quest_id, "b")
    step(bench, "fork", own(bench, "fork", "second"))
    forked(bench, "fork", None, "again")

    assert (present(bench, "fork/planner"), present(bench, "again/planner")) == ("second", "first")


def test_a_copy_that_has_nothing_is_inherited_as_such(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    step(bench, quest_id, state(bench, "made"))
    forked(bench, quest_id)
    forked(bench, "fork", None, "again")

    assert [row[:3] for row in ops(bench, "again/planner")] == [(1, "fork", None)]


def test_a_replay_of_a_fork_goes_back_to_what_it_began_with(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    step(bench, quest_id, own(bench, quest_id, "first"))
    forked(bench, quest_id, "b")
    step(bench, "fork", own(bench, "fork", "second"))
    bench.replay("fork")

    assert present(bench, "fork/planner") == "first"


def test_copies_tell_of_their_own_quest(bench: Workbench) -> None:
    quest_id, kept = bench.submit("a", "b"), Kept(bench.database, bench.namespace)
    told = {"epic_num": 1, "feature": "f", "workflow_name": "n", "current_phase": "p", "status": "running"}
    text = encode({"workflow_id": quest_id, **told}, what="a context")
    context = Saves(CONTEXTS, kept.key(quest_id), columns=told, body={"context_data": text}, owner=quest_id)
    plan = Saves(
        *(TODO_LISTS, kept.key(f"{quest_id}/plan")),
        columns={"session_id": quest_id, "status": "pending"},
        body={"plan_json": "[]"},
        owner=quest_id,
    )
    step(bench, quest_id, context, plan)
    forked(bench, quest_id, "b")

    copied, planned = kept.load(CONTEXTS, "fork"), kept.load(TODO_LISTS, "fork/plan")
    assert copied is not None
    assert planned is not None
    assert decode(copied.context_data)["workflow_id"] == "fork"
    assert (planned.session_id, planned.owner, planned.status) == ("fork", "fork", "pending")


def test_a_dry_run_names_the_same_keys_and_copies_nothing(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    step(bench, quest_id, own(bench, quest_id, "own"), state(bench, "shared"))
    would = forked(bench, quest_id, dry_run=True)

    assert (ops(bench, "fork/planner"), len(would.keys)) == ([], 1)
    assert told(forked(bench, quest_id)) == told(would)


def test_a_lost_reply_does_not_copy_twice(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    step(bench, quest_id, own(bench, quest_id, "own"), event(bench, "e", quest_id, owner=quest_id))
    with lost_reply(bench.database, lambda: step(bench, "fork", own(bench, "fork", "on"))):
        forked(bench, quest_id, "b")

    assert (present(bench, "fork/planner"), contents(bench, "fork")) == ("on", [(1, "e")])


def test_a_key_that_somebody_uses_is_not_taken(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    step(bench, quest_id, own(bench, quest_id, "own"))
    outside(bench, state(bench, "theirs", "fork/planner"))

    with pytest.raises(QuestConflict, match="own is used already"):
        forked(bench, quest_id, "b")
    assert present(bench, "fork/planner") == "theirs"
    assert "fork" not in bench.quest_ids()


def test_prefixes_are_kept(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    for prefix in ("", "acme"):
        body = {"state_data": f"of {prefix}", "metadata": "{}"}
        key = Key(bench.namespace, prefix, f"{quest_id}/planner")
        outside(bench, Saves(own(bench, quest_id, "").kind, key, columns={"name": ""}, body=body, owner=quest_id))
    forked(bench, quest_id)

    for prefix in ("", "acme"):
        row = Kept(bench.database, bench.namespace, prefix).load(own(bench, quest_id, "").kind, "fork/planner")
        assert row is not None
        assert row.state_data == f"of {prefix}"


def test_a_fork_of_a_quest_that_remembers_nothing_pays_one_look_more(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b")
    bench.advance(quest_id, 1)
    with statements(bench.database) as sent:
        forked(bench, quest_id, "b")

    assert len([text for text in sent if "agent_state" in text]) == 1
