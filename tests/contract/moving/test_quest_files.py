"""Quests go into a file and come out of it: whole, at rest, once, and as nothing but quests."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from questline_persistence.errors import PayloadError, QuestConflict, QuestlineError, QuestNotFound, StoreUnavailable
from questline_persistence.kinds import AGENT_STATES, CONTEXTS
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.searching import search
from questline_persistence.moving import Exported, ImportedQuest, Importing, export_quests
from questline_persistence.moving.memory_rows import memory_of
from questline_persistence.moving.quest_file import QuestFileReader, QuestFileWriter
from questline_persistence.moving.quest_rows import QuestRow, in_clear, rows_of
from questline_persistence.writes import Key, Saves
from tests.contract.lessons import event, lesson, present, state, step
from tests.contract.once.test_records import record
from tests.contract.quests import ACTOR, Workbench, failure
from tests.failpoints.invariants import assert_invariants
from tests.failpoints.memory_invariants import REMEMBERED


@pytest.fixture(autouse=True)
def invariants(bench: Workbench, database_url: str) -> Iterator[None]:  # noqa: ARG001  (the store is made before)
    yield
    assert_invariants(database_url, REMEMBERED)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "some.quest"


def export(bench: Workbench, file: Path, *quest_ids: str, **more: Any) -> Exported:
    return export_quests(bench.database, bench.namespace, quest_ids, file, actor=ACTOR, **more)


def take_in(bench: Workbench, file: Path, *, new_ids: bool = False) -> list[ImportedQuest]:
    return list(Importing(bench.database, bench.namespace, ACTOR, new_ids=new_ids).take_in(file))


def rows(bench: Workbench, quest_id: str) -> list[QuestRow]:
    """Return all that is a quest's, without the numbers that the store gave."""
    found = bench.database.read(lambda connection: [*rows_of(connection, quest_id), *memory_of(connection, quest_id)])
    return [in_clear(bench.database.codec, row) for row in found]


def context(bench: Workbench, quest_id: str) -> Saves:
    """Return a save of a quest's own workflow context, which tells its own key."""
    columns = {"epic_num": 1, "feature": "bees", "workflow_name": "w", "current_phase": "p", "status": "running"}
    body = {"context_data": f'{{"workflow_id":"{quest_id}","feature":"bees"}}'}
    return Saves(CONTEXTS, Key(bench.namespace, "", quest_id), columns=columns, body=body, owner=quest_id)


def remembering(bench: Workbench, quest_id: str = "alpha") -> str:
    """Lead a quest of two steps through its first one, which keeps something of its own and a lesson."""
    bench.submit("a", "b", quest_id=quest_id, labels={"team": "x"})
    own = [state(bench, text, f"{quest_id}/planner", owner=quest_id) for text in ("honey", "wax")]
    claim = bench.claim(quest_id)
    assert bench.journal.record_once(record(claim))
    bench.journal.fail(failure(claim))
    step(bench, quest_id, *own, event(bench, "told", quest_id, owner=quest_id), context(bench, quest_id))
    return quest_id


def test_a_quest_comes_back_as_it_was_deleted(bench: Workbench, file: Path) -> None:
    quest_id = remembering(bench)
    step(bench, quest_id, lesson(bench, "keep bees"), output={"done": 1.5})
    before = rows(bench, quest_id)
    exported = export(bench, file, quest_id)
    bench.repository.delete_quest(quest_id)
    assert present(bench, "alpha/planner") is None

    (imported,) = take_in(bench, file)

    assert imported == ImportedQuest(quest_id, quest_id, "completed", changed=True)
    assert rows(bench, quest_id) == before
    assert (exported.quests, exported.rows, exported.bytes) == (1, len(before), file.stat().st_size)
    assert present(bench, "alpha/planner") == "wax"
    found = search(Kept(bench.database, bench.namespace), AGENT_STATES, "wax", limit=10)
    assert [row.agent_id for row in found.rows] == ["alpha/planner"]
    assert bench.repository.full_id("@last") == quest_id


@pytest.mark.parametrize("state_of", ["new", "running", "waiting", "paused", "failed"])
def test_a_quest_comes_in_at_rest_and_goes_on_to_the_same_end(bench: Workbench, file: Path, state_of: str) -> None:
    quest_id = remembering(bench)
    if state_of == "running":
        bench.claim(quest_id)
    elif state_of == "waiting":
        bench.journal.fail(failure(bench.claim(quest_id), retry_in=100.0))
    elif state_of == "paused":
        bench.controls.pause(quest_id, "please look")
    elif state_of == "failed":
        bench.journal.fail(failure(bench.claim(quest_id), retry_in=None))
    export(bench, file, quest_id)

    (imported,) = take_in(bench, file, new_ids=True)

    copy = imported.quest_id
    assert copy != quest_id
    assert imported.status == ("failed" if state_of == "failed" else "paused")
    assert bench.try_claim(copy) is None if bench.has_ticket(copy) else state_of == "failed"
    (bench.controls.retry if state_of == "failed" else bench.controls.resume)(copy)
    bench.clock.advance(200)
    bench.bells.wake()
    step(bench, copy, state(bench, "comb", f"{copy}/planner", owner=copy), output="end")
    assert bench.status(copy) == "completed"
    assert bench.repository.load_quest(copy).run_data == {"a": 1, "b": "end"}
    assert (present(bench, f"{copy}/planner"), present(bench, f"{quest_id}/planner")) == ("comb", "wax")
    found = Kept(bench.database, bench.namespace).load(CONTEXTS, copy)
    assert found is not None
    assert found.context_data.startswith(f'{{"workflow_id":"{copy}"')


def test_an_import_that_is_repeated_finds_its_quests_there(bench: Workbench, file: Path) -> None:
    remembering(bench)
    bench.submit("a", quest_id="beta")
    export(bench, file, "alpha", "beta")

    assert [one.changed for one in take_in(bench, file)] == [False, False]  # they were never away
    first, again = take_in(bench, file, new_ids=True), take_in(bench, file, new_ids=True)

    assert [one.changed for one in (*first, *again)] == [True, True, False, False]
    assert [one.quest_id for one in first] == [one.quest_id for one in again]
    told = [(entry.verb, entry.quest_id) for entry in bench.audit()]
    assert told == [*(("import", one.quest_id) for one in reversed(first)), ("export", "beta"), ("export", "alpha")]
    assert len(bench.quest_ids()) == 4


def test_an_import_that_broke_off_goes_on_behind_what_is_there(
    bench: Workbench, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("alpha", "beta", "gamma"):
        bench.submit("a", quest_id=name)
    export(bench, file, "alpha", "beta", "gamma")
    importing = Importing(bench.database, bench.namespace, ACTOR, new_ids=True)
    taken = importing.take_in(file)
    first = next(taken)
    with monkeypatch.context() as patch:
        patch.setattr(bench.database, "write", lambda *_, **__: (_ for _ in ()).throw(StoreUnavailable("away")))
        with pytest.raises(StoreUnavailable):
            next(taken)

    assert [one.changed for one in importing.take_in(file)] == [False, True, True]
    assert first.quest_id in bench.quest_ids()


def test_another_quest_of_the_same_id_stays(bench: Workbench, file: Path) -> None:
    remembering(bench)
    export(bench, file, "alpha")
    bench.advance("alpha", "another")
    before = rows(bench, "alpha")

    with pytest.raises(QuestConflict, match="there is a quest alpha already, and it is not as in"):
        take_in(bench, file)

    assert rows(bench, "alpha") == before


def test_an_id_whose_later_quest_was_deleted_is_not_taken(bench: Workbench, file: Path) -> None:
    bench.advance(bench.submit("a", quest_id="alpha"), 1)
    export(bench, file, "alpha")
    for _ in range(2):
        bench.repository.delete_quest("alpha")
        bench.advance(bench.submit("a", quest_id="alpha"), 1)
    bench.repository.delete_quest("alpha")

    with pytest.raises(QuestConflict, match="a later quest alpha was deleted here"):
        take_in(bench, file)

    assert [one.changed for one in take_in(bench, file, new_ids=True)] == [True]


def test_a_quest_of_another_namespace_is_not_exported(bench: Workbench, file: Path) -> None:
    bench.submit("a", quest_id="alpha")

    with pytest.raises(QuestNotFound, match="there is no quest alpha"):
        export_quests(bench.database, "others", ["alpha"], file, actor=ACTOR)

    assert list(file.parent.glob("*.quest*")) == list(file.parent.glob(".*.part")) == []


def test_only_its_owner_can_read_a_file_and_it_is_not_replaced_unasked(bench: Workbench, file: Path) -> None:
    bench.submit("a", quest_id="alpha")
    export(bench, file, "alpha")
    assert file.stat().st_mode & 0o777 == 0o600

    with pytest.raises(QuestConflict, match=r"there is a file .*some\.quest already"):
        export(bench, file, "alpha")
    export(bench, file, "alpha", replace=True)
    with pytest.raises(PayloadError, match="cannot be written"):
        export(bench, file.parent / "nowhere" / "a.quest", "alpha")
    with pytest.raises(PayloadError, match="cannot be written"):
        export(bench, file.parent, "alpha", replace=True)


def forged(file: Path, change: Any) -> Path:
    """Return a file with other rows, whose checksums all match."""
    reader = QuestFileReader(file)
    target = file.with_name("forged.quest")
    about = {name: value for name, value in reader.about().items() if name not in {"format", "format_version"}}
    with target.open("wb") as opened:
        writer = QuestFileWriter(opened, about)
        for filed in reader.quests():
            writer.add(filed.quest_id, [change(row) for row in filed.rows()])
        writer.finish()
    return target


@pytest.mark.parametrize(
    ("table", "column", "value", "told"),
    [
        ("lord_runs", "quest_id", "victim", "a row of lord_runs of quest alpha is of another quest"),
        ("lord_runs", "run_id", 7, "has a column 'run_id'"),
        ("quest_steps", "max_attempts", "many", "holds in max_attempts what it cannot: 'many'"),
        ("quest_steps", "max_attempts", True, "holds in max_attempts what it cannot: True"),
        ("quest_steps", "params", None, "holds in params what it cannot: None"),
        ("agent_states", "owner", "victim", "a row of agent_states of quest alpha is not the quest's own"),
        ("agent_state_versions", "agent_id", "victim", "is not the quest's own"),
        ("events", "session_id", "victim", "is not the quest's own"),
        ("lord_runs", None, "workers", "a row of workers of quest alpha is no table of quests"),
        ("quest_executions", "status", "odd", "does not fit here"),
    ],
)
def test_rows_that_are_not_the_quests_are_refused(
    bench: Workbench, file: Path, *, table: str, column: str | None, value: object, told: str
) -> None:
    remembering(bench)
    export(bench, file, "alpha")

    def change(row: QuestRow) -> QuestRow:
        if row.table != table:
            return row
        return QuestRow(str(value), row.values) if column is None else QuestRow(table, row.values | {column: value})

    with pytest.raises(QuestlineError, match=told.replace("(", r"\(")):
        take_in(bench, forged(file, change), new_ids=True)

    assert bench.quest_ids() == ["alpha"]


def test_what_is_no_plain_file_is_refused(bench: Workbench, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    for path in (tmp_path, tmp_path / "pipe", tmp_path / "missing"):
        with pytest.raises(PayloadError, match="is no file"):
            take_in(bench, path)
