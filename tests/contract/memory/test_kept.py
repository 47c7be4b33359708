"""Rows of what Lords remember: how keys are versioned and entries numbered, on each kind of store."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select

from questline_persistence import writes
from questline_persistence.errors import Conflict
from questline_persistence.kinds import (
    AGENT_STATES,
    CONTEXTS,
    EVENTS,
    MEMORIES,
    SESSIONS,
    SNAPSHOTS,
    TASKS,
    TRANSITIONS,
    VERSIONED,
    Versioned,
)
from questline_persistence.memory import reading
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.searching import search
from questline_persistence.schema import fetched
from questline_persistence.store import Database
from questline_persistence.writes import Entered, Enters, Moved, Op, Origin, Saved, Saves
from tests.contract.quests import lost_reply

Save = Callable[..., Saved | None]


@pytest.fixture
def kept(database: Database) -> Kept:
    return Kept(database, "here")


def saves(kept: Kept, name: str = "planner", data: str = "x", expected: int | None = None) -> Saves:
    columns, body = {"name": "", "status": "idle"}, {"state_data": data, "metadata": "{}"}
    return Saves(AGENT_STATES, kept.key(name), columns=columns, body=body, expected=expected)


def event(kept: Kept, event_id: str, content: str = "", session: str = "s") -> Enters:
    columns = {"event_type": "said", "actor_type": "user", "content": content}
    return Enters(EVENTS, kept.namespace, kept.prefix, event_id, columns, stream=session)


def data(kept: Kept, name: str = "planner", **chosen: object) -> str | None:
    row = kept.load(AGENT_STATES, name, **chosen)  # type: ignore[arg-type]
    return None if row is None else row.state_data


def versions(kept: Kept, name: str = "planner") -> list[tuple[int, str, int | None]]:
    of = reading.tables(AGENT_STATES).versions
    query = select(of.c.version, of.c.op, of.c.body_version).where(of.c.agent_id == name).order_by(of.c.version)
    return [tuple(row) for row in kept.read(lambda own, _: own.execute(query).all())]  # type: ignore[misc]


def test_the_first_version_is_1_and_each_save_counts_on(kept: Kept) -> None:
    made = [kept.save(saves(kept, data=text)) for text in "abc"]

    assert [saved.version for saved in made if saved] == [1, 2, 3]
    assert [data(kept), *(data(kept, version=number) for number in (1, 2, 3, 4))] == ["c", "a", "b", "c", None]
    assert all(before.saved_time <= after.saved_time for before, after in pairwise(made) if before and after)


@pytest.mark.parametrize(("expected", "won"), [(None, True), (0, False), (1, False), (2, True), (3, False)])
def test_a_save_counts_only_at_the_version_that_it_expects(kept: Kept, expected: int | None, won: bool) -> None:
    kept.save(saves(kept))
    kept.save(saves(kept))

    assert (kept.save(saves(kept, data="new", expected=expected)) is not None) == won
    assert data(kept) == ("new" if won else "x")
    assert len(versions(kept)) == (3 if won else 2)


@pytest.mark.parametrize(("expected", "won"), [(None, True), (0, True), (1, False)])
def test_a_key_that_was_never_saved_is_at_version_0(kept: Kept, expected: int | None, won: bool) -> None:
    assert (kept.save(saves(kept, expected=expected)) is not None) == won
    assert len(versions(kept)) == won


def test_a_payload_that_is_the_same_is_stored_once(kept: Kept) -> None:
    for text in ("a", "a", "b", "a"):
        kept.save(saves(kept, data=text))

    assert versions(kept) == [(1, "save", 1), (2, "save", 1), (3, "save", 3), (4, "save", 4)]
    assert [data(kept, version=number) for number in (1, 2, 3, 4)] == ["a", "a", "b", "a"]


def test_a_deletion_and_a_restore_are_versions_too(kept: Kept) -> None:
    kept.save(saves(kept, data="a"))
    key = kept.key("planner")
    kept.save(Saves(AGENT_STATES, key, Op.STATUS, {"status": "busy"}))
    kept.save(Saves(AGENT_STATES, key, Op.DELETE))
    deleted = data(kept)
    again = kept.save(Saves(AGENT_STATES, key, Op.DELETE))
    kept.save(
        Saves(
            AGENT_STATES, key, Op.RESTORE, {"status": "idle"}, body={"state_data": "a", "metadata": "{}"}, points_at=1
        )
    )

    assert (deleted, again, data(kept)) == (None, None, "a")
    assert versions(kept) == [(1, "save", 1), (2, "status", 1), (3, "delete", None), (4, "restore", 1)]


def test_what_was_the_present_at_a_moment_is_found(kept: Kept) -> None:
    made = [kept.save(saves(kept, data=str(number))) for number in range(20)]
    times = [saved.saved_time for saved in made if saved]

    assert [data(kept, as_of=moment) for moment in times] == [
        str(max(index for index, other in enumerate(times) if other <= moment)) for moment in times
    ]
    assert data(kept, as_of=times[0] - 1) is None
    assert data(kept, as_of=times[-1] + 1) == "19"


def test_of_many_savers_with_one_version_one_wins(kept: Kept) -> None:
    kept.save(saves(kept))
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda text: kept.save(saves(kept, data=str(text), expected=1)), range(8)))

    assert [saved.version for saved in made if saved] == [2]
    assert len(versions(kept)) == 2


def test_blind_saves_of_many_make_versions_without_a_gap(kept: Kept) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda text: kept.save(saves(kept, data=str(text))), range(80)))

    assert sorted(saved.version for saved in made if saved) == list(range(1, 81))
    assert [number for number, _, _ in versions(kept)] == list(range(1, 81))


@pytest.mark.parametrize("together", [False, True])
def test_a_save_whose_reply_was_lost_finds_what_it_has_written(kept: Kept, together: bool) -> None:
    kept.save(saves(kept, data="old"))
    mine = saves(kept, data="mine")
    with lost_reply(kept.database, meanwhile=lambda: kept.save(saves(kept, data="theirs"))):
        made = kept.write([mine])[0] if together else kept.save(mine)

    assert isinstance(made, Saved)
    assert (made.version, data(kept)) == (2, "theirs")
    assert [number for number, _, _ in versions(kept)] == [1, 2, 3]


def test_entries_are_numbered_by_their_stream(kept: Kept) -> None:
    made = [kept.enter(event(kept, name, session=session)) for name, session in (("a", "s"), ("b", "s"), ("c", "t"))]

    assert [entered.seq for entered in made] == [1, 2, 1]


def test_an_entry_that_is_entered_again_is_the_one_that_is_there(kept: Kept) -> None:
    first = kept.enter(event(kept, "a", "hello"))

    assert kept.enter(event(kept, "a", "hello")) == first
    with pytest.raises(Conflict, match="event a already"):
        kept.enter(event(kept, "a", "something else"))
    assert kept.enter(event(kept, "b")).seq == 2


def test_appends_of_many_have_numbers_without_a_gap(kept: Kept) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda name: kept.enter(event(kept, str(name))), range(80)))

    assert sorted(entered.seq or 0 for entered in made) == list(range(1, 81))


def test_several_writes_are_all_there_or_none(kept: Kept) -> None:
    kept.save(saves(kept, "b"))
    with pytest.raises(Moved) as moved:
        kept.write([saves(kept, "a"), event(kept, "e"), saves(kept, "b", expected=7)])

    assert moved.value.save.key.name == "b"
    assert (data(kept, "a"), data(kept, "b")) == (None, "x")
    assert kept.enter(event(kept, "e")).seq == 1


@pytest.mark.parametrize("kind", VERSIONED, ids=lambda kind: kind.name)
def test_several_saves_are_as_so_many_single_ones(database: Database, kind: Versioned) -> None:
    one, many = (Kept(database, "here", prefix) for prefix in ("one", "many"))
    status = {TASKS: "todo", CONTEXTS: "running"}.get(kind, "new")
    known = {"epic_num": 7, "story_num": 8, "timestamp": 1.5, "status": status}

    def save(kept: Kept, number: int, expected: int | None, text: str) -> Saves:
        columns = {name: known.get(name, f"{name} {number}") for name in (*kind.both, *kind.head, *kind.version)}
        body = dict.fromkeys(kind.body, f"word{number} {text}")
        return Saves(kind, kept.key(f"k{number}"), columns=columns, body=body, expected=expected)

    def rows(kept: Kept) -> list[list[str]]:
        """Return all that is told of the keys, but for when and by which write."""
        apart = {"id", "key_prefix", "write_id", "created_at", "updated_at", "updated_time", "saved_time"}
        queries = [select(table).where(*kept.rows(table)) for table in reading.tables(kind)]
        found = kept.read(lambda own, _: [[row._asdict() for row in fetched(own, query)] for query in queries])
        return [sorted(str([row[name] for name in row if name not in apart]) for row in each) for each in found]

    for first, expected, text in ((1, None, "new"), (1, 1, "new"), (0, None, "again")):
        numbers = range(first, 3)
        for number in numbers:
            assert one.save(save(one, number, expected, text))
        many.write([save(many, number, expected, text) for number in numbers])
    assert rows(many) == rows(one)
    assert [len(each) for each in rows(many)] == [3, 7]
    with pytest.raises(Moved):
        many.write([save(many, 0, 1, "late"), save(many, 1, 1, "late"), save(many, 2, 3, "fits")])
    with pytest.raises(Moved):
        many.write([save(many, 2, 3, "fits"), save(many, 3, 1, "was never saved")])
    assert rows(many) == rows(one)
    for kept in (one, many) if kind.searched else ():
        assert [row.id for row in search(kept, kind, "word1 again").rows] == [
            row.id for row in search(kept, kind, "word1").rows
        ]
        assert not search(kept, kind, "new").rows


def test_entries_of_a_batch_that_are_there_already_are_left_as_they_are(kept: Kept) -> None:
    memory = Enters(MEMORIES, "here", "", "m", {"context": "c", "lesson": "l", "confidence": 0})
    before = [kept.enter(event(kept, "a")), kept.enter(memory)]
    made = kept.write([event(kept, "a"), event(kept, "b"), memory, saves(kept)])

    assert [made[0], made[2]] == before
    assert (made[1].seq, made[3].version) == (2, 1)  # type: ignore[union-attr]


def test_batches_that_meet_in_several_streams_do_not_stop_each_other(kept: Kept) -> None:
    """Their events' ids sort in any order; none of them waits in a circle with another."""

    def enter(number: int) -> list[int]:
        sessions = ("s", "t") if number % 2 else ("t", "s")
        made = kept.write([event(kept, f"{number} {place}", session=name) for place, name in enumerate(sessions)])
        return [each.seq or 0 for each in made if isinstance(each, Entered)]

    with ThreadPoolExecutor(4) as pool:
        numbers = [seq for made in pool.map(enter, range(80)) for seq in made]

    assert sorted(numbers) == sorted([*range(1, 81), *range(1, 81)])


def test_nothing_of_another_namespace_or_prefix_is_seen(kept: Kept) -> None:
    others = [Kept(kept.database, *of) for of in (("here", "p"), ("her", ""), ("here%", ""), ("HERE", ""), ("", ""))]
    for number, one in enumerate([kept, *others]):
        one.save(saves(one, data=str(number)))

    assert [data(one) for one in (kept, *others)] == ["0", "1", "2", "3", "4", "5"]
    assert len(versions(kept)) == 6


def test_what_is_purged_is_gone_and_its_head_counts_on(kept: Kept) -> None:
    other, sibling = Kept(kept.database, "here", "p"), Kept(kept.database, "here2")
    for one in (kept, other, sibling):
        for text in "abc":
            one.save(saves(one, data=text))
        one.enter(Enters(TRANSITIONS, one.namespace, one.prefix, "t", {"state_after": "x"}, stream="planner"))
        one.enter(Enters(SNAPSHOTS, one.namespace, one.prefix, "s", {"agent_id": "planner", "version": 1}))

    assert (kept.purge(AGENT_STATES, "planner"), kept.purge(AGENT_STATES, "planner")) == (True, False)
    assert (data(kept), data(kept, version=1), data(other), data(sibling)) == (None, None, "c", "c")
    for of in map(reading.table, (TRANSITIONS, SNAPSHOTS)):
        assert len(kept.read(lambda own, _: own.execute(select(of)).all())) == 2  # noqa: B023  (called at once)

    assert kept.save(saves(kept, expected=3)) is None
    assert kept.save(saves(kept, expected=0)) is None
    again = kept.save(saves(kept, data="new"))
    assert again is not None
    assert again.version == 5
    assert data(kept, as_of=again.saved_time) == "new"


def test_a_key_that_was_never_saved_is_purged_of_its_entries(kept: Kept) -> None:
    enters = Enters(TRANSITIONS, "here", "", "t", {"state_after": "x"}, stream="planner")
    kept.enter(enters)

    assert kept.purge(AGENT_STATES, "planner")
    assert not kept.purge(AGENT_STATES, "planner")
    assert not kept.purge(AGENT_STATES, "nobody")
    assert kept.enter(enters).seq == 2


def test_the_present_says_which_step_wrote_it_though_an_older_one_wrote_its_payload(kept: Kept) -> None:
    first, second = Origin("q", 1, "a", 2), Origin("q", 1, "b", 3)
    kept.save(replace(saves(kept), origin=first))
    kept.save(replace(saves(kept), origin=second))

    row = kept.load(AGENT_STATES, "planner")
    assert row is not None
    assert (row.body_version, row.quest_version, row.position) == (1, 3, "b")


def test_the_events_of_a_purged_session_have_no_words_left(kept: Kept) -> None:
    for one, session in (("a", "s"), ("b", "t")):
        kept.enter(event(kept, one, "apples", session=session))
    kept.purge(SESSIONS, "s")

    assert [row.event_id for row in search(kept, EVENTS, "apples").rows] == ["b"]


@pytest.mark.parametrize("together", [False, True])
def test_words_are_sought_while_nobody_waits_for_a_lock(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, together: bool
) -> None:
    busy, sought = [False], list[bool]()
    run, transaction, tokens_of = kept.database._run, kept.database._transaction, writes.tokens_of

    def noting(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **more: Any) -> Any:
            busy[0] = True
            try:
                return real(*given, **more)
            finally:
                busy[0] = False

        return call

    def seek(*given: Any) -> Any:
        sought.append(busy[0])
        return tokens_of(*given)

    monkeypatch.setattr(kept.database, "_run", noting(run))
    monkeypatch.setattr(kept.database, "_transaction", noting(transaction))
    monkeypatch.setattr(writes, "tokens_of", seek)
    if together:
        kept.write([saves(kept), event(kept, "e")])
    else:
        kept.save(saves(kept))
        kept.enter(event(kept, "e"))
    assert sought == [False, False]
