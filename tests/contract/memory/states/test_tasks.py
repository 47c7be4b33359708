"""Tasks, and the sessions that work is done in."""

import pytest
from sqlalchemy import select

from questline_persistence.errors import Conflict, NotFound, PayloadError
from questline_persistence.kinds import SESSIONS
from questline_persistence.memory.models import Event, Task
from questline_persistence.memory.states import States
from questline_persistence.schema import METADATA
from questline_persistence.store import Database
from questline_persistence.writes import Saves


def test_a_task_is_kept_version_by_version(states: States) -> None:
    first = states.save_task(Task(task_id="t", title="a", description="d", assigned_to="me", metadata={"n": 1}))
    second = states.save_task(first.model_copy(update={"status": "in_progress"}), expected_version=1)

    assert (first.version, second.version) == (1, 2)
    assert states.get_task("t") == second
    assert (states.get_task("t", version=1), states.get_task("t", as_of=first.updated_at)) == (first, first)
    with pytest.raises(Conflict, match="cannot save task t: it is at version 2; version 1 was expected") as error:
        states.save_task(first, expected_version=1)
    assert error.value.current == second


def test_tasks_are_listed_newest_first_by_status_and_by_who_does_them(states: States) -> None:
    for number, (status, who) in enumerate((("todo", "a"), ("Done", "a"), ("Todo", "b"), ("InProgress", None))):
        states.save_task(Task(task_id=str(number), title="x", status=status, assigned_to=who))

    assert [one.task_id for one in states.get_tasks()] == ["3", "2", "1", "0"]
    assert [one.task_id for one in states.get_tasks("todo")] == ["2", "0"]
    assert [one.task_id for one in states.get_tasks(assigned_to="a")] == ["1", "0"]
    assert [one.task_id for one in states.get_tasks("Todo", "a")] == ["0"]
    first = states.get_tasks(limit=3)
    assert [one.task_id for one in states.get_tasks(limit=3, cursor=first.next_cursor)] == ["0"]
    with pytest.raises(PayloadError, match=r"cannot list tasks: .*todo or in_progress or done or blocked"):
        states.get_tasks("later")


def test_a_deleted_task_is_gone_and_its_versions_stay(states: States) -> None:
    first = states.save_task(Task(task_id="t", title="a"))
    with pytest.raises(Conflict, match="cannot delete task t: it is at version 1"):
        states.delete_task("t", expected_version=2)

    states.delete_task("t", expected_version=1)
    for name in ("t", "nothing"):
        with pytest.raises(NotFound, match=f"cannot delete task {name}: there is none"):
            states.delete_task(name)
        with pytest.raises(NotFound, match=f"cannot delete task {name}: there is none"):
            states.delete_task(name, expected_version=1)
    assert (states.get_task("t"), states.get_tasks()) == (None, [])
    assert states.get_task("t", version=1) == first
    assert states.save_task(Task(task_id="t", title="b")).version == 3


def test_a_session_is_started_once_and_ended_once(states: States) -> None:
    session = states.start_session("planner", session_id="s", user_id="u", mission="m")

    assert (session.status, session.agent_id, session.user_id, session.mission) == ("active", "planner", "u", "m")
    assert states.start_session("planner", session_id="s") == session
    ended = states.end_session("s", status="failed")
    assert (ended.status, ended.started_at) == ("failed", session.started_at)
    assert ended.ended_at is not None
    assert states.end_session("s") == ended
    assert states.get_session("s") == ended
    assert states.start_session("planner", session_id="s") == ended
    with pytest.raises(Conflict, match="session s was started by another agent, planner") as error:
        states.start_session("other", session_id="s")
    assert error.value.current == ended
    with pytest.raises(NotFound, match="cannot end session nothing: there is none"):
        states.end_session("nothing")


def test_sessions_are_listed_newest_first_and_by_agent(states: States) -> None:
    made = [states.start_session(agent) for agent in ("a", "b", "a")]

    assert states.get_sessions() == made[::-1]
    assert states.get_sessions("a") == [made[2], made[0]]
    first = states.get_sessions(limit=2)
    assert states.get_sessions(limit=2, cursor=first.next_cursor) == [made[0]]


def test_what_others_keep_of_a_session_starts_none(states: States, database: Database) -> None:
    kept = states._kept
    states.save_event(Event(session_id="talk", event_type="said"))
    kept.save(Saves(SESSIONS, kept.key("state"), columns={"status": "pending"}, body={"state_json": "{}"}))

    assert (states.get_sessions(), states.get_session("talk"), states.get_session("state")) == ([], None, None)
    with pytest.raises(NotFound):
        states.end_session("talk")
    started = [states.start_session("a", session_id=name) for name in ("talk", "state")]
    assert {one.session_id: one.version for one in states.get_sessions()} == {"talk": 0, "state": 1}
    assert states.get_sessions() == [started[1], started[0]]
    heads = METADATA.tables["sessions"]
    counts = database.read(lambda own: own.execute(select(heads.c.session_id, heads.c.events)).all())
    assert dict(counts) == {"talk": 1, "state": 0}  # type: ignore[arg-type]
