"""`questline state`: agents and their states, as JSON and for people."""

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest
import typer

from questline.cli.completion import complete_agent_id
from questline_persistence.kinds import AGENT_STATES
from questline_persistence.memory import Kept
from questline_persistence.memory.models import AgentState
from questline_persistence.memory.states import States
from questline_persistence.writes import Origin, Saves
from tests.unit.questline.cli.conftest import CommandLine

STATE_KEYS = set(AgentState.model_fields)


@pytest.fixture
def states(kept: Kept) -> States:
    return States(kept)


def planner(goal: str = "ship", **fields: object) -> AgentState:
    usual = {"agent_id": "planner", "name": "Planner", "state_data": json.dumps({"goal": goal})}
    return AgentState(**{**usual, **fields})


def save_by_a_step(kept: Kept, status: str = "busy") -> None:
    """Save the planner's state as the second step of the quest "alpha" does."""
    columns, body = {"name": "Planner", "status": status}, {"state_data": "by a step", "metadata": "{}"}
    write = Saves(AGENT_STATES, kept.key("planner"), columns=columns, body=body)
    kept.save(replace(write, origin=Origin("alpha", 1, "0002", 3)))


def test_a_state_has_the_same_keys_wherever_it_is_printed(cli: CommandLine, states: States) -> None:
    states.save_agent_state(planner())

    shown = cli.json("state", "show", "planner")

    assert set(shown) == STATE_KEYS
    assert cli.json("state", "list") == cli.json("state", "search", "ship") == {"items": [shown], "next_cursor": None}
    assert json.loads(shown["state_data"]) == {"goal": "ship"}


def test_the_table_says_who_what_when_and_by_which_step(cli: CommandLine, kept: Kept) -> None:
    save_by_a_step(kept)

    heads, row = (line.split() for line in cli("state", "list").out.splitlines())

    assert heads == ["ID", "Name", "Status", "Version", "Saved", "By"]
    assert row[:4] == ["planner", "Planner", "busy", "v1"]
    assert row[-3:] == ["alpha", "step", "0002"]


def test_agents_are_chosen_by_status_and_prefix_and_deleted_ones_on_demand(
    cli: CommandLine, kept: Kept, states: States
) -> None:
    states.save_agent_state(planner(status="busy"))
    states.save_agent_state(AgentState(agent_id="executor"))
    states.save_agent_state(AgentState(agent_id="gone"))
    states.delete_agent("gone")
    States(Kept(kept.database, kept.namespace, "team")).save_agent_state(AgentState(agent_id="elsewhere"))

    def ids(*words: str) -> list[str]:
        return [item["agent_id"] for item in cli.json("state", "list", *words)["items"]]

    assert ids() == ["executor", "planner"]
    assert ids("--status", "busy") == ["planner"]
    assert ids("--deleted") == ["gone", "executor", "planner"]
    assert ids("--prefix", "team") == ["elsewhere"]
    assert "deleted" in cli("state", "list", "--deleted").out
    more = cli("state", "list", "--deleted", "-l", 1).out.splitlines()[-1]
    assert more.startswith("More: questline state list --deleted --limit 1 --cursor ")


def test_an_earlier_state_is_shown_by_its_number_or_a_moment(cli: CommandLine, states: States) -> None:
    first = states.save_agent_state(planner("design"))
    states.save_agent_state(planner("build"))

    for words in (("--version", 1), ("--at", first.updated_at)):
        assert cli.json("state", "show", "planner", *words)["version"] == 1, words
    assert '"build"' in cli("state", "show", "plan").out
    assert cli("state", "show", "planner", "--version", 1, "--at", "1h").code == 2
    too_early = cli("state", "show", "planner", "--at", "1h", "-o", "json").error
    assert (too_early["code"], too_early["message"]) == ("not_found", "planner was not there at that time: 1h")


def test_text_that_is_no_json_is_shown_as_it_is_without_its_tricks(cli: CommandLine, states: States) -> None:
    states.save_agent_state(planner(state_data="first\nsecond \x1b[2J\n" + "x" * 5_000))

    out = cli("state", "show", "planner").out

    assert "first\nsecond �[2J" in out
    assert "…" in out
    assert len(out) < 5_000


def test_a_deleted_agent_leads_to_its_versions(cli: CommandLine, states: States) -> None:
    states.save_agent_state(planner())
    states.delete_agent("planner")

    ran = cli("state", "show", "planner", "-o", "json")

    assert (ran.code, ran.error["hint"]) == (4, "run: questline state versions planner")
    assert [item["op"] for item in cli.json("state", "versions", "planner")["items"]] == ["delete", "save"]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("show", "planner"), "questline state versions planner --prefix team"),
        (("show", "nobody"), "questline state list --prefix team"),
        (("restore", "planner", "nothing"), "questline state snapshots planner --prefix team;"),
    ],
)
def test_what_a_hint_tells_to_run_looks_under_the_same_prefix(
    cli: CommandLine, kept: Kept, words: tuple[str, ...], hint: str
) -> None:
    team = States(Kept(kept.database, kept.namespace, "team"))
    team.save_agent_state(planner())
    team.delete_agent("planner")

    ran = cli("state", *words, "--prefix", "team", "-o", "json")

    assert (ran.code, ran.error["code"]) == (4, "not_found")
    assert f"{ran.error['hint']};".startswith(f"run: {hint}")


def test_history_says_from_which_state_to_which_and_why(cli: CommandLine, states: States) -> None:
    states.save_agent_state(planner())
    states.update_agent_status("planner", "busy", reason="a quest came")

    changes = cli.json("state", "history", "planner")["items"]

    assert [(one["state_before"], one["state_after"], one["reason"]) for one in changes] == [
        ("idle", "busy", "a quest came")
    ]
    assert "a quest came" in cli("state", "history", "planner").out


def test_restore_makes_an_earlier_version_the_present_one(cli: CommandLine, kept: Kept, states: States) -> None:
    states.save_agent_state(planner("design"))
    save_by_a_step(kept)

    restored = cli.json("state", "restore", "planner", "v1")

    assert (restored["version"], json.loads(restored["state_data"])) == (3, {"goal": "design"})
    assert cli.json("state", "show", "planner") == restored
    assert [(item["op"], item["body_version"]) for item in cli.json("state", "versions", "planner")["items"]] == [
        ("restore", 1),
        ("save", 2),
        ("save", 1),
    ]
    assert "restore (content of v1)" in cli("state", "versions", "planner").out


def test_restore_takes_a_snapshot_by_its_id_or_a_part_of_it(cli: CommandLine, states: States) -> None:
    states.save_agent_state(planner("design"))
    snapshot_id = states.create_snapshot("planner", "before the build", expires_in=3_600)
    states.save_agent_state(planner("build"))

    listed = cli.json("state", "snapshots", "planner")["items"]
    text = cli("state", "snapshots", "planner").out
    ran = cli("state", "restore", "planner", snapshot_id[-8:])

    assert [(one["snapshot_id"], one["version"]) for one in listed] == [(snapshot_id, 1)]
    assert "before the build" in text
    assert "in 59 m" in text
    assert ran.code == 0
    assert json.loads(cli.json("state", "show", "planner")["state_data"]) == {"goal": "design"}


@pytest.mark.parametrize(
    ("point", "hint"), [("v7", None), ("seven", "questline state snapshots planner"), ("other", "state snapshots")]
)
def test_what_cannot_be_restored_is_not_found(cli: CommandLine, states: States, point: str, hint: str | None) -> None:
    states.save_agent_state(planner())
    states.save_agent_state(AgentState(agent_id="executor"))
    if point == "other":
        point = states.create_snapshot("executor")

    ran = cli("state", "restore", "planner", point, "-o", "json")

    assert (ran.code, ran.error["code"]) == (4, "not_found")
    assert hint is None or hint in ran.error["hint"]
    assert cli.json("state", "show", "planner")["version"] == 1


def test_purge_asks_and_then_leaves_nothing(cli: CommandLine, states: States) -> None:
    states.save_agent_state(planner())

    refused = cli("state", "purge", "planner")
    kept = cli.json("state", "show", "planner")
    done = cli.json("state", "purge", "plan", "-y")

    assert (refused.code, kept["version"]) == (2, 1)
    assert done == {"agent_id": "planner", "purged": True}
    assert cli("state", "show", "planner").code == cli("state", "purge", "planner", "-y").code == 4


def test_a_name_plays_no_tricks_on_a_terminal_or_a_shell(cli: CommandLine, states: States) -> None:
    name = "two words\x1b[2J;rm"
    states.save_agent_state(AgentState(agent_id=name))

    assert "two words�[2J;rm" in cli("state", "list").out
    assert "'two words�[2J;rm'" in cli("state", "snapshots", "two").err
    assert "\x1b" not in cli("state", "purge", name, "-y").out


def test_agents_are_completed_in_the_shell(cli: CommandLine, states: States) -> None:
    states.save_agent_state(planner())

    context = cast("typer.Context", SimpleNamespace(params={}))

    assert cli.database.exists()
    assert complete_agent_id(context, "pl") == ["planner"]
    assert complete_agent_id(context, "@") == ["@last"]


@pytest.mark.parametrize(
    ("words", "taught"),
    [
        (("state", "list"), "ctx.state"),
        (("state", "list", "--status", "busy"), "No agent matches."),
        (("event", "list"), "ctx.events"),
        (("event", "list", "--type", "said"), "No event matches."),
        (("todo", "list"), "ctx.todos"),
        (("todo", "list", "--session", "s"), "No to-do list matches."),
        (("memory", "list"), "ctx.memory"),
        (("memory", "list", "--tool", "read"), "No lesson matches."),
        *(((noun, "search", "nothing"), "word*") for noun in ("state", "event", "todo", "memory")),
    ],
)
def test_an_empty_list_teaches(cli: CommandLine, words: tuple[str, ...], taught: str) -> None:
    ran = cli(*words)

    assert (ran.code, ran.out) == (0, "")
    assert taught in ran.err
    assert cli.json(*words) == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("noun", ["state", "event", "todo", "memory", "context"])
def test_what_is_not_there_leads_to_the_list(cli: CommandLine, noun: str) -> None:
    ran = cli(noun, "show", "nobody", "-o", "json")

    assert (ran.code, ran.error["code"], ran.error["hint"]) == (4, "not_found", f"run: questline {noun} list")
