"""`questline diff`: what differs, as text and as JSON."""

import pytest

from tests.contract.quests import Workbench
from tests.unit.questline.cli.conftest import CommandLine


@pytest.fixture
def quest_id(bench: Workbench) -> str:
    quest_id = bench.submit("a", "b", quest_id="q")
    bench.advance(quest_id, {"n": 1})
    return quest_id


def test_differences_are_shown_to_people(cli: CommandLine, quest_id: str) -> None:
    ran = cli("diff", f"{quest_id}@v1")

    assert ran.code == 0
    assert [line.split(maxsplit=2) for line in ran.out.splitlines() if "run_data" in line] == [
        ["run_data.a", "-", '{"n": 1}']
    ]
    assert "q v0" in ran.out


def test_differences_are_told_to_programs(cli: CommandLine, quest_id: str) -> None:
    data = cli.json("diff", f"{quest_id}@v0", quest_id)

    assert data["a"] == {"name": "q v0", "quest_id": "q", "version": 0}
    assert data["changes"][0] == {"path": "run_data.a", "kind": "added", "after": {"n": 1}}


def test_equal_sides_are_said_to_be_equal(cli: CommandLine, quest_id: str) -> None:
    ran = cli("diff", quest_id, f"{quest_id}@v1")

    assert (ran.code, ran.out.strip()) == (0, "")
    assert "are equal" in ran.err


def test_what_is_not_there_is_an_error_with_its_code(cli: CommandLine, quest_id: str) -> None:
    ran = cli("diff", quest_id, f"{quest_id}@v9", "-o", "json")

    assert (ran.code, ran.error["code"]) == (4, "not_found")
