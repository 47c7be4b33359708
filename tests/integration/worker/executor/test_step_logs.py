"""What steps say in an executor: there once the quest has been awaited, and in no step's way."""

import pytest

from questline_persistence.costs import Budgets, Costs
from questline_persistence.errors import StoreUnavailable
from questline_persistence.step_log import StepLog
from questline_scheduler.client import QuestClient
from questline_worker.executor import QuestExecutor
from questline_worker.lords import LordContext, lord
from questline_worker.middleware import step_logs
from tests.integration.worker.executor.awaiting import run
from tests.integration.worker.pools import quest


@pytest.fixture(autouse=True)
def lords() -> None:
    @lord("talking", "work")
    def work(ctx: LordContext) -> None:
        ctx.log.info("said", epoch=ctx.epoch)
        if ctx.attempt == 1:
            raise RuntimeError("once")

    @lord("talking", "later")
    async def later(ctx: LordContext) -> None:
        ctx.emit({"part": 1})


def test_a_log_is_whole_once_its_quest_was_awaited_failed_attempts_and_async_steps_included(
    executor: QuestExecutor,
) -> None:
    stack = [{"lord_name": "talking", "tool_name": name, "backoff_seconds": 0.0} for name in ("work", "later")]
    run(executor.execute_quest({"quest_type": "t", "quest_id": "q", "execution_stack": stack}))

    found = StepLog(executor.repository.database, "default").page("q").items

    assert [(line.position, line.attempt, line.message or line.data) for line in found] == [
        ("0001", 1, "said"),
        ("0001", 2, "said"),
        ("0002", 1, '{"part":1}'),
    ]


def test_a_log_that_cannot_be_written_fails_no_step(executor: QuestExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("full")

    monkeypatch.setattr(step_logs, "write_lines", away)
    done = run(executor.execute_quest(quest("talking", quest_id="q")))

    assert done.status == "completed"


def test_a_budget_pauses_a_quest_before_its_next_step_and_a_resume_lifts_it(executor: QuestExecutor) -> None:
    ran: list[str] = []

    @lord("spending", "work")
    async def work(ctx: LordContext) -> None:
        ran.append(ctx.position)
        ctx.cost(model="small", input_tokens=10, usd=0.5)
        if ctx.attempt == 1:
            raise RuntimeError("paid for nothing")

    store = executor.repository.database
    Budgets(store, "default").set("type", "test", max_usd=1.5)
    step = {"lord_name": "spending", "tool_name": "work", "backoff_seconds": 0.0}
    paused = run(executor.execute_quest({"quest_type": "test", "quest_id": "q", "execution_stack": [step] * 3}))

    assert (paused.status, ran) == ("paused", ["0001", "0001", "0002"])
    assert "the budget of the type test of $1.50 is used up" in paused.reason
    with QuestClient(database=store, broker_url="memory://") as client:
        client.resume("q", budget=True)
    done = run(executor.resume_quest("q"))
    assert (done.status, len(ran)) == ("completed", 6)
    assert [one.cost.usd for one in Costs(store, "default").of_quest("q")] == [1.0, 1.0, 1.0]
