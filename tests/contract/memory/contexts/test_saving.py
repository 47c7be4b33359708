"""Saving, updating and deleting the context of one workflow, and loading it again."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from questline_persistence.errors import Conflict, ContextNotFoundError, PayloadError, PersistenceError
from questline_persistence.memory.contexts import ContextPersistence
from questline_persistence.memory.models import WorkflowContext
from tests.contract.memory.contexts.workflows import a_context


def test_a_new_context_is_saved_as_version_1_and_loaded_as_it_was(persistence: ContextPersistence) -> None:
    context = a_context()

    assert persistence.save_context(context) == 1
    loaded = persistence.load_context("w1")
    assert loaded == context
    assert (loaded.version, loaded.origin) == (1, None)


def test_saving_again_makes_the_next_version_and_the_newest_is_loaded(persistence: ContextPersistence) -> None:
    context = a_context()
    versions = []
    for phase in ("design", "build", "test"):
        context.current_phase = phase
        versions.append(persistence.save_context(context))

    assert versions == [1, 2, 3]
    assert persistence.load_context("w1") == context
    assert persistence.load_context("w1").version == 3


@pytest.mark.parametrize(
    "fields",
    [
        {"decisions": {"db": {"chosen": "sqlite", "why": ["simple", None, 1.5, True]}}},
        {"decisions": ["a", "b"], "artifacts": {"README.md": {"lines": 7}}},
        {"artifacts": [{"path": "a/b.py"}], "phase_history": [{"phase": "design", "at": 1}, "build"]},
        {"metadata": {"": None, "ünï": "☃", "quote": 'it\'s "so"'}},
        {"story_num": None, "feature": "", "current_phase": "%_'\\"},
        {"epic_num": -(2**31) + 1, "story_num": 2**31 - 1},
        {"created_at": "yesterday", "updated_at": "a moment ago"},
    ],
)
def test_every_field_comes_back_as_it_was_also_where_it_is_null(
    persistence: ContextPersistence, fields: dict[str, Any]
) -> None:
    context = a_context(**fields)
    persistence.save_context(context)

    assert persistence.load_context("w1") == context
    assert persistence.load_context("w1").to_json() == context.to_json()


def test_a_workflow_without_a_context_is_not_found(persistence: ContextPersistence) -> None:
    with pytest.raises(ContextNotFoundError, match="cannot load workflow context w1") as caught:
        persistence.load_context("w1")
    assert isinstance(caught.value, PersistenceError)
    assert not persistence.context_exists("w1")


def test_an_update_is_a_save_of_a_context_that_is_there(persistence: ContextPersistence) -> None:
    with pytest.raises(ContextNotFoundError, match="cannot update workflow context w1"):
        persistence.update_context(a_context())
    assert not persistence.context_exists("w1")
    persistence.save_context(a_context())

    assert persistence.update_context(a_context(status="paused")) == 2
    assert persistence.load_context("w1").status == "paused"


def test_a_context_that_was_deleted_is_not_updated_and_saving_it_again_goes_on_counting(
    persistence: ContextPersistence,
) -> None:
    persistence.save_context(a_context())
    persistence.delete_context("w1")

    with pytest.raises(ContextNotFoundError):
        persistence.update_context(a_context())
    with pytest.raises(ContextNotFoundError):
        persistence.update_context(a_context(), expected_version=2)
    assert persistence.save_context(a_context()) == 3


def test_a_context_is_deleted_once(persistence: ContextPersistence) -> None:
    persistence.save_context(a_context())

    assert persistence.context_exists("w1")
    assert [persistence.delete_context(name) for name in ("w1", "w1", "w2")] == [True, False, False]
    assert not persistence.context_exists("w1")
    with pytest.raises(ContextNotFoundError):
        persistence.load_context("w1")


def test_a_save_that_is_made_from_an_older_version_meets_a_conflict(persistence: ContextPersistence) -> None:
    persistence.save_context(a_context())
    persistence.save_context(a_context(current_phase="build"))
    for call in (persistence.save_context, persistence.update_context):
        with pytest.raises(Conflict, match="it is at version 2; version 1 was expected") as caught:
            call(a_context(current_phase="test"), expected_version=1)
        assert caught.value.current == a_context(current_phase="build", **_times(caught.value.current))
        assert (caught.value.current.version, caught.value.expected) == (2, 1)

    assert persistence.save_context(a_context(current_phase="test"), expected_version=2) == 3


def test_a_context_that_must_be_new_is_not_saved_over_another(persistence: ContextPersistence) -> None:
    assert persistence.save_context(a_context(), expected_version=0) == 1
    with pytest.raises(Conflict):
        persistence.save_context(a_context(), expected_version=0)


def test_a_conflict_with_what_is_not_there_has_no_current_context(persistence: ContextPersistence) -> None:
    with pytest.raises(Conflict, match="nothing is there now") as caught:
        persistence.save_context(a_context(), expected_version=1)
    assert caught.value.current is None


def test_of_many_that_save_with_one_version_one_wins(persistence: ContextPersistence) -> None:
    persistence.save_context(a_context())

    def save(phase: int) -> int | Conflict:
        try:
            return persistence.save_context(a_context(current_phase=str(phase)), expected_version=1)
        except Conflict as conflict:
            return conflict

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(save, range(8)))
    won = made.index(2)
    assert [one.current.version for one in made if isinstance(one, Conflict)] == [2] * 7
    assert persistence.load_context("w1").current_phase == str(won)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"epic_num": 1}, "this takes an object of WorkflowContext, not dict"),
        (None, "this takes an object of WorkflowContext, not NoneType"),
    ],
)
def test_what_is_no_context_is_not_saved(persistence: ContextPersistence, made: Any, said: str) -> None:
    with pytest.raises(PayloadError, match=said):
        persistence.save_context(made)


def test_a_context_that_was_changed_to_what_it_cannot_be_is_not_saved(persistence: ContextPersistence) -> None:
    context = a_context()
    context.status = "done"
    with pytest.raises(PayloadError, match="status"):
        persistence.save_context(context)
    context = a_context(decisions={"a": {1, 2}})
    with pytest.raises(PayloadError, match="not JSON"):
        persistence.save_context(context)
    assert not persistence.context_exists("w1")


def test_a_context_that_is_larger_than_the_setting_says_is_not_saved(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUESTLINE_MAX_MEMORY_BYTES", "2000")
    with ContextPersistence(database_url) as persistence:
        persistence.save_context(a_context())
        with pytest.raises(PayloadError, match="limit") as caught:
            persistence.save_context(a_context(decisions={"a": "x" * 2000}))
        assert "QUESTLINE_MAX_MEMORY_BYTES" in str(caught.value.hint)
        assert persistence.load_context("w1").version == 1


@pytest.mark.parametrize("version", [-1, "1", 1.0, True, 2**31, 2**70])
def test_a_version_that_can_be_none_is_told_by_name(persistence: ContextPersistence, version: Any) -> None:
    with pytest.raises(PayloadError, match="expected_version"):
        persistence.save_context(a_context(), expected_version=version)
    with pytest.raises(PayloadError, match="version"):
        persistence.get_context_by_version("w1", version)


@pytest.mark.parametrize("workflow_id", ["", "x" * 256, "a\0b", "\ud800", 7, None])
def test_what_can_be_no_workflows_id_is_refused(persistence: ContextPersistence, workflow_id: Any) -> None:
    for call in (persistence.load_context, persistence.context_exists, persistence.delete_context):
        with pytest.raises(PayloadError, match="workflow_id"):
            call(workflow_id)


def _times(context: WorkflowContext) -> dict[str, str]:
    return {"created_at": context.created_at, "updated_at": context.updated_at}


def test_every_error_says_first_what_was_tried(persistence: ContextPersistence) -> None:
    calls: dict[str, Callable[[], object]] = {
        "cannot save workflow context w1: ": lambda: persistence.save_context(a_context(decisions={"a": object()})),
        "cannot update workflow context w1: ": lambda: persistence.update_context(a_context()),
        "cannot save workflow contexts: ": lambda: persistence.save_contexts([a_context(decisions={"a": object()})]),
        "cannot load workflow context '": lambda: persistence.load_context("a\0"),
        "cannot load workflow contexts: ": lambda: persistence.load_contexts(["w1"]),
        "cannot load workflow context w1: ": lambda: persistence.get_context_by_version("w1", 0),
        "cannot delete workflow context '': ": lambda: persistence.delete_context(""),
        "cannot list workflow contexts: ": lambda: persistence.search_contexts(limit=0),
        "cannot list the versions of workflow contexts: ": lambda: persistence.get_context_versions(1, limit=0),
        "cannot search workflow contexts: ": lambda: persistence.find_contexts("word", limit=0),
    }
    for tried, call in calls.items():
        with pytest.raises(PersistenceError) as caught:
            call()
        assert caught.value.message.startswith(tried)
