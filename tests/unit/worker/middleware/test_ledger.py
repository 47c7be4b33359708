"""What steps spend is noted, if not at once then later, and no step fails for it."""

from typing import Any

import pytest

from questline_persistence.claims import Claim
from questline_persistence.costs import Cost, Costs, Spending, Spent
from questline_persistence.errors import StoreUnavailable
from questline_scheduler.monitoring import Tally
from questline_worker.middleware import Ledger
from questline_worker.middleware import ledger as module
from tests.contract.quests import Workbench

NOBODY: Any = (None, None)


@pytest.fixture
def claim(bench: Workbench) -> Claim:
    return bench.claim(bench.submit("a"))


@pytest.fixture
def ledger(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """A ledger that tries again only when a test does."""
    monkeypatch.setattr(module.Loop, "start", lambda _: None)
    return Ledger(bench.database, "default")


def away(*_: object) -> bool:
    raise StoreUnavailable("away")


def refuse(*_: object) -> bool:
    raise ValueError("no")


def total(bench: Workbench) -> Cost:
    return Costs(bench.database, "default").total()


def test_what_is_spent_is_counted_for_the_metrics(bench: Workbench, claim: Claim) -> None:
    tally = Tally()
    Ledger(bench.database, "default", tally).note(Spent(claim, {"x": Cost(3, 2, 0.5), "": Cost(1, 0, 0.25)}))

    counted = {(each.metric.name, each.labels): each.numbers for each in tally.samples() if each.metric.labels}
    assert counted == {
        ("quest_cost_usd_total", ("a", "work")): (0.75,),
        ("quest_cost_tokens_total", ("a", "work", "input")): (4,),
        ("quest_cost_tokens_total", ("a", "work", "output")): (2,),
    }


def test_what_a_store_that_is_away_does_not_take_is_noted_later(
    bench: Workbench, claim: Claim, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Spending, "note", away)
        ledger.note(Spent(claim, {"": Cost(1)}))
        assert ledger.run_once() == 1
    assert total(bench) == Cost()

    ledger.after_worker_shutdown(*NOBODY)

    assert total(bench) == Cost(1)
    assert ledger.run_once() == 0


def test_what_the_store_refuses_is_in_nobodys_way(
    bench: Workbench, claim: Claim, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Spending, "note", refuse)
        ledger.note(Spent(claim, {"": Cost(1)}))

    assert (ledger.run_once(), total(bench)) == (0, Cost())


def test_only_so_much_waits(claim: Claim, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Spending, "note", away)
    monkeypatch.setattr(module, "MAX_WAITING", 0)
    ledger.note(Spent(claim, {"": Cost(1)}))

    assert ledger.run_once() == 0
