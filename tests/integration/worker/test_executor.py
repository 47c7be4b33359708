"""An executor's quests: how many go on at once, on whose loop, and what stops them."""

import asyncio
import contextvars
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.contextvars import bind_contextvars, get_contextvars

from questline_persistence.errors import PayloadError, QuestConflict
from questline_persistence.models import LordStep, QuestExecutionData
from questline_persistence.records import QuestRepository
from questline_scheduler.client import QuestClient
from questline_worker import executor as executor_module
from questline_worker.executor import ASKERS, QuestExecutor
from questline_worker.lords import ExecutionHooks, LordContext, lord
from questline_worker.steps import company
from questline_worker.steps.driven_steps import CLAIMERS, SETTLERS
from tests.integration.worker.pools import LONG, Pool, quest
from tests.waiting import eventually

#: Quests at a time: more than asyncio's own pool has threads.
MANY = 50


@pytest.fixture
def repo(database_url: str) -> Iterator[QuestRepository]:
    with QuestRepository(database_url) as repository:
        yield repository


@pytest.fixture
def executor(repo: QuestRepository) -> Iterator[QuestExecutor]:
    with QuestExecutor(repository=repo) as one:
        yield one


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run `work`, and fail rather than wait for ever."""

    async def bounded() -> Any:
        return await asyncio.wait_for(work, LONG)

    return asyncio.run(bounded())


async def until(holds: Callable[[], object]) -> None:
    """Wait until something holds, and let the event loop go on meanwhile."""
    async with asyncio.timeout(LONG):
        while not holds():  # noqa: ASYNC110  what is waited for knows no event
            await asyncio.sleep(0.01)


def worker_states(repo: QuestRepository) -> list[str]:
    return repo.database.read(lambda own: [*own.exec_driver_sql("SELECT state FROM workers").scalars()])


def ready(repo: QuestRepository, quest_id: str) -> list[tuple[str, str, int]]:
    """Return where a quest's ticket stands: its position, its state, and the failures of its step."""
    return [(ticket.position, ticket.state, ticket.attempt) for ticket in repo.tickets(quest_id)]


class Gate:
    """An async Lord that waits until it is let go, and a sync one that does."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.cancelled: list[str] = []
        self.open = threading.Event()
        lord("waiting", "work")(self.wait)
        lord("blocking", "work")(self.block)

    async def wait(self, context: LordContext) -> str:
        self.begun.append(context.position)
        try:
            while not self.open.is_set():  # noqa: ASYNC110  the test opens it from anywhere
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            self.cancelled.append(context.position)
            raise
        self.ended.append(context.position)
        return context.position

    def block(self, context: LordContext) -> str:
        self.begun.append(context.position)
        self.open.wait(LONG)
        self.ended.append(context.position)
        return context.position


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open.set()


# Many at once


def test_async_steps_wait_at_once_without_a_thread_and_leave_asyncios_own_pool_alone(
    executor: QuestExecutor, gate: Gate
) -> None:
    before = {*threading.enumerate()}

    async def main() -> tuple[int, str]:
        tasks = [asyncio.create_task(executor.execute_quest(quest("waiting"))) for _ in range(MANY)]
        await until(lambda: len(gate.begun) == MANY)
        threads = {*threading.enumerate()} - before
        answer = await asyncio.to_thread(lambda: "at once")
        gate.open.set()
        assert {done.status for done in await asyncio.gather(*tasks)} == {"completed"}
        return len(threads), answer

    threads, answer = run(main())
    assert threads <= CLAIMERS + SETTLERS + ASKERS + 2  # heartbeat and sweep
    assert answer == "at once"


def test_a_pause_is_answered_with_many_quests_under_way(executor: QuestExecutor, gate: Gate) -> None:
    async def main() -> None:
        quests = [quest("waiting", "waiting") for _ in range(MANY)] + [quest("blocking", "waiting")]
        tasks = [asyncio.create_task(executor.execute_quest(one)) for one in quests]
        await until(lambda: len(gate.begun) == MANY + 1)
        pauses = [asyncio.create_task(executor.pause_quest(quests[one])) for one in (0, -1)]
        await until(lambda: all(executor.repository.status(quests[one].quest_id) == "pausing" for one in (0, -1)))
        assert gate.ended == []
        gate.open.set()
        assert [done.status for done in await asyncio.gather(*pauses)] == ["paused"] * 2
        ends = [str(done.status) for done in await asyncio.gather(*tasks)]
        assert (ends.count("paused"), ends.count("completed")) == (2, MANY - 1)

    run(main())


@pytest.mark.parametrize("kind", ["async", "sync", "sync on the caller's loop"])
def test_quests_that_wait_for_quests_of_the_same_executor_end(executor: QuestExecutor, kind: str) -> None:
    def tree(children: list[Any]) -> QuestExecutionData:
        return QuestExecutionData(
            quest_type="t", execution_stack=[LordStep("node", "work", params={"below": children})]
        )

    async def all_of(children: list[Any]) -> int:
        below = await asyncio.gather(*(executor.execute_quest(tree(one)) for one in children))
        return 1 + sum(one.output_data for one in below)

    async def grow(_: LordContext, below: list[Any]) -> int:
        return await all_of(below)

    def grow_in_thread(_: LordContext, below: list[Any]) -> int:
        if kind == "sync":
            return asyncio.run(all_of(below))
        return asyncio.run_coroutine_threadsafe(all_of(below), loops[0]).result(LONG)

    loops: list[asyncio.AbstractEventLoop] = []
    lord("node", "work")(grow if kind == "async" else grow_in_thread)

    async def main() -> Any:
        loops.append(asyncio.get_running_loop())
        return (await executor.execute_quest(tree([[[[]]]] * (CLAIMERS + 4)))).output_data

    assert run(main()) == 1 + 4 * (CLAIMERS + 4) - (CLAIMERS + 4)


# On whose loop, and in which context


def test_an_async_handler_runs_on_the_loop_and_in_the_context_of_its_caller(executor: QuestExecutor) -> None:
    tenant = contextvars.ContextVar("tenant", default="nobody")

    @lord("async", "work")
    async def look(_: LordContext) -> list[Any]:
        seen = [asyncio.get_running_loop() is loops[-1], tenant.get(), get_contextvars().get("customer")]
        tenant.set("another")
        bind_contextvars(customer="another")
        return seen

    @lord("sync", "work")
    def look_too(_: LordContext) -> list[Any]:
        seen = [tenant.get(), get_contextvars().get("customer")]
        tenant.set("another")
        bind_contextvars(customer="another")
        return seen

    loops: list[asyncio.AbstractEventLoop] = []

    async def main() -> Any:
        loops.append(asyncio.get_running_loop())
        tenant.set("alice")
        done = await executor.execute_quest(quest("async", "sync", "async"))
        assert (tenant.get(), get_contextvars().get("customer")) == ("alice", None), "the caller's own has changed"
        return [one.output_data for one in executor.repository.runs(done.quest_id)]

    for _ in range(2):
        assert run(main()) == [[True, "alice", None], ["alice", None], [True, "alice", None]]


def test_quests_are_awaited_on_several_loops_at_once(executor: QuestExecutor, gate: Gate) -> None:
    ends: list[str] = []
    threads = [
        threading.Thread(target=lambda: ends.append(run(executor.execute_quest(quest("waiting", "blocking"))).status))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    eventually(lambda: len(gate.begun) == 4, timeout=LONG)
    gate.open.set()
    for thread in threads:
        thread.join(LONG)
    assert ends == ["completed"] * 4


def test_a_handler_that_blocks_its_callers_loop_holds_up_no_heartbeat(
    repo: QuestRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUESTLINE_HEARTBEAT_SECONDS", "0.1")
    monkeypatch.setenv("QUESTLINE_LEASE_SECONDS", "2")

    @lord("rude", "work")
    async def rude(_: LordContext) -> str:
        began, before = time.time(), beat()
        while time.time() - began < 1.0 or beat() == before:
            threading.Event().wait(0.05)  # as a library that knows no asyncio would
        return "done"

    def beat() -> float:
        return repo.database.read(lambda own: own.exec_driver_sql("SELECT heartbeat_at FROM workers").scalar_one())

    with QuestExecutor(repository=repo) as executor:
        done = run(executor.execute_quest(quest("rude")))
    assert (done.status, [one.attempt_number for one in repo.runs(done.quest_id)]) == ("completed", [1])


def test_a_sync_step_that_takes_too_long_is_tried_again_while_it_hangs(executor: QuestExecutor, gate: Gate) -> None:
    tries: list[int] = []

    @lord("slow", "work")
    def slow(context: LordContext) -> str:
        tries.append(context.attempt)
        if context.attempt == 1:
            gate.open.wait(LONG)
        return "done"

    step = LordStep("slow", "work", timeout_seconds=0.5, backoff_seconds=0.1)
    done = run(executor.execute_quest(QuestExecutionData(quest_type="t", execution_stack=[step])))
    assert (done.status, tries) == ("completed", [1, 2])


def test_a_coroutine_that_goes_on_though_its_claim_is_gone_holds_its_quest_up_no_longer(
    executor: QuestExecutor, gate: Gate
) -> None:
    @lord("stubborn", "work")
    async def stubborn(_: LordContext) -> None:
        while not gate.open.is_set():
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                gate.cancelled.append("heard")

    async def main() -> str:
        one = quest("stubborn")
        task = asyncio.create_task(executor.execute_quest(one))
        await until(lambda: ready(executor.repository, one.quest_id) == [("0001", "running", 0)])
        with QuestClient(database=executor.repository.database) as client:
            await asyncio.to_thread(client.cancel, one.quest_id)
        done = await task
        assert gate.cancelled
        gate.open.set()
        return str(done.status)

    assert run(main()) == "cancelled"


# What stops them


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


def test_closing_ends_the_sync_step_under_way_and_gives_back_the_async_one(
    repo: QuestRepository, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    executor = QuestExecutor(repository=repo)
    sync, later = quest("blocking", "blocking"), quest("never", "never")

    @lord("never", "work")
    async def never(context: LordContext) -> None:
        gate.begun.append(context.position)
        try:
            await asyncio.Event().wait()
        finally:
            gate.cancelled.append(context.position)

    async def main() -> None:
        tasks = [asyncio.create_task(executor.execute_quest(one)) for one in (sync, later)]
        await until(lambda: len(gate.begun) == 2)
        threading.Timer(0.2, gate.open.set).start()
        executor.close()
        for task in tasks:
            with pytest.raises(QuestConflict, match="closed while quest"):
                await task
            assert not task.cancelled()

    run(main())
    assert ready(repo, sync.quest_id) == [("0002", "ready", 0)]
    assert ready(repo, later.quest_id) == [("0001", "ready", 0)]
    assert (gate.ended, gate.cancelled, len(gate.begun)) == (["0001"], ["0001"], 2)
    assert worker_states(repo) == ["stopped"]
    assert "step_released" in caplog.text
    assert "claim_lost" not in caplog.text  # it was given back


def test_closing_gives_back_a_sync_step_that_does_not_end_in_time(
    repo: QuestRepository, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUESTLINE_SHUTDOWN_SECONDS", "0.1")
    executor = QuestExecutor(repository=repo)
    one = quest("blocking", "blocking")

    async def main() -> None:
        task = asyncio.create_task(executor.execute_quest(one))
        await until(lambda: gate.begun)
        await asyncio.to_thread(executor.close)
        with pytest.raises(QuestConflict):
            await task

    run(main())
    assert ready(repo, one.quest_id) == [("0001", "ready", 0)]
    gate.open.set()
    eventually(lambda: gate.ended == ["0001"])
    assert (ready(repo, one.quest_id), worker_states(repo)) == ([("0001", "ready", 0)], ["stopped"])


def test_a_step_that_waits_for_a_quest_is_given_back_when_its_executor_is_closed(
    repo: QuestRepository, gate: Gate
) -> None:
    executor = QuestExecutor(repository=repo)

    @lord("parent", "work")
    def parent(_: LordContext) -> None:
        asyncio.run(executor.execute_quest(quest("waiting")))

    one = QuestExecutionData(quest_type="t", execution_stack=[LordStep("parent", "work", max_attempts=1)])

    async def main() -> None:
        task = asyncio.create_task(executor.execute_quest(one))
        await until(lambda: gate.begun)
        executor.close()
        with pytest.raises(QuestConflict):
            await task

    run(main())
    assert ready(repo, one.quest_id) == [("0001", "ready", 0)]


def test_a_closed_executor_says_so_and_may_be_closed_again(gate: Gate) -> None:
    gate.open.set()
    with QuestExecutor() as executor:
        assert run(executor.execute_quest(quest("waiting"))).status == "completed"
        executor.close()
        for work in (
            executor.execute_quest(quest("waiting")),
            executor.resume_quest("q"),
            executor.replay_quest("q"),
            executor.pause_quest("q"),
        ):
            with pytest.raises(QuestConflict, match="this executor is closed"):
                run(work)
    executor.close()
    QuestExecutor().close()


@pytest.mark.parametrize("name", ["from_", "from_lord"])
def test_where_a_replay_starts_is_named_as_elsewhere_or_as_in_the_seed(executor: QuestExecutor, name: str) -> None:
    ran: list[int] = []
    start: dict[str, Any] = {name: "counting#2"}

    @lord("counting", "work")
    def work(ctx: LordContext) -> None:
        ran.append(ctx.epoch)

    run(executor.execute_quest(quest("counting", "counting", quest_id="q")))
    run(executor.replay_quest("q", **start))

    assert ran == [0, 0, 1]
    with pytest.raises(PayloadError, match="one argument, and both were given"):
        run(executor.replay_quest("q", "counting", from_="counting"))


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"repository": "quests.db"}, "a QuestRepository, not str"),
        ({"hooks": {"on_step_end": print}}, "an ExecutionHooks, not dict"),
    ],
)
def test_an_executor_is_told_what_it_is_made_of(given: Any, wanted: str) -> None:
    with pytest.raises(PayloadError, match=wanted):
        QuestExecutor(**given)


def test_a_hook_is_a_function() -> None:
    given: Any = "print"
    with pytest.raises(PayloadError, match="on_step_end is a function, not str"):
        ExecutionHooks(on_step_end=given)


def test_a_system_without_another_thread_is_not_taken_for_a_closed_executor(
    executor: QuestExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    @lord("async", "work")
    async def work(_: LordContext) -> str:
        return "done"

    def no_thread(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(executor._askers, "submit", no_thread)
        with pytest.raises(RuntimeError, match="new thread"):
            asyncio.run(executor.execute_quest(quest("async")))
    monkeypatch.setattr(executor._steps._settlers, "submit", no_thread)
    ended = asyncio.run(asyncio.wait_for(executor.execute_quest(quest("async")), LONG))
    assert (ended.status, ended.output_data) == ("completed", "done")


def test_control_c_ends_the_step_under_way_and_no_other_begins(tmp_path: Path) -> None:
    code = """
import asyncio, pathlib, signal, time
from questline import LordStep, Quest, QuestExecutor, QuestRepository, lord

@lord("a", "sync")
def sync(ctx):
    print("sync", flush=True)
    while not pathlib.Path("go").exists():
        time.sleep(0.01)

@lord("a", "later")
async def later(ctx):
    print("later", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        print("cancelled", flush=True)

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
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        assert sorted(child.stdout.readline() for _ in range(2)) == ["later\n", "sync\n"]
        os.kill(child.pid, signal.SIGINT)
        assert child.stdout.readline() == "cancelled\n"
        (tmp_path / "go").touch()
        more, errors = child.communicate(timeout=LONG)
    finally:
        child.kill()
        child.wait()
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


# Lords that nobody knows


@pytest.mark.parametrize("where", ["memory", "store"])
def test_a_quest_with_an_unknown_lord_is_refused_with_the_nearest_name_and_not_stored(
    repo: QuestRepository, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    @lord("architect", "design")
    def design(_: LordContext) -> None: ...

    with QuestExecutor(repository=repo if where == "store" else None) as executor:
        stack = [LordStep("architect", "design"), LordStep("architect", "desing")]
        with pytest.raises(PayloadError, match="architect:desing") as refused:
            run(executor.execute_quest(QuestExecutionData(quest_type="t", execution_stack=stack)))
        assert refused.value.hint == "did you mean 'architect:design'?"
        assert executor.repository.list_quests() == []
    assert "lord_unknown" not in caplog.text


def test_a_quest_that_comes_to_an_unknown_lord_is_left_as_it_is_and_goes_on_where_it_is_known(
    executor: QuestExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    @lord("pushing", "work")
    def pushing(context: LordContext) -> None:
        context.push(LordStep("later", "work"))

    one = quest("pushing")
    with pytest.raises(QuestConflict, match="later:work"):
        run(executor.execute_quest(one))
    assert executor.repository.status(one.quest_id) == "running"
    with pytest.raises(QuestConflict, match="later:work"):
        run(executor.resume_quest(one.quest_id))
    assert caplog.text.count("lord_unknown") <= 1

    lord("later", "work")(lambda _: "done")
    assert run(executor.resume_quest(one.quest_id)).output_data == "done"


def test_a_step_of_a_lord_that_a_live_worker_knows_is_run_there(
    pool: Pool, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate.open.set()
    member = pool.start(threads=1)
    eventually(lambda: pool.client().register.known({"waiting:work"}), timeout=LONG)
    monkeypatch.setattr(executor_module, "known_handlers", lambda: ["blocking:work"])
    with QuestRepository(pool.database_url) as repo, QuestExecutor(repository=repo) as executor:
        done = run(executor.execute_quest(quest("blocking", "waiting", "blocking")))
        runs = repo.runs(done.quest_id)
    assert done.status == "completed"
    assert runs[1].worker_id == member.worker_id


def test_a_step_that_is_not_to_be_had_is_asked_for_ever_more_rarely(
    executor: QuestExecutor, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(executor, "_run", lambda bell: asked.append(bell.position))
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(executor.execute_quest(quest("waiting")), 1.0))
    assert 1 <= len(asked) <= 12
    assert gate.begun == []


# The list of workers


def test_an_executor_forgets_workers_that_ended_long_ago(repo: QuestRepository, gate: Gate) -> None:
    gate.open.set()
    for _ in range(2):
        with QuestExecutor(repository=repo) as executor:
            assert run(executor.execute_quest(quest("waiting"))).status == "completed"
        repo.database.write(lambda own: own.exec_driver_sql("UPDATE workers SET ended_at = ended_at - 172800"))
    assert len(worker_states(repo)) == 1


def test_what_hooks_do_holds_up_no_pause(repo: QuestRepository, gate: Gate) -> None:
    hooks = ExecutionHooks(on_step_end=lambda _: gate.open.wait(LONG))

    @lord("quick", "work")
    async def quick(context: LordContext) -> None:
        gate.begun.append(context.quest_id)

    with QuestExecutor(hooks, repo) as executor:

        async def main() -> None:
            quests = [quest("quick", "quick") for _ in range(2 * SETTLERS)]
            tasks = [asyncio.create_task(executor.execute_quest(one)) for one in quests]
            await until(lambda: len(gate.begun) == len(quests))
            pause = asyncio.create_task(executor.pause_quest(quests[-1].quest_id))
            await until(lambda: repo.status(quests[-1].quest_id) == "pausing")
            gate.open.set()
            assert (await pause).status == "paused"
            await asyncio.gather(*tasks)

        run(main())


def test_a_step_whose_process_died_while_it_awaited_a_quest_awaits_it_again(
    repo: QuestRepository, executor: QuestExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(company, "APART_SECONDS", 0.5)

    @lord("inner", "work")
    def inner(_context: LordContext) -> str:
        return "inner"

    @lord("outer", "work")
    async def outer(_context: LordContext) -> Any:
        return (await executor.execute_quest(quest("inner"))).output_data

    with QuestClient(database=repo.database) as client:
        handle = client.submit(quest("outer"))
    alone = "UPDATE tickets SET lost = 1, lost_alone = 1, company = 1"  # it alone ran then
    repo.database.write(lambda connection: connection.exec_driver_sql(alone) and None, at="count")
    assert run(executor.resume_quest(handle)).output_data == "inner"


def test_a_step_may_be_added_in_one_word_to_a_quest_that_was_made(executor: QuestExecutor) -> None:
    @lord("added", "work")
    def added(_: LordContext) -> str:
        return "ran"

    made: Any = quest("added")
    made.execution_stack.append("added:work")

    done = asyncio.run(executor.execute_quest(made))
    assert [step.lord_name for step in done.steps] == ["added", "added"]
