"""What a claim's statement returns stands in the order of `CLAIMED`, on both databases."""

from questline_persistence.claims import CLAIMED
from questline_persistence.dialects.claim_columns import _TABLES, claim_columns


def test_every_field_of_a_claim_has_a_column_of_one_table() -> None:
    assert tuple(name for names in _TABLES.values() for name in names) == CLAIMED


def test_the_columns_of_some_tables_follow_one_another_as_those_of_all() -> None:
    assert f"{claim_columns('t', 's')}, {claim_columns('q')}" == claim_columns("t", "s", "q")
