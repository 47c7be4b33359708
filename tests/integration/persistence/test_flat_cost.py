"""A step costs the same in a young store and in an old and busy one: every statement on its way looks rows up.

Each action is called in a store of 1,000 ended quests and in one of 20,000, with a crowd of live ones in proportion.
PostgreSQL plans by statistics that may be wrong, and for the values at hand or for any: each kind is tried.
"""

from collections.abc import Sequence

import pytest

from questline_persistence.kinds import ENTRIES, VERSIONED
from tests.contract.quests import Workbench
from tests.integration.persistence.actions import ACTIONS, Action
from tests.integration.persistence.conftest import Stores
from tests.integration.persistence.crowd import LATER, Crowd
from tests.integration.persistence.looks import Look, Observer

#: Ended quests in a young store and in an old one.
YOUNG, OLD = 1_000, 20_000
#: The indexes that lead to the rows of one quest or one worker. All workers that are alive may be read too.
KEYS = frozenset(
    {
        "pk_tickets",
        "pk_quest_executions",
        "pk_quest_steps",
        "uq_quest_snapshots_quest_id_version",
        "ix_lord_runs_quest_id_run_index",
        "ix_lord_runs_output",
        "uq_lord_runs_success",
        "pk_step_once",
        "pk_step_events",
        "ix_step_events_position",
        "pk_step_costs",
        "pk_budgets",
        "pk_tombstones",
        "pk_workers",
        "ix_workers_process_id",
        "ix_workers_state_lease_until",
    }
)
#: Nothing is remembered in these stores: an empty table is read as a whole. How full ones are read is tried elsewhere.
EMPTY = frozenset(
    f"every row of {name}"
    for name in (
        *(name for kind in VERSIONED for name in (kind.heads, kind.versions)),
        *(kind.table for kind in ENTRIES),
    )
)
#: How the planners may be led astray: the database, when its statistics were taken, and what its plans are made for.
PLANNERS = [
    *(("sqlite", statistics, "for these values") for statistics in ("fresh", "of an empty store")),
    *(
        ("postgresql", statistics, plans)
        for statistics in ("fresh", "of an empty store", "of a young store")
        for plans in ("for these values", "for any values")
    ),
]


#: A table that was vacuumed while it was empty is taken for a row long until it is looked at again, whatever it holds.
EMPTIED = ("postgresql", "of an emptied store", "for any values")
#: What is asked for each step.
PER_STEP = ("claim", "claim of a batch", "checkpoint", "last checkpoint", "checkpoint that pauses", "fenced checkpoint")


@pytest.mark.parametrize(
    ("name", "planner"),
    [*((name, planner) for name in ACTIONS for planner in PLANNERS), *((name, EMPTIED) for name in PER_STEP)],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_what_is_asked_on_a_step_s_way_costs_the_same_in_an_old_store(
    stores: Stores, planner: tuple[str, str, str], name: str
) -> None:
    young, old = (looks_of(ACTIONS[name], *stores.observed(*planner, ended)) for ended in (YOUNG, OLD))

    told = "\n".join(["", *map(str, young), "in the old store:", *map(str, old)])
    assert old
    assert not ways(old) - KEYS - EMPTY - ACTIONS[name].through, told
    assert not sum(look.rows for look in old if look.ways & EMPTY), told
    assert sorted(look.statement for look in old) == sorted(look.statement for look in young)
    if not ACTIONS[name].over_running:
        # Trees are a level higher in the old store, and each index is entered through its top.
        assert rows(old) <= 1.5 * rows(young) + 10, told
        assert effort(old) <= 1.5 * effort(young) + 10, told


def looks_of(action: Action, bench: Workbench, observer: Observer) -> list[Look]:
    """Return how the statements of an action are executed in a store."""
    call = action.prepare(bench)
    with observer.looking() as looks:
        call()
    return looks


def ways(looks: Sequence[Look]) -> set[str]:
    return {way for look in looks for way in look.ways}


def rows(looks: Sequence[Look]) -> int:
    return sum(look.rows for look in looks)


def effort(looks: Sequence[Look]) -> int:
    return sum(look.effort for look in looks)


def test_the_relay_reads_no_more_than_it_rings_of_a_crowd_that_is_due_at_once(database_url: str) -> None:
    bench = Workbench(database_url)
    observer = Observer(bench.database)
    looks = []
    for ended in (100, OLD):
        bench.execute("UPDATE tickets SET ring_at = :later", later=bench.clock.now() + LATER)
        bench.database.write(lambda connection, n=ended: Crowd(n, name=f"of {n} ").join(connection, 1.0 - LATER))
        with observer.looking() as seen:
            assert len(bench.bells.due(limit=10)) == 10
        looks.append(seen)
    bench.close()

    few, many = looks
    assert rows(many) <= 1.5 * rows(few) + 10
    assert effort(many) <= 1.5 * effort(few) + 10
