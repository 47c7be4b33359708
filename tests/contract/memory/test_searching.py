"""What is found by words: the same on each kind of store, and never another tenant's."""

import pytest
from sqlalchemy import text

from questline_persistence.dialects.postgres import dialect
from questline_persistence.errors import PayloadError
from questline_persistence.kinds import AGENT_STATES, EVENTS
from questline_persistence.memory import reading, searching
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.searching import search
from questline_persistence.store import Database
from questline_persistence.writes import Enters, Op, Saves


@pytest.fixture
def kept(database: Database) -> Kept:
    return Kept(database, "here")


def save(kept: Kept, name: str, data: str, **more: object) -> None:
    body = {"state_data": data, "metadata": "{}"}
    assert kept.save(Saves(AGENT_STATES, kept.key(name), columns={"name": ""}, body=body, **more))  # type: ignore[arg-type]


def say(kept: Kept, event_id: str, content: str, expires_time: float | None = None) -> None:
    columns = {"event_type": "said", "actor_type": "user", "content": content, "metadata": "{}"}
    kept.enter(Enters(EVENTS, kept.namespace, kept.prefix, event_id, columns, stream="s", expires_time=expires_time))


def agents(kept: Kept, typed: str) -> list[str]:
    return [row.agent_id for row in search(kept, AGENT_STATES, typed).rows]


def events(kept: Kept, typed: str, limit: int = 100) -> list[str]:
    return [row.event_id for row in search(kept, EVENTS, typed, limit=limit).rows]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("otter", ["b", "a"]),
        ('"river otter"', ["a"]),
        ("riv*", ["a", "c"]),
        ("otter -sea", ["a"]),
        ("MULLER", ["d"]),
        ("Mueller", []),
        ("'); DROP TABLE events; --", []),
        ("NEAR(otter sea)", []),
        ("", []),
        ("-otter", []),
        ('"', []),
        ("said", ["d", "b", "c", "a"]),
    ],
)
def test_words_phrases_prefixes_and_what_people_type(kept: Kept, typed: str, found: list[str]) -> None:
    for event_id, content in (
        ("a", "the river otter eats fish in the cold river"),
        ("b", "sea otter"),
        ("c", "a river that is long"),
        ("d", "Herr Müller"),
    ):
        say(kept, event_id, content)

    assert events(kept, typed) == found


def test_a_head_is_found_by_the_words_of_its_present_version_alone(kept: Kept) -> None:
    save(kept, "planner", '{"goal": "ship the boat"}')
    save(kept, "planner", '{"goal": "sink the boat"}')

    assert (agents(kept, "ship"), agents(kept, "sink"), agents(kept, "planner goal")) == ([], ["planner"], ["planner"])
    kept.save(Saves(AGENT_STATES, kept.key("planner"), Op.STATUS, {"status": "busy"}))
    assert agents(kept, "sink") == ["planner"]
    kept.save(Saves(AGENT_STATES, kept.key("planner"), Op.DELETE))
    assert agents(kept, "sink") == []
    save(kept, "planner", '{"goal": "ship the boat"}', op=Op.RESTORE, points_at=1)
    assert (agents(kept, "ship"), agents(kept, "sink")) == (["planner"], [])


@pytest.mark.parametrize("levels", [900, 1_000, 1_020, 100_000])
def test_a_state_that_reads_like_deep_json_is_kept_and_found(kept: Kept, levels: int) -> None:
    save(kept, "planner", "[" * levels + '"otter"' + "]" * levels)

    assert agents(kept, "otter") == ["planner"]


def test_what_has_expired_is_not_found(kept: Kept) -> None:
    now = kept.database.clock.now()
    say(kept, "gone", "otter", expires_time=now - 1)
    say(kept, "there", "otter", expires_time=now + 3600)

    assert events(kept, "otter") == ["there"]


def test_no_other_tenant_and_prefix_is_found(kept: Kept) -> None:
    others = [Kept(kept.database, *of) for of in (("here", "p"), ("her", ""), ("here%", ""), ("HERE", ""), ("", ""))]
    for number, one in enumerate([kept, *others]):
        say(one, str(number), "otter")
        save(one, str(number), "otter")

    assert [events(one, "otter") for one in (kept, *others)] == [["0"], ["1"], ["2"], ["3"], ["4"], ["5"]]
    assert [agents(one, "otter") for one in (kept, *others)] == [["0"], ["1"], ["2"], ["3"], ["4"], ["5"]]


def test_the_best_of_the_newest_are_told_where_there_are_too_many(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "MAX_RANKED", 5)
    for number in range(8):
        say(kept, str(number), "otter" if number else "otter otter")

    found = search(kept, EVENTS, "otter", limit=3)
    assert ([row.event_id for row in found.rows], found.newest_only) == (["7", "6", "5"], True)
    assert not search(kept, EVENTS, "otter -otter").newest_only


def test_a_search_that_takes_too_long_is_told_of_at_once(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialect, "_READ_BRIEFLY", "SET LOCAL statement_timeout = '1ms'")
    database = Database(postgres_url)
    kept = Kept(database, "here")
    slow = text("(SELECT count(*) FROM generate_series(1, 3000000)) > 0")

    with pytest.raises(PayloadError, match="too many events have words like these: looking for 'otter' takes too long"):
        search(kept, EVENTS, "otter", where=[slow])  # type: ignore[list-item]
    database.close()


def test_a_write_that_is_refused_leaves_the_words_as_they_were(kept: Kept) -> None:
    save(kept, "planner", "ship")
    body = {"state_data": "sink", "metadata": "{}"}

    assert kept.save(Saves(AGENT_STATES, kept.key("planner"), body=body, expected=7)) is None
    assert (agents(kept, "ship"), agents(kept, "sink")) == (["planner"], [])


def test_as_many_texts_are_kept_as_there_is_to_find(kept: Kept) -> None:
    for number in range(3):
        save(kept, "planner", f"version {number}")
        say(kept, str(number), "otter")

    count = kept.read(lambda own, _: own.execute(text("SELECT count(*) FROM memory_texts")).scalar())
    heads = reading.tables(AGENT_STATES).heads
    assert (count, len(kept.read(lambda own, _: own.execute(heads.select()).all()))) == (4, 1)
