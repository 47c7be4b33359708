"""The page of the schema tells of every table, and of nothing that is not there."""

import re

import pytest
import schema_reference

from questline_persistence.schema import METADATA
from tests.acceptance.docs.pages import ROOT

PAGE = (ROOT / "docs" / "reference" / "schema.md").read_text()
#: Each diagram, by the heading that it stands under.
DIAGRAMS = dict(re.findall(r"^## (.+?)\n.*?```mermaid\nerDiagram\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL))


def drawn(diagram: str) -> dict[str, list[str]]:
    """Return the columns of each table that a diagram shows."""
    found = re.findall(r"^    (\w+) \{\n(.*?)^    \}", diagram, re.MULTILINE | re.DOTALL)
    return {name: [line.split()[1] for line in columns.splitlines()] for name, columns in found}


def test_each_table_is_drawn_once_with_all_of_its_columns() -> None:
    tables = [drawn(diagram) for diagram in DIAGRAMS.values()]

    assert list(DIAGRAMS) == ["Quests", "What Lords remember"]
    assert not set(tables[0]) & set(tables[1])
    assert tables[0] | tables[1] == {name: [*table.columns.keys()] for name, table in METADATA.tables.items()}


@pytest.mark.parametrize("relation", [*schema_reference._relations()], ids=" ".join)
def test_what_is_drawn_as_related_shares_a_column(relation: tuple[str, str, str, str]) -> None:
    one, _, many, column = relation

    assert column in METADATA.tables[one].columns
    assert column in METADATA.tables[many].columns
    assert f"    {' '.join(relation[:3])} : {column}\n" in "".join(DIAGRAMS.values())


def test_every_comment_of_a_column_is_told() -> None:
    for module in (schema_reference.memory_tables, schema_reference.tables_of_quests):
        for owner, comments in schema_reference._comments(module).items():
            assert [words for column, words in comments.items() if column and words not in PAGE] == [], owner
