"""Several processes save in one folder, forked ones and others, and some of them are killed."""

import json
import subprocess
import sys
from pathlib import Path

from questline_persistence.memory.files import FileStateManager
from tests.contract.memory.sessions.managers import wait

SCRIPT = Path(__file__).with_name("saving.py")
#: How many programs run, how often each forks, and how often each of the processes saves.
PROGRAMS, FORKS, COUNT = 2, 2, 15
PROCESSES = PROGRAMS * (1 + FORKS)


def _start(folder: Path, count: int, forks: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-W", "ignore", SCRIPT, folder, str(count), str(forks)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_no_save_of_any_process_is_lost_and_one_alone_wins_each_version(tmp_path: Path) -> None:
    programs = [_start(tmp_path, COUNT, FORKS) for _ in range(PROGRAMS)]
    told = [program.communicate() for program in programs]
    made = [json.loads(line) for output, _ in told for line in output.splitlines()]

    assert [program.returncode for program in programs] == [0] * PROGRAMS
    assert len(made) == PROCESSES
    assert sorted(version for one in made for version in one["counted"]) == [*range(1, PROCESSES * COUNT + 1)]
    assert sorted(version for one in made for version in one["contested"]) == [*range(1, COUNT + 1)]


def test_a_process_that_is_killed_leaves_a_whole_state_and_no_lock(tmp_path: Path) -> None:
    states = FileStateManager(tmp_path)
    version = 0
    for _ in range(5):
        with _start(tmp_path, 0, 0) as program:
            assert program.stdout is not None
            acknowledged = [int(program.stdout.readline()) for _ in range(3)][-1]
            program.kill()
        found = wait(states.load_with_version("killed"))
        assert found is not None
        assert found.version is not None
        assert found.version >= acknowledged == version + 3
        assert found.state_data == {"text": "x" * 100_000}
        version = wait(states.save_state("killed", {}))
        assert version == found.version + 1


def test_a_process_that_is_forked_during_a_save_keeps_no_lock(tmp_path: Path) -> None:
    code = """
import os, signal, sys
from pathlib import Path
from questline_persistence.memory.files.folder import Folder
folder = Folder(Path(sys.argv[1]), patience=0.1)
with folder.locked():
    if not (child := os.fork()):
        signal.pause()
try:
    with folder.locked():
        pass
finally:
    os.kill(child, signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code, tmp_path], check=True)
