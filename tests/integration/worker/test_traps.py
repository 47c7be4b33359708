"""What would lose or double work, done on purpose (docs/project/protocol.md, "Traps of Dramatiq")."""

import threading
import time
from typing import Any

import dramatiq
import pytest
from dramatiq.middleware import default_middleware
from dramatiq.middleware.middleware import Middleware
from dramatiq.middleware.retries import Retries
from dramatiq.middleware.time_limit import TimeLimit

from questline_persistence.errors import StoreUnavailable
from questline_persistence.store import Database
from questline_scheduler.doorbells import open_broker
from questline_worker.lords import LordContext, lord
from tests.integration.worker.pools import LONG, Pool, completed, quest, steps, successes
from tests.servers.postgres import PostgresServer
from tests.waiting import eventually

#: Time limit of the default middleware in these tests, in milliseconds: shorter than the steps.
SHORT_MS = 300
#: The first commit comes within this after the store is up, in seconds.
COMMIT_WITHIN = 5.0


@pytest.fixture
def crashing_pool(request: pytest.FixtureRequest, postgres_server: PostgresServer) -> Any:
    """A pool on a PostgreSQL that may be stopped, whatever server the other tests use."""
    template = request.getfixturevalue("postgres_template")
    name = f"questline_trap_{time.monotonic_ns()}"
    postgres_server.start()
    try:
        url = postgres_server.create_database(name, template=template)
    except Exception:  # noqa: BLE001  the template stands on another server, which the environment named
        pytest.fail("QUESTLINE_TEST_PG_URL is set: run these tests without it")
    pool = Pool(url, request.getfixturevalue("redis_url"))
    try:
        yield pool
    finally:
        postgres_server.start()
        pool.close()
        postgres_server.drop_database(name)


def test_trap_sql_down_before_the_claim_loses_nothing(crashing_pool: Pool, postgres_server: PostgresServer) -> None:
    ran: list[str] = []

    @lord("first", "work")
    def first(context: LordContext) -> str:
        ran.append(context.position)
        return "one"

    @lord("second", "work")
    def second(context: LordContext) -> str:
        ran.append(context.position)
        return "two"

    client = crashing_pool.client()
    member = crashing_pool.start(loops=False)  # only the doorbell, which must not be lost with the claim
    assert member.process.lease.wait_until_registered()
    handle = client.submit(quest("first", "second", quest_id="trap"))
    completed(handle)
    ran.clear()

    waiting = threading.Event()
    claim = member.process.journal.claim

    def slow_claim(request: Any) -> Any:
        waiting.set()
        return claim(request)

    member.process.journal.claim = slow_claim  # type: ignore[method-assign]
    replayed = client._controls.replay  # rows first, the bell once SQL is down
    from questline_persistence.controls import StartingPoint  # noqa: PLC0415  beside its only use

    bells = replayed("trap", StartingPoint(None), {}).doorbells
    postgres_server.stop(immediate=True)
    client.broker.ring(bells)
    assert waiting.wait(LONG), "the doorbell was not answered"
    postgres_server.start()
    eventually(
        lambda: client.get("trap").status == "completed",
        timeout=LONG,
        ignoring=(StoreUnavailable,),
        message="the doorbell was lost with the claim",
    )
    assert ran == ["0001", "0002"]
    assert successes(client, "trap") == [(0, "0001"), (0, "0002"), (1, "0001"), (1, "0002")]


def test_fault_04_trap_sql_down_at_the_checkpoint_loses_nothing(
    crashing_pool: Pool, postgres_server: PostgresServer
) -> None:
    begun, gate = threading.Event(), crashing_pool.gate()
    ran: list[str] = []

    @lord("slow", "work")
    def slow(context: LordContext) -> str:
        ran.append(context.position)
        begun.set()
        gate.wait()
        return "kept"

    @lord("after", "work")
    def after(context: LordContext, slow: str) -> str:
        ran.append(context.position)
        return slow

    crashing_pool.start(lease_seconds=30)
    client = crashing_pool.client()
    handle = client.submit(quest("slow", "after"))
    assert begun.wait(LONG)
    postgres_server.stop(immediate=True)
    gate.set()  # the handler returns while SQL is down
    down = Database(client.database.url.render_as_string(hide_password=False), patience=0.1)
    with pytest.raises(StoreUnavailable):
        down.read(lambda connection: connection.exec_driver_sql("SELECT 1").scalar())
    down.close()
    postgres_server.start()
    up = time.monotonic()
    eventually(
        lambda: successes(client, handle.quest_id) != [],
        timeout=LONG,
        ignoring=(StoreUnavailable,),
        message="the result was lost at its checkpoint",
    )
    assert time.monotonic() - up <= COMMIT_WITHIN
    completed(handle)
    assert client.get(handle.quest_id).output_data == "kept"
    assert ran == ["0001", "0002"], "a step whose result was only waiting for SQL ran again"


def _striking() -> list[Middleware]:
    """Return Dramatiq's default middleware, as eager as it can be to interrupt and to try again."""
    made: list[Middleware] = []
    for kind in default_middleware:
        if kind is TimeLimit:
            made.append(TimeLimit(time_limit=SHORT_MS, interval=50))
        elif kind is Retries:
            made.append(Retries(max_retries=5, min_backoff=10, max_backoff=20))
        else:
            made.append(kind())
    return made


def _broker_with_defaults(pool: Pool) -> Any:
    broker = open_broker(pool.broker_url, namespace="default")
    for middleware in _striking():
        broker.add_middleware(middleware)
    return broker


def test_trap_time_limit_cannot_rerun_a_finished_step(pool: Pool) -> None:
    ran: list[str] = []

    @lord("slow", "work")
    def slow(context: LordContext) -> str:
        ran.append(context.position)
        eventually(lambda: time.monotonic() > begun + 3 * SHORT_MS / 1000)  # in short pauses, where it could be struck
        return "kept"

    member = pool.start(broker=_broker_with_defaults(pool), threads=1)
    checkpoint = member.process.journal.checkpoint

    def slow_after_commit(end: Any) -> Any:
        """Leave the limit time to strike between our COMMIT and the end of the actor."""
        settled = checkpoint(end)
        committed = time.monotonic()
        eventually(lambda: time.monotonic() > committed + 3 * SHORT_MS / 1000)
        return settled

    member.process.journal.checkpoint = slow_after_commit  # type: ignore[method-assign]
    client = pool.client()
    begun = time.monotonic()
    done = completed(client.submit(quest("slow")))
    assert done.output_data == "kept"
    member.stop()
    assert ran == ["0001"]
    assert [run.status for run in client.runs(done.quest_id)] == ["success"]


def test_trap_default_middleware_present_changes_nothing(pool: Pool) -> None:
    ran: list[str] = []

    @lord("flaky", "work")
    def flaky(context: LordContext) -> int:
        ran.append(f"{context.position}/{context.attempt}")
        if context.attempt == 1:
            raise ValueError("once")
        return context.attempt

    @lord("last", "work")
    def last(context: LordContext) -> str:
        ran.append(context.position)
        return "end"

    member = pool.start(broker=_broker_with_defaults(pool))
    client = pool.client()
    done = completed(client.submit(quest("flaky", "last")))
    member.stop()
    assert ran == ["0001/1", "0001/2", "0002"]
    assert done.output_data == "end"
    assert [run.status for run in client.runs(done.quest_id)] == ["error", "success", "success"]
    assert not member.broker.get_declared_delay_queues()


def test_trap_nothing_of_dramatiqs_defaults_is_added_by_ourselves(sqlite_pool: Pool) -> None:
    member = sqlite_pool.start()
    ours = {
        "Patience",
        "Watchdog",
        "Lease",
        "StepLogs",
        "Ledger",
        "Checkpoints",
        "BackgroundLoops",
        "_WorkerMiddleware",
    }
    assert {type(item).__name__ for item in member.broker.middleware} <= ours
    assert member.process.actor.options == {"time_limit": float("inf"), "max_retries": 0}


def test_trap_no_more_is_prefetched_than_there_are_threads(sqlite_pool: Pool) -> None:
    member = sqlite_pool.start(threads=3)
    assert [consumer.prefetch for consumer in member.worker.consumers.values()] == [3]


def test_trap_a_broken_before_hook_runs_no_step_unclaimed(sqlite_pool: Pool) -> None:
    """Dramatiq runs the actor although a `before_process_message` raised; ours claims inside of it."""

    class Broken(dramatiq.Middleware):
        def before_process_message(self, broker: dramatiq.Broker, message: Any) -> None:  # noqa: ARG002  (its signature)
            raise RuntimeError("broken")

        def after_process_message(self, broker: dramatiq.Broker, message: Any, **_: Any) -> None:  # noqa: ARG002  (its signature)
            raise RuntimeError("broken too")

    @lord("a", "work")
    def work(context: LordContext) -> str:
        return context.position

    sqlite_pool.start(middleware=[Broken()])
    client = sqlite_pool.client()
    done = completed(client.submit(quest(*steps("a", "a"))))
    assert successes(client, done.quest_id) == [(0, "0001"), (0, "0002")]
    assert all(run.claim_id for run in client.runs(done.quest_id))
