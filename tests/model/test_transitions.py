"""The table of transitions names every function that writes a state, and no other."""

import inspect
import pkgutil
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import questline_persistence
from questline_persistence.dialects.postgres import Postgres
from questline_persistence.dialects.sqlite import Sqlite
from questline_persistence.kinds import ENTRIES, VERSIONED
from questline_persistence.states import TRANSITIONS, BatchState, ExecutionStatus, RunStatus, TicketState, WorkerState
from tests.model.writers import WATCHED, Write, writes_in, writes_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "project" / "transitions.md"
PACKAGE = Path(questline_persistence.__file__).parent
#: What stands for a row that is not there, before it is inserted or after it is deleted; and for any state.
NO_ROW, ANY = "no row", "any"
STATES: Mapping[str, set[str]] = {
    "tickets": {*TicketState},
    "quest_executions": {*ExecutionStatus},
    "lord_runs": {*RunStatus},
    "workers": {*WorkerState},
    "batches": {*BatchState},
}


class Change(NamedTuple):
    """One row of the page."""

    transitions: set[str]
    sources: set[str]
    targets: set[str]
    functions: list[str]
    callers: list[str]


def change(row: str) -> Change:
    """Return what the cells of a row say."""
    transitions, states, functions, _, callers = row.strip("| ").split(" | ")
    sources, targets = states.split(" → ")
    names = [re.findall(r"`([\w.]+)`", cell) for cell in (functions, callers)]
    return Change(words(transitions), words(sources), words(targets), *names)


def words(cell: str) -> set[str]:
    """Return the words of a list."""
    return {*cell.split(", ")}


#: Every change of a state, by table.
CHANGES = {
    section.partition("`")[0]: [change(row) for row in re.findall(r"^\| .+", section, re.MULTILINE)[2:]]
    for section in PAGE.read_text().split("\n## `")[1:]
}


def in_table() -> set[Write]:
    """Return every write that the page names."""
    return {Write(table, name) for table, changes in CHANGES.items() for each in changes for name in each.functions}


def named(function: str) -> Any:
    """Return what a name on the page stands for."""
    return pkgutil.resolve_name(function if function.startswith("questline_") else f"questline_persistence.{function}")


def test_the_table_names_every_function_that_writes_a_state_and_no_other() -> None:
    found = writes_of(PACKAGE)

    assert found - in_table() == set(), "give them a row in docs/project/transitions.md"
    assert in_table() - found == set(), "these write nothing"


def test_no_kind_of_what_lords_remember_is_in_a_table_that_holds_a_state() -> None:
    tables = {name for kind in VERSIONED for name in (kind.heads, kind.versions)} | {kind.table for kind in ENTRIES}

    assert not tables & WATCHED.keys()


def test_every_table_that_holds_a_state_has_a_section() -> None:
    assert CHANGES.keys() == WATCHED.keys() == STATES.keys()
    assert all(CHANGES.values())


@pytest.mark.parametrize("table", WATCHED)
def test_each_change_has_one_function_or_one_for_each_kind_of_database(table: str) -> None:
    rows = [(verb, *sorted(each.sources), "→", *sorted(each.targets)) for each in CHANGES[table] for verb in each[0]]

    assert [row for row, count in Counter(rows).items() if count > 1] == []
    for each in CHANGES[table]:
        kinds = [name.split(".")[1] for name in each.functions if name.startswith("dialects.")]
        assert kinds == ["postgres", "sqlite"] or (len(each.functions) == 1 and not kinds)


@pytest.mark.parametrize("table", WATCHED)
def test_the_states_in_the_table_are_those_of_the_code(table: str) -> None:
    for each in CHANGES[table]:
        assert each.sources | each.targets <= STATES[table] | {NO_ROW, ANY}


@pytest.mark.parametrize("verb", sorted({name.removesuffix("_pausing") for name in TRANSITIONS}))
def test_a_quest_changes_its_status_in_the_table_as_the_verbs_may_change_it(verb: str) -> None:
    allowed = {
        (source, target)
        for name in (verb, f"{verb}_pausing")
        if name in TRANSITIONS
        for source in TRANSITIONS[name].sources
        for target in TRANSITIONS[name].targets
    }
    changes = [each for each in CHANGES["quest_executions"] if verb in each.transitions]
    told = {
        (source, target)
        for each in changes
        for source in ({*ExecutionStatus} if each.sources == {ANY} else each.sources)
        for target in each.targets
    }

    assert told <= allowed
    assert {pair for pair in allowed if pair[0] != pair[1]} <= told


def test_whoever_is_said_to_call_a_function_names_it() -> None:
    aliases: dict[Any, str] = {
        function.__func__: alias
        for kind in (Postgres, Sqlite)
        for alias, function in vars(kind).items()
        if isinstance(function, staticmethod)
    }
    for each in (each for changes in CHANGES.values() for each in changes):
        functions = [named(function) for function in each.functions]
        names: set[str] = {each.__name__ for each in functions} | {
            aliases[each] for each in functions if each in aliases
        }
        assert each.callers
        for caller in each.callers:
            assert re.search(rf"\b({'|'.join(names)})\b", body(named(caller))), f"{caller} does not call {names}"


def body(function: Any) -> str:
    """Return a function's text without the line that bears its own name."""
    return inspect.getsource(function).partition("def ")[2].partition("(")[2]


IMPORTS = """
from sqlalchemy import delete, insert, update
from questline_persistence.schema import quests, runs, steps, tickets, workers
"""


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def f(c):\n    c.execute(update(tickets).where(a).values(lost=1))", {("tickets", "f")}),
        ("class A:\n    def f(self, c):\n        c.execute(delete(quests))", {("quest_executions", "A.f")}),
        ("def f(c):\n    def work():\n        c.execute(insert(runs), rows)\n    work()", {("lord_runs", "f")}),
        ("def f(c):\n    c.execute(workers.delete())", {("workers", "f")}),
        ("def f(c):\n    c.execute(update(quests).values(status='new'))", {("quest_executions", "f")}),
        ("def f(c):\n    c.execute(update(quests).values({'status': 'new'}))", {("quest_executions", "f")}),
        ("def f(c):\n    c.execute(update(quests).values(fence=1))", set()),
        ("def f(c):\n    new = {'fence': 1}\n    c.execute(update(quests).values(new))", set()),
        ("def f(c, new):\n    c.execute(update(quests).values(new))", {("quest_executions", "f")}),
        ("def f(c):\n    c.execute(insert(steps), rows)", set()),
        ("def f(c):\n    for t in (steps, runs):\n        c.execute(delete(t))", {("lord_runs", "f")}),
        ("def f(c, t):\n    c.execute(delete(t))", {(table, "f") for table in WATCHED}),
        ("def f(c):\n    c.execute(text('DELETE FROM tickets'))", {("tickets", "f")}),
        ("A = 'UPDATE tickets t SET lost = 1'\nB = g(A)\ndef f(c):\n    c.execute(B)", {("tickets", "f")}),
        ("A = 'INSERT INTO workers (state) VALUES (1)'", {("workers", "A")}),
        ("def g():\n    return 'DELETE FROM workers'\nA = g()\ndef f(c):\n    c.execute(A)", {("workers", "f")}),
        (
            "def f(c):\n    'UPDATE quest_executions SET fence = (SELECT 1), status = 1 WHERE a'",
            {("quest_executions", "f")},
        ),
        ("def f(c):\n    'UPDATE quest_executions SET fence = 1 WHERE status = 1'", set()),
        ("def f(c, t):\n    c.execute(f'DELETE FROM {t}')", {(table, "f") for table in WATCHED}),
        ("def f(c):\n    'SELECT 1 FROM tickets FOR UPDATE'", set()),
        ("def h(c, **new):\n    c.execute(update(quests).values(**new))\ndef f(c):\n    h(c, fence=1)", set()),
        (
            "def h(c, **new):\n    c.execute(update(quests).values(**new))\ndef f(c):\n    h(c, status=1)",
            {("quest_executions", "f")},
        ),
    ],
)
def test_a_write_is_found_wherever_it_is_worded(source: str, found: set[tuple[str, str]]) -> None:
    assert writes_in({"room.module": IMPORTS + source}) == {(table, f"room.module.{name}") for table, name in found}
