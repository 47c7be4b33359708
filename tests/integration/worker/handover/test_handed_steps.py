"""A quest's next step goes to a thread of the same process where that keeps nobody waiting; see `handover`."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from questline_persistence.claims import Checkpoint, Doorbell, Settled, Succeeded
from questline_persistence.models import LordStep
from questline_scheduler.doorbells import DoorbellBroker
from questline_worker.lords import LordContext, lord
from questline_worker.middleware import Checkpoints
from questline_worker.steps import giving_back
from tests.integration.worker.handover.rest import all_is_free, everywhere
from tests.integration.worker.handover.stage import MANY, Place, Stage
from tests.integration.worker.pools import LONG, Pool, completed, ended, errors, quest, steps, successes
from tests.waiting import eventually

#: How many of them may find the consumer not listening just then: it looks around ten times a second.
MISSED = 10


def rung_by(broker: DoorbellBroker, bells: list[Doorbell]) -> None:
    """Have every bell noted that a broker is asked to ring."""
    ring = broker.ring

    def note(rung: Any) -> list[Doorbell]:
        bells.extend(rung)
        return ring(rung)

    broker.ring = note  # type: ignore[method-assign]


def test_a_claim_that_comes_with_a_posted_result_is_no_stray_however_late_the_worker_hears_of_it(pool: Pool) -> None:
    Stage(pool)
    member, client = pool.start(threads=4), pool.client()
    (checkpoints,) = (each for each in member.broker.middleware if isinstance(each, Checkpoints))
    strays, brought, told = set[str](), list[Checkpoint[Succeeded]](), checkpoints.settled

    def late(ends: Any) -> None:
        brought.extend(end for end, settled in ends if isinstance(settled, Settled) and settled.next_claim is not None)
        for _ in range(3):
            strays.update(member.process.running.check(member.worker_id))
        told(ends)

    checkpoints.settled = late  # type: ignore[method-assign]
    for handle in client.submit_many([quest(*["a"] * 10) for _ in range(8)]):
        completed(handle)
    assert brought, "no claim came with a posted result"
    assert strays == set()
    eventually(lambda: all_is_free(member))
    assert not member.process.running._expected


def test_a_quest_on_an_idle_worker_rings_for_its_first_step_alone(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(giving_back, "PATIENCE_SECONDS", LONG)  # a starved machine may let a step wait
    stage, bells = Stage(pool), list[Doorbell]()
    member, client = pool.start(middleware=[stage.watch]), pool.client()
    rung_by(member.broker, bells)
    rung_by(client.broker, bells)
    handle = client.submit(quest(*steps(*["a"] * MANY)))
    completed(handle)
    assert successes(client, handle.quest_id) == everywhere(MANY)
    assert Counter(stage.ran) == Counter(stage.watch.before) == Counter(dict.fromkeys(stage.ran, 1)), "each once"
    eventually(lambda: len(stage.watch.after) == MANY, message="not every step went through the middleware")
    rung, handed = {bell.position for bell in bells}, {position for _, position in stage.watch.handed}
    assert "0001" in rung
    assert not rung & handed
    assert len(handed) >= MANY - 1 - (MISSED if pool.broker_url.startswith("redis") else 0)
    eventually(lambda: all_is_free(member))


def test_a_pause_while_a_handed_step_runs_holds_the_quest_after_it(pool: Pool) -> None:
    stage = Stage(pool)
    stage.close_gate()
    member, client = pool.start(middleware=[stage.watch]), pool.client()
    handle = client.submit(quest(*steps(*["a"] * MANY)))
    last = stage.wait_for_begin()
    assert client.pause(handle.quest_id).status == "pausing"
    stage.gate.set()
    ended(client, handle.quest_id, "paused")
    eventually(lambda: all_is_free(member))
    assert stage.ran[-1] == last, "a step began although the quest is paused"
    client.resume(handle.quest_id)
    completed(handle)
    assert successes(client, handle.quest_id) == everywhere(MANY)


@pytest.mark.parametrize("verb", ["cancel", "replay"])
def test_a_handed_step_whose_quest_is_taken_away_is_fenced(pool: Pool, verb: str) -> None:
    stage = Stage(pool)
    stage.close_gate()
    member, client = pool.start(middleware=[stage.watch], heartbeat_seconds=5.0), pool.client()
    handle = client.submit(quest(*steps(*["a"] * MANY)))
    _, position = stage.wait_for_begin()
    getattr(client, verb)(handle.quest_id)
    stage.gate.set()
    if verb == "replay":
        completed(handle)
    eventually(lambda: all_is_free(member))
    assert (0, position) not in successes(client, handle.quest_id)
    assert errors(client, handle.quest_id) == []
    assert handle.get().status == {"cancel": "cancelled", "replay": "completed"}[verb]
    assert member.process.running.take_fenced() == 1


def test_a_step_of_another_queue_is_left_to_those_who_listen_there(pool: Pool) -> None:
    stage = Stage(pool)
    first, other = pool.start(middleware=[stage.watch]), pool.start(queues=("gpu",))
    client = pool.client()
    handle = client.submit(quest(*steps(*["a"] * MANY), LordStep("a", "work", queue="gpu"), *steps("a")))
    completed(handle)
    assert stage.watch.handed, "nothing was handed over"
    workers = [run.worker_id for run in client.runs(handle.quest_id)]
    assert workers == [*[first.worker_id] * MANY, other.worker_id, first.worker_id]
    eventually(lambda: all_is_free(first))


def test_a_step_of_a_lord_unknown_here_is_left_to_those_who_know_it(pool: Pool) -> None:
    stage = Stage(pool)
    stage.close_gate()
    first, client = pool.start(middleware=[stage.watch]), pool.client()
    handle = client.submit(quest(*steps(*["a"] * MANY, "new")))
    stage.wait_for_begin()

    @lord("new", "work")
    def work(_: LordContext) -> str:
        return "done"

    other = pool.start()
    stage.gate.set()
    completed(handle)
    runs = client.runs(handle.quest_id)
    assert (len(runs), runs[-1].worker_id) == (MANY + 1, other.worker_id)
    eventually(lambda: all_is_free(first))


def test_a_handed_step_whose_message_is_skipped_by_a_middleware_is_given_back(pool: Pool) -> None:
    stage, skipped = Stage(pool), list[Place]()

    def skip_once(place: Place) -> bool:
        skipped.append(place)
        return len(skipped) == 1

    stage.watch.refused = skip_once
    member, client = pool.start(middleware=[stage.watch]), pool.client()
    handle = client.submit(quest(*steps(*["a"] * MANY)))
    completed(handle)
    assert len(skipped) > 1
    assert len(stage.ran) == MANY
    assert [run.attempt_number for run in client.runs(handle.quest_id)] == [1] * MANY
    eventually(lambda: all_is_free(member))
