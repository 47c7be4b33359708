"""Finding contexts: the latest of a story, lists by epic, feature and status, searches, and their pages."""

import threading
from collections.abc import Callable, Iterator
from itertools import pairwise, product
from typing import Any

import pytest

from questline_persistence.errors import PayloadError
from questline_persistence.memory.contexts import ContextPersistence
from questline_persistence.memory.models import Listed, WorkflowContext
from questline_persistence.store import Database
from tests.contract.memory.contexts.workflows import a_context, ids

Lists = Callable[..., Listed[WorkflowContext]]


def paged(listed: Lists, *given: Any, between: Callable[[], object] = lambda: None, **more: Any) -> Iterator[str]:
    """Yield the ids of a list page by page; do something between two pages."""
    cursor = None
    while True:
        page = listed(*given, cursor=cursor, **more)
        yield from ids(page)
        if (cursor := page.next_cursor) is None:
            return
        between()


def test_the_latest_context_of_a_story_is_that_of_the_workflow_that_was_begun_last(
    persistence: ContextPersistence,
) -> None:
    for workflow_id, story in (("a", 3), ("b", 3), ("epic", None), ("c", 4)):
        persistence.save_context(a_context(workflow_id, story_num=story))
    persistence.save_context(a_context("a", current_phase="build"))

    found = persistence.get_latest_context(12, 3)
    assert found is not None
    assert (found.workflow_id, found.version) == ("b", 1)
    latest = [persistence.get_latest_context(*of) for of in ((12,), (12, 4), (12, 5), (13,), (13, 3))]
    assert [one and one.workflow_id for one in latest] == ["epic", "c", None, None, None]


def test_the_latest_context_can_be_asked_for_by_short_names(persistence: ContextPersistence) -> None:
    persistence.save_contexts([a_context("a"), a_context("b", story_num=None)])
    calls = (
        persistence.get_latest_context(epic=12, story=3),
        persistence.get_latest_context(epic_num=12, story_num=3),
        persistence.get_latest_context(12, story=3),
    )
    assert [one and one.workflow_id for one in calls] == ["a"] * 3
    found = persistence.get_latest_context(epic=12)
    assert found is not None
    assert found.workflow_id == "b"


def test_the_latest_context_of_a_status_leaves_the_others_out(persistence: ContextPersistence) -> None:
    persistence.save_contexts([a_context("a", status="failed")])
    persistence.save_context(a_context("b"))
    persistence.save_context(a_context("deleted", status="failed"))
    persistence.delete_context("deleted")
    found = [persistence.get_latest_context_by_status(12, 3, status) for status in ("failed", "running", "paused")]

    assert [one and one.workflow_id for one in found] == ["a", "b", None]
    assert persistence.get_latest_context_by_status(epic=12, story=3, status="failed") == found[0]
    for status in (None, "done", "Running"):
        with pytest.raises(PayloadError, match="is not a status of a workflow"):
            persistence.get_latest_context_by_status(12, 3, status)


def test_running_and_failed_contexts_are_listed_newest_first_as_they_are_now(persistence: ContextPersistence) -> None:
    for name in "abcd":
        persistence.save_context(a_context(name))
    persistence.save_context(a_context("b", status="failed"))
    persistence.save_context(a_context("c", status="completed"))
    persistence.save_context(a_context("d", status="paused"))
    persistence.save_context(a_context("e"))

    assert ids(persistence.get_active_contexts()) == ["e", "a"]
    assert ids(persistence.get_failed_contexts()) == ["b"]
    persistence.save_context(a_context("b"))
    assert ids(persistence.get_active_contexts()) == ["e", "b", "a"]
    persistence.delete_context("e")
    assert ids(persistence.get_active_contexts()) == ["b", "a"]


def test_contexts_are_listed_by_feature_and_by_epic(persistence: ContextPersistence) -> None:
    persistence.save_context(a_context("a", feature="login"))
    persistence.save_context(a_context("b", feature="Login", epic_num=13))
    persistence.save_context(a_context("c", feature="login", story_num=None))

    assert ids(persistence.get_contexts_by_feature("login")) == ["c", "a"]
    assert ids(persistence.get_contexts_by_epic(12)) == ids(persistence.get_contexts_by_epic(epic=12)) == ["c", "a"]
    assert ids(persistence.get_contexts_by_epic(epic_num=13)) == ["b"]
    with pytest.raises(PayloadError, match="say of which epic"):
        persistence.get_contexts_by_epic()


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (None, "dcba"),
        ({}, "dcba"),
        ({"workflow_id": "a"}, "a"),
        ({"epic_num": 12, "status": "running"}, "ba"),
        ({"epic": 12, "story": None}, "b"),
        ({"story_num": 4, "feature": "login"}, "dc"),
        ({"status": ["failed", "running"]}, "cba"),
        ({"status": ()}, ""),
        ({"workflow_name": "review"}, "d"),
        ({"current_phase": "build", "status": "failed"}, "c"),
        ({"since": 0, "until": "2100-01-01"}, "dcba"),
        ({"until": 1_000_000_000}, ""),
        ({"since": "2100-01-01"}, ""),
    ],
)
def test_a_search_finds_those_for_which_every_filter_holds(
    persistence: ContextPersistence, filters: dict[str, Any] | None, found: str
) -> None:
    persistence.save_context(a_context("a"))
    persistence.save_context(a_context("b", story_num=None))
    persistence.save_context(a_context("c", epic_num=13, story_num=4, status="failed", current_phase="build"))
    persistence.save_context(a_context("d", story_num=4, workflow_name="review", status="completed"))

    assert ids(persistence.search_contexts(filters)) == [*found]


@pytest.mark.parametrize(
    ("filters", "said", "hint"),
    [
        ({"statu": "failed"}, "'statu' is not a filter of contexts", "did you mean 'status'?"),
        ({"epik": 1}, "'epik' is not a filter of contexts", "did you mean 'epic'?"),
        ({"context_data": "x"}, "is not a filter of contexts", "known filters: workflow_id, "),
        ({"id; DROP TABLE workflow_context": 1}, "is not a filter of contexts", "known filters"),
        ({"status": "fialed"}, "'fialed' is not a status of a workflow", "did you mean 'failed'?"),
        ({"status": ["failed", 3]}, "3 is not a status of a workflow", "known statuses"),
        ({"epic": 1, "epic_num": 1}, "give epic_num once", None),
        ({"epic": None}, "epic is a whole number, not NoneType", None),
        ({"story": True}, "story is a whole number, not bool", None),
        ({"epic": 2**31}, "epic is larger than any number", None),
        ({"feature": None}, "feature is text, not NoneType", None),
        ({"feature": "a\0"}, "feature: ", None),
        ({"workflow_name": "x" * 256}, "workflow_name: it has 256 characters", None),
        ({"since": "yesterday"}, "since is no moment", None),
        (["status"], "filters is an object, not list", None),
    ],
)
def test_a_search_for_what_cannot_be_is_told_with_what_was_meant(
    persistence: ContextPersistence, filters: Any, said: str, hint: str | None
) -> None:
    with pytest.raises(PayloadError) as caught:
        persistence.search_contexts(filters)
    assert said in caught.value.message
    assert hint is None or hint in str(caught.value.hint)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 100])
def test_pages_hold_each_context_once_whatever_their_size(persistence: ContextPersistence, limit: int) -> None:
    persistence.save_contexts([a_context(str(number)) for number in range(7)])

    assert [*paged(persistence.search_contexts, {"epic": 12}, limit=limit)] == [*"6543210"]
    assert persistence.get_active_contexts(limit=7).next_cursor is None


def test_what_comes_and_goes_between_two_pages_neither_repeats_nor_hides_the_others(
    persistence: ContextPersistence,
) -> None:
    persistence.save_contexts([a_context(str(number)) for number in range(9)])
    turns: list[Callable[[], object]] = [
        lambda: None,
        lambda: persistence.save_context(a_context("0", current_phase="later")),
        lambda: persistence.delete_context("2"),
        lambda: persistence.save_contexts([a_context("new"), a_context("8", current_phase="later")]),
    ]

    def between() -> None:
        turns.pop()()

    assert [*paged(persistence.get_active_contexts, limit=2, between=between)] == [*"87654310"]


def test_pages_are_whole_while_others_save(persistence: ContextPersistence) -> None:
    there = [f"{number:02}" for number in range(40)]
    persistence.save_contexts([a_context(name) for name in there])
    over = threading.Event()

    def save(writer: int) -> None:
        number = 0
        while not over.is_set():
            persistence.save_context(a_context(f"{writer}/{number}"))
            persistence.save_context(a_context(there[number % 40], current_phase=str(number)))
            number += 1

    writers = [threading.Thread(target=save, args=(number,)) for number in range(3)]
    for writer in writers:
        writer.start()
    try:
        seen = [[*paged(persistence.search_contexts, {"epic": 12}, limit=3)] for _ in range(3)]
    finally:
        over.set()
        for writer in writers:
            writer.join()
    for found in seen:
        assert len({*found}) == len(found)
        assert [name for name in found if "/" not in name] == there[::-1]


def test_versions_are_listed_whole_while_others_save(persistence: ContextPersistence) -> None:
    persistence.save_contexts([a_context(name) for name in "abc"] * 5)
    over = threading.Event()

    def save(name: str) -> None:
        number = 0
        while not over.is_set():
            persistence.save_context(a_context(name, current_phase=str(number)))
            number += 1

    writers = [threading.Thread(target=save, args=(name,)) for name in "ab"]
    for writer in writers:
        writer.start()
    try:
        first = persistence.get_context_versions(12, 3, limit=8)
        rest = persistence.get_context_versions(12, 3, limit=1000, cursor=first.next_cursor)
    finally:
        over.set()
        for writer in writers:
            writer.join()
    for name in "abc":
        numbers = [one.version or 0 for one in [*first, *rest] if one.workflow_id == name]
        assert numbers[:5] == [1, 2, 3, 4, 5]
        assert all(after == before + 1 for before, after in pairwise(numbers))


def test_a_cursor_is_good_for_its_own_list_only(persistence: ContextPersistence) -> None:
    persistence.save_contexts([a_context(name) for name in "abc"])
    cursor = persistence.search_contexts({"epic": 12}, limit=1).next_cursor
    assert cursor is not None

    assert ids(persistence.search_contexts({"epic_num": 12}, cursor=cursor)) == ["b", "a"]
    assert ids(persistence.get_contexts_by_epic(12, cursor=cursor)) == ["b", "a"]
    with pytest.raises(PayloadError, match="of another list"):
        persistence.search_contexts({"epic": 13}, cursor=cursor)
    with pytest.raises(PayloadError, match="of another list"):
        persistence.get_context_versions(12, 3, cursor=cursor)
    for wrong in ("", "x", "é", 7):
        with pytest.raises(PayloadError, match="a cursor"):
            persistence.get_active_contexts(cursor=wrong)  # type: ignore[arg-type]
    for limit in (0, -1, 1001, 1.5, None):
        with pytest.raises(PayloadError, match="limit"):
            persistence.get_active_contexts(limit=limit)  # type: ignore[arg-type]


HOSTILE = ("w", "w%", "%", "_", "w/", "/w", "W", "w ", "w'--", '"', "\\", "w:1", "*", "wü", "wu\u0308", "..", "${w}")


def test_texts_are_compared_letter_for_letter(persistence: ContextPersistence) -> None:
    persistence.save_contexts(
        [a_context(text, feature=text, workflow_name=text, current_phase=text) for text in HOSTILE]
    )
    for text in HOSTILE:
        assert persistence.load_context(text).workflow_id == text
        assert ids(persistence.get_contexts_by_feature(text)) == [text]
        for name in ("workflow_id", "workflow_name", "current_phase"):
            assert ids(persistence.search_contexts({name: text})) == [text]
    assert ids(persistence.load_contexts(HOSTILE)) == [*HOSTILE]
    assert persistence.delete_context("%")
    assert {*ids(persistence.search_contexts())} == {*HOSTILE} - {"%"}


def test_nothing_of_another_namespace_or_prefix_is_ever_seen(database: Database) -> None:
    doors = {
        of: ContextPersistence(database, namespace=of[0], key_prefix=of[1])
        for of in product(("acme", "acme-corp", "acm_", "%", "ACME", ""), (None, "p", "p/", "_"))
    }
    for number, door in enumerate(doors.values()):
        door.save_contexts([a_context("w", current_phase=str(number)), a_context(f"own-{number}")])
    for number, door in enumerate(doors.values()):
        assert door.load_context("w").current_phase == str(number)
        assert ids(door.search_contexts()) == ["w", f"own-{number}"]
        assert ids(door.get_contexts_by_feature("login")) == ids(door.get_context_versions(12, 3))[::-1]
        assert door.get_version_count(12, 3) == 2
        assert [door.context_exists(f"own-{other}") for other in range(len(doors))].count(True) == 1
    assert doors["acme", None].delete_context("w")
    assert [of for of, door in doors.items() if not door.context_exists("w")] == [("acme", None)]
