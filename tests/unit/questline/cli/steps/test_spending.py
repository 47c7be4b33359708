"""`questline costs`, `budget` and `resume --budget`: what was spent, how much may be, and going on all the same."""

import pytest

from questline_persistence.claims import Claim
from questline_persistence.costs import Cost, Spending, Spent
from tests.contract.quests import Workbench
from tests.unit.questline.cli.conftest import CommandLine


@pytest.fixture
def claim(bench: Workbench) -> Claim:
    claim = bench.claim(bench.submit("a", "b", "c", quest_id="alpha", labels={"team": "red"}))
    Spending(bench.database, "default").note(Spent(claim, {"small": Cost(1_000, 20, 0.5)}))
    return claim


@pytest.mark.usefixtures("claim")
def test_costs_are_those_of_a_quest_or_added_up(cli: CommandLine) -> None:
    cost = {"input_tokens": 1_000, "output_tokens": 20, "usd": 0.5}

    assert cli.json("costs", "alpha")["items"] == [{"position": "0001", "lord_name": "a", "model": "small", **cost}]
    assert cli.json("costs")["items"] == [{"name": "a", **cost}]
    assert cli.json("costs", "--by", "label:team")["items"] == [{"name": "red", **cost}]
    assert cli.json("show", "alpha")["cost"] == cost
    assert cli.json("stats")["cost"] == cost
    assert "$0.5000, 1,020 tokens" in cli("stats").out
    assert "$0.5000, 1,000 tokens in, 20 out" in cli("show", "alpha").out
    assert "1,000" in cli("costs", "alpha").out
    assert [cli("costs", "alpha", "--by", "lord").code, cli("costs", "--by", "moon").code] == [2, 2]


def test_budgets_are_set_listed_and_removed(cli: CommandLine, claim: Claim) -> None:
    made = cli.json("budget", "set", claim.quest_id, "--max-usd", 0.5)
    assert (made["spent_usd"], made["used_up"]) == (0.5, True)
    cli.json("budget", "set", "--type", "test", "--max-tokens", 10)
    cli.json("budget", "set", "--all", "--max-usd", 9)

    assert [(one["scope"], one["name"]) for one in cli.json("budget", "list")["items"]] == [
        ("namespace", ""),
        ("type", "test"),
        ("quest", "alpha"),
    ]
    assert "used up" in cli("budget", "list").out
    assert cli("budget", "remove", "--all").code == 0
    assert cli("budget", "remove", "--all").code == 4
    assert cli("budget", "set", "--max-usd", 1).code == 2


def test_a_quest_that_a_budget_has_paused_tells_how_it_goes_on(
    cli: CommandLine, bench: Workbench, claim: Claim
) -> None:
    cli.json("budget", "set", claim.quest_id, "--max-usd", 0.5)
    Spending(bench.database, "default").note(Spent(claim, {"small": Cost(1_000, 20, 0.6)}))
    bench.finish(claim)
    assert [one["cost"]["usd"] for one in cli.json("lords")["items"]] == [0.6]
    assert "questline resume alpha --budget" in cli("show", "alpha").out

    assert cli("resume", "alpha", "--budget").code == 0

    assert cli.json("budget", "list")["items"][0]["max_usd"] is None
    assert bench.status("alpha") == "running"
