"""What attempts spend: noted once whatever becomes of them, added up, and held by budgets."""

from typing import Any

import pytest

from questline_persistence.claims import Claim
from questline_persistence.costs import Budgets, Cost, Costs, Spending, Spent, lift
from questline_persistence.errors import NotFound, PayloadError, QuestNotFound
from questline_persistence.schema import budgets, step_costs
from tests.contract.quests import Workbench, failure, lost_reply

ONE = Cost(100, 20, 0.5)


@pytest.fixture
def spending(bench: Workbench) -> Spending:
    return Spending(bench.database, "default")


@pytest.fixture
def limits(bench: Workbench) -> Budgets:
    return Budgets(bench.database, "default")


@pytest.fixture
def costs(bench: Workbench) -> Costs:
    return Costs(bench.database, "default")


def spent(claim: Claim, cost: Cost = ONE, *, model: str = "small", goes_on: bool | None = None) -> Spent:
    return Spent(claim, {model: cost}, goes_on)


def resume(bench: Workbench, quest_id: str, *, budget: bool = True) -> None:
    bench.controls.resume(quest_id, first=lift if budget else lambda _: None)


def test_what_attempts_spend_adds_up_by_step_lord_type_model_and_label(
    bench: Workbench, spending: Spending, costs: Costs
) -> None:
    quest_id = bench.submit("a", "b", labels={"team": "red"})
    failed = bench.claim(quest_id)
    spending.note(spent(failed))
    bench.journal.fail(failure(failed))
    again = bench.claim(quest_id)
    spending.note(spent(again, model="large"))
    bench.finish(again)
    last = bench.claim(quest_id)
    spending.note(spent(last, Cost(1, 1, 0.0)))
    other = bench.claim(bench.submit("a"))
    spending.note(spent(other, Cost(0, 0, 2.0)))

    assert [(one.position, one.lord_name, one.model, one.cost) for one in costs.of_quest(quest_id)] == [
        ("0001", "a", "large", ONE),
        ("0001", "a", "small", ONE),
        ("0002", "b", "small", Cost(1, 1, 0.0)),
    ]
    assert costs.total() == Cost(201, 41, 3.0)
    assert [(one.name, one.cost.usd) for one in costs.by("lord")] == [("a", 3.0), ("b", 0.0)]
    assert [(one.name, one.cost.usd) for one in costs.by("model")] == [("small", 2.5), ("large", 0.5)]
    assert [(one.name, one.cost.usd) for one in costs.by("type")] == [("test", 3.0)]
    assert [(one.name, one.cost.usd) for one in costs.by("label", "team")] == [("", 2.0), ("red", 1.0)]
    assert Costs(bench.database, "other").total() == Cost()


@pytest.mark.parametrize(("what", "label"), [("moon", None), ("label", None), ("lord", "team")])
def test_costs_are_added_up_only_by_what_there_is(costs: Costs, what: str, label: str | None) -> None:
    with pytest.raises(PayloadError):
        costs.by(what, label)


def test_what_is_noted_again_counts_once(bench: Workbench, spending: Spending, limits: Budgets, costs: Costs) -> None:
    limits.set("type", "test", max_usd=100.0)
    claim = bench.claim(bench.submit("a", "b"))
    with lost_reply(bench.database), pytest.raises(Exception):  # noqa: B017, PT011  (it may be any: it is tried again)
        spending.note(spent(claim))
    spending.note(spent(claim))
    spending.note(spent(claim, ONE + ONE))

    assert costs.total() == ONE + ONE
    assert [(one.spent_usd, one.spent_tokens) for one in limits.list()] == [(1.0, 240)]


@pytest.mark.parametrize(
    ("budget", "limit"),
    [
        (("quest", "q"), {"max_usd": 0.5}),
        (("quest", "q"), {"max_tokens": 120}),
        (("type", "test"), {"max_usd": 0.4}),
        (("namespace", ""), {"max_tokens": 1}),
    ],
)
def test_a_quest_is_paused_before_its_next_step_once_a_budget_is_used_up(
    bench: Workbench, spending: Spending, limits: Budgets, budget: tuple[str, str], limit: Any
) -> None:
    quest_id = bench.submit("a", "b", quest_id="q")
    limits.set(*budget, **limit)
    claim = bench.claim(quest_id)

    assert spending.note(spent(claim))
    assert bench.status(quest_id) == "pausing"
    bench.finish(claim)

    paused = bench.repository.load_quest(quest_id)
    assert paused.status == "paused"
    assert "is used up" in str(paused.reason)
    assert f"questline resume {quest_id} --budget" in str(paused.reason)
    assert [(entry.verb, entry.actor) for entry in bench.audit()] == [("pause", "budget")]


def test_a_quest_below_its_budget_goes_on(bench: Workbench, spending: Spending, limits: Budgets) -> None:
    quest_id = bench.submit("a", "b")
    limits.set("quest", quest_id, max_usd=0.51, max_tokens=121)
    claim = bench.claim(quest_id)

    assert not spending.note(spent(claim))
    bench.finish(claim)
    assert bench.status(quest_id) == "running"
    assert bench.audit() == []


def test_a_failed_attempt_spends_too_and_the_next_one_does_not_begin(
    bench: Workbench, spending: Spending, limits: Budgets
) -> None:
    quest_id = bench.submit("a")
    limits.set("quest", quest_id, max_usd=0.5)
    claim = bench.claim(quest_id)
    spending.note(spent(claim, goes_on=True))
    bench.journal.fail(failure(claim))

    assert bench.status(quest_id) == "paused"


@pytest.mark.parametrize("goes_on", [None, False])
def test_a_quest_that_ends_is_not_paused(
    bench: Workbench, spending: Spending, limits: Budgets, *, goes_on: bool | None
) -> None:
    quest_id = bench.submit("a")
    limits.set("quest", quest_id, max_usd=0.1)
    claim = bench.claim(quest_id)

    assert not spending.note(spent(claim, goes_on=goes_on))
    bench.finish(claim)
    assert (bench.status(quest_id), bench.repository.load_quest(quest_id).reason) == ("completed", None)


def test_a_resume_lifts_budgets_if_that_is_asked_for(bench: Workbench, spending: Spending, limits: Budgets) -> None:
    quest_id = bench.submit("a", "b", "c", "d")
    limits.set("type", "test", max_usd=0.5)

    def run() -> str:
        claim = bench.claim(quest_id)
        spending.note(spent(claim))
        bench.finish(claim)
        return bench.status(quest_id)

    assert run() == "paused"
    resume(bench, quest_id, budget=False)
    assert run() == "paused"
    resume(bench, quest_id)
    assert run() == "running"
    own = limits.of_quest(quest_id)
    assert own is not None
    assert (own.lifted, own.spent_usd) == (True, 1.5)


def test_a_budget_that_is_raised_counts_what_was_spent_before_it(
    bench: Workbench, spending: Spending, limits: Budgets
) -> None:
    quest_id = bench.submit("a", "b", "c")
    first = bench.claim(quest_id)
    spending.note(spent(first))
    bench.finish(first)

    assert limits.set("quest", quest_id, max_usd=1.0).spent_usd == 0.5
    assert limits.set("quest", quest_id, max_usd=2.0, max_tokens=9).to_json()["used_up"]
    limits.remove("quest", quest_id)
    assert limits.list() == []
    with pytest.raises(NotFound):
        limits.remove("quest", quest_id)


@pytest.mark.parametrize(
    ("scope", "name", "limit"),
    [
        ("moon", "x", {"max_usd": 1.0}),
        ("type", "", {"max_usd": 1.0}),
        ("namespace", "x", {"max_usd": 1.0}),
        ("type", "test", {}),
        ("type", "test", {"max_usd": float("nan")}),
        ("type", "test", {"max_tokens": -1}),
    ],
)
def test_what_can_be_no_budget_is_refused(limits: Budgets, scope: str, name: str, limit: Any) -> None:
    with pytest.raises(PayloadError):
        limits.set(scope, name, **limit)


def test_a_budget_of_no_quest_is_refused(limits: Budgets) -> None:
    with pytest.raises(QuestNotFound):
        limits.set("quest", "nobody", max_usd=1.0)


def test_what_a_quest_has_spent_goes_with_it_and_what_its_type_has_spent_stays(
    bench: Workbench, spending: Spending, limits: Budgets, costs: Costs
) -> None:
    quest_id = bench.submit("a")
    limits.set("quest", quest_id, max_usd=9.0)
    limits.set("type", "test", max_usd=9.0)
    claim = bench.claim(quest_id)
    spending.note(spent(claim))
    bench.finish(claim)
    bench.repository.delete_quest(quest_id)

    assert (costs.total(), bench.rows(step_costs, quest_id)) == (Cost(), [])
    assert [(one.scope, one.spent_usd) for one in limits.list()] == [("type", 0.5)]
    assert not spending.note(spent(claim))


def test_a_worker_that_has_lost_its_step_has_spent_all_the_same(
    bench: Workbench, spending: Spending, limits: Budgets, costs: Costs
) -> None:
    quest_id = bench.submit("a", "b")
    limits.set("quest", quest_id, max_usd=0.5)
    claim = bench.claim(quest_id)
    bench.journal.release(claim)

    assert spending.note(spent(claim, goes_on=True))
    assert bench.status(quest_id) == "paused"
    assert costs.total() == ONE
    assert [row.spent_usd for row in bench.database.read(lambda own: own.execute(budgets.select()).all())] == [0.5]


@pytest.mark.parametrize("budget", [("type", "test"), ("namespace", "")])
def test_further_quests_of_a_budget_that_is_used_up_begin_no_step(
    bench: Workbench, spending: Spending, limits: Budgets, budget: tuple[str, str]
) -> None:
    waiting, running, lifted, other = (bench.submit("a", "b") for _ in range(4))
    bench.claim(running)
    limits.set(*budget, max_usd=0.5)
    assert spending.hold() == 0
    spending.note(spent(bench.claim(other)))
    bench.controls.pause(lifted)
    resume(bench, lifted)

    assert spending.hold() == 2
    assert [bench.status(one) for one in (waiting, running, lifted, other)] == ["paused", "pausing", "new", "pausing"]
    assert spending.hold() == 0
    assert {entry.actor for entry in bench.audit() if entry.quest_id in {waiting, running}} == {"budget"}


def test_quests_of_another_type_or_namespace_go_on(bench: Workbench, spending: Spending, limits: Budgets) -> None:
    limits.set("type", "test", max_usd=0.0)
    other = bench.submit("a", quest_type="other")

    assert Spending(bench.database, "other").hold() == 0
    assert spending.hold() == 0
    assert bench.status(other) == "new"
