"""The store as programs use it: awaited, opened at first use, measured."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from questline.memory import AgentState, Conflict, Event, NotFound, Operation, StateStore, Task
from questline_persistence import schema
from questline_persistence.errors import ConfigurationError, PayloadError

Work = Callable[[StateStore], Awaitable[Any]]


@pytest.fixture
def play(database_url: str) -> Callable[..., Any]:
    """A function that awaits work on a store of its own, and returns what came of it."""

    def one(work: Work, **options: Any) -> Any:
        async def main() -> Any:
            async with StateStore(database_url, **options) as store:
                return await work(store)

        return asyncio.run(main())

    return one


async def _everything(store: StateStore) -> None:
    """Call every method once."""
    await store.initialize()
    first = await store.save_agent_state(AgentState(agent_id="a", state_data='{"n": 1}'))
    await store.save_agent_states([first.model_copy(update={"state_data": '{"n": 2}'})], guarded=True)
    assert await store.load_agent_state("a", version=1) == first
    assert [one.version for one in await store.list_agents()] == [2]
    assert [one.agent_id for one in await store.search_agents("n")] == ["a"]
    assert (await store.update("a", lambda state: state or first)).version == 3
    assert (await store.update_agent_status("a", "busy")).version == 4
    await store.delete_agent("a")
    assert (await store.restore_agent_state("a", 1)).version == 6
    assert (await store.record_state_transition("a", "x", "y", "why")).seq == 4
    assert [one.seq for one in await store.get_state_history("a")] == [4, 3, 2, 1]
    snapshot = await store.create_snapshot("a", "here", expires_in=60)
    assert [one.snapshot_id for one in await store.list_snapshots("a")] == [snapshot]
    assert (await store.get_snapshot(snapshot)) is not None
    assert (await store.restore_snapshot(snapshot)).version == 7
    assert await store.remove_expired_snapshots() == 0
    data = await store.export_agent("a")
    assert data["agent_id"] == "a"
    with pytest.raises(Conflict, match="cannot import an agent: agent a was saved here before"):
        await store.import_agent(data)
    assert [change.path for change in await store.diff("a", 1, 2)] == ["n"]
    assert (await store.merge("a", 1, 2, 1)).merged == '{"n": 2}'
    event = await store.save_event(Event(session_id="s", event_type="said", content="hello", git_commit="c"))
    assert [one.seq for one in await store.save_events([Event(session_id="s", event_type="said")])] == [2]
    assert (await store.get_events("s"))[0] == event
    assert len(await store.get_events_by_type("said")) == 2
    assert await store.get_events_by_commit("c") == [event]
    assert await store.search_events("hello") == [event]
    task = await store.save_task(Task(title="t"))
    assert (await store.get_task(task.task_id), await store.get_tasks("todo")) == (task, [task])
    await store.delete_task(task.task_id)
    session = await store.start_session("a")
    ended = await store.end_session(session.session_id)
    assert (await store.get_session(session.session_id), await store.get_sessions("a")) == (ended, [ended])
    await store.migrations()
    await store.purge_agent("a")


def test_every_method_can_be_awaited(play: Callable[..., Any]) -> None:
    told: list[Operation] = []
    play(_everything, on_operation=told.append)

    methods = {name for name in dir(StateStore) if not name.startswith("_")} - {"initialize", "close"}
    assert {operation.name for operation in told} == methods
    assert {operation.name for operation in told if operation.error is not None} == {"import_agent"}
    assert all(operation.seconds > 0 for operation in told)


def test_a_failed_operation_is_told_with_its_error(play: Callable[..., Any]) -> None:
    told: list[Operation] = []
    with pytest.raises(NotFound):
        play(lambda store: store.end_session("nobody"), on_operation=told.append)

    ((name, error),) = [(one.name, one.error) for one in told]
    assert name == "end_session"
    assert isinstance(error, NotFound)


def test_what_goes_wrong_in_who_measures_is_no_failure(
    play: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: Operation) -> None:
        raise ZeroDivisionError

    with caplog.at_level(logging.ERROR):
        assert play(lambda store: store.save_agent_state(AgentState(agent_id="a")), on_operation=broken).version == 1
    assert "hook_failed" in caplog.text


def counted(state: AgentState | None) -> AgentState:
    return AgentState(agent_id="shared", name=str(int(state.name) + 1 if state else 1))


def test_tasks_of_one_program_use_a_store_at_once(play: Callable[..., Any]) -> None:
    async def work(store: StateStore) -> list[int]:
        async def one(number: int) -> None:
            await store.save_event(Event(session_id="s", event_type="said"))
            await store.save_agent_state(AgentState(agent_id=f"a{number}"))
            await store.update(
                "shared", lambda state: AgentState(agent_id="shared", name=str(int(state.name) + 1 if state else 1))
            )

        await asyncio.gather(*(one(number) for number in range(20)))
        shared = await store.load_agent_state("shared")
        return [len(await store.get_events("s")), len(await store.list_agents()), int(shared.name if shared else 0)]

    assert play(work) == [20, 21, 20]


def test_the_schema_is_made_at_first_use_and_once(blank_sqlite_url: str) -> None:
    async def main() -> list[str]:
        async with StateStore(blank_sqlite_url) as store:
            await asyncio.gather(*(store.initialize() for _ in range(3)))
            return [one.version for one in await store.migrations()]

    first = asyncio.run(main())
    assert first == asyncio.run(main())
    assert schema.HEAD in first


def test_a_server_without_the_schema_is_refused(blank_postgres_url: str) -> None:
    with StateStore(blank_postgres_url) as store, pytest.raises(ConfigurationError, match="has no questline schema"):
        asyncio.run(store.initialize())


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"max_connections": 0}, "max_connections must be 1 or more"),
        ({"min_connections": 0}, "min_connections must be 1 or more"),
        ({"min_connections": 5, "max_connections": 4}, "min_connections is 5, more than max_connections, which is 4"),
        ({"acquire_timeout": -1}, "the timeout of a pool"),
        ({"key_prefix": 7}, "key_prefix is text"),
    ],
)
def test_a_wrong_option_is_refused(options: dict[str, Any], what: str) -> None:
    with pytest.raises(PayloadError, match=what):
        StateStore("sqlite://", **options)


def test_a_store_in_memory_is_there_until_it_is_closed() -> None:
    async def main() -> int:
        async with StateStore(":memory:") as store:
            await store.save_agent_state(AgentState(agent_id="a"))
            return len(await store.list_agents())

    assert asyncio.run(main()) == 1
    assert asyncio.run(main()) == 1


def test_a_store_has_10_connections_counts_on_1_and_waits_30_seconds_unless_told_otherwise() -> None:
    usual, told = (
        StateStore("sqlite://", **options)._held.database._pool
        for options in ({}, {"max_connections": 3, "min_connections": 2, "acquire_timeout": 0.5})
    )

    assert (usual.size, usual.overflow, usual.timeout) == (10, 0, 30)
    assert (told.size, told.overflow, told.timeout) == (3, 0, 0.5)


def test_each_type_of_agent_may_have_a_store_of_its_own(database_url: str, blank_sqlite_url: str) -> None:
    """A prefix of its own in one database, or a database of its own."""

    async def main() -> list[list[str]]:
        planners, coders = (StateStore(database_url, key_prefix=name) for name in ("planners", "coders"))
        elsewhere = StateStore(blank_sqlite_url)
        async with planners, coders, elsewhere:
            for name, store in (("planner", planners), ("coder", coders), ("tester", elsewhere)):
                await store.save_agent_state(AgentState(agent_id="first", state_data=name))
            await coders.delete_agent("first")
            lists = [await store.list_agents() for store in (planners, coders, elsewhere)]
            return [[one.state_data for one in agents] for agents in lists]

    assert asyncio.run(main()) == [["planner"], [], ["tester"]]
