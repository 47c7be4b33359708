"""Steps that change hands: dead and frozen workers, deploys, and workers that lack a Lord."""

import threading
import time

from sqlalchemy import select

from questline_persistence.recovery import Sweep
from questline_persistence.schema import tickets
from questline_worker.lords import LordContext, lord, lords
from tests.integration.worker.pools import LONG, Member, Pool, completed, ended, errors, quest, steps, successes, tell
from tests.waiting import eventually


class Stage:
    """A Lord whose attempts stop at a gate each, so that a test decides in which order they end."""

    def __init__(self, pool: Pool, name: str = "slow") -> None:
        self.begun: list[str] = []
        self.gates = [pool.gate() for _ in range(4)]

        @lord(name, "work")
        def work(context: LordContext) -> str:
            turn = len(self.begun)
            self.begun.append(context.idempotency_key)
            self.gates[turn].wait()
            return f"result of turn {turn}"

    def wait_for(self, turns: int) -> None:
        eventually(lambda: len(self.begun) >= turns, timeout=LONG, message=f"turn {turns} did not begin")


def _echo() -> None:
    @lord("echo", "work")
    def echo(_: LordContext, slow: str) -> str:
        return slow


def _declare_dead(member: Member) -> None:
    member.process.register.declare_dead(member.process.process_id)


def test_duratiq_1_a_late_result_of_a_worker_that_was_taken_for_dead_is_fenced(pool: Pool) -> None:
    stage = Stage(pool)
    _echo()
    frozen = pool.start(threads=1, lease_seconds=2)
    client = pool.client()
    handle = client.submit(quest("slow", "echo"))
    stage.wait_for(1)
    frozen.freeze()
    pool.start(threads=1)
    stage.wait_for(2)  # the lease ran out, and another has the step
    stage.gates[0].set()  # now the late result comes
    eventually(lambda: not frozen.process.running.all(), timeout=LONG)
    assert successes(client, handle.quest_id) == [], "the late result was committed"
    stage.gates[1].set()
    assert completed(handle).output_data == "result of turn 1"
    assert successes(client, handle.quest_id) == [(0, "0001"), (0, "0002")]
    assert len(set(stage.begun)) == 1, "the idempotency key changed between workers"


def test_duratiq_1_a_late_result_after_the_quest_was_decided_changes_nothing(pool: Pool) -> None:
    stage = Stage(pool)
    _echo()
    first = pool.start(threads=1)
    client = pool.client()
    handle = client.submit(quest("slow", "echo"))
    stage.wait_for(1)
    first.freeze()
    _declare_dead(first)
    pool.start(threads=1)
    stage.wait_for(2)
    stage.gates[1].set()
    done = completed(handle)
    before = client.runs(handle.quest_id)
    stage.gates[0].set()
    first.stop()
    assert client.runs(handle.quest_id) == before
    assert client.get(handle.quest_id) == done
    assert client.stats()["counters"]["results_fenced"] == 1, "a worker that stops leaves no count behind"
    assert client.stats()["counters"]["claims_freed"] == 1


def test_duratiq_1_a_late_error_is_fenced_like_a_late_result(sqlite_pool: Pool) -> None:
    gates, begun = [sqlite_pool.gate(), sqlite_pool.gate()], []

    @lord("slow", "work")
    def work(_: LordContext) -> str:
        turn = len(begun)
        begun.append(turn)
        gates[turn].wait()
        if turn == 0:
            raise ValueError("late")
        return "in time"

    first = sqlite_pool.start(threads=1)
    client = sqlite_pool.client()
    handle = client.submit(quest(*steps("slow", max_attempts=1)))
    eventually(lambda: len(begun) == 1)
    first.freeze()
    _declare_dead(first)
    sqlite_pool.start(threads=1)
    eventually(lambda: len(begun) == 2, timeout=LONG)
    gates[0].set()
    eventually(lambda: not first.process.running.all())
    gates[1].set()
    assert completed(handle).output_data == "in time"
    assert [("lost" in (run.error_message or "")) for run in errors(client, handle.quest_id)] == [True]


def test_a_worker_that_was_taken_for_dead_goes_on_under_a_new_name(pool: Pool) -> None:
    stage = Stage(pool)
    member = pool.start(threads=1)
    client = pool.client()
    eventually(lambda: any(row.state == "live" for row in client.register.all()), timeout=LONG)
    old = member.worker_id
    _declare_dead(member)
    eventually(lambda: member.worker_id != old, timeout=LONG)
    stage.gates[0].set()
    done = completed(client.submit(quest("slow")))
    assert client.runs(done.quest_id)[0].worker_id == member.worker_id
    states = {row.worker_id: row.state for row in client.register.all()}
    assert (states[old], states[member.worker_id]) == ("lost", "live")


def test_what_a_worker_fetches_after_it_was_taken_for_dead_is_held_under_its_new_name(server_pool: Pool) -> None:
    stage = Stage(server_pool)
    member = server_pool.start(threads=1, loops=False)
    client = server_pool.client()
    eventually(lambda: any(row.state == "live" for row in client.register.all()), timeout=LONG)
    old = member.worker_id
    _declare_dead(member)
    eventually(lambda: member.broker.holder != old, timeout=LONG, message="the broker keeps the old name")
    handle = client.submit(quest("slow"))
    eventually(lambda: client.broker.requeue_dead([member.worker_id]), timeout=LONG, message="it holds nothing")
    assert client.broker.requeue_dead([old]) == 0
    stage.gates[0].set()
    completed(handle)


def test_an_async_step_is_cancelled_when_its_claim_is_gone(pool: Pool) -> None:
    import asyncio  # noqa: PLC0415  beside its only use

    begun, cancelled = threading.Event(), threading.Event()

    @lord("sleeper", "work")
    async def work(_: LordContext) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    pool.start(threads=1)
    client = pool.client()
    handle = client.submit(quest("sleeper"))
    assert begun.wait(LONG)
    client.cancel(handle.quest_id)
    assert cancelled.wait(LONG), "the heartbeat did not tell the coroutine"
    eventually(lambda: not pool.members[0].process.running.all(), timeout=LONG)
    assert client.get(handle.quest_id).status == "cancelled"
    assert [run.status for run in client.runs(handle.quest_id)] == ["cancelled"]


def test_a_graceful_stop_gives_a_running_step_back_without_spending_an_attempt(pool: Pool) -> None:
    stage = Stage(pool)
    _echo()
    leaving = pool.start(threads=1)
    client = pool.client()
    handle = client.submit(quest("slow", "echo"))
    stage.wait_for(1)
    leaving.stop(seconds=0.3)
    pool.start(threads=1)
    stage.wait_for(2)
    stage.gates[0].set()
    stage.gates[1].set()
    assert completed(handle).output_data == "result of turn 1"
    assert errors(client, handle.quest_id) == []
    assert [run.attempt_number for run in client.runs(handle.quest_id)] == [1, 1]


def test_a_graceful_stop_lets_a_short_step_end(pool: Pool) -> None:
    stage = Stage(pool)
    leaving = pool.start(threads=1)
    client = pool.client()
    handle = client.submit(quest("slow"))
    stage.wait_for(1)
    timer = threading.Timer(0.3, stage.gates[0].set)
    timer.start()
    leaving.stop(seconds=20)
    timer.join()
    assert client.get(handle.quest_id).status == "completed"
    assert len(stage.begun) == 1


def test_what_a_leaving_worker_had_only_fetched_is_run_by_another_at_once(server_pool: Pool) -> None:
    stage = Stage(server_pool)
    for gate in stage.gates[1:]:
        gate.set()
    leaving = server_pool.start(threads=1, loops=False)
    client = server_pool.client()
    first = client.submit(quest("slow"))
    stage.wait_for(1)
    others = [client.submit(quest("slow")) for _ in range(2)]
    threading.Timer(0.2, stage.gates[0].set).start()
    leaving.stop(seconds=20)
    server_pool.start(threads=1)
    for handle in (first, *others):
        completed(handle)


def test_a_worker_that_signed_off_is_not_taken_for_lost(pool: Pool) -> None:
    member = pool.start()
    client = pool.client()
    eventually(lambda: bool(client.register.all()), timeout=LONG)
    member.stop()
    assert [row.state for row in client.register.all()] == ["stopped"]


def test_duratiq_10_a_step_whose_lord_nobody_knows_waits_for_a_worker_that_knows_it(pool: Pool) -> None:
    @lord("old", "work")
    def old(_: LordContext) -> str:
        return "old"

    pool.start()  # the code before the deploy
    client = pool.client()
    handle = client.submit(quest("old", "new"))
    refusals = select(tickets.c.refusals).where(tickets.c.quest_id == handle.quest_id)
    eventually(
        lambda: client.database.read(lambda connection: connection.execute(refusals).scalar()),
        timeout=LONG,
        message="the worker did not note that it lacks the Lord",
    )
    assert client.get(handle.quest_id).status == "running"
    assert successes(client, handle.quest_id) == [(0, "0001")]

    @lord("new", "work")
    def new(_: LordContext, old: str) -> str:
        return f"{old} and new"

    pool.start()  # the code after it
    begun = time.monotonic()
    assert completed(handle).output_data == "old and new"
    tell(f"ran {time.monotonic() - begun:.2f} s after a worker that knows it came up")
    assert errors(client, handle.quest_id) == []


def test_duratiq_10_a_worker_with_less_code_beside_one_with_more_strands_nothing(pool: Pool) -> None:
    @lord("old", "work")
    def old(context: LordContext) -> str:
        return context.position

    pool.start()

    @lord("new", "work")
    def new(context: LordContext) -> str:
        return context.position

    pool.start()
    client = pool.client()
    handles = client.submit_many([quest("old", "new", "old", "new") for _ in range(5)])
    for handle in handles:
        completed(handle)
        assert errors(client, handle.quest_id) == []


def test_a_handler_that_a_worker_no_longer_has_is_offered_to_others(sqlite_pool: Pool) -> None:
    @lord("a", "work")
    def work(_: LordContext) -> str:
        return "ran"

    knows = dict(lords._HANDLERS)
    lords._HANDLERS.clear()
    sqlite_pool.start()
    client = sqlite_pool.client()
    handle = client.submit(quest("a"))
    begun = time.monotonic()
    eventually(lambda: time.monotonic() > begun + 0.5)
    assert client.get(handle.quest_id).status == "new"
    lords._HANDLERS.update(knows)
    sqlite_pool.start()
    assert completed(handle).output_data == "ran"


def test_two_workers_share_one_sqlite_file(sqlite_pool: Pool) -> None:
    ran: list[str] = []

    @lord("a", "work")
    def work(context: LordContext) -> str:
        ran.append(f"{context.quest_id}/{context.position}")
        return context.position

    sqlite_pool.start(threads=3)
    sqlite_pool.start(threads=3)
    client = sqlite_pool.client()
    handles = client.submit_many([quest(*steps(*["a"] * 4)) for _ in range(25)])
    for handle in handles:
        completed(handle)
    assert len(ran) == len(set(ran)) == 100
    workers = {run.worker_id for handle in handles for run in client.runs(handle.quest_id)}
    tell(f"{len(workers)} workers took part")


def test_duratiq_8_a_backlog_longer_than_the_timeout_re_dispatches_nothing(pool: Pool) -> None:
    ran: list[str] = []

    @lord("a", "work")
    def work(context: LordContext) -> str:
        ran.append(context.quest_id)
        began = time.monotonic()
        eventually(lambda: time.monotonic() > began + 0.25)
        return "done"

    pool.start(threads=1)
    client = pool.client()
    # Twelve steps of 0.25 s, one after the other: the last waits longer than a step may take.
    handles = client.submit_many([quest(*steps("a", timeout_seconds=2.5)) for _ in range(12)])
    for handle in handles:
        completed(handle)
        assert errors(client, handle.quest_id) == []
    assert len(ran) == len(set(ran)) == 12


def test_duratiq_12_a_step_that_kills_its_workers_does_not_starve_the_recovery_of_others(pool: Pool) -> None:
    stage = Stage(pool)
    _echo()
    client = pool.client()
    handle = client.submit(quest("slow", "echo"))
    for turn in range(3):
        member = pool.start(threads=1)
        stage.wait_for(turn + 1)
        member.freeze()
        _declare_dead(member)
        Sweep(client.database, client.namespace).run()
        assert len(errors(client, handle.quest_id)) == turn + 1
    failed = ended(client, handle.quest_id, "failed")
    assert "3 workers have died" in (failed.error or "")

    @lord("quick", "work")
    def quick(_: LordContext) -> str:
        return "done"

    pool.start(threads=1)
    assert completed(client.submit(quest("quick"))).output_data == "done"
