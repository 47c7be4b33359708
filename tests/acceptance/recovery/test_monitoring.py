"""What those who watch a pool see: the sums of its processes, and that it is alive and ready."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from urllib.error import HTTPError

from prometheus_client.parser import text_string_to_metric_families

from tests.acceptance.recovery.projects import LONG, Project
from tests.servers.ports import free_port
from tests.waiting import eventually


def ask(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def number(port: int, name: str, **labels: str) -> float:
    """Return what a metric says, all its samples with these labels together."""
    families = text_string_to_metric_families(ask(port, "/metrics")[1])
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


def answers(port: int, path: str) -> bool:
    try:
        return ask(port, path)[0] == 200
    except OSError:  # it does not listen yet
        return False


def health(port: int) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "QUESTLINE_HEALTH_PORT": str(port)}
    command = [sys.executable, "-m", "questline", "health", "--live", "-o", "json"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_pool_tells_the_sums_of_its_processes_also_of_those_that_have_died(sqlite_project: Project) -> None:
    project, port = sqlite_project, free_port()
    project.environment["QUESTLINE_HEALTH_PORT"] = str(port)
    project.start_pool(processes=2)
    eventually(lambda: ask(port, "/readyz")[0] == 200, timeout=LONG, message=project.log)

    for _ in range(6):
        project.completed(project.submit("quick"))
    eventually(lambda: number(port, "quest_steps_total", lord="quick", status="success") == 6, timeout=LONG)
    assert number(port, "quest_step_duration_seconds_count", lord="quick") == 6
    assert number(port, "quest_checkpoint_seconds_count") == 6
    assert number(port, "quest_quests_total", type="test", status="completed") == 6

    slow = project.submit("slow", quest_id="slow")
    os.kill(project.wait_for_begin("slow:0:0001").pid, signal.SIGKILL)
    project.wait_for_begin("slow:0:0001", times=2)
    eventually(lambda: number(port, "quest_recovered_total") == 1, timeout=LONG)
    assert number(port, "quest_steps_total", lord="quick", status="success") == 6
    project.open_gate()
    project.completed(slow)

    told = health(port)
    assert (told.returncode, json.loads(told.stdout)) == (0, {"alive": True})
    assert "/readyz" not in project.log
    assert health(free_port()).returncode == 3


def test_a_scheduler_is_watched_like_a_pool(server_project: Project) -> None:
    project, port = server_project, free_port()
    scheduler = project.start(sys.executable, "-m", "questline", "scheduler", QUESTLINE_HEALTH_PORT=str(port))
    eventually(lambda: answers(port, "/readyz"), timeout=LONG, message=project.log)
    project.submit("quick")
    eventually(lambda: number(port, "quest_queue_depth", queue="default") == 1, timeout=LONG)
    assert "broker" in ask(port, "/readyz")[1]
    scheduler.stop(signal.SIGTERM)
    assert not answers(port, "/livez")
