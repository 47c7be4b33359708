"""What a fork has made of its own copies of shared agents, taken over into these."""

import json
from typing import Any

import pytest

from questline_persistence.controls import StartingPoint
from questline_persistence.errors import NotFound
from questline_persistence.kinds import AGENT_STATES
from questline_persistence.memory import Kept
from questline_persistence.memory.states import Adopting, States
from questline_persistence.writes import Key, Saves
from tests.contract.lessons import ops, step
from tests.contract.quests import ACTOR, Workbench

COLUMNS = {"name": "Planner", "status": "busy"}


@pytest.fixture
def adopting(bench: Workbench) -> Adopting:
    return Adopting(Kept(bench.database, bench.namespace, actor=ACTOR))


def save(bench: Workbench, name: str = "planner", **data: Any) -> Saves:
    body: dict[str, str | None] = {"state_data": json.dumps(data), "metadata": "{}"}
    return Saves(AGENT_STATES, Key(bench.namespace, "", name), columns=COLUMNS, body=body)


def data(bench: Workbench, name: str = "planner") -> Any:
    found = States(Kept(bench.database, bench.namespace)).load_agent_state(name)
    return None if found is None else json.loads(found.state_data)


@pytest.fixture
def fork(bench: Workbench) -> str:
    """A fork with a copy of the planner, whose steps are a and b; what it was copied from has gone on since."""
    quest_id = bench.submit("a", "b", "c")
    step(bench, quest_id, save(bench, goal="ship", a=1, b=1), save(bench, "other", a=1))
    step(bench, quest_id, save(bench, goal="ship", a=2, b=1))
    bench.controls.fork(quest_id, StartingPoint("b"), {}, new_id="fork")
    return "fork"


def of_fork(bench: Workbench, **data: Any) -> None:
    """Have the fork's next step save its copy."""
    write = save(bench, "fork/planner", **data)
    step(bench, "fork", write)


def test_what_only_the_fork_has_changed_is_taken_over(bench: Workbench, adopting: Adopting, fork: str) -> None:
    of_fork(bench, goal="ship", a=1, b=3)

    (adopted,) = adopting.adopt(fork)

    assert data(bench) == {"goal": "ship", "a": 2, "b": 3}
    assert data(bench, "fork/planner") == {"goal": "ship", "a": 1, "b": 3}
    assert (adopted.agent_id, adopted.copied_as, adopted.version) == ("planner", "fork/planner", 3)
    assert [(one.path, one.before, one.after) for one in adopted.changes] == [("state_data.b", 1, 3)]
    assert ops(bench)[-1][:2] == (3, "merge")


def test_what_is_taken_over_is_told_in_the_audit_and_what_would_be_is_not(
    bench: Workbench, adopting: Adopting, fork: str
) -> None:
    of_fork(bench, goal="ship", a=1, b=3)

    adopting.adopt(fork, dry_run=True)
    assert [entry.verb for entry in bench.audit()] == ["fork"]
    adopting.adopt(fork)

    entry = bench.audit()[0]
    assert (entry.verb, entry.subject, entry.actor) == ("state adopt", "planner", ACTOR.name)


def test_what_both_have_changed_is_shown_and_nothing_is_written(
    bench: Workbench, adopting: Adopting, fork: str
) -> None:
    of_fork(bench, goal="ship", a=7, b=3)

    (adopted,) = adopting.adopt(fork, "planner")

    told = adopted.to_json()
    assert told["conflicts"] == [{"path": "state_data.a", "base": 1, "ours": 2, "theirs": 7}]
    assert (told["version"], told["changes"]) == (None, [])
    assert data(bench) == {"goal": "ship", "a": 2, "b": 1}
    assert len(ops(bench)) == 2


def test_adopting_again_or_to_look_writes_nothing(bench: Workbench, adopting: Adopting, fork: str) -> None:
    of_fork(bench, goal="ship", a=1, b=3)

    looked = adopting.adopt(fork, dry_run=True)
    before = len(ops(bench))
    adopting.adopt(fork)
    again = adopting.adopt(fork)

    assert [len(one.changes) for one in (*looked, *again)] == [1, 0]
    assert (before, len(ops(bench))) == (2, 3)


def test_a_shared_agent_that_was_deleted_since_is_a_conflict(bench: Workbench, adopting: Adopting, fork: str) -> None:
    States(Kept(bench.database, bench.namespace)).delete_agent("planner")

    (adopted,) = adopting.adopt(fork)

    assert [one.path for one in adopted.conflicts] == [""]
    assert "ours" not in adopted.conflicts[0].to_json()
    assert data(bench) is None


def test_a_conflict_of_one_agent_keeps_all_as_they_were(bench: Workbench, adopting: Adopting) -> None:
    quest_id = bench.submit("a", "b", "c")
    step(bench, quest_id, save(bench, "one", a=1, b=1), save(bench, "two", a=1))
    step(bench, quest_id, save(bench, "one", a=2, b=1), save(bench, "two", a=2))
    bench.controls.fork(quest_id, StartingPoint("b"), {}, new_id="fork")
    step(bench, "fork", save(bench, "fork/one", a=1, b=2), save(bench, "fork/two", a=3))

    found = adopting.adopt("fork")

    assert [(one.agent_id, len(one.changes), len(one.conflicts)) for one in found] == [("one", 1, 0), ("two", 0, 1)]
    assert (data(bench, "one"), data(bench, "two")) == ({"a": 2, "b": 1}, {"a": 2})
    assert adopting.adopt("fork", "one")[0].version == 3


def test_only_copies_of_shared_agents_are_adopted(adopting: Adopting, fork: str) -> None:
    with pytest.raises(NotFound) as raised:
        adopting.adopt(fork, "planer")
    assert raised.value.hint == "did you mean 'planner'?"
    with pytest.raises(NotFound, match="it has no copy of the shared agent other"):
        adopting.adopt(fork, "other")
    with pytest.raises(NotFound, match="it has no copy of a shared agent"):
        adopting.adopt("nobody")


def test_a_copy_of_the_other_quests_own_agent_is_not_adopted(bench: Workbench, adopting: Adopting) -> None:
    quest_id = bench.submit("a", "b")
    own = save(bench, f"{quest_id}/planner", a=1)
    step(bench, quest_id, Saves(own.kind, own.key, columns=own.columns, body=own.body, owner=quest_id))
    bench.controls.fork(quest_id, StartingPoint("b"), {}, new_id="fork")

    assert data(bench, "fork/planner") == {"a": 1}
    with pytest.raises(NotFound):
        adopting.adopt("fork")


def test_a_save_that_comes_between_is_kept_and_the_merge_made_anew(
    bench: Workbench, adopting: Adopting, fork: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_fork(bench, goal="ship", a=1, b=3)
    write, calls = Kept.write, []

    def late(kept: Kept, writes: Any) -> Any:
        calls.append(writes)
        if len(calls) == 1:
            kept.save(save(bench, goal="rest", a=2, b=1))
        return write(kept, writes)

    monkeypatch.setattr(Kept, "write", late)
    (adopted,) = adopting.adopt(fork)

    assert (len(calls), adopted.version) == (2, 4)
    assert data(bench) == {"goal": "rest", "a": 2, "b": 3}
