"""Lines wait for the store, and no step for the lines."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from questline_persistence.claims import Claim
from questline_persistence.errors import StoreUnavailable
from questline_persistence.step_log import LineKind, LogLine, StepLog
from questline_worker.middleware import StepLogs
from questline_worker.middleware import step_logs as module
from tests.contract.quests import Workbench
from tests.waiting import eventually

MakeLine = Callable[[int], LogLine]


@pytest.fixture
def claim(bench: Workbench) -> Claim:
    return bench.claim(bench.submit("a"))


@pytest.fixture
def make_line(claim: Claim) -> MakeLine:
    def make(seq: int) -> LogLine:
        place = (claim.quest_id, claim.epoch, claim.position, claim.attempt, claim.claim_id, claim.fence, seq)
        return LogLine(*place, at=0.0, kind=LineKind.LOG, level="info", message=str(seq))

    return make


@pytest.fixture
def asleep(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> StepLogs:
    """Lines that nobody writes until a test does."""
    monkeypatch.setattr(module.Loop, "start", lambda _: None)
    return StepLogs(bench.database)


def written(bench: Workbench, claim: Claim) -> list[str | None]:
    return [line.message for line in StepLog(bench.database, "default").page(claim.quest_id).items]


def test_lines_are_written_soon_and_nobody_asks_for_it(bench: Workbench, claim: Claim, make_line: MakeLine) -> None:
    logs = StepLogs(bench.database)
    assert logs.put(make_line(1))
    eventually(lambda: written(bench, claim) == ["1"])
    logs.after_worker_shutdown(*NOBODY)


NOBODY: Any = (None, None)


def test_a_process_that_ends_writes_what_is_left_and_takes_no_more(
    bench: Workbench, claim: Claim, make_line: MakeLine, asleep: StepLogs
) -> None:
    for seq in range(1, 4):
        asleep.put(make_line(seq))
    asleep.after_worker_shutdown(*NOBODY)

    assert written(bench, claim) == ["1", "2", "3"]
    assert not asleep.put(make_line(4))


def test_a_store_that_is_away_makes_lines_wait_in_their_order(
    bench: Workbench, claim: Claim, make_line: MakeLine, asleep: StepLogs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("away")

    asleep.put(make_line(1))
    asleep.put(make_line(2))
    with monkeypatch.context() as patch:
        patch.setattr(module, "write_lines", away)
        with pytest.raises(StoreUnavailable):
            asleep.run_once()
        asleep.flush()
    asleep.put(make_line(3))
    asleep.flush()

    assert written(bench, claim) == ["1", "2", "3"]


@pytest.mark.parametrize("limit", ["MAX_WAITING", "MAX_WAITING_SIZE"])
def test_only_so_many_lines_wait(
    make_line: MakeLine, asleep: StepLogs, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(module, limit, 2)
    assert [asleep.put(make_line(seq)) for seq in (1, 2, 3)] == [True, True, False]
    asleep.run_once()

    assert asleep.put(make_line(4))


def test_lines_that_the_store_refuses_are_in_nobodys_way(
    bench: Workbench, claim: Claim, make_line: MakeLine, asleep: StepLogs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object, lines: Sequence[LogLine]) -> None:
        raise ValueError(f"refused {len(lines)}")

    asleep.put(make_line(1))
    with monkeypatch.context() as patch:
        patch.setattr(module, "write_lines", refuse)
        asleep.run_once()
    asleep.put(make_line(2))
    asleep.flush()

    assert written(bench, claim) == ["2"]
