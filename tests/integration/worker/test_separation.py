"""What must not meet: namespaces, and queues (I11 of docs/project/protocol.md)."""

import time
from collections import defaultdict

import pytest

from questline_persistence.errors import QuestNotFound
from questline_persistence.models import LordStep
from questline_worker.lords import LordContext, lord
from tests.integration.worker.pools import Pool, completed, quest, steps
from tests.waiting import eventually


def _for_a_while(seconds: float = 1.0) -> None:
    """Give what must not happen the time to happen."""
    begun = time.monotonic()
    eventually(lambda: time.monotonic() > begun + seconds)


def test_namespaces_on_one_broker_and_one_database_never_meet(pool: Pool) -> None:
    seen: defaultdict[str, set[str]] = defaultdict(set)

    @lord("a", "work")
    def work(context: LordContext) -> str:
        seen[context.namespace].add(context.quest_id)
        return context.namespace

    north, south = pool.client("north"), pool.client("south")
    pool.start(namespace="north")
    southern = south.submit_many([quest("a") for _ in range(10)])
    northern = north.submit_many([quest("a") for _ in range(10)])
    for handle in northern:
        assert completed(handle).output_data == "north"
    _for_a_while()
    assert {handle.get().status for handle in southern} == {"new"}
    assert seen == {"north": {handle.quest_id for handle in northern}}
    pool.start(namespace="south")
    for handle in southern:
        assert completed(handle).output_data == "south"
    assert seen["south"] == {handle.quest_id for handle in southern}
    with pytest.raises(QuestNotFound):
        north.get(southern[0].quest_id)
    assert not {row.worker_id for row in north.register.all()} & {row.worker_id for row in south.register.all()}


def test_fault_14_a_forged_doorbell_of_another_namespace_claims_nothing(pool: Pool) -> None:
    ran: list[str] = []

    @lord("a", "work")
    def work(context: LordContext) -> None:
        ran.append(context.namespace)

    north, south = pool.client("north"), pool.client("south")
    member = pool.start(namespace="north")
    handle = south.submit(quest("a"))
    bell = south._bells.bell_of(handle.quest_id)
    assert bell is not None
    member.broker.ring([bell])
    completed(north.submit(quest("a")))
    _for_a_while(0.3)
    assert ran == ["north"]
    assert handle.get().status == "new"


def test_steps_go_to_the_queue_that_their_lord_was_declared_with(pool: Pool) -> None:
    @lord("painter", "work", queue="gpu")
    def paint(_: LordContext) -> str:
        return "painted"

    @lord("clerk", "work")
    def file(_: LordContext, painter: str) -> str:
        return f"{painter} and filed"

    ordinary = pool.start(queues=("default",))
    special = pool.start(queues=("gpu",))
    client = pool.client()
    handles = [client.submit(quest("painter", "clerk")) for _ in range(3)]
    for handle in handles:
        assert completed(handle, 60).output_data == "painted and filed"
        workers = [run.worker_id for run in client.runs(handle.quest_id)]
        assert workers == [special.worker_id, ordinary.worker_id]


def test_a_step_may_name_its_queue_and_a_quest_that_of_its_steps(pool: Pool) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> str:
        return "done"

    ordinary = pool.start(queues=("default", "second"))
    special = pool.start(queues=("gpu",))
    client = pool.client()
    handle = client.submit(quest("a", LordStep("a", "work", queue="gpu"), queue="second"))
    completed(handle, 60)
    assert [run.worker_id for run in client.runs(handle.quest_id)] == [ordinary.worker_id, special.worker_id]


def test_queues_that_nobody_here_listens_to_are_left_alone(pool: Pool) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> str:
        return "done"

    pool.start(queues=("default",))
    client = pool.client()
    left = client.submit(quest(*steps("a"), queue="elsewhere"))
    completed(client.submit(quest("a")))
    _for_a_while()
    assert left.get().status == "new"
    pool.start(queues=("elsewhere",))
    assert completed(left, 60).output_data == "done"


def test_one_worker_serves_several_queues(pool: Pool) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> str:
        return "done"

    pool.start(queues=("one", "two", "three"))
    client = pool.client()
    for name in ("one", "two", "three"):
        completed(client.submit(quest("a", queue=name)))
