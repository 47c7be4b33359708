"""What a step remembers is committed with its result, under its claim, or not at all; on each kind of store."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from questline_persistence.claims import Checkpoint, Claim, Failed, Settled, Succeeded
from questline_persistence.errors import PayloadError
from questline_persistence.kinds import AGENT_STATES, EVENTS
from questline_persistence.memory.kept import Kept
from questline_persistence.models import LordStep
from questline_persistence.schema import runs, table_of, tables_of
from questline_persistence.writes import Enters, Moved, Pushes, Saves, Write
from tests.contract.quests import Workbench, lost_reply
from tests.failpoints.invariants import assert_invariants
from tests.failpoints.memory_invariants import REMEMBERED


@pytest.fixture
def kept(bench: Workbench) -> Kept:
    return Kept(bench.database, bench.namespace)


def state(kept: Kept, data: str, name: str = "planner", expected: int | None = None) -> Saves:
    body = {"state_data": data, "metadata": "{}"}
    return Saves(AGENT_STATES, kept.key(name), columns={"name": "", "status": "idle"}, body=body, expected=expected)


def event(kept: Kept, event_id: str, content: str = "") -> Enters:
    columns = {"event_type": "said", "actor_type": "agent", "content": content}
    return Enters(EVENTS, kept.namespace, "", event_id, columns, stream="s")


def finish(bench: Workbench, claim: Claim, *also: Write) -> Settled:
    return bench.journal.checkpoint(Checkpoint(claim, Succeeded("1", also), claim.start_time + 1.0))


def remembered(kept: Kept, name: str = "planner") -> tuple[str | None, list[str]]:
    """Return what is there of an agent, and the ids of all events in their order."""
    row = kept.load(AGENT_STATES, name)
    events = table_of(EVENTS)
    query = select(events.c.event_id).order_by(events.c.seq)
    found = kept.read(lambda own, _: [*own.execute(query).scalars()])
    assert_invariants(str(kept.database.url.render_as_string(hide_password=False)), REMEMBERED)
    return None if row is None else row.state_data, found


def test_result_pushes_and_what_is_remembered_come_together(bench: Workbench, kept: Kept) -> None:
    quest_id = bench.submit("a", "b")
    pushes = Pushes((LordStep("c", "work"),))

    assert finish(bench, bench.claim(quest_id), pushes, state(kept, "x"), event(kept, "e"), event(kept, "f")).won
    assert remembered(kept) == ("x", ["e", "f"])
    assert [step.lord_name for step in bench.repository.load_quest(quest_id).execution_stack] == ["c", "b"]


def test_each_row_says_which_step_of_which_quest_wrote_it(bench: Workbench, kept: Kept) -> None:
    quest_id = bench.submit("a", "b")
    bench.advance(quest_id, 1)
    finish(bench, bench.claim(quest_id), state(kept, "x"), event(kept, "e"))

    of = ("quest_id", "epoch", "position", "quest_version", "abandoned_by")
    for table in (tables_of(AGENT_STATES).versions, table_of(EVENTS)):
        rows = kept.read(lambda own, _, table=table: own.execute(select(*(table.c[name] for name in of))).all())  # type: ignore[misc]
        assert [tuple(row) for row in rows] == [(quest_id, 0, "0002", 2, None)]
    assert bench.repository.load_quest(quest_id).version == 2


def test_a_claim_that_is_gone_leaves_nothing(bench: Workbench, kept: Kept) -> None:
    quest_id = bench.submit("a", "b")
    late = bench.claim(quest_id)
    bench.journal.release(late)
    assert finish(bench, bench.claim(quest_id), state(kept, "ours")).won

    assert not finish(bench, late, state(kept, "theirs"), event(kept, "e")).won
    assert remembered(kept) == ("ours", [])


def test_a_key_that_has_moved_takes_the_whole_back(bench: Workbench, kept: Kept) -> None:
    quest_id = bench.submit("a", "b")
    kept.save(state(kept, "before"))
    claim = bench.claim(quest_id)
    kept.save(state(kept, "theirs"))

    with pytest.raises(Moved):
        finish(bench, claim, event(kept, "e"), state(kept, "mine", expected=1), state(kept, "other", "z"))
    assert remembered(kept) == ("theirs", [])
    assert kept.load(AGENT_STATES, "z") is None
    assert bench.repository.load_quest(quest_id).version == 0


def test_a_step_is_put_off_at_no_cost_and_later_each_time(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    waits = []
    for _ in range(20):
        bench.clock.advance(10)
        claim = bench.claim(quest_id)
        settled = bench.journal.put_off(Checkpoint(claim, Failed("moved", None), claim.time()))
        assert settled is not None
        assert settled.won
        waits.append(bench.ticket(quest_id).available_at - bench.clock.now())
    claim = bench.claim(quest_id, bench.worker()) if bench.clock.advance(10) else None
    assert claim is not None

    assert bench.journal.put_off(Checkpoint(claim, Failed("moved", None), claim.time())) is None
    assert (claim.attempt, waits[0]) == (1, 0.0)
    assert 0 < waits[1] <= 0.1
    assert 1.0 <= max(waits) <= 2.0
    assert [row.status for row in bench.rows(runs, quest_id)] == ["conflict"] * 20


def test_a_step_that_is_put_off_while_a_pause_is_asked_for_is_held(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id)
    bench.controls.pause(quest_id)

    settled = bench.journal.put_off(Checkpoint(claim, Failed("moved", None), claim.time()))
    assert settled is not None
    assert settled.status == "paused"


def test_a_lost_reply_of_being_put_off_is_recognised(bench: Workbench) -> None:
    quest_id = bench.submit("a")
    claim = bench.claim(quest_id)
    with lost_reply(bench.database):
        settled = bench.journal.put_off(Checkpoint(claim, Failed("moved", None), claim.time()))

    assert settled is not None
    assert settled.won
    assert [row.status for row in bench.rows(runs, quest_id)] == ["conflict"]


def test_a_lost_reply_does_not_remember_twice(bench: Workbench, kept: Kept) -> None:
    quest_id = bench.submit("a", "b")
    claim = bench.claim(quest_id)
    with lost_reply(bench.database):
        assert finish(bench, claim, state(kept, "x"), event(kept, "e")).won

    assert remembered(kept) == ("x", ["e"])
    assert kept.load(AGENT_STATES, "planner").version == 1  # type: ignore[union-attr]


def test_an_entry_that_is_there_already_is_left_as_it_is(bench: Workbench, kept: Kept) -> None:
    kept.enter(event(kept, "e", "the same"))
    quest_id = bench.submit("a", "b")

    assert finish(bench, bench.claim(quest_id), event(kept, "e", "the same"), event(kept, "f")).won
    assert remembered(kept)[1] == ["e", "f"]


def test_an_entry_whose_id_says_something_else_is_refused(bench: Workbench, kept: Kept) -> None:
    kept.enter(event(kept, "e", "this"))
    quest_id = bench.submit("a", "b")
    claim = bench.claim(quest_id)

    with pytest.raises(PayloadError, match="event e already"):
        finish(bench, claim, state(kept, "x"), event(kept, "e", "that"))
    assert remembered(kept) == (None, ["e"])
    assert finish(bench, claim, replace(event(kept, "f"))).won
