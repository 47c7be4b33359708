"""Steps whose ends are committed together: what one of them meets keeps none of the others back; on each store."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from questline_persistence.claims import Checkpoint, Claim, Settled, Succeeded
from questline_persistence.ids import new_claim_id
from questline_persistence.journal import Journal
from questline_persistence.kinds import AGENT_STATES, EVENTS
from questline_persistence.memory.kept import Kept
from questline_persistence.schema import table_of
from questline_persistence.writes import Enters, Moved, Saves, Write
from tests.contract.quests import Workbench, lost_reply
from tests.failpoints.invariants import assert_invariants
from tests.failpoints.memory_invariants import REMEMBERED

#: Steps of one batch.
MANY = 6


@pytest.fixture
def kept(bench: Workbench) -> Kept:
    return Kept(bench.database, bench.namespace)


def state(kept: Kept, name: str, expected: int | None = None) -> Saves:
    return Saves(AGENT_STATES, kept.key(name), body={"state_data": name, "metadata": "{}"}, expected=expected)


def event(kept: Kept, event_id: str, content: str = "") -> Enters:
    columns = {"event_type": "said", "actor_type": "agent", "content": content}
    return Enters(EVENTS, kept.namespace, "", event_id, columns, stream="s")


def claims(bench: Workbench, count: int = MANY) -> list[Claim]:
    return [bench.claim(bench.submit("a", "b")) for _ in range(count)]


def end(claim: Claim, *also: Write) -> Checkpoint[Succeeded]:
    return Checkpoint(claim, Succeeded("1", also), claim.start_time + 1.0, new_claim_id())


def together(bench: Workbench, ends: Sequence[Checkpoint[Succeeded]]) -> list[Settled | BaseException]:
    """Have the ends of steps committed in one batch; return what each of them has come to."""
    told: dict[str, Settled | BaseException] = {}
    settled = lambda posted: told.update({one.claim.claim_id: result for one, result in posted})  # noqa: E731
    journal = Journal(bench.database, bench.namespace, bench.journal.identity, on_settled=settled)
    committer = journal._remembering
    with committer._leading:  # what is posted meanwhile is the next batch
        for one in ends:
            journal.post(one)
    committer._posted.set()
    journal.drain()
    return [told[one.claim.claim_id] for one in ends]


def events(bench: Workbench, kept: Kept) -> list[tuple[int, str]]:
    """Return the numbers and the ids of all events, and check what must hold of all that is remembered."""
    assert_invariants(bench.url, REMEMBERED)
    rows = table_of(EVENTS)
    query = select(rows.c.seq, rows.c.event_id).order_by(rows.c.seq)
    return kept.read(lambda own, _: [(row.seq, row.event_id) for row in own.execute(query)])


def test_all_are_written_and_go_on(bench: Workbench, kept: Kept) -> None:
    found = claims(bench)
    ends = [end(one, state(kept, one.quest_id), event(kept, f"e{n}")) for n, one in enumerate(found)]
    settled = together(bench, ends)

    assert [one.won and one.next_claim is not None for one in settled if isinstance(one, Settled)] == [True] * MANY
    assert {kept.load(AGENT_STATES, one.quest_id).version for one in found} == {1}  # type: ignore[union-attr]
    assert events(bench, kept) == [(n + 1, f"e{n}") for n in range(MANY)]


@pytest.mark.parametrize("place", [0, 2, MANY - 1])
def test_a_conflict_leaves_the_others_alone(bench: Workbench, kept: Kept, place: int) -> None:
    found = claims(bench)
    ends = [end(one, event(kept, f"e{n}"), state(kept, one.quest_id)) for n, one in enumerate(found)]
    kept.save(state(kept, "hot"))
    kept.save(state(kept, "hot"))
    late = found[place]
    ends[place] = end(late, event(kept, "late"), state(kept, late.quest_id), state(kept, "hot", expected=1))
    settled = together(bench, ends)

    assert isinstance(settled.pop(place), Moved)
    assert all(isinstance(one, Settled) and one.won and one.next_claim for one in settled)
    assert bench.ticket(late.quest_id).claim_id == late.claim_id
    assert kept.load(AGENT_STATES, late.quest_id) is None
    assert events(bench, kept) == [*enumerate((f"e{n}" for n in range(MANY) if n != place), 1)]


def test_of_those_that_save_what_they_have_loaded_one_wins(bench: Workbench, kept: Kept) -> None:
    kept.save(state(kept, "hot"))
    found = claims(bench)
    settled = together(bench, [end(one, state(kept, "hot", expected=1), event(kept, one.quest_id)) for one in found])

    winners = [one for one in settled if isinstance(one, Settled)]
    assert [one.won for one in winners] == [True]
    assert sum(isinstance(one, Moved) for one in settled) == MANY - 1
    assert kept.load(AGENT_STATES, "hot").version == 2  # type: ignore[union-attr]
    assert len(events(bench, kept)) == 1


def test_blind_saves_of_one_key_all_count(bench: Workbench, kept: Kept) -> None:
    settled = together(bench, [end(one, state(kept, "hot")) for one in claims(bench)])

    assert all(isinstance(one, Settled) and one.won for one in settled)
    assert kept.load(AGENT_STATES, "hot").version == MANY  # type: ignore[union-attr]
    assert events(bench, kept) == []


def test_a_claim_that_is_gone_leaves_nothing(bench: Workbench, kept: Kept) -> None:
    found = claims(bench)
    bench.journal.release(found[1])
    settled = together(bench, [end(one, state(kept, one.quest_id), event(kept, one.quest_id)) for one in found])

    assert [one.won for one in settled if isinstance(one, Settled)] == [True, False, *[True] * (MANY - 2)]
    assert kept.load(AGENT_STATES, found[1].quest_id) is None
    assert [event_id for _, event_id in events(bench, kept)] == [one.quest_id for one in found if one is not found[1]]


def test_an_id_that_is_taken_leaves_the_others_alone(bench: Workbench, kept: Kept) -> None:
    kept.enter(event(kept, "taken", "the same"))
    found = claims(bench)
    ends = [end(one, state(kept, one.quest_id), event(kept, f"e{n}")) for n, one in enumerate(found)]
    ends[2] = end(found[2], state(kept, "again"), event(kept, "taken", "the same"))
    settled = together(bench, ends)

    assert isinstance(settled.pop(2), IntegrityError)
    assert all(isinstance(one, Settled) and one.won for one in settled)
    assert kept.load(AGENT_STATES, "again") is None
    assert bench.journal.checkpoint(replace(ends[2])).won
    assert events(bench, kept) == [*enumerate(("taken", *(f"e{n}" for n in range(MANY) if n != 2)), 1)]


def test_a_lost_reply_writes_nothing_twice(bench: Workbench, kept: Kept) -> None:
    found = claims(bench)
    ends = [end(one, state(kept, "hot"), event(kept, one.quest_id)) for one in found]
    with lost_reply(bench.database):
        settled = together(bench, ends)

    assert all(isinstance(one, Settled) and one.won and one.next_claim for one in settled)
    assert kept.load(AGENT_STATES, "hot").version == MANY  # type: ignore[union-attr]
    assert len(events(bench, kept)) == MANY
    heads = table_of(EVENTS)
    assert kept.read(lambda own, _: own.execute(select(func.max(heads.c.seq))).scalar_one()) == MANY
