"""How users run workers: plain Dramatiq, projects with names like ours, an installed wheel, paths with spaces."""

import os
import signal
import subprocess
import sys
import sysconfig
import time
import zipfile
from pathlib import Path

import pytest

from tests.acceptance.recovery.projects import LONG, Project, all_gone, descendants, is_alive
from tests.integration.worker.pools import tell
from tests.waiting import eventually

ROOT = Path(__file__).parents[3]


def test_plain_dramatiq_runs_quests_and_stops_at_sigterm(project: Project) -> None:
    dramatiq = project.start(
        *(sys.executable, "-m", "dramatiq", "questline_worker.main", "-p", "1", "-t", "4"),
        QUESTLINE_LORDS="my_lords",
    )
    project.wait_for_workers(1)
    project.open_gate()
    quest_id = project.submit("quick", "slow", "quick")
    project.completed(quest_id)
    assert project.successes(quest_id) == ["0001", "0002", "0003"]
    children = descendants(dramatiq.pid)
    dramatiq.send(signal.SIGTERM)
    begun = time.monotonic()
    eventually(lambda: not dramatiq.running, timeout=LONG, message=f"dramatiq did not end: {project.log[-3000:]}")
    all_gone(children)
    tell(f"stopped {time.monotonic() - begun:.2f} s after SIGTERM")
    assert dramatiq._process.returncode == 0
    assert project.live_workers() == []


def test_plain_dramatiq_that_is_killed_loses_nothing(server_project: Project) -> None:
    project = server_project
    command = (sys.executable, "-m", "dramatiq", "questline_worker.main", "-p", "1", "-t", "4")
    dramatiq = project.start(*command, QUESTLINE_LORDS="my_lords")
    quest_id = project.submit("quick", "slow", quest_id="plain")
    victim = project.wait_for_begin("plain:0:0002")
    os.kill(victim.pid, signal.SIGKILL)
    eventually(lambda: not dramatiq.running, timeout=LONG)  # its own policy: one dead process stops them all
    project.start(*command, QUESTLINE_LORDS="my_lords")
    project.wait_for_begin("plain:0:0002", 2)
    project.open_gate()
    project.completed(quest_id)
    assert project.times_begun()["plain:0:0001"] == 1


def _give_names_like_ours(project: Project) -> None:
    """Add modules to the project that have the names of our folders."""
    project.write("worker.py", 'NAME = "my worker"\n')
    project.write("persistence.py", 'NAME = "my persistence"\n')
    project.write("gateway.py", 'NAME = "my gateway"\n')
    project.write("scheduler/__init__.py", 'NAME = "my scheduler"\n')
    project.write("tests/__init__.py", 'NAME = "my tests"\n')
    with (project.folder / "my_lords.py").open("a") as module:
        module.write(
            "\nimport gateway, persistence, scheduler, tests, worker\n\n"
            '@lord("namesake", "work")\n'
            "def namesake(ctx: LordContext) -> list[str]:\n"
            "    return [m.NAME for m in (worker, scheduler, persistence, gateway, tests)]\n"
        )


NAMES = ["my worker", "my scheduler", "my persistence", "my gateway", "my tests"]


def test_a_project_may_have_modules_with_the_names_of_our_folders(sqlite_project: Project) -> None:
    _give_names_like_ours(sqlite_project)
    sqlite_project.start_pool(processes=1)
    assert sqlite_project.completed(sqlite_project.submit("namesake", "quick")).run_data["namesake"] == NAMES


def test_a_project_may_have_such_names_under_plain_dramatiq_too(sqlite_project: Project) -> None:
    _give_names_like_ours(sqlite_project)
    sqlite_project.start(
        sys.executable, "-m", "dramatiq", "questline_worker.main", "-p", "1", "-t", "2", QUESTLINE_LORDS="my_lords"
    )
    assert sqlite_project.completed(sqlite_project.submit("namesake")).output_data == NAMES


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, str]]:
    """A fresh environment into which the built wheel is unpacked: its Python, and what it needs to find the rest."""
    folder = tmp_path_factory.mktemp("installed here")
    build = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert build.returncode == 0, build.stdout + build.stderr
    (wheel,) = folder.glob("*.whl")
    site = folder / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    # The editable install's .pth file counts only in a site directory, which PYTHONPATH is not.
    path = os.pathsep.join([str(site), sysconfig.get_path("purelib")])
    return str(folder / "venv" / "bin" / "python"), {"PYTHONPATH": path, "HOME": str(folder)}


def test_the_wheel_runs_a_project_with_such_names_in_a_path_with_spaces(
    request: pytest.FixtureRequest, tmp_path: Path, installed: tuple[str, dict[str, str]]
) -> None:
    python, environment = installed
    project = Project(
        tmp_path / "my first project", request.getfixturevalue("sqlite_url"), "memory://", environment=environment
    )
    try:
        _give_names_like_ours(project)
        where = subprocess.run(
            [python, "-c", "import questline_worker, questline; print(questline.__file__, questline_worker.__file__)"],
            env=environment,
            cwd=project.folder,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert "installed here" in where
        assert str(ROOT) not in where.replace(sysconfig.get_path("purelib"), "")
        project.start_pool(processes=1, python=python)
        assert project.completed(project.submit("namesake", "quick")).run_data["namesake"] == NAMES
    finally:
        project.close()


def test_a_project_in_a_path_with_spaces_survives_a_kill(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    project = Project(tmp_path / "a path with spaces", request.getfixturevalue("sqlite_url"), "memory://")
    try:
        pool = project.start_pool(processes=1)
        project.submit("slow", quest_id="spaces")
        victim = project.wait_for_begin("spaces:0:0001")
        os.kill(victim.pid, signal.SIGKILL)
        project.wait_for_begin("spaces:0:0001", 2)
        project.open_gate()
        project.completed("spaces")
        assert is_alive(pool.pid)
    finally:
        project.close()
