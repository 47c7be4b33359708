"""What a forked process does: a worker's life, or one verb of a client."""

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import dramatiq
from dramatiq.middleware import Middleware

from questline_persistence import failpoints, schema
from questline_persistence.kinds import AGENT_STATES, EVENTS
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.models import WorkflowContext
from questline_persistence.models import LordStep, QuestExecutionData
from questline_persistence.settings import load
from questline_persistence.store import Database
from questline_persistence.writes import Enters, Saves
from questline_scheduler.client import QuestClient
from questline_scheduler.doorbells import HandedMessage
from questline_worker.lords import LordContext, lord
from questline_worker.process import WorkerProcess
from tests.failpoints.faults import Trap
from tests.failpoints.orders import (
    AWAITED,
    CALLS,
    HEARTBEAT,
    IN_A_CALL,
    IN_THE_BODY,
    LEASE,
    LIFETIME,
    LORDS,
    PLAIN,
    PUSHED,
    RAISED,
    RETURNED,
    SWEEP,
    Ledger,
    Order,
)
from tests.failpoints.quests import hand_kept, three_steps

#: Milliseconds that Dramatiq's threads wait for work before they look whether to stop.
POLL_MS = 100


def live(order: Order) -> int:
    """Carry out an order in a process of its own; return the exit code."""
    if order.broker_url.startswith("redis"):
        order = replace(order, broker_url=f"{order.broker_url}?client_name=victim-{os.getpid()}")
    trap = Trap(order, Ledger(order.ledger_path))
    failpoints.arm(trap if order.point else None)
    return _work(order, trap) if order.verb is None else _say(order)


def _work(order: Order, trap: Trap) -> int:
    """Be a worker until killed, or until it is time to stop."""
    waiting = threading.Event()
    _register(order, trap, waiting)
    settings = load(
        database_url=order.database_url,
        broker_url=order.broker_url,
        namespace=order.namespace,
        worker_threads=order.threads,
        heartbeat_seconds=HEARTBEAT,
        lease_seconds=LEASE,
        sweep_seconds=SWEEP,
        shutdown_seconds=0.0,
    )
    process = WorkerProcess(settings)
    process.broker.add_middleware(Hands(trap))
    worker = dramatiq.Worker(
        process.broker, queues=set(settings.queues), worker_threads=order.threads, worker_timeout=POLL_MS
    )
    worker.start()
    if not order.stops:
        threading.Event().wait(LIFETIME)
    waiting.wait(LIFETIME)
    worker.stop(timeout=0)
    process.broker.close()
    process.database.close()
    return RETURNED


class Hands(Middleware):
    """Lets the trap know whether a thread is at a step that was handed over to it."""

    def __init__(self, trap: Trap) -> None:
        self._trap = trap

    def before_process_message(self, broker: dramatiq.Broker, message: dramatiq.MessageProxy) -> None:  # noqa: ARG002  (Dramatiq's signature)
        """Note where the message came from."""
        self._trap.step.handed = isinstance(message, HandedMessage)


def _register(order: Order, trap: Trap, waiting: threading.Event) -> None:
    """Register the Lords that this worker knows."""
    ledger = Ledger(order.ledger_path)

    def handle(ctx: LordContext) -> dict[str, Any]:
        ledger.note("ran", ctx.idempotency_key)
        if ctx.lord_name == order.pushes:
            ctx.push(LordStep(PUSHED, "work", backoff_seconds=0.01))
            remember_in_step(ctx)
        for name in ("first", "second") if ctx.lord_name == order.calls else ():
            ctx.once(name, ledger.note, "called", f"{ctx.idempotency_key}/{name}")
        if ctx.lord_name == order.conflicts and not trap.over.is_set():
            remember_in_step(ctx, expected=7)
        if ctx.lord_name == order.fails and not trap.over.is_set():
            raise ValueError("this worker fails at it")
        if ctx.lord_name == order.waits:
            waiting.set()
            trap.over.wait(LIFETIME)
        if order.point == IN_THE_BODY:
            trap(IN_THE_BODY)
        return {"lord": ctx.lord_name, "saw": sorted(ctx.outputs)}

    for name in (*LORDS, PUSHED):
        if name != order.lacks:
            lord(name, "work")(handle)
    _register_callers(trap, ledger)


def _register_callers(trap: Trap, ledger: Ledger) -> None:
    """Register the Lords that make calls once, each of which has an effect and returns its square."""

    def call(key: str, number: int) -> int:
        ledger.note("called", f"{key}/{number}")
        trap(IN_A_CALL)
        return number * number

    async def call_later(key: str, number: int) -> int:
        await asyncio.sleep(0)
        return call(key, number)

    @lord(PLAIN, "work")
    def plain(ctx: LordContext) -> list[int]:
        return [ctx.once(str(number), call, ctx.idempotency_key, number) for number in range(CALLS)]

    @lord(AWAITED, "work")
    async def awaited(ctx: LordContext) -> list[int]:
        found: list[int] = []
        for half in (range(CALLS // 2), range(CALLS // 2, CALLS)):
            found += await asyncio.gather(
                *(ctx.once(str(number), call_later, ctx.idempotency_key, number) for number in half)
            )
        return found


def _say(order: Order) -> int:
    """Call the verb; note how that went."""
    ledger = Ledger(order.ledger_path)
    try:
        VERBS[order.verb or ""](order)
    except Exception as error:  # noqa: BLE001  (which it was is for the test to judge)
        ledger.note("raised", type(error).__name__)
        ledger.note("why", str(error))
        return RAISED
    ledger.note("returned")
    return RETURNED


def _with_client(call: Callable[[QuestClient, str], object]) -> Callable[[Order], None]:
    def say(order: Order) -> None:
        with QuestClient(order.database_url, order.broker_url, order.namespace) as client:
            call(client, order.quest_id)

    return say


def _migrate(order: Order) -> None:
    database = Database(order.database_url)
    schema.migrate(database)
    database.close()


def submit(client: QuestClient, quest_id: str) -> bool:
    """Submit the quest under a key; return whether this created it."""
    return client.submit(three_steps(quest_id), idempotency_key=quest_id).created


def submit_many(client: QuestClient, quest_id: str) -> None:
    client.submit_many(batch(quest_id))


def batch(quest_id: str) -> list[QuestExecutionData]:
    return [three_steps(f"{quest_id}.{number}") for number in range(3)]


def save(client: QuestClient, quest_id: str) -> None:
    """Save the next state of a quest that its program keeps itself."""
    kept = client.get(quest_id)
    client.repository.save_quest(hand_kept(quest_id, done=len(kept.run_data) + 1))


def remember_in_step(ctx: LordContext, expected: int | None = None) -> None:
    """Have the step keep a state, an event, a context and a to-do list, besides its result."""
    body = {"state_data": ctx.idempotency_key, "metadata": "{}"}
    told = {"event_type": "kept", "actor_type": "agent"}
    kept = ctx.kept
    kept.save(Saves(AGENT_STATES, kept.key(ctx.quest_id), body=body, expected=expected))
    kept.enter(Enters(EVENTS, ctx.namespace, "", f"{ctx.idempotency_key}", told, stream=ctx.quest_id))
    ctx.context.save_context(WorkflowContext(epic_num=1, feature="f", workflow_name="w", current_phase=ctx.lord_name))
    ctx.todos.save_todolist("today", [ctx.idempotency_key])


def remember(database: Database, namespace: str, quest_id: str) -> None:
    """Keep a state and an event, named for the quest, in one transaction."""
    kept = Kept(database, namespace)
    told = {"event_type": "kept", "actor_type": "agent", "content": "a state"}
    state = Saves(AGENT_STATES, kept.key(quest_id), body={"state_data": "kept", "metadata": "{}"}, write_id="once")
    kept.write([state, Enters(EVENTS, namespace, "", quest_id, told, stream=quest_id)])


def _remember(order: Order) -> None:
    database = Database(order.database_url)
    remember(database, order.namespace, order.quest_id)
    database.close()


VERBS: Mapping[str, Callable[[Order], None]] = {
    "submit": _with_client(submit),
    "submit_many": _with_client(submit_many),
    "pause": _with_client(QuestClient.pause),
    "resume": _with_client(QuestClient.resume),
    "cancel": _with_client(QuestClient.cancel),
    "retry": _with_client(QuestClient.retry),
    "replay": _with_client(QuestClient.replay),
    "fork": _with_client(lambda client, quest_id: client.fork(quest_id, quest_id_new=f"{quest_id}.fork")),
    "delete": _with_client(QuestClient.delete),
    "save": _with_client(save),
    "remember": _remember,
    "migrate": _migrate,
}
