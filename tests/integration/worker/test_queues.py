"""Several queues and priorities in a pool of workers, whichever the broker."""

import threading

from questline import lord
from questline_persistence.models import LordStep
from questline_worker.lords import LordContext
from tests.contract.quests import Workbench
from tests.integration.worker.pools import LONG, Pool, completed, quest
from tests.waiting import eventually

#: Quests that wait before the one that is looked at, and after how many of them it may run at most.
BACKLOG, FIRST = 1_000, 100


def test_an_urgent_quest_runs_among_the_first_though_a_thousand_wait(pool: Pool) -> None:
    ran = list[str]()

    @lord("a", "work")
    def work(ctx: LordContext) -> None:
        ran.append(ctx.quest_id)

    client = pool.client()
    client.submit_many([quest("a") for _ in range(BACKLOG)])
    urgent = client.submit(quest("a", priority=1000))
    pool.start(threads=2)
    completed(urgent)
    assert ran.index(urgent.quest_id) < FIRST


def test_a_quest_that_becomes_urgent_later_runs_before_the_backlog(pool: Pool) -> None:
    ran, turns = list[str](), threading.Semaphore(0)

    @lord("a", "work")
    def work(ctx: LordContext) -> None:
        turns.acquire(timeout=LONG)
        ran.append(ctx.quest_id)

    client = pool.client()
    client.submit_many([quest("a") for _ in range(BACKLOG)])
    member = pool.start(threads=2)
    eventually(lambda: len(member.process.running) == 2, timeout=LONG)
    urgent = client.submit(quest("a", priority=1000))
    try:
        for turn in range(1, FIRST):  # one at a time, so that a slow consumer is none the worse for quick handlers
            turns.release()
            eventually(lambda ended=turn: len(ran) == ended)  # type: ignore[misc]
            if urgent.quest_id in ran:
                break
    finally:
        turns.release(BACKLOG + 1)
    assert urgent.quest_id in ran[:FIRST]


def test_a_quest_in_one_queue_does_not_wait_for_the_backlog_of_another(pool: Pool) -> None:
    ran = list[str]()

    @lord("a", "work")
    def work(ctx: LordContext) -> None:
        ran.append(ctx.quest_id)

    client = pool.client()
    client.submit_many([quest("a", queue="bulk") for _ in range(BACKLOG)])
    letter = client.submit(quest("a", queue="mail"))
    pool.start(threads=2, queues=("bulk", "mail"))
    completed(letter)
    assert ran.index(letter.quest_id) < FIRST


def test_a_quest_hops_between_the_queues_of_two_workers_without_waiting_to_be_rung_again(pool: Pool) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> None:
        """Do nothing."""

    pool.start(threads=1, queues=("left",))
    pool.start(threads=1, queues=("right",))
    hops = [LordStep("a", "work", queue=("left", "right")[number % 2]) for number in range(30)]
    completed(pool.client().submit(quest(*hops)), timeout=30.0)  # 60 s if each hop waited for a second ring


def test_what_waits_behind_long_steps_runs_in_a_worker_that_is_idle(pool: Pool) -> None:
    gate = pool.gate()

    @lord("a", "work")
    def work(ctx: LordContext) -> str:
        if ctx.input_data["long"]:
            gate.wait()
        return ctx.quest_id

    client = pool.client()
    long = [client.submit(quest("a", input_data={"long": True}, queue="long")) for _ in range(2)]
    busy = pool.start(threads=2, queues=("long", "default"))
    eventually(lambda: len(busy.process.running) == 2, timeout=LONG)
    short = [client.submit(quest("a", input_data={"long": False})) for _ in range(4)]
    bench = Workbench(pool.database_url)
    bench.execute("UPDATE tickets SET ring_at = ring_at + 600, dispatches = 9 WHERE state = 'ready' AND dispatches > 0")
    bench.close()
    pool.start(threads=2)
    for handle in short:
        completed(handle)
    assert [handle.get().status for handle in long] == ["running", "running"]


def test_a_pool_runs_quests_on_a_cluster(sqlite_url: str, cluster_url: str) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> str:
        return "done"

    pool = Pool(sqlite_url, cluster_url)
    try:
        pool.start(threads=2, queues=("left", "right"))
        hops = [LordStep("a", "work", queue=("left", "right")[number % 2]) for number in range(6)]
        for handle in pool.client().submit_many([quest(*hops) for _ in range(5)]):
            completed(handle)
    finally:
        pool.close()
