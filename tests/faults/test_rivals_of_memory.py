"""Troubles that users of other stores of agents' memory reported, each under the name of its report.

More of them stand with what they concern; docs/project/faults.md names all.
"""

from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import Column, func, select

from questline_persistence.controls import StartingPoint
from questline_persistence.errors import Conflict
from questline_persistence.kinds import EVENTS, HISTORY, MEMORIES, SESSIONS
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.models import AgentState, Event, WorkflowContext
from questline_persistence.memory.sessions import History, SessionStates
from questline_persistence.memory.states import States
from questline_persistence.memory.step import Remembering
from questline_persistence.payload import CLEAR
from questline_persistence.schema import table_of, tables_of
from questline_persistence.states import ExecutionStatus
from questline_persistence.store import Database
from questline_persistence.writes import Enters, Remembered
from tests.contract.lessons import entries, lesson, state, step
from tests.contract.quests import HandClock, Workbench
from tests.failpoints.invariants import assert_invariants
from tests.failpoints.memory_invariants import REMEMBERED


@pytest.fixture(autouse=True)
def _hold(database_url: str) -> Iterator[None]:
    yield
    assert_invariants(database_url, REMEMBERED)


@pytest.fixture
def kept(database: Database) -> Kept:
    return Kept(database, "here")


def test_agno_9450_a_save_of_what_was_loaded_long_ago_removes_nobodys_work(kept: Kept) -> None:
    """A run holds what it has loaded for as long as it runs; meanwhile another one saves and appends."""
    states, history = SessionStates(kept), History(kept)
    states.save_state("s1", {"runs": []})
    held = states.load_with_version("s1")
    assert held is not None
    states.save_state("s1", {"runs": ["theirs"]}, expected_version=held.version)
    history.append("s1", 1, "theirs")
    with pytest.raises(Conflict) as met:
        states.save_state("s1", {"runs": ["mine"]}, expected_version=held.version)

    found = met.value.current
    states.save_state("s1", {"runs": [*found.state_data["runs"], "mine"]}, expected_version=found.version)
    history.append("s1", 2, "mine")
    assert states.load_state("s1") == {"runs": ["theirs", "mine"]}
    assert [entry.thought for entry in history.list("s1")] == ["theirs", "mine"]


def test_adk_python_3717_what_is_saved_within_one_moment_is_not_taken_for_stale(database: Database, kept: Kept) -> None:
    database.clock = HandClock(database.clock.now())
    doors, version = [States(kept), States(kept)], 0
    for number in range(20):
        saved = doors[number % 2].save_agent_state(AgentState(agent_id="a", name=str(number)), expected_version=version)
        doors[number % 2].save_event(Event(session_id="s", event_type="said", content=str(number)))
        version = saved.version or 0

    assert version == 20
    assert [(one.seq, one.content) for one in doors[0].get_events("s")] == [(n + 1, str(n)) for n in range(20)]


def stored(kept: Kept, column: Column[str], session: str) -> int:
    """Return how many characters of a session are stored in a column."""
    query = select(func.coalesce(func.sum(func.length(column)), 0)).where(column.table.c.session_id == session)
    return int(kept.read(lambda own, _: own.execute(query).scalar_one()))


def test_langgraph_8531_deer_flow_4148_a_session_grows_by_what_is_new_in_it_alone(database_url: str) -> None:
    with closing(Database(database_url, codec=CLEAR)) as database:  # what is counted is what was given
        _grow(Kept(database, "here"))


def _grow(kept: Kept) -> None:
    states, history = SessionStates(kept), History(kept)
    for session, length in (("short", 50), ("long", 100)):
        for number in range(length):
            history.append(session, number, thought=f"{number:04}" + "y" * 996)
            states.save_state(session, {"notes": "x" * 10_000})
    thoughts, bodies = table_of(HISTORY).c.thought, tables_of(SESSIONS).versions.c.state_json

    assert [stored(kept, thoughts, session) for session in ("short", "long")] == [50_000, 100_000]
    assert stored(kept, bodies, "short") == stored(kept, bodies, "long") == len('{"notes":""}') + 10_000


def test_langgraph_8902_langgraph_6686_what_has_expired_is_in_no_list_though_nobody_has_cleaned_up(
    database: Database, kept: Kept
) -> None:
    database.clock = clock = HandClock(database.clock.now())
    told = {"event_type": "said", "actor_type": "user", "git_commit": "c", "content": "otter", "metadata": "{}"}
    for name, expires_time in (("gone", clock.now() + 60), ("stays", None)):
        kept.enter(Enters(EVENTS, "here", "", name, told, stream="s", expires_time=expires_time))
    states = States(kept)

    def seen() -> list[set[str]]:
        lists = (states.get_events("s"), states.get_events_by_type("said"), states.get_events_by_commit("c"))
        return [{one.event_id for one in found} for found in (*lists, states.search_events("otter"))]

    assert seen() == [{"gone", "stays"}] * 4
    clock.advance(61)
    assert seen() == [{"stays"}] * 4
    assert kept.read(lambda own, _: own.execute(select(func.count()).select_from(table_of(EVENTS))).scalar()) == 2


def said(bench: Workbench, quest_id: str, word: str) -> tuple[Remembered, ...]:
    """Return what a step writes that keeps a word by every door to what is its quest's own."""
    own = Remembering(bench.database, bench.namespace, quest_id)
    own.noun("state").own.save_agent_state(AgentState(agent_id="planner", state_data=word))
    own.noun("context").save_context(
        WorkflowContext(epic_num=1, feature="f", workflow_name="w", current_phase=word, decisions={"is": word})
    )
    own.noun("todos").save_todolist("today", [word])
    own.noun("history").append(1, thought=word)
    own.noun("events").append("said", word)
    return own.writes


def told(bench: Workbench, quest_id: str) -> list[list[str]]:
    """Return what a step of the quest would read by each of these doors."""
    own = Remembering(bench.database, bench.namespace, quest_id)
    return [
        [own.noun("state").load_agent_state("planner").state_data],
        [own.noun("context").load_context().decisions["is"]],
        own.noun("todos").load_todolist("today").plan,
        [entry.thought for entry in own.noun("history").list()],
        [event.content for event in own.noun("events").get_events()],
    ]


def after(*words: str) -> list[list[str]]:
    """Return what is told after these words: states have the last of them, streams have all."""
    return [[words[-1]]] * 3 + [[*words]] * 2


def test_langgraph_redis_159_pruning_takes_nothing_that_a_paused_quest_needs(bench: Workbench) -> None:
    paused, done = bench.submit("a", "b", "c"), bench.submit("a")
    for word in ("first", "second"):
        step(bench, paused, *said(bench, paused, word))
    bench.controls.pause(paused)
    states = States(Kept(bench.database, bench.namespace))
    step(bench, done, *said(bench, done, "done"), state(bench, "shared"))
    states.create_snapshot("planner", expires_in=1)
    bench.clock.advance(100)
    assert bench.repository.prune(bench.clock.now(), [*ExecutionStatus]) == [done]
    assert states.remove_expired_snapshots() == 1

    assert told(bench, paused) == after("first", "second")
    bench.replay(paused, "b")
    assert told(bench, paused) == after("first")
    step(bench, paused, *said(bench, paused, "again"))
    assert told(bench, paused) == after("first", "again")


def test_memberjunction_4183_a_replay_and_a_fork_find_all_that_was_kept_as_it_was_where_they_begin(
    bench: Workbench,
) -> None:
    quest_id = bench.submit("a", "b", "c")
    step(bench, quest_id, *said(bench, quest_id, "first"), lesson(bench, "l1"))
    step(bench, quest_id, *said(bench, quest_id, "second"), lesson(bench, "l2"))
    bench.controls.fork(quest_id, StartingPoint("b"), {}, new_id="fork")
    assert (told(bench, "fork"), told(bench, quest_id)) == (after("first"), after("first", "second"))

    bench.replay(quest_id, "b")
    assert (told(bench, "fork"), told(bench, quest_id)) == (after("first"), after("first"))
    assert entries(bench, MEMORIES) == ["l1"]
    for name in (quest_id, "fork"):
        step(bench, name, *said(bench, name, f"by {name}"))
    assert told(bench, quest_id) == after("first", f"by {quest_id}")
    assert told(bench, "fork") == after("first", "by fork")
