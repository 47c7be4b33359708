"""What each method costs: statements, rows that are read however long the history is, and the indexes it goes by."""

from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import text

from questline_persistence.kinds import SNAPSHOTS
from questline_persistence.memory.models import AgentState, Event, Task
from questline_persistence.memory.states import States
from questline_persistence.store import Database
from questline_persistence.writes import Enters
from tests.integration.persistence.looks import Look, Observer

#: By method: the statements on PostgreSQL, and how many more SQLite needs, inside of the one transaction.
COSTS: dict[str, tuple[Callable[[States], object], int, int]] = {
    "save": (lambda own: own.save_agent_state(agent("a1", "new")), 1, 5),
    "save expected": (lambda own: own.save_agent_state(agent("a1", "new"), expected_version=1), 1, 5),
    "load": (lambda own: own.load_agent_state("a1"), 1, 0),
    "load a version": (lambda own: own.load_agent_state("a1", version=1), 1, 0),
    "append an event": (lambda own: own.save_event(event()), 1, 3),
    "append a transition": (lambda own: own.record_state_transition("a1", "x", "y"), 1, 1),
    "create a snapshot": (lambda own: own.create_snapshot("a1"), 2, 0),
    "restore a snapshot": (lambda own: own.restore_snapshot("of a0"), 4, 6),
    "set a status": (lambda own: own.update_agent_status("a1", "busy"), 3, 2),
    "update": (lambda own: own.update("a1", lambda state: state or agent("a1")), 2, 5),
    "list agents": (lambda own: own.list_agents(), 1, 0),
    "history": (lambda own: own.get_state_history("a1"), 1, 0),
    "snapshots": (lambda own: own.list_snapshots("a1"), 1, 0),
    "events": (lambda own: own.get_events("s1"), 1, 0),
    "tasks": (lambda own: own.get_tasks(), 1, 0),
    "search": (lambda own: own.search_events("said"), 2, 0),  # who has the words, and what the best of them say
}
#: The index that each list goes by.
INDEXES: dict[str, tuple[Callable[[States], object], str]] = {
    "agents": (lambda own: own.list_agents(limit=10), "ix_agent_states_list"),
    "agents of a status": (lambda own: own.list_agents("s1", limit=10), "ix_agent_states_status"),
    "history": (lambda own: own.get_state_history("a1", 10), "ix_state_transitions_agent_id"),
    "snapshots": (lambda own: own.list_snapshots("a1", limit=10), "ix_state_snapshots_agent_id"),
    "events": (lambda own: own.get_events("s1", limit=10), "ix_events_session_id"),
    "events of a type": (lambda own: own.get_events_by_type("t1", limit=10), "ix_events_event_type"),
    "events of a commit": (lambda own: own.get_events_by_commit("c1", limit=10), "ix_events_git_commit"),
    "tasks": (lambda own: own.get_tasks(limit=10), "ix_tasks_list"),
    "tasks of a status": (lambda own: own.get_tasks("done", limit=10), "ix_tasks_status"),
    "tasks of somebody": (lambda own: own.get_tasks(assigned_to="w1", limit=10), "ix_tasks_assigned_to"),
    "sessions": (lambda own: own.get_sessions(limit=10), "ix_sessions_created_at"),
    "sessions of an agent": (lambda own: own.get_sessions("a1", limit=10), "ix_sessions_agent_id"),
}
#: How many there are of each, in which each value of what is asked for is rare.
MANY, VALUES = 1_000, 50


def agent(agent_id: str, data: str = "", status: str = "idle") -> AgentState:
    return AgentState(agent_id=agent_id, state_data=data, status=status)


def event(number: int = 1, **fields: str) -> Event:
    return Event(session_id=f"s{number}", event_type=f"t{number}", content="said", git_commit=f"c{number}", **fields)  # type: ignore[arg-type]


def looked(database: Database, call: Callable[[], object]) -> list[Look]:
    with Observer(database).looking() as looks:
        call()
    begins = ("BEGIN", "COMMIT", "SET ", "SHOW ", "PRAGMA", "SELECT current_setting", "ROLLBACK")
    return [look for look in looks if not look.statement.lstrip().startswith(begins)]


@pytest.mark.parametrize("name", COSTS)
def test_a_method_costs_so_many_statements(states: States, database: Database, name: str) -> None:
    states.save_agent_states([agent(f"a{number}") for number in range(3)])
    states.save_event(event())
    named = {"agent_id": "a0", "version": 1, "description": None}
    states._kept.enter(states._kept.entry(SNAPSHOTS, "of a0", named))
    call, statements, more = COSTS[name]

    looks = looked(database, lambda: call(states))
    expected = statements + (more if database.dialect.name == "sqlite" else 0)
    assert len(looks) == expected, "\n".join(map(str, looks))


def test_adk_python_4673_loading_costs_the_same_however_long_the_history_is(states: States, database: Database) -> None:
    calls: dict[str, Callable[[], object]] = {
        "latest": lambda: states.load_agent_state("a1"),
        "a version": lambda: states.load_agent_state("a1", version=2),
        "list": states.list_agents,
        "snapshots": lambda: states.list_snapshots("a1"),
    }

    def costs() -> dict[str, int]:
        on_sqlite = database.dialect.name == "sqlite"
        found = {name: looked(database, call) for name, call in calls.items()}
        return {name: sum(one.effort if on_sqlite else one.rows for one in looks) for name, looks in found.items()}

    history = [agent(name, str(number)) for number in range(200) for name in ("a1", "a2")]
    states.save_agent_states(history[:8])
    states.create_snapshot("a1")
    costs()  # what a connection learns at its first statements
    short = costs()
    states.save_agent_states(history[8:])

    assert {name: cost for name, cost in costs().items() if cost > short[name]} == {}


def fill(states: States, database: Database) -> None:
    values = [number % VALUES for number in range(MANY)]
    states.save_agent_states(agent(f"a{number}", status=f"s{value}") for number, value in enumerate(values))
    states.save_events(event(value) for value in values)
    kept = states._kept
    for begin in range(0, 5 * MANY, 1_000):
        kept.write([snapshot(number, number % VALUES) for number in range(begin, begin + 1_000)])
    for number, value in enumerate(values[: MANY // 2]):
        status = "done" if value == 1 else "todo"
        states.save_task(Task(task_id=str(number), title="x", status=status, assigned_to=f"w{value}"))
        states.record_state_transition(f"a{value}", "x", "y")
        states.start_session(f"a{value}", session_id=f"of{number}")
    database.write(lambda own: own.execute(text("ANALYZE")))


def snapshot(number: int, value: int) -> Enters:
    columns = {"agent_id": f"a{value}", "version": 1, "description": None}
    return Enters(SNAPSHOTS, "here", "", str(number), columns)


@pytest.mark.timeout(300)
def test_each_list_goes_by_the_index_that_is_made_for_it(states: States, database: Database) -> None:
    fill(states, database)
    looks = {name: looked(database, partial(call, states)) for name, (call, _) in INDEXES.items()}
    ways = {name: set().union(*(look.ways for look in found)) for name, found in looks.items()}

    assert {name: found for name, found in ways.items() if INDEXES[name][1] not in found} == {}
    # Of the few versions that there are here, PostgreSQL may as well read all.
    whole = {way for found in ways.values() for way in found if way.startswith("every row of")}
    assert {way for way in whole if not way.endswith("_versions")} == set()
