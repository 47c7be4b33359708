"""Pause, resume, cancel, retry, replay and fork against workers that run (docs/project/faults.md, fault 8)."""

import threading
import time

import pytest

from questline_persistence.errors import QuestConflict
from questline_worker.lords import LordContext, lord
from tests.integration.worker.pools import LONG, Pool, completed, ended, quest, successes
from tests.waiting import eventually


class Steps:
    """Lords `a`, `b`, `c`, of which `a` stops at a gate."""

    def __init__(self, pool: Pool) -> None:
        self.ran: list[str] = []
        self.begun = threading.Semaphore(0)
        self.gate = pool.gate()

        @lord("a", "work")
        def a(context: LordContext, word: str = "word") -> str:
            self._note(context)
            self.gate.wait()
            return f"a of epoch {context.epoch}: {word}"

        @lord("b", "work")
        def b(context: LordContext, a: str) -> str:
            self._note(context)
            return f"b after {a}"

    def _note(self, context: LordContext) -> None:
        self.ran.append(f"{context.epoch}:{context.position}")
        self.begun.release()

    def wait_for_begin(self) -> None:
        assert self.begun.acquire(timeout=LONG)


def test_a_pause_is_reported_once_the_running_step_has_ended_and_nothing_starts_after(pool: Pool) -> None:
    held = Steps(pool)
    pool.start()
    client = pool.client()
    handle = client.submit(quest("a", "b"))
    held.wait_for_begin()
    assert client.pause(handle.quest_id, "lunch").status == "pausing"
    held.gate.set()
    paused = ended(client, handle.quest_id, "paused")
    ran = list(held.ran)
    assert ran == ["0:0001"]
    assert paused.reason == "lunch"
    client._bells.ring_all()  # bells that ring nevertheless
    begun = time.monotonic()
    eventually(lambda: time.monotonic() > begun + 1.0)
    assert held.ran == ran, "a step started after `paused` was reported"
    assert client.get(handle.quest_id).status == "paused"


def test_a_paused_quest_is_resumed_by_another_client(pool: Pool) -> None:
    held = Steps(pool)
    held.gate.set()
    client, other = pool.client(), pool.client()
    handle = client.submit(quest("a", "b"))
    assert client.pause(handle.quest_id).status == "paused"
    pool.start()
    assert other.resume(handle.quest_id).status == "new"
    assert completed(handle).output_data == "b after a of epoch 0: word"
    assert held.ran == ["0:0001", "0:0002"]


def test_a_pause_taken_back_while_the_step_runs_changes_nothing(pool: Pool) -> None:
    held = Steps(pool)
    pool.start()
    client = pool.client()
    handle = client.submit(quest("a", "b"))
    held.wait_for_begin()
    client.pause(handle.quest_id)
    client.resume(handle.quest_id)
    held.gate.set()
    completed(handle)
    assert held.ran == ["0:0001", "0:0002"]


def test_a_replay_while_a_step_runs_fences_its_late_result(pool: Pool) -> None:
    held = Steps(pool)
    pool.start()
    client = pool.client()
    handle = client.submit(quest("a", "b", input_data={"word": "old"}))
    held.wait_for_begin()
    client.replay(handle.quest_id, set={"input_data.word": "new"})
    held.wait_for_begin()  # both epochs run now
    held.gate.set()
    done = completed(handle)
    assert done.output_data == "b after a of epoch 1: new"
    assert successes(client, handle.quest_id) == [(1, "0001"), (1, "0002")], "the old epoch committed"


def test_duratiq_4_each_epoch_has_idempotency_keys_of_its_own(pool: Pool) -> None:
    keys: list[str] = []

    @lord("a", "work")
    def work(context: LordContext) -> str:
        keys.append(context.idempotency_key)
        return "done"

    pool.start()
    client = pool.client()
    handle = client.submit(quest("a", "a", quest_id="again"))
    completed(handle)
    client.replay("again")
    completed(handle)
    assert keys == ["again:0:0001", "again:0:0002", "again:1:0001", "again:1:0002"]


def test_a_replay_from_a_lord_runs_only_what_comes_after_it(pool: Pool) -> None:
    held = Steps(pool)
    held.gate.set()
    pool.start()
    client = pool.client()
    handle = client.submit(quest("a", "b"))
    completed(handle)
    client.replay(handle.quest_id, "b", {"run_data.a": "corrected"})
    assert completed(handle).output_data == "b after corrected"
    assert held.ran == ["0:0001", "0:0002", "1:0002"]


def test_a_fork_runs_beside_its_source(pool: Pool) -> None:
    held = Steps(pool)
    held.gate.set()
    pool.start()
    client = pool.client()
    done = completed(client.submit(quest("a", "b")))
    forked = completed(client.fork(done.quest_id, "b", {"run_data.a": "other"}))
    assert forked.output_data == "b after other"
    assert client.get(done.quest_id) == done


def test_a_cancelled_quest_is_seen_at_the_next_progress(pool: Pool) -> None:
    begun, ended_at = threading.Event(), []
    gate = pool.gate()

    @lord("worker", "work")
    def work(context: LordContext) -> str:
        begun.set()
        gate.wait()
        try:
            while True:
                context.progress(0.5, "still at it")
        finally:
            ended_at.append(time.monotonic())

    member = pool.start(heartbeat_seconds=600, lease_seconds=3_600)  # only `progress` may notice
    client = pool.client()
    handle = client.submit(quest("worker"))
    assert begun.wait(LONG)
    client.cancel(handle.quest_id, "changed my mind")
    gate.set()
    eventually(lambda: bool(ended_at), timeout=LONG, message="progress did not stop the handler")
    eventually(lambda: not member.process.running.all(), timeout=LONG)
    cancelled = client.get(handle.quest_id)
    assert (cancelled.status, cancelled.reason) == ("cancelled", "changed my mind")
    assert [run.status for run in client.runs(handle.quest_id)] == ["cancelled"]


def test_the_late_result_of_a_cancelled_quest_is_dropped(pool: Pool) -> None:
    held = Steps(pool)
    member = pool.start()
    client = pool.client()
    handle = client.submit(quest("a", "b"))
    held.wait_for_begin()
    client.cancel(handle.quest_id)
    held.gate.set()
    eventually(lambda: not member.process.running.all(), timeout=LONG)
    assert client.get(handle.quest_id).status == "cancelled"
    assert [run.status for run in client.runs(handle.quest_id)] == ["cancelled"]
    with pytest.raises(QuestConflict):
        client.resume(handle.quest_id)


def test_a_failed_quest_is_retried_from_its_failed_step(pool: Pool) -> None:
    mended = threading.Event()
    ran: list[str] = []

    @lord("first", "work")
    def first(context: LordContext) -> str:
        ran.append(context.position)
        return "one"

    @lord("second", "work")
    def second(context: LordContext) -> str:
        ran.append(context.position)
        if not mended.is_set():
            raise RuntimeError("not yet")
        return "two"

    pool.start()
    client = pool.client()
    handle = client.submit(
        {
            "quest_type": "test",
            "execution_stack": [
                {"lord_name": "first", "tool_name": "work"},
                {"lord_name": "second", "tool_name": "work", "max_attempts": 1},
            ],
        }
    )
    ended(client, handle.quest_id, "failed")
    mended.set()
    client.retry(handle.quest_id)
    assert completed(handle).output_data == "two"
    assert ran == ["0001", "0002", "0002"]


def test_fault_08_verbs_that_race_with_running_steps_leave_one_truth(pool: Pool) -> None:
    """Every verb at every moment, against four threads; the invariants are checked when the test is over."""
    runs: list[tuple[str, int, str]] = []

    @lord("a", "work")
    def work(context: LordContext) -> str:
        runs.append((context.quest_id, context.epoch, context.position))
        return context.position

    pool.start(threads=4)
    client = pool.client()
    handles = client.submit_many([quest(*["a"] * 5) for _ in range(12)])

    def steer(verb: str) -> None:
        for handle in handles:
            try:
                getattr(client, verb)(handle.quest_id)
            except QuestConflict:
                continue

    steering = [
        threading.Thread(target=steer, args=(verb,)) for verb in ("pause", "resume", "replay", "pause", "resume")
    ]
    for thread in steering:
        thread.start()
    for thread in steering:
        thread.join(LONG)
    steer("resume")
    for handle in handles:
        done = completed(handle)
        newest = [str(at) for epoch, at in successes(client, handle.quest_id) if epoch == done.epoch]
        assert newest == sorted(newest), "steps of the last epoch were committed out of order"
        assert done.version == len(client.snapshots(handle.quest_id)) - 1
