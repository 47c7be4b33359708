"""`ContextPersistence` as the programs use it that it was made for."""

from pathlib import Path

import pytest
from sqlalchemy import inspect, select, update
from sqlalchemy.exc import IntegrityError

from questline.memory import (
    ContextNotFoundError,
    ContextPersistence,
    MigrationError,
    PersistenceError,
    WorkflowContext,
)
from questline_persistence.errors import ConfigurationError
from questline_persistence.kinds import CONTEXTS
from questline_persistence.memory.contexts import Contexts
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.models import StepOrigin
from questline_persistence.schema import tables_of
from questline_persistence.store import Database
from questline_persistence.writes import Origin, Saves
from tests.contract.memory.contexts.workflows import a_context, ids

#: The usage that the class was first described with.
USAGE = """
persistence = ContextPersistence(db_path=Path("gao_dev.db"))

# Save context
persistence.save_context(context)

# Load context
context = persistence.load_context(workflow_id)

# Get latest for story
latest = persistence.get_latest_context(epic=12, story=3)

# Query contexts
active = persistence.get_active_contexts()
"""


def test_the_usage_that_the_class_was_described_with_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    context = a_context("w1", decisions={"db": "sqlite"})
    names = {"ContextPersistence": ContextPersistence, "Path": Path, "context": context, "workflow_id": "w1"}
    exec(USAGE, names)  # noqa: S102  (our own words)
    names["persistence"].close()  # type: ignore[attr-defined]

    assert names["context"] is not context
    assert names["context"] == names["latest"] == context
    assert names["active"] == [context]
    assert (tmp_path / "gao_dev.db").is_file()


def test_a_file_that_is_not_there_is_made_with_its_schema_at_the_first_call(tmp_path: Path) -> None:
    path = tmp_path / "contexts.db"
    with ContextPersistence(path) as persistence:
        assert not path.exists()
        assert not persistence.context_exists("w1")
        assert persistence.save_context(a_context()) == 1
    with ContextPersistence(str(path)) as again:
        assert again.load_context("w1").version == 1


def test_a_server_whose_schema_nobody_has_made_is_told_of_at_the_first_call(blank_postgres_url: str) -> None:
    with (
        ContextPersistence(blank_postgres_url) as persistence,
        pytest.raises(MigrationError, match="no questline schema"),
    ):
        persistence.context_exists("w1")


def test_an_object_can_be_used_again_after_it_was_closed(persistence: ContextPersistence) -> None:
    persistence.save_context(a_context())
    persistence.close()
    persistence.close()

    assert persistence.load_context("w1").version == 1


def test_without_a_path_the_store_and_the_namespace_are_those_of_the_settings(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUESTLINE_DATABASE_URL", database_url)
    monkeypatch.setenv("QUESTLINE_NAMESPACE", "acme")
    with ContextPersistence() as persistence, ContextPersistence(database_url, namespace="acme") as same:
        persistence.save_context(a_context())
        assert same.context_exists("w1")
    with ContextPersistence(database_url, namespace="default") as other:
        assert not other.context_exists("w1")


def test_a_path_that_is_no_store_and_a_prefix_that_is_none_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError):
        ContextPersistence("mysql://localhost/x")
    with pytest.raises(PersistenceError, match="key_prefix"):
        ContextPersistence(":memory:", key_prefix="x" * 256)


def test_errors_are_caught_by_the_names_that_the_programs_know(persistence: ContextPersistence) -> None:
    for error in (ContextNotFoundError, PersistenceError):
        with pytest.raises(error):
            persistence.load_context("w1")


def test_the_table_has_the_fields_that_programs_look_for(database: Database) -> None:
    columns = {column["name"]: column for column in inspect(database.engine).get_columns("workflow_context")}
    always = {"id", "workflow_id", "epic_num", "feature", "workflow_name", "current_phase", "status"}
    always |= {"version", "created_at", "updated_at"}

    assert {name for name in (*always, "story_num") if name not in columns} == set()
    assert {name for name in always if columns[name]["nullable"]} == set()
    assert columns["story_num"]["nullable"]
    versions = {column["name"] for column in inspect(database.engine).get_columns("workflow_context_versions")}
    assert {"workflow_id", "version", "context_data", "created_at"} <= versions
    indexes = {index["name"] for index in inspect(database.engine).get_indexes("workflow_context")}
    named = ("workflow_id", "epic_story", "status", "created_at", "feature")
    assert {f"idx_workflow_context_{name}" for name in named} <= indexes


def test_the_database_itself_refuses_a_second_row_of_a_workflow_and_a_status_that_is_none(database: Database) -> None:
    persistence, heads = ContextPersistence(database), tables_of(CONTEXTS).heads
    persistence.save_contexts([a_context("w1"), a_context("w2")])
    for values in ({"status": "done"}, {"workflow_id": "w2"}, {"feature": None}):
        with pytest.raises(IntegrityError), database.engine.begin() as connection:
            connection.execute(update(heads).where(heads.c.workflow_id == "w1").values(values))
    with database.engine.connect() as connection:
        assert connection.execute(select(heads.c.status).distinct()).scalars().all() == ["running"]


def test_a_context_tells_which_step_wrote_each_version(database: Database) -> None:
    contexts = Contexts(Kept(database, "default"))
    contexts.save_context(a_context())
    origin = Origin("q1", 0, "0002", 7)
    text = a_context(current_phase="build").to_json()
    head = {name: getattr(a_context(), name) for name in CONTEXTS.head} | {"status": "running"}
    key = Kept(database, "default").key("w1")
    Kept(database, "default").save(Saves(CONTEXTS, key, columns=head, body={"context_data": text}, origin=origin))
    told = StepOrigin(quest_id="q1", epoch=0, position="0002", quest_version=7)

    assert contexts.load_context("w1").origin == told
    assert [one.origin for one in contexts.get_context_versions(12, 3)] == [None, told]
    assert [one.origin for one in contexts.get_active_contexts()] == [told]
    # The same text again, outside of steps: the version is nobody's, though the text that it points at is the step's.
    contexts.save_context(WorkflowContext.from_json(text))
    assert contexts.load_context("w1").origin is None


def test_contexts_of_one_store_can_be_used_beside_each_other(database: Database) -> None:
    plain, door = Contexts(Kept(database, "default")), ContextPersistence(Kept(database, "default"))
    plain.save_context(a_context("a"))
    door.save_context(a_context("b"))
    door.close()  # which is not this object's to close

    assert ids(plain.search_contexts()) == ids(door.search_contexts()) == ["b", "a"]
