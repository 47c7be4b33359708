"""The client for async programs: all that the other one does, awaited, and no thread that waits for a quest."""

import asyncio
import inspect
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, create_engine

from questline_persistence.dialects.sqlite.library import driver
from questline_persistence.errors import (
    ConfigurationError,
    PayloadError,
    QuestConflict,
    QuestFailed,
    QuestNotFound,
    WaitTimeout,
)
from questline_persistence.records import QuestFilter
from questline_scheduler.client import AsyncBatches, AsyncQuestClient, Batches, QuestClient
from questline_scheduler.client.async_client import CALLS
from questline_worker.lords import LordContext, Permanent, lord
from tests.integration.worker.pools import LONG, Pool, quest

T = TypeVar("T")


#: What only a server needs that acts for many callers, on threads of its own.
OF_SERVERS = {"acting_as"}


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run `work`, and fail rather than wait for ever."""

    async def bounded() -> T:
        return await asyncio.wait_for(work, LONG)

    return asyncio.run(bounded())


@pytest.fixture(autouse=True)
def lords() -> None:
    @lord("good", "work")
    def good(context: LordContext) -> str:
        return context.position

    @lord("bad", "work")
    def bad(_: LordContext) -> None:
        raise Permanent("bad from the start")


def _public(kind: type) -> dict[str, list[tuple[str, object, object]]]:
    """Return the methods of a class, with the names, kinds and defaults of their parameters."""
    return {
        name: [(one.name, one.kind, one.default) for one in inspect.signature(member).parameters.values()]
        for name, member in vars(kind).items()
        if not name.startswith("_") and inspect.isfunction(member)
    }


def test_it_has_the_methods_and_parameters_of_the_other_client() -> None:
    for kind, other in ((AsyncQuestClient, QuestClient), (AsyncBatches, Batches)):
        there = {name: taken for name, taken in _public(other).items() if name not in OF_SERVERS}
        assert _public(kind) == there
        for name in _public(kind):
            assert inspect.iscoroutinefunction(getattr(kind, name)), name


def test_batches_are_made_and_waited_for_without_a_thread_that_waits(database_url: str) -> None:
    async def work() -> None:
        async with AsyncQuestClient(database_url, "memory://") as client:
            handle = await client.submit(quest("good", quest_id="one"))
            meant = QuestFilter("new")
            assert (await client.batches.preview("pause", meant)).quest_ids == [handle.quest_id]
            batch = await client.batches.create("pause", meant, name="calm", reason="a look first")
            waiting = asyncio.create_task(client.batches.wait(batch.batch_id))
            with pytest.raises(WaitTimeout, match="0 of 1 quests"):
                await client.batches.wait(batch.batch_id, timeout=0)
            await client.batches.abort(batch.batch_id, "wrong ones")
            ended = await waiting
            assert (ended.state, ended.order.name, ended.reason) == ("aborted", "calm", "a look first")
            assert (await client.batches.list()).items == [await client.batches.get(batch.batch_id)]
            assert (await client.batches.results(batch.batch_id)).items == []

    run(work())


def test_a_quest_is_submitted_awaited_and_steered(pool: Pool) -> None:
    async def main() -> None:
        async with AsyncQuestClient(pool.database_url, pool.broker_url) as client:
            handle = await client.submit(quest("good", "good"), idempotency_key="once")
            assert handle.created
            assert not (await client.submit(quest("good", "good"), idempotency_key="once")).created
            assert (await client.submit(quest("bad"), idempotency_key="once", on_conflict="return")) == replace(
                handle, created=False
            )
            assert (await client.pause(handle, reason="a look")).status == "paused"
            assert [one.quest_id for one in await client.list(status="paused")] == [handle.quest_id]
            pool.start(threads=1)
            await client.resume(handle.quest_id)
            assert (await handle.wait(LONG)).output_data == "0002"
            assert (await handle.get()).status == "completed"
            assert [one.output_data for one in await client.runs(handle)] == ["0001", "0002"]
            assert (await client.snapshot(handle)).version == (await client.snapshots(handle))[-1]["version"]
            await client.replay(handle, from_="0002")
            assert (await client.wait(handle)).epoch == 1
            fork = await client.fork(handle)
            assert str((await fork.wait()).forked_from).startswith(handle.quest_id)
            assert await client.delete(fork)
            assert (await client.stats())["total_quests"] == 1
            assert [row["lord_name"] for row in await client.lord_stats()] == ["good"]

    run(main())


def test_what_it_raises_is_what_the_other_client_raises(pool: Pool) -> None:
    pool.start(threads=1)

    async def main() -> None:
        async with AsyncQuestClient(pool.database_url, pool.broker_url) as client:
            with pytest.raises(QuestNotFound):
                await client.get("nothing")
            with pytest.raises(PayloadError):
                await client.submit({"quest_typo": "t"})
            failed = await client.submit(quest("bad"))
            with pytest.raises(QuestFailed, match="bad from the start"):
                await failed.wait()
            waiting = await client.submit(quest("unknown"))
            with pytest.raises(TimeoutError, match=waiting.quest_id):
                await waiting.wait(0.1)

    run(main())


def test_many_waits_hold_no_threads(pool: Pool) -> None:
    gate = pool.gate()

    @lord("held", "work")
    async def held(_: LordContext) -> None:
        while not gate.is_set():  # noqa: ASYNC110  the test opens it from another loop
            await asyncio.sleep(0.01)

    pool.start(threads=1)
    before = {*threading.enumerate()}

    async def main() -> None:
        async with AsyncQuestClient(pool.database_url, pool.broker_url) as client:
            handles = await client.submit_many([quest("held") for _ in range(5 * CALLS)])
            waits = [asyncio.create_task(handle.wait()) for handle in handles]
            assert (await client.get(handles[0])).status in {"new", "running"}, "the waits let nobody else through"
            own = [one for one in {*threading.enumerate()} - before if one.name == "questline-client"]
            assert len(own) <= CALLS
            gate.set()
            assert {done.status for done in await asyncio.gather(*waits)} == {"completed"}

    run(main())


def test_nothing_connects_before_the_first_call_and_a_wrong_setting_is_told_there(sqlite_url: str) -> None:
    wrong = AsyncQuestClient("mysql://nobody@nowhere/q")
    with pytest.raises(ConfigurationError, match="mysql"):
        run(wrong.stats())

    async def enter() -> None:
        async with AsyncQuestClient("mysql://nobody@nowhere/q"):
            pytest.fail("it did not look")

    with pytest.raises(ConfigurationError):
        run(enter())

    closed = AsyncQuestClient(sqlite_url)
    run(closed.close())
    for _ in range(2):  # on one loop after the other, and after it was closed
        assert run(closed.list()) == []
        run(closed.close())


def test_a_wait_whose_client_is_closed_ends_and_opens_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        client = AsyncQuestClient(tmp_path / "questline.db", "memory://")
        wait = asyncio.create_task((await client.submit(quest("good"))).wait())
        await client.list()  # so that it has looked
        opened = client._client
        assert opened is not None
        await client.close()
        with pytest.raises(QuestConflict, match="closed") as closed:
            await wait
        assert "wait again (the client opens again by itself)" in str(closed.value.hint)
        assert opened.database.engine.pool.checkedin() == 0  # type: ignore[attr-defined]

    run(main())


def test_a_call_that_is_under_way_while_its_client_is_closed_leaves_nothing_open(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(client: QuestClient) -> None:
        begun.set()
        assert go_on.wait(LONG)
        client.list()

    async def main() -> None:
        client = AsyncQuestClient(tmp_path / "questline.db", "memory://")
        call = asyncio.create_task(client._call(slow))
        await asyncio.to_thread(begun.wait, LONG)
        opened = client._client
        assert opened is not None
        await client.close()
        go_on.set()
        await call
        assert opened.database.engine.pool.checkedin() == 0  # type: ignore[attr-defined]

    run(main())


class AsyncConnection:
    """A transaction as SQLAlchemy's async connection has it, as far as it is asked for here."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def run_sync(self, fn: Callable[..., T]) -> T:
        return fn(self.connection)


@pytest.mark.parametrize("kind", [AsyncConnection, lambda connection: connection])
def test_a_quest_is_part_of_the_callers_transaction(
    database_url: str, kind: Callable[[Connection], AsyncConnection | Connection]
) -> None:
    options: dict[str, Any] = {"module": driver()} if database_url.startswith("sqlite") else {}
    options |= {"connect_args": {"check_same_thread": False}} if options else {}
    engine = create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"), **options)

    async def main() -> None:
        async with AsyncQuestClient(database_url, "memory://") as client:
            with engine.connect() as connection:
                gone = await client.submit(quest("good"), connection=kind(connection))
                connection.rollback()
                (kept,) = await client.submit_many([quest("good")], connection=kind(connection))
                connection.commit()
            assert [one.quest_id for one in await client.list()] == [kept.quest_id]
            with pytest.raises(QuestNotFound):
                await gone.get()

    run(main())
    engine.dispose()


def test_one_that_was_used_before_a_fork_works_in_the_child(tmp_path: Path) -> None:
    code = """
import asyncio, os, sys, warnings
from questline import AsyncQuestClient, LordStep, Quest

warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads: that is what is tried here
client = AsyncQuestClient("q.db")

def submitted():
    quest = Quest(quest_type="t", execution_stack=[LordStep("a", "b")])
    return asyncio.run(asyncio.wait_for(client.submit(quest), 20)).created

assert submitted()
child = os.fork()
if child == 0:
    os._exit(0 if submitted() else 1)
assert os.waitpid(child, 0)[1] == 0
print(len(asyncio.run(client.list())))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "2\n"), done.stderr


def test_a_quest_is_part_of_a_transaction_of_an_async_driver_of_sqlite(tmp_path: Path) -> None:
    """Below SQLAlchemy's adapter such a driver begins a transaction no sooner than Python's own does."""
    code = """
import asyncio
from questline import AsyncQuestClient, LordStep, Quest
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

def quest(name):
    return Quest(quest_id=name, quest_type="t", execution_stack=[LordStep("a", "b")])

async def main():
    async with AsyncQuestClient("q.db") as client:
        engine = create_async_engine("sqlite+aiosqlite:///q.db")
        async with engine.connect() as connection:
            await client.submit(quest("rolled-back"), connection=connection)
            await connection.rollback()
        async with AsyncSession(engine) as session:
            await client.submit_many([quest("never-committed")], connection=session)
        async with engine.begin() as connection:
            await client.submit(quest("committed"), connection=connection)
        await engine.dispose()
        return [one.quest_id for one in await client.list()]

print(asyncio.run(main()))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "['committed']\n"), done.stderr
