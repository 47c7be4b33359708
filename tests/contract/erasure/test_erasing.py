"""Of a subject that was erased nothing is left but ids and numbers; of all others everything is."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from questline_persistence.erasure import Erasing, Receipt
from questline_persistence.erasure.erasing import fingerprint_of
from questline_persistence.errors import PayloadError, QuestConflict
from questline_persistence.kinds import AGENT_STATES, EVENTS, MEMORIES
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.searching import search
from questline_persistence.moving import export_quests
from questline_persistence.schema import fetched, table_of, tombstones
from questline_persistence.schema.metadata import METADATA
from questline_persistence.store import Database
from tests.contract.lessons import entries, event, lesson, ops, outside, present, state, step
from tests.contract.once.test_records import record
from tests.contract.quests import ACTOR, Workbench, failure, lost_reply
from tests.contract.quests import step as a_step
from tests.failpoints.invariants import assert_invariants
from tests.failpoints.memory_invariants import REMEMBERED

CANARY = "canary7f3a"


@pytest.fixture(autouse=True)
def invariants(bench: Workbench, database_url: str) -> Iterator[None]:  # noqa: ARG001  (the store is made before)
    yield
    assert_invariants(database_url, REMEMBERED)


def about(bench: Workbench, subject: str, word: str = CANARY, *, quest_id: str | None = None) -> str:
    """Lead a quest of a subject to its end, with a word in each kind of payload."""
    quest_id = bench.submit(
        a_step("a", params={"p": word}),
        "b",
        quest_id=quest_id or subject,
        input_data={"i": word},
        labels={"subject": subject},
    )
    claim = bench.claim(quest_id)
    assert bench.journal.record_once(record(claim, result=f'"{word}"'))
    bench.journal.fail(failure(claim, f"no {word}"))
    said = {"event_type": "said", "actor_type": "agent", "content": f"{word} said", "metadata": f'{{"m":"{word}"}}'}
    shared = state(bench, f"{word} shared"), replace(event(bench, f"by {quest_id}"), columns=said), lesson(bench, word)
    own = (
        state(bench, f"{word} own", f"{quest_id}/planner", owner=quest_id),
        event(bench, word, quest_id, owner=quest_id),
    )
    step(bench, quest_id, *shared[:2], *own, output={"o": word})
    step(bench, quest_id, shared[2], output=word)
    return quest_id


def erase(bench: Workbench, subject: str = "eve", *, dry_run: bool = False) -> Receipt:
    return Erasing(bench.database, bench.namespace, ACTOR).erase(subject, dry_run=dry_run, reason="asked for")


def stored(database: Database) -> str:
    """Return all that a store holds."""
    rows = database.read(
        lambda connection: [list(connection.exec_driver_sql(f"SELECT * FROM {name}")) for name in METADATA.tables]
    )
    return str(rows)


def test_nothing_is_left_of_a_subject_and_everything_of_others(bench: Workbench) -> None:
    about(bench, "bob", "honey")
    outside(bench, state(bench, "by hand", "gardener"))
    about(bench, "eve")
    kept = Kept(bench.database, "default")
    assert search(kept, AGENT_STATES, CANARY, limit=9).rows

    receipt = erase(bench)

    assert bench.quest_ids() == ["bob"]
    assert CANARY not in stored(bench.database)
    assert (receipt.quests, receipt.dry_run) == (1, False)
    assert receipt.rows["quest_executions"] == receipt.rows["step_once"] == receipt.rows["memories"] == 1
    assert receipt.rows["lord_runs"] == 3
    for kind in (AGENT_STATES, EVENTS, MEMORIES):
        assert search(kept, kind, CANARY, limit=9).rows == []
        assert search(kept, kind, "honey", limit=9).rows
    assert bench.repository.load_quest("bob").run_data == {"a": {"o": "honey"}, "b": "honey"}
    assert (present(bench, "bob/planner"), present(bench, "gardener")) == ("honey own", "by hand")
    assert bench.database.read(
        lambda connection: connection.execute(select(tombstones.c.quest_id)).scalars().all()
    ) == ["eve"]


def test_what_was_told_to_others_keeps_its_numbers_and_says_nothing(bench: Workbench) -> None:
    about(bench, "bob", "honey")
    about(bench, "eve")

    erase(bench)

    assert present(bench) is None
    assert ops(bench) == [(1, "save", 1, None), (2, "delete", None, None), (3, "delete", None, None)]
    events = table_of(EVENTS)
    told = select(*(events.c[name] for name in ("namespace", "write_id", "seq", "content")))
    query = told.where(events.c.session_id == "session").order_by(events.c.seq)
    rows = bench.database.read(lambda connection: [(row.seq, row.content) for row in fetched(connection, query)])
    assert rows == [(1, "honey said"), (2, None)]
    outside(bench, state(bench, "anew"), event(bench, "third"))
    assert (present(bench), ops(bench)[-1]) == ("anew", (4, "save", 4, None))
    assert entries(bench)[-1] == "third"


def test_a_state_that_was_saved_since_stays_as_it_is(bench: Workbench) -> None:
    about(bench, "eve")
    outside(bench, state(bench, "by hand"))

    erase(bench)

    assert present(bench) == "by hand"
    assert ops(bench) == [(1, "delete", None, None), (2, "save", 2, None)]


def test_the_file_of_a_store_does_not_hold_what_was_erased(sqlite_url: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    bench = Workbench(sqlite_url)
    about(bench, "eve")
    about(bench, "bob", "honey")
    erase(bench)
    bench.close()

    held = path.read_bytes()
    assert b"honey" in held
    assert CANARY.encode() not in held


def test_a_dry_run_says_what_would_be_erased_and_changes_nothing(bench: Workbench) -> None:
    about(bench, "eve")
    before = stored(bench.database)

    seen = erase(bench, dry_run=True)

    assert stored(bench.database) == before
    assert erase(bench).rows == seen.rows


def test_the_audit_tells_of_an_erasure_without_the_name_and_the_receipt_of_copies(
    bench: Workbench, tmp_path: Path
) -> None:
    about(bench, "eve", quest_id="q-1")
    export_quests(bench.database, "default", ["q-1"], tmp_path / "some.quest", actor=ACTOR)

    receipt = erase(bench)

    assert receipt.exports == [str(tmp_path / "some.quest")]
    (entry, *_) = bench.audit()
    assert (entry.verb, entry.subject, entry.reason) == ("erase", fingerprint_of("eve"), "asked for")
    assert entry.outcome == {"quests": 1, "rows": receipt.rows}
    assert "'eve'" not in str(entry)


def test_a_live_quest_is_to_be_cancelled_first(bench: Workbench) -> None:
    about(bench, "eve")
    bench.submit("a", quest_id="live", labels={"subject": "eve"})
    before = stored(bench.database)

    with pytest.raises(QuestConflict, match="quests of the subject are live: live"):
        erase(bench)
    assert stored(bench.database) == before

    bench.controls.cancel("live")
    assert erase(bench).quests == 2


def test_a_subject_of_another_namespace_stays(bench: Workbench) -> None:
    about(bench, "eve")

    assert Erasing(bench.database, "others", ACTOR).erase("eve").quests == 0
    assert bench.quest_ids() == ["eve"]
    for odd in ("", "x" * 256):
        with pytest.raises(PayloadError, match="a subject has 1 to 255 characters"):
            erase(bench, odd)


def test_a_lost_reply_does_not_change_the_receipt(bench: Workbench) -> None:
    about(bench, "eve")
    seen = erase(bench, dry_run=True)

    with lost_reply(bench.database):
        assert erase(bench).rows == seen.rows

    assert [entry.verb for entry in bench.audit()] == ["erase"]
