"""`questline probe`: a recorded step run again, as text and as JSON."""

import pytest

from questline_worker.lords import LordContext, Permanent, lord, lords
from tests.contract.quests import Workbench
from tests.unit.questline.cli.conftest import CommandLine


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lords, "_HANDLERS", {})

    @lord("a", "work")
    def work(ctx: LordContext, size: int = 1) -> dict[str, int]:
        print("working")  # noqa: T201  (what a handler prints must not stand among the answer)
        if size > 2:
            raise Permanent(f"{size} is too large")
        ctx.push("b:work")
        return {"size": size}


@pytest.fixture
def quest_id(bench: Workbench) -> str:
    quest_id = bench.submit("a", "b", quest_id="q")
    bench.advance(quest_id, {"size": 1})
    return quest_id


def test_what_is_as_it_was_recorded_is_said_to_be_so(cli: CommandLine, quest_id: str) -> None:
    ran = cli("probe", quest_id)

    assert (ran.code, "working" in ran.out, "working" in ran.err) == (0, False, True)
    assert "what attempt 1 was recorded with" in ran.out
    assert "It would push: b:work" in ran.out


def test_what_differs_is_shown(cli: CommandLine, quest_id: str) -> None:
    ran = cli("probe", quest_id, "--at", "0001", "--set", "input_data.size=3")

    assert ran.code == 0
    assert "Permanent: 3 is too large" in ran.out
    assert [line.split() for line in ran.out.splitlines() if line.startswith("status")] == [
        ["status", '"success"', '"error"']
    ]


def test_programs_are_told_what_differs(cli: CommandLine, quest_id: str) -> None:
    data = cli.json("probe", quest_id, "--set", "input_data.size=2")

    assert (data["position"], data["status"], data["output_data"]) == ("0001", "success", {"size": 2})
    assert data["changes"] == [{"path": "output.size", "kind": "changed", "before": 1, "after": 2}]
    assert data["corrections"] == [{"path": "input_data.size", "old": None, "new": 2, "added": True}]
    assert data["recorded"]["output_data"] == {"size": 1}


def test_a_step_that_is_not_there_is_an_error_with_its_code(cli: CommandLine, quest_id: str) -> None:
    ran = cli("probe", quest_id, "--at", "0007", "-o", "json")

    assert (ran.code, ran.error["code"]) == (4, "not_found")
