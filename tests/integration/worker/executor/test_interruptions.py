"""What stops an executor's quests from outside, and that they can be resumed."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from questline_persistence.records import QuestRepository
from questline_worker.executor import QuestExecutor
from questline_worker.lords import LordContext, lord
from tests.integration.worker.executor.awaiting import run, until
from tests.integration.worker.executor.gate import Gate
from tests.integration.worker.executor.rows import ready, worker_states
from tests.integration.worker.pools import LONG, quest
from tests.waiting import eventually


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """Let asyncio tell of the tasks that are broken off here, which it does once they are garbage, in no other test."""
    yield
    gc.collect()


@pytest.mark.parametrize("kind", ["waiting", "blocking"])
def test_a_task_that_is_cancelled_begins_no_more_steps_and_its_quest_can_be_resumed(
    executor: QuestExecutor, gate: Gate, kind: str
) -> None:
    one = quest(kind, kind, kind)

    async def main() -> None:
        task = asyncio.create_task(executor.execute_quest(one))
        await until(lambda: gate.begun == ["0001"])
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        if kind == "waiting":
            assert gate.cancelled == ["0001"]
            assert ready(executor.repository, one.quest_id) == [("0001", "ready", 0)], "it was not given back"
        gate.open.set()
        await until(lambda: ready(executor.repository, one.quest_id)[0][1] == "ready")
        assert len(gate.begun) == 1

    run(main())
    done = run(executor.resume_quest(one.quest_id))
    assert done.status == "completed"
    assert gate.ended == ["0001", "0002", "0003"]
    assert [run.attempt_number for run in executor.repository.runs(one.quest_id)] == [1, 1, 1]


def test_a_loop_that_ends_gives_back_what_ran_on_it(executor: QuestExecutor, gate: Gate) -> None:
    one = quest("waiting")
    kept: list[asyncio.Task[Any]] = []

    async def main() -> None:
        kept.append(asyncio.create_task(executor.execute_quest(one)))
        await until(lambda: gate.begun)

    run(main())
    assert gate.cancelled == ["0001"]
    eventually(lambda: ready(executor.repository, one.quest_id) == [("0001", "ready", 0)])
    gate.open.set()
    assert run(executor.resume_quest(one.quest_id)).status == "completed"


def test_control_c_ends_the_step_under_way_and_no_other_begins(tmp_path: Path) -> None:
    code = """
import asyncio, pathlib, signal, sys, time
from questline import LordStep, Quest, QuestExecutor, QuestRepository, lord

def tell(word):
    sys.stdout.write(f"{word}\\n")  # in one piece, since two threads tell: print would write a line in two
    sys.stdout.flush()

@lord("a", "sync")
def sync(ctx):
    tell("sync")
    while not pathlib.Path("go").exists():
        time.sleep(0.01)

@lord("a", "later")
async def later(ctx):
    tell("later")
    try:
        await asyncio.Event().wait()
    finally:
        tell("cancelled")

signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever began this may ignore it

async def main():
    with QuestRepository("q.db") as repo, QuestExecutor(repository=repo) as executor:
        stacks = [[LordStep("a", tool)] * 20 for tool in ("sync", "later")]
        await asyncio.gather(*(
            executor.execute_quest(Quest(quest_id=f"q{n}", quest_type="t", execution_stack=stack))
            for n, stack in enumerate(stacks)
        ))

asyncio.run(main())
"""
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        try:
            assert child.stdout is not None
            assert sorted(child.stdout.readline() for _ in range(2)) == ["later\n", "sync\n"]
            os.kill(child.pid, signal.SIGINT)
            assert child.stdout.readline() == "cancelled\n"
            (tmp_path / "go").touch()
            more, errors = child.communicate(timeout=LONG)
        finally:
            child.kill()
    assert more == "", "another step began"
    assert errors.rstrip().endswith("KeyboardInterrupt"), errors
    with QuestRepository(f"{tmp_path}/q.db") as repo:
        assert {state for n in range(2) for _, state, _ in ready(repo, f"q{n}")} == {"ready"}
        assert worker_states(repo) == ["stopped"]


def test_an_interruption_while_an_async_handler_runs_reaches_the_program(executor: QuestExecutor) -> None:
    @lord("interrupted", "work")
    async def interrupted(_: LordContext) -> None:
        raise KeyboardInterrupt

    one = quest("interrupted")
    with pytest.raises(KeyboardInterrupt):
        run(executor.execute_quest(one))
    assert ready(executor.repository, one.quest_id) == [("0001", "ready", 0)]
