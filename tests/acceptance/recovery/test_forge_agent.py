"""An agent whose worker is killed in mid-plan: what it keeps is there once and complete, as if nothing had happened."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from examples.forge_agent.lords import ROOT
from questline.memory import ContextPersistence, DbTodoListManager, ExecutionHistory, Memories, StateStore
from questline_persistence.errors import QuestFailed
from tests.acceptance.recovery.projects import LONG, Project
from tests.contract.memory.sessions.managers import wait

SCRIPT = str(Path(sys.executable).with_name("questline"))
GOAL = "List the folder docs, then read the file readme.txt, then find the word title in *.md"

#: The agent, whose second action waits at its very end for the test.
SLOW = dedent("""
    from examples.forge_agent import lords as forge

    _missing = forge._missing

    def missing(ctx, folder, action):
        said = _missing(ctx, folder, action)
        note("begin", ctx.idempotency_key)
        while not (FOLDER / "gate").exists():
            time.sleep(0.01)
        return said

    forge._missing = missing
""")


def _submit(project: Project, quest_id: str) -> None:
    project.client.submit({"quest_id": quest_id, "quest_type": "forge_goal", "input_data": {"goal": GOAL}})


@pytest.mark.timeout(200)
def test_a_worker_killed_in_mid_plan_costs_neither_a_todo_nor_a_lesson(project: Project) -> None:
    with (project.folder / "my_lords.py").open("a") as module:
        module.write(SLOW)
    root = project.folder / "root"
    project.write("root/docs/guide.md", "Follow the title.\n")
    project.write("root/README.md", "# A title\n")
    project.environment[ROOT] = str(root)
    project.start_pool(processes=2)

    _submit(project, "killed")
    victim = project.wait_for_begin("killed:0:0001.0002")
    store = project.client.repository.database
    assert wait(Memories(store).recall()) == [], "a lesson of an attempt that has not ended"
    os.kill(victim.pid, signal.SIGKILL)
    again = project.wait_for_begin("killed:0:0001.0002", 2)
    assert again.pid != victim.pid
    project.open_gate()
    with pytest.raises(QuestFailed):
        project.client.wait("killed", LONG)
    _assert_once_and_complete(project)

    _submit(project, "next")
    done = project.completed("next")
    assert (
        done.output_data["output"]
        == "guide.md\n# A title\n\nREADME.md:1: # A title\ndocs/guide.md:1: Follow the title."
    )
    assert len(wait(Memories(store).recall())) == 1


def _assert_once_and_complete(project: Project) -> None:
    store = project.client.repository.database
    assert project.successes("killed") == ["0001", "0001.0001", "0001.0002", "0001.0003", "0002"]
    result = project.client.get("killed").run_data["executor"]
    assert (result["success"], result["error"]) == (False, "readme.txt is not there; README.md may be meant")
    (todos,) = wait(DbTodoListManager(store).list_todolists("killed"))
    assert todos.plan == [
        {"do": "list the folder docs", "status": "done"},
        {"do": "read the file readme.txt", "status": "failed"},
        {"do": "find the word title in *.md", "status": "done"},
    ]
    assert (todos.status, todos.version) == ("failed", 5)
    history = wait(ExecutionHistory(store).list("killed"))
    assert [(entry.seq, entry.step_id) for entry in history] == [(1, 0), (2, 1), (3, 2)]
    states = StateStore(store)
    assert [(event.seq, event.event_type) for event in wait(states.get_events("killed"))] == [
        (1, "planned"),
        (2, "failed"),
    ]
    own, planner = (wait(states.load_agent_state(name)) for name in ("killed/executor", "forge_planner"))
    assert own is not None
    assert planner is not None
    assert (own.status, own.version, planner.state_data, planner.version) == ("idle", 4, "1", 1)
    assert ContextPersistence(store).load_context("killed").version == 2
    assert [lesson.lesson for lesson in wait(Memories(store).recall())] == ["README.md"]


@pytest.mark.timeout(200)
def test_a_goal_is_reached_under_dev_as_the_page_of_the_example_shows(sqlite_project: Project) -> None:
    project = sqlite_project
    project.write("docs/README.md", "# Documentation\n")
    project.environment |= {ROOT: str(project.folder / "docs"), "QUESTLINE_LORDS": "examples.forge_agent"}
    project.start(SCRIPT, "dev")
    project.wait_for_workers(1)

    values = {
        **project.environment,
        "QUESTLINE_DATABASE_URL": project.database_url,
        "QUESTLINE_BROKER_URL": project.broker_url,
    }

    def submit(goal: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [SCRIPT, "submit", "--type", "forge_goal", "-i", f"goal={goal}", "--wait"],
            cwd=project.folder,
            env=os.environ | values,
            capture_output=True,
            text=True,
            timeout=LONG,
            check=False,
        )

    missed, reached = (submit("Read the file READ.md") for _ in range(2))
    assert missed.returncode == 8
    assert "READ.md is not there; README.md may be meant" in missed.stderr
    assert (reached.returncode, reached.stdout.splitlines()[-1]) == (0, "completed"), reached.stderr
    assert submit("Do as you like").returncode == 2
