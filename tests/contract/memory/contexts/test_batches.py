"""Several contexts at once: all of them, or none."""

from typing import Any

import pytest

from questline_persistence.errors import Conflict, ContextNotFoundError, PayloadError
from questline_persistence.memory.batches import MAX_BATCH
from questline_persistence.memory.contexts import ContextPersistence
from tests.contract.memory.contexts.workflows import a_context, ids


def test_several_contexts_are_saved_at_once_and_loaded_in_the_order_of_their_ids(
    persistence: ContextPersistence,
) -> None:
    persistence.save_context(a_context("b"))

    assert persistence.save_contexts([a_context("c"), a_context("a"), a_context("b")]) == [1, 1, 2]
    assert ids(persistence.load_contexts(["b", "c", "a", "b"])) == ["b", "c", "a", "b"]
    assert [one.version for one in persistence.load_contexts(iter(["b", "c"]))] == [2, 1]


def test_nothing_is_saved_and_nothing_loaded_of_no_contexts(persistence: ContextPersistence) -> None:
    assert persistence.save_contexts([]) == []
    assert persistence.load_contexts([]) == []


def test_a_workflow_may_be_twice_in_a_batch(persistence: ContextPersistence) -> None:
    first, second = a_context(current_phase="a"), a_context(current_phase="b")

    assert persistence.save_contexts([first, a_context("w2"), second]) == [1, 1, 2]
    assert persistence.get_context_by_version("w1", 1) == first
    assert persistence.load_context("w1") == second


@pytest.mark.parametrize("late", ["a", "b", "c"])
def test_nothing_of_a_batch_is_saved_where_one_meets_a_conflict(persistence: ContextPersistence, late: str) -> None:
    persistence.save_contexts([a_context("a"), a_context("c")])
    versions = {"a": 1, "b": 0, "c": 1} | {late: 7}
    with pytest.raises(Conflict, match=f"workflow context {late}: .*version 7 was expected") as caught:
        persistence.save_contexts([a_context(name, current_phase="new") for name in "abc"], versions)

    current = caught.value.current
    assert (current and current.workflow_id) == (None if late == "b" else late)
    assert [one.version for one in persistence.load_contexts(["a", "c"])] == [1, 1]
    assert not persistence.context_exists("b")
    assert persistence.get_version_count(12, 3) == 2


@pytest.mark.parametrize("wrong", [None, {"workflow_id": "c"}, a_context("c", decisions={"a": object()})])
def test_nothing_of_a_batch_is_saved_where_one_can_be_none(persistence: ContextPersistence, wrong: Any) -> None:
    with pytest.raises(PayloadError):
        persistence.save_contexts([a_context("a"), wrong, a_context("b")])
    assert persistence.search_contexts() == []


def test_a_batch_whose_transaction_breaks_off_leaves_nothing(
    persistence: ContextPersistence, monkeypatch: pytest.MonkeyPatch
) -> None:
    persistence.save_context(a_context("a"))
    dialect = type(persistence._kept.database.dialect)
    save_all, seen = dialect.save_all, []

    def save_and_break_off(*given: Any, **more: Any) -> Any:
        seen.extend(save_all(*given, **more))
        raise RuntimeError("broken off")

    monkeypatch.setattr(dialect, "save_all", staticmethod(save_and_break_off))
    with pytest.raises(RuntimeError, match="broken off"):
        persistence.save_contexts([a_context(name) for name in "abc"])
    monkeypatch.undo()
    assert len(seen) == 3
    assert [(one.workflow_id, one.version) for one in persistence.search_contexts()] == [("a", 1)]


def test_a_workflow_that_has_no_context_is_told_when_several_are_loaded(persistence: ContextPersistence) -> None:
    persistence.save_contexts([a_context("a"), a_context("b")])
    persistence.delete_context("b")
    with pytest.raises(ContextNotFoundError, match="workflow context b"):
        persistence.load_contexts(["a", "b"])


def test_a_batch_has_a_limit_and_is_a_list(persistence: ContextPersistence) -> None:
    names = [str(number) for number in range(MAX_BATCH + 1)]
    assert persistence.save_contexts([a_context(name) for name in names[:-1]]) == [1] * MAX_BATCH
    assert ids(persistence.load_contexts(names[:-1])) == names[:-1]

    for call in (lambda: persistence.load_contexts(names), lambda: persistence.save_contexts([a_context()] * 1001)):
        with pytest.raises(PayloadError, match="one call takes at most 1,000"):
            call()
    with pytest.raises(PayloadError, match="workflow_ids is a list, not str"):
        persistence.load_contexts("a")
    with pytest.raises(PayloadError, match="contexts is a list, not WorkflowContext"):
        persistence.save_contexts(a_context())  # type: ignore[arg-type]
