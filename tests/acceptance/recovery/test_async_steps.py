"""Async steps that wait in a real process when that is killed, or asked to stop."""

import os
import signal
import time
from textwrap import dedent

from tests.acceptance.recovery.projects import LONG, Project, all_gone, descendants
from tests.integration.worker.pools import tell
from tests.waiting import eventually

#: More than the threads of a process, by far.
COUNT = 40
#: Handlers that wait until the test says when, each kind by itself.
ASYNC_LORDS = dedent("""
    import asyncio

    async def wait_for(ctx, name):
        note("begin", ctx.idempotency_key)
        while not (FOLDER / name).exists():
            await asyncio.sleep(0.05)
        note("end", ctx.idempotency_key)
        return os.getpid()

    @lord("waiting", "work")
    async def waiting(ctx: LordContext) -> int:
        return await wait_for(ctx, "gate")

    @lord("brief", "work")
    async def brief(ctx: LordContext) -> int:
        return await wait_for(ctx, "early")
""")


def _with_lords(project: Project) -> Project:
    with (project.folder / "my_lords.py").open("a") as module:
        module.write(ASYNC_LORDS)
    return project


def _wait_until_begun(project: Project, count: int, times: int = 1) -> None:
    eventually(
        lambda: sum(begun >= times for begun in project.times_begun().values()) >= count,
        timeout=LONG,
        message=f"{count} steps did not begin {times} times: {project.log[-2000:]}",
    )


def test_fault_01_a_process_killed_with_many_waiting_steps_costs_none_of_them_an_attempt(project: Project) -> None:
    _with_lords(project).start_pool(processes=1, threads=2)
    quests = [project.submit("waiting", quest_id=f"waiting-{number}") for number in range(COUNT)]
    _wait_until_begun(project, COUNT)
    (victim,) = {entry.pid for entry in project.ledger()}
    os.kill(victim, signal.SIGKILL)
    killed = time.time()
    _wait_until_begun(project, COUNT, 2)
    tell(f"{COUNT} waiting steps began again {time.time() - killed:.2f} s after their process was killed")
    project.open_gate()
    for quest_id in quests:
        project.completed(quest_id)
        assert {run.attempt_number for run in project.client.runs(quest_id)} == {1}, "the kill spent an attempt"
    assert set(project.times_begun().values()) == {2}


def test_fault_10_sigterm_commits_what_ends_in_time_and_gives_back_what_does_not(project: Project) -> None:
    project.environment["QUESTLINE_SHUTDOWN_SECONDS"] = "3"
    pool = _with_lords(project).start_pool(processes=1, threads=2)
    children = descendants(pool.pid)
    kept = [project.submit("brief", quest_id=f"brief-{number}") for number in range(COUNT)]
    rest = [project.submit("waiting", quest_id=f"waiting-{number}") for number in range(COUNT)]
    _wait_until_begun(project, 2 * COUNT)
    pool.send(signal.SIGTERM)
    (project.folder / "early").touch()
    tell(f"the pool ended {all_gone(children):.2f} s after SIGTERM, of the 3 s that its steps had")
    for quest_id in kept:
        assert project.client.get(quest_id).status == "completed"
    project.open_gate()
    project.start_pool(processes=1, threads=2)
    for quest_id in rest:
        project.completed(quest_id)
        assert [run.attempt_number for run in project.client.runs(quest_id)] == [1]
    begun = project.times_begun()
    assert {begun[f"{quest_id}:0:0001"] for quest_id in kept} == {1}
    assert {begun[f"{quest_id}:0:0001"] for quest_id in rest} == {2}
