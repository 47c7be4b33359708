"""`questline event`, `todo` and `memory`: what happened, what is to be done, what was learnt."""

import pytest

from questline_persistence.memory import Kept
from questline_persistence.memory.models import Event
from questline_persistence.memory.sessions import Lessons, TodoLists
from questline_persistence.memory.states import States
from tests.unit.questline.cli.conftest import CommandLine


@pytest.fixture
def events(kept: Kept) -> list[Event]:
    said = [
        Event(event_id="e-1", session_id="s1", event_type="said", content="hello planner", git_commit="abc"),
        Event(event_id="e-2", session_id="s2", event_type="said", actor_type="user", actor_id="ada", content="hi"),
        Event(event_id="e-3", session_id="s1", event_type="did", content="read README.md\nall of it"),
    ]
    return [States(kept).save_event(event) for event in said]


def test_events_come_newest_first_and_may_be_chosen(cli: CommandLine, events: list[Event]) -> None:
    def ids(*words: object) -> list[str]:
        return [item["event_id"] for item in cli.json("event", "list", *words)["items"]]

    assert len(events) == 3
    assert ids() == ["e-3", "e-2", "e-1"]
    assert ids("--session", "s1") == ["e-3", "e-1"]
    assert ids("--type", "said") == ["e-2", "e-1"]
    assert ids("--commit", "abc", "--session", "s1") == ["e-1"]


def test_events_of_a_session_go_on_by_cursor(cli: CommandLine, events: list[Event]) -> None:
    words = ("event", "list", "--session", "s1", "--limit", 1)
    first = cli.json(*words)
    second = cli.json(*words, "--cursor", first["next_cursor"])

    assert [page["items"][0]["seq"] for page in (first, second)] == [events[2].seq, events[0].seq]
    assert second["next_cursor"] is None


def test_an_event_is_shown_whole_and_found_by_its_words(cli: CommandLine, events: list[Event]) -> None:
    shown = cli.json("event", "show", "e-3")

    assert set(shown) == set(Event.model_fields)
    assert shown["content"] == events[2].content
    assert "all of it" in cli("event", "show", "@last").out
    assert cli.json("event", "search", "readme")["items"] == [shown]
    assert [one["event_id"] for one in cli.json("event", "search", "he* -hi")["items"]] == ["e-1"]
    assert cli.json("event", "search", "hi", "--session", "s1")["items"] == []
    row = cli("event", "list", "--type", "did").out.splitlines()[1].split()
    assert row[:6] == ["e-3", "s1", "#2", "did", "system", "read"]


def test_todo_lists_are_listed_shown_and_found(cli: CommandLine, kept: Kept) -> None:
    todos = TodoLists(kept)
    todos.save_todolist("plan-1", "s1", [{"id": 1, "text": "Read the README"}, {"id": 2, "text": "Write"}])
    todos.save_todolist("plan-1", "s1", [{"id": 1, "text": "Read the README"}], "done")
    todos.save_todolist("plan-2", "s2", {})

    shown = cli.json("todo", "show", "plan-1")

    assert (shown["version"], shown["status"], len(shown["plan"])) == (2, "done", 1)
    assert [one["todolist_id"] for one in cli.json("todo", "list")["items"]] == ["plan-2", "plan-1"]
    assert cli.json("todo", "list", "--session", "s1", "--status", "done")["items"] == [shown]
    assert cli.json("todo", "search", "readme")["items"] == [shown]
    assert '{"id": 1, "text": "Read the README"}' in cli("todo", "show", "plan-1").out
    assert "Nothing is to be done." in cli("todo", "show", "plan-2").out
    assert cli("todo", "list").out.splitlines()[2].split()[:5] == ["plan-1", "s1", "done", "1", "v2"]
    assert [one["status"] for one in cli.json("todo", "versions", "plan-1")["items"]] == ["done", "pending"]


def test_a_deleted_todo_list_leads_to_its_versions(cli: CommandLine, kept: Kept) -> None:
    todos = TodoLists(kept)
    todos.save_todolist("plan-1", "s1", [])
    todos.delete_todolist("plan-1")

    ran = cli("todo", "show", "plan-1", "-o", "json")

    assert (ran.code, ran.error["hint"]) == (4, "run: questline todo versions plan-1")


def test_lessons_are_listed_shown_and_found(cli: CommandLine, kept: Kept) -> None:
    lessons = Lessons(kept)
    lessons.remember("reading CSV", "the delimiter may be a semicolon", "read_csv", 80, memory_id="m-1")
    lessons.remember("writing", "flush a semicolon", None, 10, memory_id="m-2")

    shown = cli.json("memory", "show", "m-1")
    found = cli.json("memory", "search", "semi*", "--min-confidence", 50)

    assert (shown["lesson"], shown["confidence"]) == ("the delimiter may be a semicolon", 80)
    assert [one["memory_id"] for one in cli.json("memory", "list")["items"]] == ["m-2", "m-1"]
    assert found["items"] == cli.json("memory", "list", "--tool", "read_csv")["items"] == [shown]
    assert cli.json("memory", "search", "semicolon", "--tool", "read_csv")["items"] == [shown]
    assert "reading CSV" in cli("memory", "show", "m-1").out
    assert cli("memory", "list").out.splitlines()[2].split()[:4] == ["m-1", "read_csv", "80", "the"]
