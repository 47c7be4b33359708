"""Every save of a context is a version, which never changes."""

from typing import Any

import pytest
from sqlalchemy import select

from questline_persistence.errors import PayloadError
from questline_persistence.kinds import CONTEXTS
from questline_persistence.memory.contexts import ContextPersistence
from questline_persistence.schema import fetched, tables_of
from questline_persistence.store import Database
from tests.contract.memory.contexts.workflows import a_context, ids


def rows(database: Database) -> list[tuple[Any, ...]]:
    query = select(tables_of(CONTEXTS).versions).order_by("id")
    return database.read(lambda connection: [tuple(row) for row in connection.execute(query)])


def test_all_versions_of_a_story_are_listed_in_the_order_of_their_saves(persistence: ContextPersistence) -> None:
    for workflow_id, phase in (("w1", "a"), ("w2", "b"), ("w1", "c"), ("w2", "d"), ("w1", "e")):
        persistence.save_context(a_context(workflow_id, current_phase=phase))
    persistence.save_context(a_context("other", story_num=4))
    persistence.save_context(a_context("epic", story_num=None))
    found = persistence.get_context_versions(12, 3)

    assert [(one.workflow_id, one.version, one.current_phase) for one in found] == [
        ("w1", 1, "a"),
        ("w2", 1, "b"),
        ("w1", 2, "c"),
        ("w2", 2, "d"),
        ("w1", 3, "e"),
    ]
    assert persistence.get_version_count(12, 3) == 5
    assert ids(persistence.get_context_versions(12)) == ["epic"]
    assert (persistence.get_version_count(12), persistence.get_version_count(12, 5)) == (1, 0)


def test_versions_are_listed_page_by_page(persistence: ContextPersistence) -> None:
    for number in range(7):
        persistence.save_context(a_context(current_phase=str(number)))
    found, cursor = [], None
    while not found or cursor:
        page = persistence.get_context_versions(epic=12, story=3, limit=3, cursor=cursor)
        assert len(page) in {3, 1}
        found, cursor = [*found, *page], page.next_cursor

    assert [one.version for one in found] == [1, 2, 3, 4, 5, 6, 7]
    assert [one.current_phase for one in found] == [*"0123456"]


def test_each_version_can_be_loaded_by_its_number(persistence: ContextPersistence) -> None:
    for phase in "abc":
        persistence.save_context(a_context(current_phase=phase))

    found = [persistence.get_context_by_version("w1", number) for number in (1, 2, 3, 4)]
    assert [one and (one.version, one.current_phase) for one in found] == [(1, "a"), (2, "b"), (3, "c"), None]
    assert persistence.get_context_by_version("w2", 1) is None


def test_versions_once_written_never_change(persistence: ContextPersistence, database: Database) -> None:
    written: list[tuple[Any, ...]] = []
    calls = (
        lambda: persistence.save_context(a_context()),
        lambda: persistence.update_context(a_context(current_phase="build", feature="logout")),
        lambda: persistence.save_contexts([a_context(epic_num=13), a_context("w2")]),
        lambda: persistence.save_context(a_context(epic_num=13)),
        lambda: persistence.delete_context("w1"),
        lambda: persistence.save_context(a_context()),
    )
    for call in calls:
        call()
        now = rows(database)
        assert len(now) > len(written)
        assert now[: len(written)] == written
        written = now


def test_a_context_is_taken_back_by_saving_an_older_version(persistence: ContextPersistence) -> None:
    persistence.save_context(a_context(current_phase="good"))
    persistence.save_context(a_context(current_phase="bad"))
    before = persistence.get_context_by_version("w1", 1)
    assert before is not None

    assert persistence.save_context(before, expected_version=2) == 3
    assert persistence.load_context("w1").current_phase == "good"
    assert persistence.get_version_count(12, 3) == 3


def test_a_context_that_says_the_same_is_stored_once(persistence: ContextPersistence, database: Database) -> None:
    context = a_context(decisions={"a": "x" * 1000})
    assert [persistence.save_context(context) for _ in range(3)] == [1, 2, 3]
    names = ("namespace", "write_id", "context_data")
    texts = select(*(tables_of(CONTEXTS).versions.c[name] for name in names))

    assert [persistence.get_context_by_version("w1", number) for number in (1, 2, 3)] == [context] * 3
    stored = database.read(lambda connection: [row.context_data for row in fetched(connection, texts)])
    assert [text for text in stored if text is not None] == [context.to_json()]


def test_the_versions_of_a_deleted_context_can_still_be_read_but_the_deletion_has_none(
    persistence: ContextPersistence,
) -> None:
    persistence.save_context(a_context())
    persistence.delete_context("w1")
    persistence.save_context(a_context())

    assert [one.version for one in persistence.get_context_versions(12, 3)] == [1, 3]
    assert persistence.get_version_count(12, 3) == 2
    assert persistence.get_context_by_version("w1", 2) is None
    persistence.delete_context("w1")
    assert [one.version for one in persistence.get_context_versions(12, 3)] == [1, 3]


def test_versions_belong_to_the_story_that_the_context_is_about_now(persistence: ContextPersistence) -> None:
    persistence.save_context(a_context(story_num=3))
    persistence.save_context(a_context(story_num=4))

    assert persistence.get_context_versions(12, 3) == []
    assert [one.story_num for one in persistence.get_context_versions(12, 4)] == [3, 4]


def test_an_epic_has_to_be_given_by_one_name(persistence: ContextPersistence) -> None:
    for call in (persistence.get_context_versions, persistence.get_version_count, persistence.get_latest_context):
        for given in ({}, {"story": 3}, {"story_num": 3}):
            with pytest.raises(PayloadError, match="say of which epic"):
                call(**given)  # type: ignore[operator]
        with pytest.raises(PayloadError, match="epic_num once"):
            call(12, epic=12)  # type: ignore[operator]
        with pytest.raises(PayloadError, match="story_num once"):
            call(12, 3, story=3)  # type: ignore[operator]
        with pytest.raises(PayloadError, match="epic_num is a whole number, not str"):
            call("12")  # type: ignore[operator]
