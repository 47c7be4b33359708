"""Contexts found by their words, on each kind of store."""

from questline_persistence.memory.contexts import ContextPersistence
from tests.contract.memory.contexts.workflows import a_context, ids


def test_contexts_are_found_by_the_words_that_they_have_now(persistence: ContextPersistence) -> None:
    persistence.save_contexts(
        [
            a_context("w1", decisions={"database": "SQLite at first"}),
            a_context("w2", feature="search", artifacts=["sqlite.md"]),
            a_context("w3", decisions={"database": "SQLite"}),
            a_context("w4", decisions={"database": "SQLite"}),
        ]
    )
    persistence.save_context(a_context("w3", decisions={"database": "PostgreSQL"}))
    persistence.delete_context("w4")

    assert sorted(ids(persistence.find_contexts("SQLITE"))) == ["w1", "w2"]
    assert ids(persistence.find_contexts('"at first" -search')) == ["w1"]
    assert ids(persistence.find_contexts("postgr*")) == ["w3"]
    assert len(persistence.find_contexts("database", limit=1)) == 1
    assert persistence.find_contexts("") == []
    assert not persistence.find_contexts("database").newest_only


def test_a_context_tells_when_its_version_was_saved(persistence: ContextPersistence) -> None:
    for phase in ("design", "build"):
        persistence.save_context(a_context("w1", current_phase=phase))

    first, second = (persistence.get_context_by_version("w1", number) for number in (1, 2))

    assert first is not None
    assert second is not None
    assert str(first.saved_at) <= str(second.saved_at)
    assert second.saved_at == persistence.load_context("w1").saved_at
    assert second.to_data() == {**second.model_dump(), "version": 2, "saved_at": second.saved_at, "origin": None}
