"""`questline logs`: a quest's log as text and as JSON, page by page, and followed until the quest stops."""

import pytest

from questline.cli.commands.steps import logs
from questline_persistence.claims import Claim
from questline_persistence.step_log import LineKind, LogLine, write_lines
from tests.contract.quests import Workbench
from tests.unit.questline.cli.conftest import CommandLine


@pytest.fixture
def claim(bench: Workbench) -> Claim:
    claim = bench.claim(bench.submit("a", "b"))
    place = (claim.quest_id, claim.epoch, claim.position, claim.attempt, claim.claim_id, claim.fence)
    lines = [
        LogLine(*place, 1, claim.start_time, LineKind.LOG, "info", "designing", '{"service":"billing"}'),
        LogLine(
            *place, 2, claim.start_time, LineKind.LOG, "error", "skipped", '{"exception":"Traceback\\nOops: \\u001b"}'
        ),
        LogLine(*place, 3, claim.start_time, LineKind.DATA, data='{"part":[1]}'),
    ]
    write_lines(bench.database, lines)
    return claim


def test_lines_are_shown_to_people(cli: CommandLine, claim: Claim) -> None:
    ran = cli("logs", claim.quest_id)

    shown = [line.split(" UTC ")[-1] for line in ran.out.splitlines()]
    assert shown == [
        '0001 info designing service="billing"',
        "0001 error skipped",
        "Traceback",
        "Oops: �",
        '0001 data {"part": [1]}',
    ]


def test_lines_are_told_to_programs_with_the_cursor_of_the_next_page(cli: CommandLine, claim: Claim) -> None:
    page = cli.json("logs", claim.quest_id, "--limit", 2)
    rest = cli.json("logs", claim.quest_id, "--cursor", page["next_cursor"])

    assert [item["message"] for item in page["items"]] == ["designing", "skipped"]
    assert [(item["kind"], item["data"]) for item in rest["items"]] == [("data", {"part": [1]})]
    assert page["items"][1]["cursor"] == page["next_cursor"]
    assert rest["next_cursor"] is None


def test_only_one_steps_lines_are_shown(cli: CommandLine, claim: Claim) -> None:
    assert cli.json("logs", claim.quest_id, "--step", "0002")["items"] == []
    assert len(cli.json("logs", claim.quest_id, "--step", "0001")["items"]) == 3
    assert "said anything yet" in cli("logs", claim.quest_id, "--step", "0002").err


def test_a_log_is_followed_until_the_quest_stops(
    cli: CommandLine, bench: Workbench, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "LATE_SECONDS", 0.0)
    bench.finish(claim)
    bench.controls.pause(claim.quest_id)
    ran = cli("logs", claim.quest_id, "-f", "-o", "jsonl")

    assert ran.code == 0
    assert ran.out.count("\n") == 3
    assert cli("logs", claim.quest_id, "-f", "-o", "json").code == 2
