"""Async steps end as others do: with their quest, their time, their worker, or an error."""

import asyncio
import threading

import pytest

from questline_worker.lords import LordContext, lord
from tests.integration.worker.crowd import Crowd, quests
from tests.integration.worker.pools import LONG, Pool, completed, ended, errors, quest, steps, successes
from tests.waiting import eventually


def test_a_cancelled_quest_ends_its_waiting_step_and_no_other(pool: Pool) -> None:
    crowd = Crowd()
    member = pool.start(threads=1)
    client = pool.client()
    handles = client.submit_many(quests(5))
    crowd.wait_for(5)
    client.cancel(handles[2].quest_id)
    crowd.wait_for(4)
    assert crowd.cancelled == [handles[2].quest_id]
    crowd.let_go(member)
    for handle in (*handles[:2], *handles[3:]):
        completed(handle)
    assert client.get(handles[2].quest_id).status == "cancelled"
    assert [run.status for run in client.runs(handles[2].quest_id)] == ["cancelled"]


def test_many_steps_time_out_each_by_itself(pool: Pool) -> None:
    crowd = Crowd()
    pool.start(threads=1)
    client = pool.client()
    handles = client.submit_many(quests(20, *steps("crowd", timeout_seconds=0.5, max_attempts=1)))
    for handle in handles:
        failed = ended(client, handle.quest_id, "failed")
        assert "timed out after 0.5 s" in (failed.error or "")
    eventually(lambda: len(crowd.cancelled) == 20, message="a coroutine was not cancelled")


def test_a_graceful_stop_commits_what_ends_in_time_and_gives_the_rest_back_without_an_attempt(pool: Pool) -> None:
    short, long = Crowd("short"), Crowd("long")
    leaving = pool.start(threads=1, shutdown_seconds=2.0)
    client = pool.client()
    kept = client.submit_many(quests(10, "short"))
    rest = client.submit_many(quests(10, "long"))
    eventually(lambda: (short.now, long.now) == (10, 10), timeout=LONG)
    timer = threading.Timer(0.3, short.let_go, (leaving,))
    timer.start()
    leaving.stop()
    timer.join()
    for handle in kept:
        assert client.get(handle.quest_id).status == "completed"
    for handle in rest:
        assert client.get(handle.quest_id).status == "running"
        assert client.runs(handle.quest_id) == []
    eventually(lambda: len(long.cancelled) == 10, message="a coroutine was not cancelled")
    another = Crowd("long")
    member = pool.start(threads=1)
    another.wait_for(10)
    another.let_go(member)
    for handle in rest:
        completed(handle)
        assert [run.attempt_number for run in client.runs(handle.quest_id)] == [1]


def test_a_graceful_stop_gives_back_at_once_what_waits_for_its_turn(pool: Pool) -> None:
    crowd = Crowd()
    leaving = pool.start(threads=1, max_async=1, shutdown_seconds=20.0)
    client = pool.client()
    client.submit(quest("crowd"))
    crowd.wait_for(1)
    late = client.submit(quest("crowd"))
    eventually(lambda: len(leaving.process.running.all()) == 2, timeout=LONG)
    stopping = threading.Thread(target=leaving.stop)
    stopping.start()
    eventually(lambda: len(leaving.process.running.all()) == 1, message="a thread went on waiting")
    crowd.let_go(leaving)
    stopping.join(LONG)
    assert len(crowd.begun) == 1
    pool.start(threads=1)
    completed(late)
    assert [run.attempt_number for run in client.runs(late.quest_id)] == [1]


def test_a_handler_that_does_not_listen_to_its_cancellation_holds_up_no_stop(sqlite_pool: Pool) -> None:
    begun, release = threading.Event(), asyncio.Event()

    @lord("deaf", "work")
    async def work(_: LordContext) -> str:
        begun.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        return "too late"

    leaving = sqlite_pool.start(threads=1, shutdown_seconds=0.2)
    client = sqlite_pool.client()
    handle = client.submit(quest("deaf"))
    assert begun.wait(LONG)
    stopping = threading.Thread(target=leaving.stop)
    stopping.start()
    stopping.join(LONG)
    assert not stopping.is_alive()
    assert client.get(handle.quest_id).status == "running"
    leaving.process.event_loop.running().call_soon_threadsafe(release.set)
    eventually(lambda: not leaving.process.async_steps._under_way)
    assert client.runs(handle.quest_id) == []
    client.cancel(handle.quest_id)


def test_duratiq_1_the_late_result_of_an_async_step_is_fenced(pool: Pool) -> None:
    begun, turns = threading.Semaphore(0), []
    gates = [asyncio.Event(), asyncio.Event()]

    @lord("slow", "work")
    async def work(_: LordContext) -> str:
        turn = len(turns)
        turns.append(turn)
        begun.release()
        await gates[turn].wait()
        return f"result of turn {turn}"

    first = pool.start(threads=1, heartbeat_seconds=5)  # so that nobody tells it that its claim is gone
    client = pool.client()
    handle = client.submit(quest("slow"))
    assert begun.acquire(timeout=LONG)
    first.freeze()
    first.worker.pause()  # its only thread is free, and would take the step again
    first.process.register.declare_dead(first.process.process_id)
    second = pool.start(threads=1)
    assert begun.acquire(timeout=LONG)
    first.process.event_loop.running().call_soon_threadsafe(gates[0].set)
    eventually(lambda: not first.process.running.all(), timeout=LONG)
    assert client.get(handle.quest_id).status == "running"
    second.process.event_loop.running().call_soon_threadsafe(gates[1].set)
    assert completed(handle).output_data == "result of turn 1"
    assert successes(client, handle.quest_id) == [(0, "0001")]


def test_fault_09_an_async_result_that_is_not_json_fails_the_step_with_a_clear_error(pool: Pool) -> None:
    @lord("artist", "work")
    async def work(_: LordContext) -> object:
        return {"brush", "canvas"}

    pool.start(threads=1)
    client = pool.client()
    failed = ended(client, client.submit(quest("artist")).quest_id, "failed")
    assert "the output of artist:work is not JSON" in (failed.error or "")
    assert len(errors(client, failed.quest_id)) == 1


def test_fault_09_system_exit_in_one_coroutine_leaves_the_others_waiting(pool: Pool) -> None:
    crowd = Crowd()

    @lord("quitter", "work")
    async def quit_(_: LordContext) -> None:
        raise SystemExit(3)

    member = pool.start(threads=1)
    client = pool.client()
    handles = client.submit_many(quests(5))
    crowd.wait_for(5)
    failed = ended(client, client.submit(quest(*steps("quitter", max_attempts=2))).quest_id, "failed")
    assert "SystemExit: 3" in (failed.error or "")
    assert len(errors(client, failed.quest_id)) == 2
    assert (crowd.now, crowd.cancelled) == (5, [])
    crowd.let_go(member)
    for handle in handles:
        completed(handle)


#: The name of the thread that the event loop has.
LOOP_THREAD = "questline-asyncio"


def test_looking_whether_to_go_on_reads_no_database_on_the_event_loop(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from questline_worker.steps import running  # noqa: PLC0415  beside its only use

    monkeypatch.setattr(running, "LOOK_SECONDS", 0.0)
    looks: list[str] = []
    begun, told = threading.Event(), threading.Event()

    @lord("eager", "work")
    async def work(context: LordContext) -> None:
        begun.set()
        try:
            while True:
                context.progress(0.5)
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            told.set()
            raise

    member = pool.start(threads=1)
    holds = member.process.register.holds
    monkeypatch.setattr(
        member.process.register, "holds", lambda *which: looks.append(threading.current_thread().name) or holds(*which)
    )
    client = pool.client()
    handle = client.submit(quest("eager"))
    assert begun.wait(LONG)
    client.cancel(handle.quest_id)
    assert told.wait(LONG), "the heartbeat did not tell"
    assert LOOP_THREAD not in looks
