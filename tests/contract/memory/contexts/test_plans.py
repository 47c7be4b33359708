"""Each question about contexts goes by the index that is named for it, as the databases themselves tell."""

import time
from collections.abc import Callable

from sqlalchemy import text

from questline_persistence.memory.contexts import ContextPersistence
from questline_persistence.store import Database
from tests.contract.memory.contexts.workflows import a_context
from tests.integration.persistence.looks import Observer

#: How many contexts there are, of which as many epics and features have each a small part.
CONTEXTS, EPICS, FEATURES = 3_000, 50, 100
#: How the contexts stand, in turn.
STATUSES = ("completed",) * 17 + ("failed", "paused", "running")
#: What leads from a context to its versions and back.
BY_KEY = {"uq_workflow_context_versions_key", "pk_workflow_context_versions", "idx_workflow_context_workflow_id"}


def fill(persistence: ContextPersistence) -> None:
    contexts = [
        a_context(
            f"w{number}",
            epic_num=number % EPICS,
            story_num=None if number % 7 == 0 else number % 20,
            feature=f"f{number % FEATURES}",
            status=STATUSES[number % len(STATUSES)],
        )
        for number in range(CONTEXTS)
    ]
    for begin in range(0, CONTEXTS, 1_000):
        persistence.save_contexts(contexts[begin : begin + 1_000])
    for context in contexts[:500]:
        context.current_phase = "build"
    persistence.save_contexts(contexts[:500])


def questions(persistence: ContextPersistence) -> dict[str, tuple[str, Callable[[], object]]]:
    """Return the index of heads that each question goes by."""
    more = persistence.search_contexts({}, 10).next_cursor
    running = persistence.get_active_contexts(limit=10).next_cursor
    epic = persistence.get_contexts_by_epic(5, limit=10).next_cursor
    asked: dict[str, dict[str, Callable[[], object]]] = {
        "workflow_id": {
            "load": lambda: persistence.load_context("w5"),
            "load several": lambda: persistence.load_contexts(["w1", "w5", "w7"]),
            "exists": lambda: persistence.context_exists("w5"),
            "one version": lambda: persistence.get_context_by_version("w5", 1),
            "search by id": lambda: persistence.search_contexts({"workflow_id": "w5"}),
            "save": lambda: persistence.save_context(a_context("w5")),
            "delete": lambda: persistence.delete_context("w6"),
        },
        "epic_story": {
            "latest": lambda: persistence.get_latest_context(5, 5),
            "latest of a status": lambda: persistence.get_latest_context_by_status(9, 9, "completed"),
            "versions": lambda: persistence.get_context_versions(5, 5, limit=10),
            "how many versions": lambda: persistence.get_version_count(5, 5),
        },
        "epic": {
            "epic": lambda: persistence.get_contexts_by_epic(5, limit=10),
            "epic, next page": lambda: persistence.get_contexts_by_epic(5, limit=10, cursor=epic),
            "epic and statuses": lambda: persistence.search_contexts({"epic": 5, "status": ["failed", "paused"]}, 10),
        },
        "status": {
            "running": lambda: persistence.get_active_contexts(limit=10),
            "running, next page": lambda: persistence.get_active_contexts(limit=10, cursor=running),
            "failed": lambda: persistence.get_failed_contexts(limit=10),
        },
        "feature": {"feature": lambda: persistence.get_contexts_by_feature("f5", limit=10)},
        "created_at": {
            "all": lambda: persistence.search_contexts({}, 10),
            "all, next page": lambda: persistence.search_contexts({}, 10, more),
            "since": lambda: persistence.search_contexts({"since": time.time() - 3600}, 10),
        },
    }
    return {name: (f"idx_workflow_context_{index}", ask) for index, asks in asked.items() for name, ask in asks.items()}


def of_an_epic_as_a_whole(persistence: ContextPersistence, observer: Observer) -> None:
    """Ask for a context without a story: PostgreSQL may take the epic's index, as it sorts nothing by "no story"."""
    with observer.looking() as looks:
        persistence.get_latest_context(7)
    assert looks[-1].ways & {"idx_workflow_context_epic_story", "idx_workflow_context_epic"}


def assert_plans(persistence: ContextPersistence, observer: Observer) -> None:
    for name, (index, ask) in questions(persistence).items():
        with observer.looking() as looks:
            ask()
        ways = {way for look in looks if "workflow_context" in look.statement for way in look.ways}
        assert index in ways, name
        assert {way for way in ways - {index} - BY_KEY if "memory_texts" not in way} == set(), name
    of_an_epic_as_a_whole(persistence, observer)


def test_each_question_goes_by_its_index(database: Database) -> None:
    persistence = ContextPersistence(database)
    fill(persistence)
    analyze = "ANALYZE" if database.dialect.name == "postgresql" else "PRAGMA optimize"
    observer = Observer(database)
    if database.dialect.name == "sqlite":
        assert_plans(persistence, observer)  # a file that has never been analyzed
    with database.engine.begin() as connection:
        connection.execute(text(analyze))

    assert_plans(persistence, observer)
