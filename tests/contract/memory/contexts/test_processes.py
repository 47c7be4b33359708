"""Several processes change one context at once, and one of them is killed."""

import subprocess
import sys
from pathlib import Path

from questline_persistence.memory.contexts import ContextPersistence
from tests.contract.memory.contexts.workflows import a_context
from tests.waiting import eventually

PROGRAM = Path(__file__).with_name("appending.py")
PROCESSES, COUNT = 3, 15


def start(url: str, name: str, count: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-W", "ignore", str(PROGRAM), url, name, str(count)])


def test_no_change_of_any_process_is_lost(persistence: ContextPersistence, database_url: str) -> None:
    persistence.save_context(a_context())
    programs = [start(database_url, str(number), COUNT) for number in range(PROCESSES)]
    codes = [program.wait() for program in programs]
    context = persistence.load_context("w1")
    changes = [f"{name}-{number}" for name in range(PROCESSES) for number in range(COUNT)]

    assert codes == [0] * PROCESSES
    assert sorted(context.phase_history) == sorted(changes)
    assert context.version == PROCESSES * COUNT + 1 == persistence.get_version_count(12, 3)
    before = [len(one.phase_history) for one in persistence.get_context_versions(12, 3)]
    assert before == [*range(PROCESSES * COUNT + 1)]


def test_a_process_that_is_killed_leaves_whole_versions(persistence: ContextPersistence, database_url: str) -> None:
    persistence.save_context(a_context())
    with start(database_url, "killed", 1_000_000) as program:
        try:
            eventually(lambda: (persistence.load_context("w1").version or 0) > 5, timeout=60)
        finally:
            program.kill()
    context = persistence.load_context("w1")

    assert context.phase_history == [f"killed-{number}" for number in range((context.version or 0) - 1)]
    assert persistence.update_context(context, expected_version=context.version) == (context.version or 0) + 1
