"""What the planner and the executor do for a goal, what they keep, and what the next quest has of it."""

import asyncio
from pathlib import Path

import pytest

from examples.forge_agent.lords import ROOT
from questline.memory import ContextPersistence, DbTodoListManager, ExecutionHistory, Memories, RunHistory, StateStore
from questline_persistence.models import QuestExecutionData
from questline_persistence.records import QuestRepository
from questline_worker.executor import QuestExecutor
from tests.contract.memory.sessions.managers import wait


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "root"
    (folder / "docs").mkdir(parents=True)
    (folder / "README.md").write_text("# A title\n")
    (folder / "docs" / "guide.md").write_text("Follow the title.\n")
    (tmp_path / "secret.md").write_text("hidden")
    monkeypatch.setenv(ROOT, str(folder))
    return folder


def reach(executor: QuestExecutor, goal: str) -> QuestExecutionData:
    """Run a quest for a goal to its end."""
    quest = QuestExecutionData(quest_type="forge_goal", input_data={"goal": goal})
    return asyncio.run(executor.execute_quest(quest))


def test_a_plan_is_carried_out_action_by_action(executor: QuestExecutor) -> None:
    done = reach(executor, "List the folder docs, then find the word title in *.md, then read the file README.md")
    assert done.status == "completed"
    assert done.output_data == {
        "plan_id": f"{done.quest_id}:0",
        "success": True,
        "output": "guide.md\nREADME.md:1: # A title\ndocs/guide.md:1: Follow the title.\n# A title\n",
        "error": None,
    }
    assert [step["tool"] for step in done.run_data["planner"]["steps"]] == ["list_folder", "find_word", "read_file"]
    runs = [(run.lord_name, run.tool_name) for run in executor.repository.runs(done.quest_id)]
    assert runs == [
        ("planner", "make_plan"),
        *[("executor", "carry_out")] * 3,
        ("executor", "report"),
        ("executor", "conclude"),
    ]


def test_all_that_happened_is_kept_under_the_quest(executor: QuestExecutor, repo: QuestRepository) -> None:
    quest_id = reach(executor, "List the folder docs, then read the file README.md").quest_id
    reach(executor, "Read the file README.md")
    context = ContextPersistence(repo.database).load_context(quest_id)
    assert (context.current_phase, context.status, context.version) == ("end", "completed", 2)

    async def look() -> None:
        states = StateStore(repo.database)
        own = await states.load_agent_state(f"{quest_id}/executor")
        planner = await states.load_agent_state("forge_planner")
        assert own is not None
        assert planner is not None
        assert (own.status, own.version) == ("idle", 3)
        assert (planner.state_data, planner.version) == ("2", 2)
        assert [event.event_type for event in await states.get_events(quest_id)] == ["planned", "completed"]
        (todos,) = await DbTodoListManager(repo.database).list_todolists(quest_id)
        assert (todos.status, todos.version) == ("completed", 4)
        assert todos.plan == [
            {"do": "list the folder docs", "status": "done"},
            {"do": "read the file README.md", "status": "done"},
        ]
        history = await ExecutionHistory(repo.database).list(quest_id)
        assert [(entry.step_id, entry.observation) for entry in history] == [(0, "guide.md"), (1, "# A title\n")]

    wait(look())


def test_a_goal_that_failed_is_a_lesson_for_the_next_quest(executor: QuestExecutor, repo: QuestRepository) -> None:
    first = reach(executor, "Read the file readme.txt")
    assert first.status == "failed"
    assert first.run_data["executor"]["success"] is False
    assert "readme.txt is not there; README.md may be meant" in str(first.error)

    second = reach(executor, "Read the file readme.txt")
    assert (second.status, second.output_data["output"]) == ("completed", "# A title\n")
    assert second.run_data["planner"]["steps"][0] | {"word": ""} == {
        "tool": "read_file",
        "path": "README.md",
        "word": "",
        "asked": "readme.txt",
    }

    async def look() -> None:
        lessons = await Memories(repo.database).recall()
        assert [(one.context, one.lesson, one.tool_name) for one in lessons] == [
            ("readme.txt", "README.md", "read_file")
        ]
        assert lessons[0].origin is not None
        assert lessons[0].origin.quest_id == first.quest_id
        (entry,) = await ExecutionHistory(repo.database).list(second.quest_id)
        assert entry.thought == "readme.txt is not there; I have learnt to look here"

    wait(look())


def test_a_lesson_gives_way_to_the_file_itself_and_to_a_newer_lesson(executor: QuestExecutor, root: Path) -> None:
    reach(executor, "Read the file readme.txt")
    (root / "README.md").rename(root / "README.rst")
    assert reach(executor, "Read the file readme.txt").status == "failed"
    assert reach(executor, "Read the file readme.txt").run_data["planner"]["steps"][0]["path"] == "README.rst"
    (root / "readme.txt").write_text("here")
    assert reach(executor, "Read the file readme.txt").output_data["output"] == "here"


@pytest.mark.parametrize("path", ["../secret.md", "link.md", "docs/up/secret.md"])
def test_a_goal_outside_of_the_root_fails_and_teaches_nothing(
    executor: QuestExecutor, repo: QuestRepository, root: Path, path: str
) -> None:
    (root / "link.md").symlink_to("../secret.md")
    (root / "docs" / "up").symlink_to("../..")
    done = reach(executor, f"Read the file {path}")
    assert done.status == "failed"
    assert f"{path} is refused" in str(done.error)
    assert "hidden" not in str(done.run_data)
    assert wait(Memories(repo.database).recall()) == []


def test_every_goal_is_a_run_and_its_results_can_be_recorded_as_one(
    executor: QuestExecutor, repo: QuestRepository
) -> None:
    quests = [reach(executor, f"Read the file {name}") for name in ("README.md", "readme.txt")]

    async def look() -> None:
        history = RunHistory(repo.database)
        listed = [(run.run_id, run.objective, run.success) for run in await history.list_runs()]
        assert listed == [
            (quest.quest_id, f"Read the file {name}", success)
            for quest, name, success in [(quests[1], "readme.txt", False), (quests[0], "README.md", True)]
        ]
        for quest in quests:
            run_id = await history.save_run(quest.run_data["planner"], quest.run_data["executor"])
            run = await history.get_run(run_id)
            assert (run.plan_id, run.execution_result["success"]) == (f"{quest.quest_id}:0", quest is quests[0])

    wait(look())
