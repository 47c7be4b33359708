"""What two quests have made of the same things, on each kind of store."""

import pytest

from questline_persistence.controls import StartingPoint
from questline_persistence.kinds import CONTEXTS, TODO_LISTS
from questline_persistence.memory import Kept
from questline_persistence.memory.looking import KeyDifference, Side, quest_difference
from questline_persistence.writes import Key, Saves
from tests.contract.lessons import deletion, outside, state, step
from tests.contract.quests import Workbench


def compared(bench: Workbench, one: str, other: str) -> list[KeyDifference]:
    return quest_difference(Kept(bench.database, bench.namespace), one, other)


def agent(bench: Workbench, one: str, other: str, name: str = "planner") -> KeyDifference:
    (found,) = (each for each in compared(bench, one, other) if each.name == name)
    return found


def says(side: Side | None) -> str | None:
    return None if side is None else side.value["state_data"]


def test_a_forks_copy_is_compared_with_what_it_was_copied_from(bench: Workbench) -> None:
    quest_id = bench.submit("a", "b", "c")
    step(bench, quest_id, state(bench, "first"))
    step(bench, quest_id, state(bench, "second"))
    bench.controls.fork(quest_id, StartingPoint("b"), {}, new_id="fork")
    step(bench, "fork", state(bench, "third", "fork/planner"))

    found = agent(bench, quest_id, "fork")
    turned = agent(bench, "fork", quest_id)

    assert [says(side) for side in (found.base, found.ours, found.theirs)] == ["first", "second", "third"]
    assert [says(side) for side in (turned.base, turned.ours, turned.theirs)] == ["first", "third", "second"]
    assert found.ours and found.theirs and (found.ours.key, found.theirs.key) == ("planner", "fork/planner")  # noqa: PT018
    assert {change.path for change in found.changes} == {"name", "status", "state_data"}
    assert not found.is_alike


def test_a_shared_key_began_with_what_was_there_before_either_wrote(bench: Workbench) -> None:
    outside(bench, state(bench, "before"))
    one, other = bench.submit("a", "b"), bench.submit("a", "b")
    step(bench, one, state(bench, "one"))
    step(bench, other, state(bench, "other"))
    step(bench, one, state(bench, "one"))

    found = agent(bench, one, other)

    assert [says(side) for side in (found.base, found.ours, found.theirs)] == ["before", "one", "other"]
    assert [side and side.version for side in (found.base, found.ours, found.theirs)] == [1, 4, 3]


def test_a_key_that_one_alone_has_written_has_one_side(bench: Workbench) -> None:
    one, other = bench.submit("a"), bench.submit("a")
    step(bench, one, state(bench, "one"))

    found = agent(bench, one, other)

    assert (says(found.base), says(found.ours), found.theirs, found.changes) == (None, "one", None, [])
    assert found.to_json()["theirs"] is None
    assert [each.ours for each in compared(bench, other, one)] == [None]


def test_what_both_left_alike_is_alike(bench: Workbench) -> None:
    one, other = bench.submit("a"), bench.submit("a")
    step(bench, one, state(bench, "same"))
    step(bench, other, state(bench, "same"))

    assert agent(bench, one, other).is_alike


def test_what_a_replay_has_dropped_is_marked(bench: Workbench) -> None:
    one, other = bench.submit("a", "b"), bench.submit("a")
    step(bench, one, state(bench, "one"))
    outside(bench, state(bench, "somebody else's"))
    bench.replay(one)

    found = agent(bench, one, other)

    assert found.ours is not None
    assert (says(found.ours), found.ours.version, found.ours.abandoned_by) == ("one", 1, 1)


def test_a_deletion_is_no_value(bench: Workbench) -> None:
    one, other = bench.submit("a", "b"), bench.submit("a")
    step(bench, one, state(bench, "one"))
    step(bench, one, deletion(bench))

    found = agent(bench, one, other)

    assert found.ours == Side("planner", 2, None)


@pytest.mark.parametrize("kind", [CONTEXTS, TODO_LISTS])
def test_own_keys_of_all_kinds_are_compared_under_what_the_quests_call_them(bench: Workbench, kind: object) -> None:
    one, other = bench.submit("a"), bench.submit("a")
    for quest_id, number in ((one, 1), (other, 2)):
        if kind is CONTEXTS:
            columns = {"epic_num": 1, "feature": "f", "workflow_name": "w", "current_phase": "p", "status": "running"}
            body: dict[str, str | None] = {"context_data": f'{{"number": {number}}}'}
            write = Saves(CONTEXTS, Key("default", "", quest_id), columns=columns, body=body, owner=quest_id)
        else:
            body = {"plan_json": f"[{number}]"}
            key, columns = Key("default", "", f"{quest_id}/plan"), {"session_id": quest_id, "status": "pending"}
            write = Saves(TODO_LISTS, key, columns=columns, body=body, owner=quest_id)
        step(bench, quest_id, write)

    (found,) = compared(bench, one, other)

    assert found.name == ("" if kind is CONTEXTS else "plan")
    assert found.base is None
    assert [change.path for change in found.changes] == ["number" if kind is CONTEXTS else "plan"]
