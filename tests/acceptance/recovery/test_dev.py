"""`questline dev`: what it listens to, what it tells, and how it comes to run new code."""

import json
import re
import sys
import urllib.request
from pathlib import Path
from textwrap import dedent

from questline_persistence.models import LordStep, QuestExecutionData
from tests.acceptance.recovery.projects import LONG, Project, is_alive
from tests.servers.process import ServerProcess
from tests.waiting import eventually

SCRIPT = str(Path(sys.executable).with_name("questline"))

ANSWER = dedent("""
    from questline import lord

    @lord("answer", "work")
    def answer(ctx):
        return {answer}
""")


def _start(project: Project) -> ServerProcess:
    project.write("answers.py", ANSWER.format(answer=1))
    dev = project.start(SCRIPT, "dev", "my_lords", "answers", QUESTLINE_LOG_FORMAT="auto")
    project.wait_for_workers(1)
    return dev


def _write_until(project: Project, name: str, text: str, told: str) -> None:
    """Write a file until that has been noticed; the very first change may come before anybody watches."""
    seen = project.log.count(told)

    def written() -> bool:
        project.write(name, text)
        return project.log.count(told) > seen

    eventually(written, timeout=LONG, interval=0.5, message=f"not told: {told}; log: {project.log[-3000:]}")


def test_dev_listens_to_every_queue_that_its_lords_name_and_tells_of_steps_and_quests(sqlite_project: Project) -> None:
    project = sqlite_project
    with (project.folder / "my_lords.py").open("a") as module:
        module.write('\n@lord("painter", "work", queue="gpu")\ndef painter(ctx):\n    return "painted"\n')
    _start(project)
    step = LordStep("painter", "work", queue="gpu")
    quest_id = project.client.submit(QuestExecutionData(quest_type="test", execution_stack=[step])).quest_id
    assert project.completed(quest_id).output_data == "painted"
    eventually(lambda: "quest_changed" in project.log, timeout=LONG, message=project.log)
    (started,) = [line for line in project.log.splitlines() if "step_started" in line]
    (ended,) = [line for line in project.log.splitlines() if "step_ended" in line]
    assert "lord=painter" in started
    assert "outcome=success" in ended
    assert "seconds=" in ended
    assert not started.startswith("{"), "JSON is for machines"
    (worker,) = project.live_workers()
    assert worker.queues == ("default", "gpu")
    found = re.search(r"dashboard (http://127\.0\.0\.1:\d+)/", project.log)
    assert found is not None, project.log
    with urllib.request.urlopen(f"{found[1]}/quest/{quest_id}", timeout=LONG) as answer:  # noqa: S310  (our own server)
        assert json.load(answer)["status"] == "completed"


def test_dev_runs_new_code_once_the_running_step_has_ended(sqlite_project: Project) -> None:
    project = sqlite_project
    _start(project)
    (before,) = project.live_workers()
    assert project.completed(project.submit("answer")).output_data == 1
    long_id = project.submit("slow", "answer", quest_id="long")
    project.wait_for_begin("long:0:0001")

    _write_until(project, "answers.py", ANSWER.format(answer=2), "code_changed")
    assert is_alive(before.pid)
    assert project.times_begun()["long:0:0001"] == 1
    project.open_gate()

    done = project.completed(long_id)
    assert done.run_data == {"slow": before.pid, "answer": 2}
    assert project.times_begun()["long:0:0001"] == 1
    assert [run.status for run in project.client.runs(long_id)] == ["success", "success"]
    assert "worker_process_died" not in project.log


def test_dev_goes_on_with_the_code_before_while_a_file_is_no_python(sqlite_project: Project) -> None:
    project = sqlite_project
    _start(project)
    _write_until(project, "answers.py", "def broken(:\n", "The old code goes on")
    assert "invalid syntax" in project.log
    assert project.completed(project.submit("answer")).output_data == 1
    _write_until(project, "answers.py", ANSWER.format(answer=2), "code_changed")
    eventually(lambda: _answer(project) == 2, timeout=LONG)


def test_dev_waits_for_the_next_change_where_new_code_cannot_be_imported(sqlite_project: Project) -> None:
    project = sqlite_project
    dev = _start(project)
    _write_until(project, "answers.py", "nowhere.to_be_found\n", "worker_misconfigured")
    assert dev.running
    _write_until(project, "answers.py", ANSWER.format(answer=2), "worker_started")
    assert _answer(project) == 2


def _answer(project: Project) -> object:
    return project.completed(project.submit("answer")).output_data
