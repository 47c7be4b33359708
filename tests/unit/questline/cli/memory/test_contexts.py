"""`questline context`: contexts of workflows, as JSON and for people."""

from dataclasses import replace

import pytest

from questline_persistence.kinds import CONTEXTS
from questline_persistence.memory import Kept
from questline_persistence.memory.contexts import Contexts
from questline_persistence.writes import Origin, Saves
from tests.contract.memory.contexts.workflows import a_context
from tests.unit.questline.cli.conftest import CommandLine

CONTEXT_KEYS = {
    *("workflow_id", "epic_num", "story_num", "feature", "workflow_name", "current_phase", "status", "decisions"),
    *("artifacts", "phase_history", "metadata", "created_at", "updated_at", "version", "saved_at", "origin"),
}


@pytest.fixture
def contexts(kept: Kept) -> Contexts:
    return Contexts(kept)


def save_by_a_step(kept: Kept, workflow_id: str) -> None:
    """Save a context as the second step of the quest "alpha" does."""
    context = a_context(workflow_id, current_phase="build")
    columns = {name: getattr(context, name) for name in CONTEXTS.head} | {"status": str(context.status)}
    body = {"context_data": context.to_json()}
    write = Saves(CONTEXTS, kept.key(workflow_id), columns=columns, body=body)
    kept.save(replace(write, origin=Origin("alpha", 1, "0002", 3)))


def test_a_context_has_the_same_keys_wherever_it_is_printed(cli: CommandLine, contexts: Contexts) -> None:
    contexts.save_context(a_context("w1", decisions={"database": "SQLite"}))

    shown = cli.json("context", "show", "w1")
    listed, found = cli.json("context", "list"), cli.json("context", "search", "sqlite")

    assert set(shown) == CONTEXT_KEYS
    assert listed == found == {"items": [shown], "next_cursor": None}
    assert (shown["version"], shown["status"], shown["decisions"]) == (1, "running", {"database": "SQLite"})
    assert shown["saved_at"] is not None


def test_the_table_says_what_where_and_by_which_step(cli: CommandLine, kept: Kept) -> None:
    save_by_a_step(kept, "w1")

    heads, row = (line.split() for line in cli("context", "list").out.splitlines())

    assert heads == ["ID", "Workflow", "Feature", "Story", "Phase", "Status", "Version", "Saved", "By"]
    assert row[:7] == ["w1", "implement", "login", "12.3", "build", "running", "v1"]
    assert row[-3:] == ["alpha", "step", "0002"]


def test_contexts_are_chosen_by_what_is_known_of_them(cli: CommandLine, contexts: Contexts) -> None:
    contexts.save_contexts(
        [
            a_context("w1"),
            a_context("w2", epic_num=13, story_num=None, feature="search", workflow_name="review"),
            a_context("w3", status="failed", current_phase="build"),
        ]
    )

    def ids(*words: object) -> list[str]:
        return [item["workflow_id"] for item in cli.json("context", "list", *words)["items"]]

    assert ids() == ["w3", "w2", "w1"]
    assert ids("--epic", 12) == ids("--epic", 12, "--story", 3) == ["w3", "w1"]
    assert ids("--feature", "search") == ids("--workflow", "review") == ["w2"]
    assert ids("--status", "failed", "-s", "paused") == ids("--phase", "build") == ["w3"]
    assert ids("--until", "1h") == ids("--prefix", "team") == []
    assert ids("--since", "1h") == ["w3", "w2", "w1"]


def test_a_long_list_tells_the_command_for_its_next_page(cli: CommandLine, kept: Kept) -> None:
    mine = Contexts(Kept(kept.database, kept.namespace, "my team"))
    mine.save_contexts([a_context(name) for name in ("w1", "w2", "w3")])
    words = ["context", "list", "--epic", 12, "--prefix", "my team", "--limit", 2]

    first = cli.json(*words)
    more = cli(*words).out.splitlines()[-1]
    second = cli.json(*words, "--cursor", first["next_cursor"])

    expected = f"questline context list --epic 12 --prefix 'my team' --limit 2 --cursor {first['next_cursor']}"
    assert more == f"More: {expected}"
    assert [item["workflow_id"] for item in first["items"] + second["items"]] == ["w3", "w2", "w1"]
    assert second["next_cursor"] is None


def test_versions_say_how_and_by_which_step_each_came_about(cli: CommandLine, kept: Kept, contexts: Contexts) -> None:
    contexts.save_context(a_context("w1"))
    save_by_a_step(kept, "w1")
    contexts.delete_context("w1")

    listed = cli.json("context", "versions", "w1")["items"]

    assert [(item["version"], item["op"], item["body_version"]) for item in listed] == [
        (3, "delete", None),
        (2, "save", 2),
        (1, "save", 1),
    ]
    assert [item["origin"] and item["origin"]["quest_id"] for item in listed] == [None, "alpha", None]
    assert "alpha step 0002" in cli("context", "versions", "w1").out


def test_an_older_version_can_be_shown_and_a_deleted_context_leads_there(cli: CommandLine, contexts: Contexts) -> None:
    contexts.save_context(a_context("w 1"))
    contexts.delete_context("w 1")

    assert cli.json("context", "show", "w 1", "--version", 1)["version"] == 1
    for words, said in ((["w 1"], "was deleted"), (["w 1", "--version", 7], "has no version 7")):
        ran = cli("context", "show", *words, "-o", "json")
        assert (ran.code, ran.error["code"]) == (4, "not_found")
        assert said in ran.error["message"]
        assert ran.error["hint"] == "run: questline context versions 'w 1'"


def test_a_context_for_people_tells_its_decisions(cli: CommandLine, contexts: Contexts) -> None:
    found = a_context("w1", decisions={"database": "SQLite"}, artifacts=["plan.md"], phase_history=["idea"])
    contexts.save_context(found.model_copy(update={"metadata": {"team": "a"}}))

    out = cli("context", "show", "w1").out

    for text in (
        "Workflow w1  implement",
        "running",
        "design",
        "12.3",
        "v1",
        "database",
        '"SQLite"',
        "plan.md",
        "idea",
    ):
        assert text in out
    assert '{"team": "a"}' in out


@pytest.mark.parametrize(("words", "taught"), [((), "ctx.context"), (("--epic", "7"), "No context matches.")])
def test_an_empty_list_teaches(cli: CommandLine, words: tuple[str, ...], taught: str) -> None:
    ran = cli("context", "list", *words)

    assert (ran.code, ran.out) == (0, "")
    assert taught in ran.err
    assert cli.json("context", "list", *words) == {"items": [], "next_cursor": None}


def test_a_search_without_a_match_teaches(cli: CommandLine, contexts: Contexts) -> None:
    contexts.save_context(a_context("w1"))

    ran = cli("context", "search", "nowhere")

    assert (ran.code, ran.out) == (0, "")
    assert "word*" in ran.err


def test_a_wrong_status_names_the_nearest(cli: CommandLine) -> None:
    ran = cli("context", "list", "--status", "runing", "-o", "json")

    assert (ran.code, ran.error["hint"]) == (2, "did you mean 'running'?")
