"""What a worker that stops had been handed is given back, and what it has done is committed."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from questline_persistence.claims import Checkpoint, Settled, Succeeded
from questline_worker.lords import LordContext, lord
from questline_worker.steps import Handover, handover
from tests.integration.worker.handover.rest import all_is_free, everywhere, places_taken, ticket_of
from tests.integration.worker.handover.stage import MANY, Stage, Watch
from tests.integration.worker.pools import LONG, Pool, completed, quest, steps, successes
from tests.waiting import eventually


def test_a_step_that_is_handed_over_while_the_worker_stops_is_given_back(pool: Pool) -> None:
    stage, waiting, go = Stage(pool), threading.Event(), pool.gate()
    leaving, client = pool.start(middleware=[stage.watch]), pool.client()
    checkpoint = leaving.process.journal.checkpoint

    def slow(end: Checkpoint[Succeeded]) -> Settled:
        if end.next_claim_id is not None and end.claim.position > "0002":
            waiting.set()
            go.wait()
        return checkpoint(end)

    leaving.process.journal.checkpoint = slow  # type: ignore[method-assign]
    handle = client.submit(quest(*steps(*["a"] * MANY)))
    assert waiting.wait(LONG), "no step was handed over"
    stopping = threading.Thread(target=leaving.stop)
    stopping.start()
    eventually(lambda: not any(thread.running for thread in leaving.worker.workers))
    go.set()
    stopping.join(LONG)
    before = len(stage.ran)
    ticket = ticket_of(pool, handle.quest_id)
    assert (ticket.state, ticket.position, ticket.attempt, ticket.lost) == ("ready", f"{before + 1:04d}", 0, 0)
    assert leaving.process.running.all() == []

    member = pool.start(middleware=[Watch()])
    completed(handle)
    assert successes(client, handle.quest_id) == everywhere(MANY)
    assert len(stage.ran) == MANY
    eventually(lambda: all_is_free(member))


def test_a_step_that_is_handed_over_while_a_worker_stops_need_not_wait_for_the_other_threads(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, gate, stuck = Stage(pool), pool.gate(), threading.Event()

    @lord("stuck", "work")
    def block(_: LordContext) -> None:
        stuck.set()
        gate.wait()

    leaving, client = pool.start(threads=2, middleware=[stage.watch]), pool.client()
    blocking = client.submit(quest("stuck"))
    assert stuck.wait(LONG)
    stage.close_gate()
    handle = client.submit(quest(*steps(*["a"] * MANY)))
    stage.wait_for_begin()
    # What has a reserved place now is committed after the threads were told to stop: no thread takes it.
    monkeypatch.setattr(handover, "TURN_SECONDS", LONG)
    monkeypatch.setattr(Handover, "close", lambda _: None)
    stopping = threading.Thread(target=leaving.stop, args=(LONG,))
    stopping.start()
    eventually(lambda: not any(thread.running for thread in leaving.worker.workers))
    stage.gate.set()
    eventually(lambda: ticket_of(pool, handle.quest_id).state == "ready", message="it waits for the other thread")
    assert stopping.is_alive()
    assert ticket_of(pool, blocking.quest_id).state == "running"
    gate.set()
    stopping.join(LONG)
    assert (blocking.get().status, leaving.process.running.all()) == ("completed", [])


def test_a_worker_that_stops_leaves_what_is_rung_meanwhile_to_others(pool: Pool) -> None:
    gate, stuck = pool.gate(), threading.Event()

    @lord("stuck", "work")
    def block(_: LordContext) -> None:
        stuck.set()
        gate.wait()

    Stage(pool)
    leaving, client = pool.start(threads=2), pool.client()
    blocking = client.submit(quest("stuck"))
    assert stuck.wait(LONG)
    stopping = threading.Thread(target=leaving.stop, args=(LONG,))
    stopping.start()
    eventually(lambda: not any(thread.running for thread in leaving.worker.workers))
    staying = pool.start(threads=2)
    for handle in client.submit_many([quest(*steps("a", "a")) for _ in range(6)]):
        completed(handle)
    assert places_taken(leaving) == 1, "it has fetched what no thread of its will run"
    gate.set()
    stopping.join(LONG)
    assert blocking.get().status == "completed"
    eventually(lambda: all_is_free(staying))


def test_a_stop_in_the_middle_of_many_hand_overs_spends_and_loses_nothing(pool: Pool) -> None:
    stage = Stage(pool)
    client = pool.client()
    leaving = pool.start(middleware=[stage.watch])
    handles = client.submit_many([quest(*steps(*["a"] * MANY)) for _ in range(6)])
    eventually(lambda: len(stage.watch.handed) > 20)
    leaving.stop()
    assert leaving.process.running.all() == []
    unfinished = [ticket_of(pool, handle.quest_id) for handle in handles if handle.get().status != "completed"]
    assert unfinished, "the stop came too late to mean anything"
    assert {(ticket.state, ticket.attempt, ticket.lost) for ticket in unfinished} == {("ready", 0, 0)}
    committed = sum(len(successes(client, handle.quest_id)) for handle in handles)
    assert len(stage.ran) == committed, "what has run was not committed"

    pool.start()
    for handle in handles:
        completed(handle)
        assert successes(client, handle.quest_id) == everywhere(MANY)
    assert len(stage.ran) == len(set(stage.ran)) == 6 * MANY


def test_what_is_committed_behind_a_thread_s_back_is_committed_before_the_worker_is_gone(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover.Handover, "reserve", lambda *_, **__: None)
    both = threading.Barrier(2, timeout=LONG)

    @lord("a", "work")
    def work(_: LordContext) -> str:
        both.wait()
        return "kept"

    leaving, client = pool.start(threads=2), pool.client()
    statement, go = leaving.process.database.statement, pool.gate()

    def slow(call: Any, **options: Any) -> Any:
        if threading.current_thread().name == "committer":
            go.wait()
        return statement(call, **options)

    monkeypatch.setattr(leaving.process.database, "statement", slow)
    handles = [client.submit(quest("a")) for _ in range(2)]
    eventually(
        lambda: leaving.process.journal._checkpointing._behind.count == 2, timeout=LONG, message="nothing was posted"
    )
    stopping = threading.Thread(target=leaving.stop)
    stopping.start()
    eventually(lambda: not any(thread.is_alive() for thread in leaving.worker.consumers.values()))
    assert [handle.get().status for handle in handles] == ["running", "running"]
    go.set()
    stopping.join(LONG)
    assert [handle.get().output_data for handle in handles] == ["kept", "kept"]
    eventually(lambda: all_is_free(leaving))
