"""The quests, the workers and the memory that the pictures show."""

import asyncio
import json
import linecache
from contextlib import suppress
from pathlib import Path
from typing import Any

from questline import LordStep, Quest, QuestExecutor
from questline.memory import AgentState, Event
from questline_gateway.tenants import Tenant
from questline_persistence.audit import Actor, Door
from questline_persistence.batches import BatchWork
from questline_persistence.memory.sessions import Lessons, TodoLists
from questline_persistence.memory.states import States
from questline_persistence.records import QuestFilter
from questline_persistence.recovery import Bells, WorkerCard
from questline_persistence.states import ExecutionStatus
from questline_scheduler.doorbells import Ringer
from questline_scheduler.loops.batch_runner import BatchRunner

#: The quest that failed, and one like it that did not.
FAILED, COMPLETED = "review-payments-4f1c9e77ab03", "review-ledger-1b7733aa0c52"
#: The agent that remembers.
AGENT = "reviewer/payments"
#: After so many seconds a quest that waits for its hour is left alone.
SNOOZING_SECONDS = 2.0
_STEPS = [
    LordStep("surveyor", "survey"),
    LordStep("graph_reader", "read_imports", params={"deep": True}),
    LordStep("risk_reader", "read_risks", backoff_seconds=0.4),
    LordStep("reporter", "write_report"),
]
_HANDLERS = (
    "surveyor:survey",
    "graph_reader:read_imports",
    "risk_reader:read_risks",
    "reporter:write_report",
    "price_reader:fetch_prices",
)


def fill(here: Tenant) -> None:
    """Fill an empty store with what a morning's work leaves."""
    read_lords()
    _enter_workers(here)
    asyncio.run(_run(here))
    _leave_some(here)
    _remember(here)


def retry_failed(here: Tenant) -> str:
    """Have a batch retry what has failed, which what is completed refuses; return its id.

    Parameters:
      here: where the quests are.
    """
    chosen = QuestFilter([ExecutionStatus.FAILED, ExecutionStatus.COMPLETED], quest_type="codebase_review")
    ada = here.client.acting_as(Actor("ada", Door.DASHBOARD))
    made = ada.batches.create("retry", chosen, name="Limits are raised", reason="more files may be read")
    ringer = Ringer(here.client.broker, Bells(here.database, here.namespace))
    BatchRunner(BatchWork(here.database, here.namespace), ringer).run_once()
    return made.batch_id


def read_lords() -> None:
    """Register the Lords, their code under a name that is no path of this machine."""
    name, source = "/app/lords.py", Path(__file__).with_name("lords.py").read_text()
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), {"__name__": "lords"})  # noqa: S102  (a file of ours)


def _review(project: str, most: int = 200, **more: Any) -> Quest:
    data = {"root": f"/src/{project}", "limits": {"max_findings": most, "max_tokens": 200_000}, "team": "payments"}
    labels = {"team": "payments" if most > 1_000 else "search", "pr": str(8_000 + len(project))}
    fields = {"quest_type": "codebase_review", "input_data": data, "execution_stack": _STEPS, "labels": labels}
    return Quest(**{**fields, **more})


def _enter_workers(here: Tenant) -> None:
    register = here.register
    for number in (1, 2):
        card = WorkerCard(
            f"worker-{number}", f"worker-{number}", f"worker-{number}", 40 + number, 8, ("default",), _HANDLERS, "1.4.0"
        )
        register.enter(card, lease_seconds=3_600)


async def _run(here: Tenant) -> None:
    quests = [
        _review("ledger", quest_id=COMPLETED),
        *(_review(f"library-{number}") for number in range(6)),
        _review("payments-service", 5_000, quest_id=FAILED),
        _review("refunds-service", 5_000),
    ]
    with QuestExecutor(repository=here.repository) as executor:
        await asyncio.gather(*map(executor.execute_quest, quests), return_exceptions=True)
        nightly = Quest(quest_type="price_update", execution_stack=[LordStep("price_reader", "fetch_prices")])
        with suppress(TimeoutError):
            await asyncio.wait_for(executor.execute_quest(nightly), SNOOZING_SECONDS)


def _leave_some(here: Tenant) -> None:
    """Submit some quests more, which nobody runs: one is paused, one is cancelled, one needs a Lord nobody knows."""
    paused, cancelled = _review("nightly-report"), _review("archived-service")
    translated = _review("handbook", execution_stack=[LordStep("translator", "translate")])
    here.client.submit_many([paused, cancelled, translated, _review("search-index")])
    here.client.pause(paused.quest_id, "waiting for the new price list")
    here.client.cancel(cancelled.quest_id, "the repository was archived")


def _remember(here: Tenant) -> None:
    kept = here.kept()
    states = States(kept)
    for status, known in (("idle", 0), ("busy", 2), ("busy", 3), ("idle", 3)):
        told = json.dumps({"goal": "review payments-service", "risks": known, "seen": ["refunds", "ledger"][:known]})
        states.save_agent_state(AgentState(agent_id=AGENT, name="Reviewer", status=status, state_data=told))
    states.record_state_transition(AGENT, "idle", "busy", "a pull request was opened")
    states.record_state_transition(AGENT, "busy", "idle", "the report is written")
    states.save_event(Event(session_id="pr-8812", event_type="tool_call", content="read refunds/ledger.py"))
    TodoLists(kept).save_todolist("review", "pr-8812", {"points": ["break the cycle", "test refunds"]})
    Lessons(kept).remember("429 from the model", "halve max_findings", tool_name="read_risks", confidence=80)
