"""The demonstration, as a new user runs it: without a terminal, in a folder whose path has a space."""

import os
import re
import subprocess
import sys
from pathlib import Path

from questline.demo.pool import Pool
from tests.waiting import eventually

LIMIT_SECONDS = 100


def test_the_demo_kills_a_worker_and_every_quest_still_ends_as_expected(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()

    shown = subprocess.run(
        [sys.executable, "-m", "questline", "demo"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )

    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "Every quest was completed, and every step was committed exactly once." in shown.stdout
    recovery = re.search(r"Recovery after the kill: ([\d.]+) s", shown.stdout)
    assert recovery is not None
    assert float(recovery[1]) < 10  # by lease alone it would take longer
    report = re.search(r"For instance: (.*\.html)", shown.stdout)
    assert report is not None
    assert "<svg" in Path(report[1]).read_text()
    killed = re.search(r"Killed worker process (\d+).*process (\d+) had the step", shown.stdout)
    assert killed is not None
    for pid in killed.groups():
        eventually(lambda pid=pid: not _alive(int(pid)), message=f"process {pid} still runs")


def test_a_demo_in_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()

    shown = subprocess.run(
        [sys.executable, "-m", "questline", "demo", "--dir", str(tmp_path)], capture_output=True, text=True, check=False
    )

    assert shown.returncode == 5
    assert "is not empty" in shown.stdout + shown.stderr


def test_the_pool_ends_with_its_block(tmp_path: Path) -> None:
    with Pool(tmp_path, processes=1) as pool:
        assert pool.running
        eventually(lambda: "worker_started" in pool.log_path.read_text(), timeout=30)

    assert not pool.running


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
