"""Many writers of one key at once: threads of a process, and processes."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from questline_persistence.errors import Conflict
from questline_persistence.memory.models import AgentState, Event
from questline_persistence.memory.states import States

#: What each of several processes does: it adds events, and counts as often.
_WORK = """
import sys
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.models import AgentState, Event
from questline_persistence.memory.states import States
from questline_persistence.store import Database

url, me, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
states = States(Kept(Database(url, patience=60), "here"))


def counted(state):
    return AgentState(agent_id="shared", state_data=str(int(state.state_data if state else 0) + 1))


for number in range(times):
    states.save_event(Event(event_id=f"{me}-{number}", session_id="s", event_type="said"))
    states.update("shared", counted, tries=1000)
"""
PROCESSES, TIMES = 4, 15


def agent(data: str = "") -> AgentState:
    return AgentState(agent_id="shared", state_data=data)


def test_agno_7479_mem0_6515_of_many_savers_with_one_version_exactly_one_wins(states: States) -> None:
    states.save_agent_state(agent())

    def attempt(number: int) -> AgentState | Conflict:
        try:
            return states.save_agent_state(agent(str(number)), expected_version=1)
        except Conflict as error:
            return error

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(attempt, range(16)))

    (won,) = [one for one in made if isinstance(one, AgentState)]
    lost = [one for one in made if isinstance(one, Conflict)]
    assert (len(lost), won.version) == (15, 2)
    assert all(one.current == won for one in lost)


def test_ruflo_2878_what_was_acknowledged_is_there(states: States) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: states.save_event(Event(session_id="s", event_type=str(number))), range(96)))

    found = states.get_events("s", limit=1_000)
    assert [one.seq for one in found] == list(range(1, 97))
    assert {one.event_type for one in found} == {str(number) for number in range(96)}


def test_adk_python_4751_updates_of_many_threads_lose_none(states: States) -> None:
    def counted(state: AgentState | None) -> AgentState:
        return agent(str(int(state.state_data if state else 0) + 1))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: states.update("shared", counted, tries=1_000), range(40)))
    found = states.load_agent_state("shared")
    assert found is not None
    assert (found.state_data, found.version) == ("40", 40)


def test_changes_of_status_of_many_threads_are_noted_as_they_followed_each_other(states: States) -> None:
    states.save_agent_state(AgentState(agent_id="shared", status="s"))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: states.update_agent_status("shared", str(number)), range(12)))

    history = states.get_state_history("shared")[::-1]
    assert [one.state_before for one in history] == ["s", *(one.state_after for one in history[:-1])]
    assert len(history) == 12


def test_batches_that_hold_the_same_keys_in_any_order_do_not_block_each_other(states: States) -> None:
    def save(number: int) -> None:
        order = range(6) if number % 2 else range(5, -1, -1)
        states.save_agent_states([AgentState(agent_id=str(one)) for one in order])
        states.save_events([Event(session_id=str(one), event_type="said") for one in order])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(save, range(16)))

    assert {one.version for one in states.list_agents()} == {16}
    assert [len(states.get_events(str(one))) for one in range(6)] == [16] * 6


def test_a_session_that_many_start_at_once_is_started_once(states: States) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: states.start_session("a", session_id="s"), range(16)))

    assert len({one.started_at for one in made}) == 1
    assert states.get_sessions() == made[:1]


@pytest.mark.timeout(300)
def test_openai_agents_python_2722_4205_processes_append_and_count_without_a_loss(
    states: States, database_url: str
) -> None:
    command = [sys.executable, "-c", _WORK, database_url]
    started = [subprocess.Popen([*command, str(me), str(TIMES)], env=os.environ) for me in range(PROCESSES)]
    assert [process.wait(240) for process in started] == [0] * PROCESSES

    events = states.get_events("s", limit=1_000)
    assert [one.seq for one in events] == list(range(1, PROCESSES * TIMES + 1))
    for me in range(PROCESSES):
        own = [one.event_id for one in events if one.event_id.startswith(f"{me}-")]
        assert own == [f"{me}-{number}" for number in range(TIMES)]
    found = states.load_agent_state("shared")
    assert found is not None
    assert (found.state_data, found.version) == (str(PROCESSES * TIMES), PROCESSES * TIMES)
