"""Whatever a handler returns, its step ends with a result or with a clear failure, and the worker lives on."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from questline_persistence.claims import Failed, Outcome, Succeeded
from questline_persistence.payload import Limit, Limits
from questline_worker.lords import LordContext, lord
from questline_worker.steps import EventLoop, Execution, RunningStep
from tests.contract.quests import Workbench
from tests.unit.worker.conftest import MakeClaim, run_to_end


def outcome_of(bench: Workbench, loop: EventLoop, make_claim: MakeClaim, returned: Any) -> Outcome:
    """Run a handler that returns a value."""

    @lord("a", "work")
    def work(_: LordContext) -> Any:
        return returned

    return run_to_end(Execution(bench.repository), RunningStep(make_claim(), lambda _: True), loop)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"x": value}
    return value


def family() -> dict[str, Any]:
    """Return a tree whose nodes know their parent, as many programs hold one."""
    parent: dict[str, Any] = {}
    parent["children"] = [{"parent": parent}, {"parent": parent}]
    return parent


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ("x" * 10_000_000, "is 10,000,002 bytes of JSON; the limit is 1,000,000"),
        (list(range(300_000)), "bytes of JSON; the limit is 1,000,000"),
        (nested(101), "is nested deeper than 100 levels"),
        (nested(100_000), "is nested deeper than 100 levels"),
        (family(), "is more than 1,000,000 bytes of JSON"),
        (float("nan"), "is not JSON: it holds nan"),
        ({"x": [float("-inf")]}, "is not JSON: it holds -inf"),
        (10**5_000, "is not JSON"),
        ("\ud800", "is not JSON"),
        ({"\udfff": 1}, "is not JSON"),
        ({1: "x"}, "is not JSON: the key 1 is int, not str"),
        (b"x", "is not JSON"),
        ({"x"}, "is not JSON"),
        (object(), "is not JSON"),
        ((x for x in "ab"), "is not JSON"),
        (LordContext, "is not JSON"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 60 else type(value).__name__,
)
def test_a_result_that_cannot_be_kept_fails_the_step_for_good_and_says_why(
    bench: Workbench, loop: EventLoop, make_claim: MakeClaim, returned: Any, said: str
) -> None:
    failed = outcome_of(bench, loop, make_claim, returned)

    assert isinstance(failed, Failed), failed
    assert failed.retry_in is None, "trying again would give the same"
    assert failed.error.startswith("the output of a:work is ")
    assert said in failed.error
    assert len(failed.error) < 500


@pytest.mark.parametrize("returned", [2**70, -(10**400), nested(100), "\0", "é😀", None, {"": []}])
def test_a_result_that_is_unusual_but_json_is_kept(
    bench: Workbench, loop: EventLoop, make_claim: MakeClaim, returned: Any
) -> None:
    assert isinstance(outcome_of(bench, loop, make_claim, returned), Succeeded)


@dataclass
class Bill:
    total: Decimal
    due: date


def test_a_result_is_read_back_by_the_annotation_of_the_next_handler(
    bench: Workbench, loop: EventLoop, make_claim: MakeClaim
) -> None:
    bill = Bill(Decimal("1.10"), date(2026, 1, 2))
    quest_id = bench.submit("a", "b")
    outcome = outcome_of(bench, loop, make_claim, {"bills": [bill]})
    assert outcome == Succeeded('{"bills":[{"total":"1.10","due":"2026-01-02"}]}')
    bench.finish(bench.claim(quest_id), {"bills": [bill]})
    read: list[Any] = []

    @lord("b", "work")
    def work(_: LordContext, a: dict[str, list[Bill]]) -> None:
        read.append(a)

    step = RunningStep(bench.claim(quest_id), lambda _: True)
    assert isinstance(run_to_end(Execution(bench.repository), step, loop), Succeeded)
    assert read == [{"bills": [bill]}]


def test_a_result_is_measured_by_the_stores_limit_and_the_error_names_the_setting(
    bench: Workbench, loop: EventLoop, make_claim: MakeClaim
) -> None:
    bench.database.limits = Limits(output=Limit(20_000_000, "max_output_bytes"))
    assert isinstance(outcome_of(bench, loop, make_claim, "x" * 10_000_000), Succeeded)

    failed = outcome_of(bench, loop, make_claim, "x" * 20_000_000)
    assert isinstance(failed, Failed)
    assert failed.error.endswith("the limit is 20,000,000; store large data elsewhere and pass a reference to it, "
                                 "or raise QUESTLINE_MAX_OUTPUT_BYTES")  # fmt: skip


def test_a_handler_that_asks_for_more_outputs_than_a_state_may_hold_fails_its_step_for_good(
    bench: Workbench, loop: EventLoop
) -> None:
    bench.database.limits = Limits(state=Limit(2_000, "max_state_bytes"))

    @lord("c", "work")
    def work(context: LordContext) -> list[str]:
        return list(context.outputs)

    quest_id = bench.submit("a", "b", "c")
    bench.advance(quest_id, "x" * 1_500, "x" * 1_500)
    failed = run_to_end(Execution(bench.repository), RunningStep(bench.claim(quest_id), lambda _: True), loop)

    assert isinstance(failed, Failed)
    assert failed.retry_in is None
    assert "QUESTLINE_MAX_STATE_BYTES" in failed.error
