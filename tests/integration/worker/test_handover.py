"""A quest's next step goes to a thread of the same process where that keeps nobody waiting; see `handover`."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import dramatiq
import pytest
from dramatiq.middleware import Middleware, SkipMessage

from questline_persistence.claims import Checkpoint, Doorbell, Settled
from questline_persistence.errors import QuestConflict
from questline_persistence.models import LordStep
from questline_scheduler.doorbells import DoorbellBroker, HandedMessage
from questline_scheduler.doorbells.memory_broker import MemoryBroker, MemoryConsumer
from questline_scheduler.doorbells.redis_consumer import RedisConsumer
from questline_worker.lords import LordContext, lord
from questline_worker.middleware import Checkpoints
from questline_worker.steps import Handover, giving_back, handover
from questline_worker.steps.handover import TURN_STEPS
from tests.contract.quests import Workbench
from tests.integration.worker.pools import LONG, Member, Pool, completed, ended, errors, quest, steps, successes
from tests.waiting import eventually

#: Steps of a quest that is long enough to be handed over, whatever the consumers do meanwhile.
MANY = 50
#: How many of them may find the consumer not listening just then: it looks around ten times a second.
MISSED = 10

Place = tuple[str, str]  # quest and position


class Watch(Middleware):
    """Notes what goes through Dramatiq's middleware."""

    def __init__(self) -> None:
        self.before: list[Place] = []
        self.after: list[Place] = []
        self.handed: set[Place] = set()
        self.refused: Callable[[Place], bool] = lambda _: False

    def before_process_message(self, broker: dramatiq.Broker, message: Any) -> None:  # noqa: ARG002  (Dramatiq's signature)
        place = _place(message)
        if isinstance(message, HandedMessage):
            self.handed.add(place)
            if self.refused(place):
                raise SkipMessage
        self.before.append(place)

    def after_process_message(
        self,
        broker: dramatiq.Broker,  # noqa: ARG002  (as above)
        message: Any,
        *,
        result: object = None,  # noqa: ARG002  (as above)
        exception: BaseException | None = None,
    ) -> None:
        assert exception is None
        self.after.append(_place(message))

    def was_handed(self, context: LordContext) -> bool:
        return (context.quest_id, context.position) in self.handed


def _place(message: Any) -> Place:
    return message.kwargs["quest_id"], message.kwargs["position"]


class Stage:
    """Lord `a`, who stops at a gate in the first step that was handed over to him, if the gate was closed."""

    def __init__(self, pool: Pool) -> None:
        self.watch, self.ran, self.begun = Watch(), list[Place](), threading.Event()
        self.gate = pool.gate()
        self.gate.set()

        @lord("a", "work")
        def work(context: LordContext) -> str:
            self.ran.append((context.quest_id, context.position))
            if self.watch.was_handed(context) and not self.gate.is_set():
                self.begun.set()
                self.gate.wait()
            return context.position

    def close_gate(self) -> None:
        self.gate.clear()

    def wait_for_begin(self) -> Place:
        assert self.begun.wait(LONG), "no step was handed over"
        return self.ran[-1]


def rung_by(broker: DoorbellBroker, bells: list[Doorbell]) -> None:
    """Have every bell noted that a broker is asked to ring."""
    ring = broker.ring

    def note(rung: Any) -> list[Doorbell]:
        bells.extend(rung)
        return ring(rung)

    broker.ring = note  # type: ignore[method-assign]


def consumers(member: Member) -> list[Any]:
    return [thread.consumer for thread in member.worker.consumers.values()]


def places_taken(member: Member) -> int:
    """Return for how many messages the consumers of a worker believe that a thread is busy."""
    found = 0
    for consumer in consumers(member):
        assert isinstance(consumer, MemoryConsumer | RedisConsumer)
        found += consumer._held if isinstance(consumer, MemoryConsumer) else len(consumer._held) + consumer._reserved
    return found


def test_a_claim_that_comes_with_a_posted_result_is_no_stray_however_late_the_worker_hears_of_it(pool: Pool) -> None:
    Stage(pool)
    member, client = pool.start(threads=4), pool.client()
    (checkpoints,) = (each for each in member.broker.middleware if isinstance(each, Checkpoints))
    strays, brought, told = set[str](), list[Checkpoint](), checkpoints.settled

    def late(ends: Any) -> None:
        brought.extend(end for end, settled in ends if isinstance(settled, Settled) and settled.successor is not None)
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


def all_is_free(member: Member) -> bool:
    """Tell whether nothing is left of any step in a worker that has nothing to do."""
    (checkpoints,) = (each for each in member.broker.middleware if isinstance(each, Checkpoints))
    return not (
        places_taken(member)
        or member.process.running.all()
        or checkpoints._handover._steps
        or checkpoints._handover._promised
    )


def ticket_of(pool: Pool, quest_id: str) -> Any:
    bench = Workbench(pool.database_url)
    try:
        return bench.ticket(quest_id)
    finally:
        bench.close()


def everywhere(position: int) -> list[tuple[int, str]]:
    """Return the successes of a quest of so many steps."""
    return [(0, f"{number:04d}") for number in range(1, position + 1)]


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


def test_a_step_that_is_handed_over_while_the_worker_stops_is_given_back(pool: Pool) -> None:
    stage, waiting, go = Stage(pool), threading.Event(), pool.gate()
    leaving, client = pool.start(middleware=[stage.watch]), pool.client()
    checkpoint = leaving.process.journal.checkpoint

    def slow(end: Checkpoint) -> Settled:
        if end.successor is not None and end.claim.position > "0002":
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
    # What is promised now is committed after the threads were told to stop: no thread takes it.
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
    ran = len(stage.ran)
    monkeypatch.setattr(handover, "TURN_SECONDS", seconds)
    behind = client.submit(quest("other", queue=queue))
    eventually(lambda: waits(pool, member, queue), message="nobody waits for a thread")
    stage.gate.set()
    assert completed(behind).output_data - ran <= turn
    gate.set()
    with suppress(QuestConflict):  # it may have completed by now
        client.cancel(many.quest_id)
    completed(blocking)
    eventually(lambda: all_is_free(member))


def waits(pool: Pool, member: Member, queue: str) -> bool:
    """Tell whether a message waits for a thread, in its queue or already taken out of it."""
    broker = member.broker
    in_memory = isinstance(broker, MemoryBroker) and broker._queue(queue)._heap
    # A client on Redis has rung when `submit` returns.
    return bool(in_memory or member.worker.work_queue.qsize() or (queue == "same" and "redis" in pool.broker_url))


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


def test_what_is_committed_behind_a_thread_s_back_is_committed_before_the_worker_is_gone(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover.Handover, "seat", lambda *_, **__: None)
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
    eventually(lambda: leaving.process.journal._ends._behind.count == 2, timeout=LONG, message="nothing was posted")
    stopping = threading.Thread(target=leaving.stop)
    stopping.start()
    eventually(lambda: not any(thread.is_alive() for thread in leaving.worker.consumers.values()))
    assert [handle.get().status for handle in handles] == ["running", "running"]
    go.set()
    stopping.join(LONG)
    assert [handle.get().output_data for handle in handles] == ["kept", "kept"]
    eventually(lambda: all_is_free(leaving))
