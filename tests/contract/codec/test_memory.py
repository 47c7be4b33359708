"""What Lords remember, and what steps say, is sealed wherever it is stored."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select

from questline_persistence.errors import Conflict, EncryptionError
from questline_persistence.kinds import AGENT_STATES, ENTRIES, EVENTS, MEMORIES, SESSIONS, VERSIONED, Entries, Versioned
from questline_persistence.memory import reading
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.searching import search
from questline_persistence.payload import CLEAR, HIDDEN
from questline_persistence.schema import fetched, first, is_key, table_of, tables_of
from questline_persistence.store import Database
from questline_persistence.writes import Enters, Saves
from tests.contract.codec.conftest import CANARY, stored
from tests.payload_codec import sealing

#: What columns besides the payload must hold.
KNOWN = {"epic_num": 7, "story_num": 8, "timestamp": 1.5, "status": "new", "success": 1, "confidence": 7, "step_id": 3}
STATUS = {"task": "todo", "workflow context": "running"}


@pytest.fixture
def open_kept(database_url: str) -> Iterator[Callable[..., Kept]]:
    """A function that opens what is kept in the test's store, by a codec."""
    opened: list[Database] = []

    def open_one(codec: object, prefix: str = "") -> Kept:
        opened.append(Database(database_url, codec=codec))  # type: ignore[arg-type]
        return Kept(opened[-1], "here", prefix)

    yield open_one
    for database in opened:
        database.close()


@pytest.fixture
def kept(open_kept: Callable[..., Kept]) -> Iterator[Kept]:
    """What is kept by a codec; nothing that its tests write of the canary may stand there in clear."""
    kept = open_kept(sealing("alpha"))
    yield kept
    assert CANARY not in stored(kept.database)


def body_of(kind: Versioned | Entries, word: str = CANARY) -> dict[str, str | None]:
    return {name: f'{{"{name}":"{word}"}}' for name in kind.body}


def a_save(kept: Kept, kind: Versioned, name: str = "key", word: str = CANARY) -> Saves:
    names = (*kind.both, *kind.head, *kind.version)
    columns = {one: {**KNOWN, "status": STATUS.get(kind.name, "new")}.get(one, one) for one in names}
    if kind is SESSIONS:
        columns["mission"] = word
    return Saves(kind, kept.key(name), columns=columns, body=body_of(kind, word))


def an_entry(kept: Kept, kind: Entries, entry_id: str = "one", word: str = CANARY) -> Enters:
    columns = {**{one: KNOWN.get(one, "user" if one == "actor_type" else one) for one in kind.columns}}
    columns = {**columns, **({"version": 1} if "version" in kind.columns else {})}
    return kept.entry(kind, entry_id, {**columns, **body_of(kind, word)}, stream="stream" if kind.stream else None)


@pytest.mark.parametrize("kind", VERSIONED, ids=lambda kind: kind.name)
def test_each_version_is_read_as_it_was_saved(kept: Kept, kind: Versioned) -> None:
    kept.save(a_save(kept, kind))
    kept.save(a_save(kept, kind, word=f"{CANARY} again"))
    now = kept.database.clock.now()
    row = kept.database.read(lambda own: reading.latest(own, kind, kept.key("key"), now))
    old = kept.database.read(lambda own: reading.at_version(own, kind, kept.key("key"), 1))

    assert row is not None
    assert old is not None
    assert {name: getattr(row, name) for name in kind.body} == body_of(kind, f"{CANARY} again")
    assert {name: getattr(old, name) for name in kind.body} == body_of(kind)
    if kind is SESSIONS:
        assert row.mission == f"{CANARY} again"


@pytest.mark.parametrize("kind", VERSIONED, ids=lambda kind: kind.name)
def test_what_is_saved_again_as_it_was_is_stored_once(kept: Kept, kind: Versioned) -> None:
    made = [kept.save(a_save(kept, kind)) for _ in range(2)]

    assert [one and one.body_version for one in made] == [1, 1]


@pytest.mark.parametrize("kind", ENTRIES, ids=lambda kind: kind.name)
def test_each_entry_is_read_as_it_was_entered(kept: Kept, kind: Entries) -> None:
    kept.enter(an_entry(kept, kind))
    (row,) = kept.database.read(lambda own: fetched(own, select(table_of(kind))))

    assert {name: getattr(row, name) for name in kind.body} == body_of(kind)


def test_an_entry_is_known_again_also_under_the_next_key(kept: Kept, open_kept: Callable[..., Kept]) -> None:
    entered = kept.enter(an_entry(kept, EVENTS))
    rotated = open_kept(sealing("beta", "alpha"))

    assert rotated.enter(an_entry(rotated, EVENTS)) == entered
    with pytest.raises(Conflict):
        rotated.enter(an_entry(rotated, EVENTS, word="other"))


def test_what_is_encrypted_is_not_indexed_and_a_search_says_so(kept: Kept) -> None:
    kept.save(a_save(kept, AGENT_STATES, word="needle"))
    kept.enter(an_entry(kept, MEMORIES, word="needle"))

    assert "needle" not in stored(kept.database)
    with pytest.raises(EncryptionError, match="no word of it is indexed") as refused:
        search(kept, MEMORIES, "needle", limit=5)
    assert "QUESTLINE_INDEX_ENCRYPTED" in str(refused.value.hint)


def test_its_words_are_indexed_in_clear_if_that_is_set(open_kept: Callable[..., Kept]) -> None:
    kept = open_kept(sealing("alpha", index=True))
    kept.enter(an_entry(kept, MEMORIES, word="needle"))
    (row,) = search(kept, MEMORIES, "needle", limit=5).rows

    assert row.lesson == '{"lesson":"needle"}'


@pytest.mark.parametrize("of", ["another entry", "another version", "another tenant"])
def test_a_payload_that_is_copied_to_another_row_is_refused(open_kept: Callable[..., Kept], of: str) -> None:
    kept = open_kept(sealing("alpha"))
    kind = EVENTS if of == "another entry" else AGENT_STATES
    table = table_of(EVENTS) if kind is EVENTS else tables_of(AGENT_STATES).versions
    for name in ("one", "two"):
        if kind is EVENTS:
            kept.enter(an_entry(kept, EVENTS, name))
        else:
            kept.save(a_save(kept, AGENT_STATES, name))
    column = kind.body[0]
    rows = kept.database.read(lambda own: [getattr(row, column) for row in own.execute(select(table))])
    change = {"namespace": "there"} if of == "another tenant" else {column: rows[1]}
    first_row = kept.database.read(lambda own: min(own.execute(select(table.c.id)).scalars()))
    kept.database.write(lambda own: own.execute(table.update().where(table.c.id == first_row).values(change)))

    with pytest.raises(EncryptionError, match=f"{table.name}.{column} of .* was not written there"):
        kept.database.read(lambda own: [getattr(row, column) for row in fetched(own, select(table))])


def test_without_the_key_what_is_remembered_is_shown_as_encrypted(kept: Kept, open_kept: Callable[..., Kept]) -> None:
    kept.save(a_save(kept, AGENT_STATES))
    keyless, versions = open_kept(CLEAR), tables_of(AGENT_STATES).versions
    query = select(versions).where(*is_key(versions, AGENT_STATES, keyless.key("key")))
    row = keyless.database.read(lambda own: first(own, query), shown=True)

    assert row is not None
    assert (row.state_data, row.metadata) == (HIDDEN, f'{{"{HIDDEN}":true}}')
    with pytest.raises(EncryptionError, match="'alpha'"):
        keyless.database.read(lambda own: getattr(first(own, query), "state_data", None))
