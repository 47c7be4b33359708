"""A quest keeps no thread that another waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from questline_persistence.errors import QuestConflict
from questline_scheduler.doorbells import HandedMessage
from questline_scheduler.doorbells.memory_broker import MemoryBroker
from questline_worker.lords import LordContext, lord
from questline_worker.steps import handover
from questline_worker.steps.handover import TURN_STEPS
from tests.integration.worker.handover.rest import all_is_free, ticket_of
from tests.integration.worker.handover.stage import MANY, Stage
from tests.integration.worker.pools import LONG, Member, Pool, completed, quest, steps
from tests.waiting import eventually


def test_steps_that_meet_busy_threads_are_given_back_for_others(pool: Pool) -> None:
    stage, gate, begun = Stage(pool), pool.gate(), list[str]()

    @lord("stuck", "work")
    def block(context: LordContext) -> None:
        begun.append(context.quest_id)
        gate.wait()

    first, client = pool.start(threads=2, middleware=[stage.watch]), pool.client()
    handles = client.submit_many([quest(*steps("a", "stuck")) for _ in range(20)])

    def only_what_runs_is_claimed() -> bool:
        held = [ticket_of(pool, handle.quest_id) for handle in handles]
        return len(begun) == 2 and sum(ticket.state == "running" for ticket in held) == 2

    eventually(only_what_runs_is_claimed, message="a claimed step waits for a thread that is not free")
    assert len(first.process.running) == 2
    second = pool.start(threads=20)
    eventually(lambda: len(begun) == 20, timeout=LONG, message="the other worker did not take them up")
    assert len(set(begun)) == 20
    gate.set()
    for handle in handles:
        completed(handle)
        assert [run.attempt_number for run in client.runs(handle.quest_id)] == [1, 1]
    eventually(lambda: all_is_free(first) and all_is_free(second))


@pytest.mark.parametrize("queue", ["same", "other"])  # a consumer that idles in one does not mean an idle thread
@pytest.mark.parametrize(("seconds", "turn"), [(LONG, TURN_STEPS), (0.0, 1)])
def test_a_quest_gives_its_thread_up_to_who_waits_after_its_turn_of_steps_or_seconds(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, queue: str, seconds: float, turn: int
) -> None:
    monkeypatch.setattr(handover, "TURN_SECONDS", LONG)
    stage, stuck, gate = Stage(pool), threading.Event(), pool.gate()

    @lord("stuck", "work")
    def block(_: LordContext) -> None:
        stuck.set()
        gate.wait()

    @lord("other", "work")
    def other(_: LordContext) -> int:
        return len(stage.ran)

    member, client = pool.start(threads=2, queues=("same", "other"), middleware=[stage.watch]), pool.client()
    blocking = client.submit(quest("stuck", queue=queue))
    assert stuck.wait(LONG)
    stage.close_gate()
    many = client.submit(quest(*steps(*["a"] * 20 * MANY), queue="same"))
    stage.wait_for_begin()  # on the one thread that is left
    ran, arrivals = len(stage.ran), dict[str, int]()
    note_arrivals(member, monkeypatch, lambda quest_id: arrivals.update({quest_id: len(stage.ran)}))
    monkeypatch.setattr(handover, "TURN_SECONDS", seconds)
    behind = client.submit(quest("other", queue=queue))
    eventually(lambda: waits(pool, member, queue), message="nobody waits for a thread")
    stage.gate.set()
    before = completed(behind).output_data
    eventually(lambda: behind.quest_id in arrivals)
    # One in memory gets to the threads of another queue once its consumer was woken: as late as the machine likes.
    assert before - (ran if queue == "same" else arrivals[behind.quest_id]) <= turn
    gate.set()
    with suppress(QuestConflict):  # it may have completed by now
        client.cancel(many.quest_id)
    completed(blocking)
    eventually(lambda: all_is_free(member))


def note_arrivals(member: Member, monkeypatch: pytest.MonkeyPatch, note: Callable[[str], None]) -> None:
    """Call `note` with the quest of each message that came through the broker and waits for a thread from now on."""
    put = member.worker.work_queue.put

    def put_and_note(item: Any) -> None:
        put(item)
        if not isinstance(item.message, HandedMessage):
            note(item.message.kwargs["quest_id"])

    monkeypatch.setattr(member.worker.work_queue, "put", put_and_note)


def waits(pool: Pool, member: Member, queue: str) -> bool:
    """Tell whether a message waits for a thread, in its queue or already taken out of it."""
    broker = member.broker
    in_memory = isinstance(broker, MemoryBroker) and broker._queue(queue)._heap
    # A client on Redis has rung when `submit` returns.
    return bool(in_memory or member.worker.work_queue.qsize() or (queue == "same" and "redis" in pool.broker_url))
