"""What an executor is given."""

import asyncio
from typing import Any

import pytest

from questline_persistence.errors import PayloadError
from questline_worker.executor import QuestExecutor
from questline_worker.lords import ExecutionHooks, LordContext, lord
from tests.integration.worker.executor.awaiting import run
from tests.integration.worker.pools import quest


@pytest.mark.parametrize("name", ["from_", "from_lord"])
def test_where_a_replay_starts_is_named_as_elsewhere_or_as_in_the_seed(executor: QuestExecutor, name: str) -> None:
    ran: list[int] = []
    start: dict[str, Any] = {name: "counting#2"}

    @lord("counting", "work")
    def work(ctx: LordContext) -> None:
        ran.append(ctx.epoch)

    run(executor.execute_quest(quest("counting", "counting", quest_id="q")))
    run(executor.replay_quest("q", **start))

    assert ran == [0, 0, 1]
    with pytest.raises(PayloadError, match="one argument, and both were given"):
        run(executor.replay_quest("q", "counting", from_="counting"))


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"repository": "quests.db"}, "a QuestRepository, not str"),
        ({"hooks": {"on_step_end": print}}, "an ExecutionHooks, not dict"),
    ],
)
def test_an_executor_is_told_what_it_is_made_of(given: Any, wanted: str) -> None:
    with pytest.raises(PayloadError, match=wanted):
        QuestExecutor(**given)


def test_a_hook_is_a_function() -> None:
    given: Any = "print"
    with pytest.raises(PayloadError, match="on_step_end is a function, not str"):
        ExecutionHooks(on_step_end=given)


def test_a_step_may_be_added_in_one_word_to_a_quest_that_was_made(executor: QuestExecutor) -> None:
    @lord("added", "work")
    def added(_: LordContext) -> str:
        return "ran"

    made: Any = quest("added")
    made.execution_stack.append("added:work")

    done = asyncio.run(executor.execute_quest(made))
    assert [step.lord_name for step in done.steps] == ["added", "added"]
