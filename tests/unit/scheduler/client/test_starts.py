"""Where a replay or a fork starts is given as `from_`, or by that argument's other name."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from questline_persistence.errors import PayloadError
from questline_scheduler.client import AsyncQuestClient, QuestClient
from tests.contract.quests import Workbench

Call: TypeAlias = Callable[..., Any]


@pytest.fixture(params=[QuestClient, AsyncQuestClient], ids=["sync", "async"])
def call(request: pytest.FixtureRequest, bench: Workbench) -> Call:
    """A function that calls a method of a client by its name, and returns what came of it."""

    async def one(name: str, *args: Any, **options: Any) -> Any:
        url = bench.database.url.render_as_string(hide_password=False)
        client = request.param(url, "memory://")
        try:
            found = getattr(client, name)(*args, **options)
            return await found if inspect.isawaitable(found) else found
        finally:
            closed = client.close()
            if inspect.isawaitable(closed):
                await closed

    return lambda *args, **options: asyncio.run(one(*args, **options))


@pytest.mark.parametrize("name", ["from_", "from_lord"])
@pytest.mark.parametrize("verb", ["replay", "fork"])
def test_a_start_has_two_names(bench: Workbench, call: Call, verb: str, name: str) -> None:
    quest_id = bench.submit("a", "b", "c")
    bench.advance(quest_id, 1, 2, 3)

    done = call(verb, quest_id, **{name: "b"})

    started = bench.repository.load_quest(done.quest_id)
    assert [step.lord_name for step in started.execution_stack] == ["b", "c"]


@pytest.mark.parametrize("verb", ["replay", "fork"])
def test_a_start_is_given_once(bench: Workbench, call: Call, verb: str) -> None:
    quest_id = bench.submit("a", "b")
    with pytest.raises(PayloadError, match="from_ and from_lord are one argument, and both were given") as caught:
        call(verb, quest_id, from_="a", from_lord="b")

    assert caught.value.hint == "give from_ alone"
