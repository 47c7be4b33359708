"""Somebody writes, or keeps locked, what steps write as well: each ends once, and all others run on meanwhile."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from questline_persistence.memory.kept import Kept
from questline_persistence.memory.models import AgentState
from questline_persistence.memory.states import States
from questline_persistence.records import QuestRepository
from questline_persistence.states import ExecutionStatus
from questline_worker.executor import QuestExecutor
from questline_worker.lords import LordContext, lord
from questline_worker.steps import checkpointing, held_ends
from tests.integration.worker.executor.awaiting import run, until
from tests.integration.worker.pools import LONG, Pool, completed, quest
from tests.waiting import eventually

#: Quests that write what is locked: more than there are threads for their ends.
MANY = 12
COLORS = pytest.mark.parametrize("color", ["sync", "async"])


@contextmanager
def locked(url: str, states: States) -> Iterator[None]:
    """Keep the head of one agent locked, as an application does that leaves a transaction open."""
    states.save_agent_state(AgentState(agent_id="hot"))
    with psycopg.connect(url.replace("+psycopg", "")) as stray:
        stray.execute("SELECT * FROM agent_states WHERE agent_id = 'hot' FOR UPDATE")
        yield
        stray.rollback()


def lords(color: str) -> list[str]:
    """Make Lords that save an agent, the one that is locked or one of the quest's; return which quests have done so."""
    called: list[str] = []

    def save(context: LordContext) -> Any:
        called.append(context.quest_id)
        name = "hot" if context.lord_name == "hot" else f"of {context.quest_id}"
        return context.state.save_agent_state(AgentState(agent_id=name))

    async def save_async(context: LordContext) -> None:
        await save(context)

    def save_sync(context: LordContext) -> None:
        save(context)

    for name in ("hot", "cold"):
        lord(name, "work")(save_sync if color == "sync" else save_async)
    lord("plain", "work")(lambda _: None)
    return called


@COLORS
def test_a_workers_threads_wait_for_no_locked_head(server_pool: Pool, color: str) -> None:
    called = lords(color)
    member = server_pool.start(threads=2, lease_seconds=60)
    states, client = States(Kept(member.process.database, "default")), server_pool.client()
    with locked(server_pool.database_url, states):
        held = client.submit_many([quest("hot", "plain") for _ in range(MANY)])
        eventually(lambda: len(called) == MANY, timeout=LONG)
        for other in client.submit_many([quest("cold", "plain") for _ in range(MANY)]):
            completed(other)
        assert {client.get(one.quest_id).status for one in held} == {ExecutionStatus.RUNNING}

    for one in held:
        assert [lord_run.status for lord_run in completed(one) and client.runs(one.quest_id)] == ["success"] * 2
    newest = states.load_agent_state("hot")
    assert newest is not None
    assert newest.version == 1 + MANY
    assert sorted(called) == sorted({*called})


def test_a_worker_that_stops_gives_back_a_step_whose_end_is_held_up(
    server_pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    called = lords("sync")
    member = server_pool.start(threads=1)
    states, client = States(Kept(member.process.database, "default")), server_pool.client()
    with locked(server_pool.database_url, states):
        held = client.submit(quest("hot"))
        eventually(lambda: "end_held_up" in caplog.text, timeout=LONG)
        member.stop()
        assert [run.status for run in client.runs(held.quest_id)] == []
        server_pool.start(threads=1)
        eventually(lambda: len(called) == 2, timeout=LONG)

    assert [run.status for run in completed(held) and client.runs(held.quest_id)] == ["success"]
    newest = states.load_agent_state("hot")
    assert newest is not None
    assert newest.version == 2


def test_a_step_is_put_off_and_spends_no_attempt_where_too_many_ends_wait(
    server_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_ends, "MAX_HELD", 0)
    monkeypatch.setattr(checkpointing, "CROWDED_SECONDS", 0.1)
    called = lords("sync")
    member = server_pool.start(threads=2, lease_seconds=60)
    states, client = States(Kept(member.process.database, "default")), server_pool.client()
    with locked(server_pool.database_url, states):
        held = client.submit(quest("hot"))
        eventually(lambda: len(called) == 2, timeout=LONG, message="the step did not run again")
        completed(client.submit(quest("plain")))

    completed(held)
    assert [(lord_run.status, lord_run.attempt_number) for lord_run in client.runs(held.quest_id)] == [("success", 1)]
    newest = states.load_agent_state("hot")
    assert newest is not None
    assert newest.version == 2


def test_steps_that_write_the_same_key_at_once_lose_nothing_and_spend_no_attempt(pool: Pool) -> None:
    wanted, updates = {"updating": MANY, "saving": 4}, list[str]()

    def one_more(state: AgentState | None, name: str) -> AgentState:
        return AgentState(agent_id=name, state_data=("" if state is None else state.state_data) + ".")

    @lord("updating", "work")
    def updating(context: LordContext) -> None:
        updates.append(context.quest_id)
        context.state.update("updated", lambda state: one_more(state, "updated"))

    @lord("saving", "work")
    def saving(context: LordContext) -> None:
        context.state.save_agent_state(one_more(context.state.load_agent_state("saved"), "saved"))

    member = pool.start(threads=4)
    client = pool.client()
    quests = client.submit_many([quest(name) for name, count in wanted.items() for _ in range(count)])

    for one in quests:
        runs = client.runs(one.quest_id) if completed(one) else []
        assert [run.attempt_number for run in runs] == [1] * len(runs)
        assert [run.status for run in runs if run.status != "conflict"] == ["success"]
    states = States(Kept(member.process.database, "default"))
    found = {name: states.load_agent_state(name) for name in ("updated", "saved")}
    told = [(one.state_data, one.version) for one in found.values() if one is not None]
    assert told == [("." * MANY, MANY), ("." * 4, 4)]
    assert len(updates) == MANY, "a handler ran again for what calling its function again mends"


@COLORS
def test_an_executors_quests_wait_for_no_locked_head(postgres_url: str, color: str) -> None:
    called = lords(color)
    repository = QuestRepository(postgres_url)
    states = States(Kept(repository.database, "default"))

    async def main() -> None:
        with QuestExecutor(repository=repository) as executor:
            with locked(postgres_url, states):
                held = [asyncio.create_task(executor.execute_quest(quest("hot", "plain"))) for _ in range(MANY)]
                await until(lambda: len(called) == MANY)
                others = [executor.execute_quest(quest("cold", "plain")) for _ in range(MANY)]
                assert {done.status for done in await asyncio.gather(*others)} == {"completed"}
                assert not any(task.done() for task in held)
            done = await asyncio.gather(*held)
        assert {one.status for one in done} == {"completed"}
        for one in done:
            assert [lord_run.status for lord_run in repository.runs(one.quest_id)] == ["success"] * 2

    run(main())
    newest = states.load_agent_state("hot")
    repository.close()
    assert newest is not None
    assert newest.version == 1 + MANY
    assert sorted(called) == sorted({*called})
