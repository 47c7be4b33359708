"""Each list of columns stands once, names columns that there are, and is read in its order."""

from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Table

from questline_persistence import schema
from questline_persistence.claims import CLAIMED, claim_on_next
from questline_persistence.dialects import columns
from questline_persistence.dialects.columns import NEXT_STEP, claim_columns, listed
from questline_persistence.payload import CLEAR


@pytest.mark.parametrize(("alias", "table"), [("t", schema.tickets), ("s", schema.steps), ("q", schema.quests)])
def test_every_field_of_a_claim_has_a_column_of_one_table(alias: str, table: Table) -> None:
    assert {columns._COLUMNS.get(name, name).partition(" ")[0] for name in columns._TABLES[alias]} <= set(
        table.c.keys()
    )
    assert tuple(name for names in columns._TABLES.values() for name in names) == CLAIMED


def test_the_columns_of_some_tables_follow_one_another_as_those_of_all() -> None:
    assert f"{claim_columns('t', 's')}, {claim_columns('q')}" == claim_columns("t", "s", "q")


@pytest.mark.parametrize(
    ("names", "table", "left_to_the_database"),
    [
        (columns.QUEST, schema.quests, set()),
        (columns.STEP, schema.steps, set()),
        (columns.TICKET, schema.tickets, set()),
        (columns.RUN, schema.runs, {"run_id"}),
        (columns.SNAPSHOT, schema.snapshots, {"snapshot_id"}),
        (columns.BASE_SNAPSHOT, schema.snapshots, {"snapshot_id"}),
    ],
)
def test_what_is_written_are_columns_of_the_table_and_all_that_must_have_a_value(
    names: tuple[str, ...], table: Table, left_to_the_database: set[str]
) -> None:
    required = {column.name for column in table.c if not column.nullable and column.server_default is None}
    assert required - left_to_the_database <= set(names) <= set(table.c.keys())
    assert len(set(names)) == len(names)


def test_the_claim_on_the_next_step_is_made_of_its_columns_in_their_order() -> None:
    whose = {"quest_id": "q", "quest_type": "a", "namespace": "default", "epoch": 0, "queue": "q"}
    ended: Any = SimpleNamespace(**whose, input_json="{}", codec=CLEAR)
    made = claim_on_next(ended, NEXT_STEP, claim_id="next", worker_id="w", version=1, fence=1, now=0.0)
    assert tuple(getattr(made, "params_json" if name == "params" else name) for name in NEXT_STEP) == NEXT_STEP


def test_a_list_says_whose_columns_they_are_and_what_stands_in_their_place() -> None:
    assert listed(("a", "b"), of="t", b="0") == "t.a, 0"
    assert listed(("a", "b")) == "a, b"
