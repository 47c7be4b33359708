"""`questline state diff` and `adopt`: two quests side by side, and a fork's copies taken over."""

import json
from typing import Any

import pytest

from questline_persistence.controls import StartingPoint
from questline_persistence.kinds import AGENT_STATES, CONTEXTS, SESSIONS
from questline_persistence.writes import Key, Saves
from tests.contract.lessons import step
from tests.contract.quests import Workbench
from tests.unit.questline.cli.conftest import CommandLine


def save(bench: Workbench, name: str, **data: Any) -> Saves:
    body: dict[str, str | None] = {"state_data": json.dumps(data), "metadata": "{}"}
    columns = {"name": "Planner", "status": "busy"}
    return Saves(AGENT_STATES, Key(bench.namespace, "", name), columns=columns, body=body)


@pytest.fixture
def quest_id(bench: Workbench) -> str:
    """A quest whose fork "second-try" has a copy of the planner; both have changed theirs."""
    quest_id = bench.submit("a", "b", "c")
    step(bench, quest_id, save(bench, "planner", a=1, b=1))
    step(bench, quest_id, save(bench, "planner", a=2, b=1))
    bench.controls.fork(quest_id, StartingPoint("b"), {}, new_id="second-try")
    return quest_id


def test_two_quests_stand_side_by_side(cli: CommandLine, bench: Workbench, quest_id: str) -> None:
    step(bench, "second-try", save(bench, "second-try/planner", a=1, b=3))

    found = cli.json("state", "diff", quest_id[:-2], "second-try")
    text = cli("state", "diff", quest_id, "second-try").out

    (one,) = found["items"]
    assert (one["kind"], one["name"], one["theirs"]["key"]) == ("agent state", "planner", "second-try/planner")
    assert [one[side]["value"]["state_data"] for side in ("base", "ours", "theirs")] == [
        {"a": 1, "b": 1},
        {"a": 2, "b": 1},
        {"a": 1, "b": 3},
    ]
    assert [change["path"] for change in one["changes"]] == ["state_data.a", "state_data.b"]
    for word in ("Agent state planner", "Began with", "second-try/planner", "state_data.b"):
        assert word in text


def test_what_is_alike_is_shown_on_demand_only(cli: CommandLine, bench: Workbench) -> None:
    one, other = bench.submit("a"), bench.submit("a")
    nothing = cli("state", "diff", one, other)
    for quest_id in (one, other):
        step(bench, quest_id, save(bench, "planner", a=1))

    assert "Neither quest has written" in nothing.err
    assert "Both have left the same." in cli("state", "diff", one, other).err
    assert cli.json("state", "diff", one, other)["items"] == []
    assert len(cli.json("state", "diff", one, other, "--all")["items"]) == 1
    assert "Agent state planner" in cli("state", "diff", one, other, "--all").out


def test_long_values_are_cut_where_they_begin_to_differ(cli: CommandLine, bench: Workbench) -> None:
    one, other = bench.submit("a"), bench.submit("a")
    for quest_id, end in ((one, "peas"), (other, "pears")):
        step(bench, quest_id, save(bench, "planner", plan=["x" * 200, "y" * 200, end]))

    text = cli("state", "diff", one, other).out
    assert '", "peas"]' in text
    assert '", "pears"]' in text


def test_a_context_of_its_own_differs_by_what_it_says(cli: CommandLine, bench: Workbench) -> None:
    one, other = bench.submit("a"), bench.submit("a")
    for quest_id in (one, other):
        said = {"workflow_id": quest_id, "feature": "login"}
        columns = {"epic_num": 1, "feature": "login", "workflow_name": "w", "current_phase": "p", "status": "running"}
        key, body = Key(bench.namespace, "", quest_id), {"context_data": json.dumps(said)}
        step(bench, quest_id, Saves(CONTEXTS, key, columns=columns, body=body))

    assert "Both have left the same." in cli("state", "diff", one, other).err
    (found,) = cli.json("state", "diff", one, other, "--all")["items"]
    assert found["ours"]["value"] == {"feature": "login"}


def test_every_key_is_compared_however_many_there_are(cli: CommandLine, bench: Workbench) -> None:
    def session(name: str) -> Saves:
        return Saves(SESSIONS, Key(bench.namespace, "", name), columns={"mission": ""}, body={"state_json": "{}"})

    one, other = bench.submit("a"), bench.submit("a")
    names = [f"s{number:04}" for number in range(1_001)]
    step(bench, one, *map(session, names))
    step(bench, other, session(names[0]), session(names[-1]))

    found = cli.json("state", "diff", one, other, "--all")["items"]
    assert [each["name"] for each in found] == names
    assert [each["name"] for each in found if each["ours"] and each["theirs"]] == [names[0], names[-1]]


def test_a_fork_is_adopted_after_a_look(cli: CommandLine, bench: Workbench, quest_id: str) -> None:
    step(bench, "second-try", save(bench, "second-try/planner", a=1, b=3))
    assert quest_id

    looked = cli.json("state", "adopt", "second", "--dry-run")
    before = cli.json("state", "show", "planner")["version"]
    text = cli("state", "adopt", "second-try", "planner").out
    after = cli.json("state", "show", "planner")

    assert (looked["fork"], looked["agents"][0]["version"], before) == ("second-try", None, 2)
    assert "Agent planner  v3" in text
    assert "state_data.b" in text
    assert (after["version"], json.loads(after["state_data"])) == (3, {"a": 2, "b": 3})
    assert "nothing is left to adopt" in cli("state", "adopt", "second-try").out


def test_conflicts_are_shown_and_nothing_is_written(cli: CommandLine, bench: Workbench, quest_id: str) -> None:
    step(bench, "second-try", save(bench, "second-try/planner", a=7, b=3))
    assert quest_id

    ran = cli("state", "adopt", "second-try", "-o", "json")
    text = cli("state", "adopt", "second-try")

    assert (ran.code, text.code) == (5, 5)
    assert ran.data["agents"][0]["conflicts"] == [{"path": "state_data.a", "base": 1, "ours": 2, "theirs": 7}]
    assert "Conflicts of planner" in text.out
    assert "Nothing was written." in text.err
    assert cli.json("state", "show", "planner")["version"] == 2


def test_a_quest_without_copies_has_nothing_to_adopt(cli: CommandLine, quest_id: str) -> None:
    ran = cli("state", "adopt", quest_id, "-o", "json")

    assert (ran.code, ran.error["code"]) == (4, "not_found")
