"""What each method costs: statements to the database, and rows that are read, however long the history is."""

from collections.abc import Callable

import pytest

from questline_persistence.memory.contexts import ContextPersistence
from questline_persistence.store import Database
from tests.contract.memory.contexts.workflows import a_context
from tests.integration.persistence.looks import Look, Observer

#: By method: the statements on PostgreSQL, and how many more SQLite needs, inside of the one transaction.
COSTS: dict[str, tuple[Callable[[ContextPersistence], object], int, int]] = {
    "save a first version": (lambda own: own.save_context(a_context("new")), 2, 3),
    "save": (lambda own: own.save_context(a_context("w1", current_phase="later")), 1, 5),
    "save a version expected": (lambda own: own.save_context(a_context("w1"), expected_version=1), 1, 5),
    "update": (lambda own: own.update_context(a_context("w1")), 1, 5),
    "delete": (lambda own: own.delete_context("w1"), 1, 3),
    "delete what is not there": (lambda own: own.delete_context("w9"), 1, 0),
    "load": (lambda own: own.load_context("w1"), 1, 0),
    "load several": (lambda own: own.load_contexts(["w1", "w2", "w3"]), 1, 0),
    "exists": (lambda own: own.context_exists("w1"), 1, 0),
    "one version": (lambda own: own.get_context_by_version("w1", 1), 1, 0),
    "latest": (lambda own: own.get_latest_context(12, 3), 1, 0),
    "latest of a status": (lambda own: own.get_latest_context_by_status(12, 3, "running"), 1, 0),
    "versions": (lambda own: own.get_context_versions(12, 3), 1, 0),
    "how many versions": (lambda own: own.get_version_count(12, 3), 1, 0),
    "by epic": (lambda own: own.get_contexts_by_epic(12), 1, 0),
    "by feature": (lambda own: own.get_contexts_by_feature("login"), 1, 0),
    "active": (lambda own: own.get_active_contexts(), 1, 0),
    "failed": (lambda own: own.get_failed_contexts(), 1, 0),
    "search": (lambda own: own.search_contexts({"epic": 12, "status": "running"}), 1, 0),
}


def looked(observer: Observer, call: Callable[[], object]) -> list[Look]:
    """Return the statements of a call that are about contexts and their words."""
    with observer.looking() as looks:
        call()
    return [look for look in looks if "workflow_context" in look.statement or "memory_" in look.statement]


@pytest.mark.parametrize("name", COSTS)
def test_a_method_costs_so_many_statements(database: Database, name: str) -> None:
    persistence = ContextPersistence(database)
    persistence.save_contexts([a_context(f"w{number}") for number in range(5)])
    call, statements, more = COSTS[name]
    expected = statements + (more if database.dialect.name == "sqlite" else 0)

    looks = looked(Observer(database), lambda: call(persistence))
    assert len(looks) == expected, "\n".join(map(str, looks))


def test_a_batch_costs_no_more_than_its_saves(database: Database) -> None:
    persistence = ContextPersistence(database)
    contexts = [a_context(str(number)) for number in range(10)]
    persistence.save_contexts(contexts)
    looks = looked(Observer(database), lambda: persistence.save_contexts(contexts))

    assert len(looks) == (10 + 5 if database.dialect.name == "sqlite" else 1), "\n".join(map(str, looks))


def test_loading_the_latest_costs_the_same_however_long_the_history_is(database: Database) -> None:
    persistence = ContextPersistence(database)
    observer = Observer(database)
    calls: dict[str, Callable[[], object]] = {
        "load": lambda: persistence.load_context("w1"),
        "several": lambda: persistence.load_contexts(["w1", "w2"]),
        "exists": lambda: persistence.context_exists("w1"),
        "latest": lambda: persistence.get_latest_context(12, 3),
        "one version": lambda: persistence.get_context_by_version("w1", 2),
        "active": persistence.get_active_contexts,
    }

    def costs() -> dict[str, int]:
        on_sqlite = database.dialect.name == "sqlite"
        found = {name: looked(observer, call) for name, call in calls.items()}
        return {name: sum(one.effort if on_sqlite else one.rows for one in looks) for name, looks in found.items()}

    history = [a_context(name, current_phase=str(number)) for number in range(200) for name in ("w1", "w2")]
    persistence.save_contexts(history[:8])
    costs()  # what a connection learns at its first statements
    short = costs()
    persistence.save_contexts(history[8:])

    long = costs()
    # Fewer if anything: PostgreSQL reads a table of a page as a whole.
    assert {name: cost for name, cost in long.items() if cost > short[name]} == {}
    assert persistence.load_context("w1").version == 200
