"""Every threat that `docs/explanation/security.md` tells of has a measure and tests that exist."""

import ast
import re
from functools import cache

import pytest

from tests.acceptance.docs.pages import ROOT

TEXT = (ROOT / "docs" / "explanation" / "security.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("| ").split(" | ")]
    for line in TEXT.split("\n| threat |")[1].split("\n\n")[0].splitlines()[2:]
]


@cache
def functions(file: str) -> frozenset[str]:
    """Return the names of the test functions of a file."""
    return frozenset(
        node.name for node in ast.parse((ROOT / file).read_text()).body if isinstance(node, ast.FunctionDef)
    )


@pytest.mark.parametrize("row", ROWS, ids=[row[0][:40] for row in ROWS])
def test_a_threat_has_a_measure_and_tests_that_exist(row: list[str]) -> None:
    threat, measure, cell = row
    named = [name.split("::") for name in re.findall(r"`(tests/\S+?)`", cell)]

    assert threat
    assert measure
    assert named
    for file, function in named:
        assert function in functions(file), f"{file} has no {function}"
