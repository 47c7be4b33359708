"""Every row of `docs/project/faults.md` names tests that exist."""

import ast
import re
from functools import cache

from tests.acceptance.docs.pages import ROOT

TEXT = (ROOT / "docs" / "project" / "faults.md").read_text()
#: The numbers of the faults, which stand in the names of tests.
FAULTS = (*range(1, 15), 33, 36, 37)
#: The reports whose troubles are shown to be absent; those that are open say so below the table.
REPORTS = (
    *(f"duratiq_{number}" for number in (1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13)),
    *("river_1302", "river_1318", "river_1258", "dbos_714", "dbos_version_hash", "dbos_491", "absurd_68"),
    *("langgraph_cve_2025_67644", "langgraph_cve_2025_64439", "cve_2026_28277", "langgraph_growth"),
    *("oban_47_minutes", "hatchet_1022", "oban_1141"),
    *(f"dramatiq_{number}" for number in (431, 527, 505, 213, 445)),
    *("agno_7479", "agno_9450", "adk_python_3717", "adk_python_4751", "mem0_6515", "ruflo_2878"),
    *("openai_agents_python_2722_4205", "openai_agents_python_4615_4827", "kagent_2277", "agentscope_1905"),
    *("copilot_cli_2543", "adk_python_4673", "langgraph_8531", "deer_flow_4148", "langgraph_redis_159"),
    *("langgraph_8354", "langgraph_8902", "langgraph_6686", "cve_2026_71433", "langgraph_8300", "langgraphjs_2512"),
    "memberjunction_4183",
)


def rows(header: str) -> list[list[str]]:
    """Return the cells of the table whose header begins so."""
    lines = TEXT.split(f"\n| {header} |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]


def named_in(cell: str) -> list[tuple[str, str]]:
    """Return the (file, function) of each test that a cell names."""
    found = [tuple(name.split("::")) for name in re.findall(r"`(tests/\S+?)`", cell)]
    assert all(len(name) == 2 for name in found), cell
    return [(file, function) for file, function in found]


@cache
def functions(file: str) -> frozenset[str]:
    """Return the names of the test functions of a file, none of which is imported."""
    nodes = ast.parse((ROOT / file).read_text()).body
    return frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef))


def test_every_fault_of_the_protocol_has_rows_and_a_test_that_bears_its_number() -> None:
    table = rows("#")
    named = {int(row[0]): "" for row in table}
    for row in table:
        named[int(row[0])] += row[-1]

    assert list(named) == list(FAULTS)
    assert [number for number, cell in named.items() if f"::test_fault_{number:02d}_" not in cell] == []


def test_every_test_that_is_named_exists() -> None:
    cells = [row[-1] for header in ("#", "seen") for row in rows(header)]
    missing = [name for cell in cells for name in named_in(cell) if name[1] not in functions(name[0])]

    assert all(named_in(cell) for cell in cells), "a row without a test"
    assert missing == []


def test_every_report_has_a_test_that_bears_its_name() -> None:
    named = "".join(row[-1] for header in ("#", "seen") for row in rows(header))

    assert [report for report in REPORTS if not re.search(rf"_{report}_", named)] == []
