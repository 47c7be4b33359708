"""What steps say: written beside their checkpoints, read page by page, and followed without missing a line."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from questline_persistence.claims import Claim
from questline_persistence.errors import PayloadError, QuestNotFound, StoreUnavailable
from questline_persistence.schema import fetched, step_events
from questline_persistence.step_log import LineKind, LogLine, LogTail, StepLog, write_lines
from questline_persistence.step_log import reading as logs
from tests.contract.quests import Workbench, lost_reply


def line(claim: Claim, seq: int, message: str = "said", **changed: Any) -> LogLine:
    return replace(
        LogLine(
            *(claim.quest_id, claim.epoch, claim.position, claim.attempt, claim.claim_id, claim.fence, seq),
            at=claim.start_time + seq,
            kind=LineKind.LOG,
            level="info",
            message=message,
        ),
        **changed,
    )


@pytest.fixture
def log(bench: Workbench) -> StepLog:
    return StepLog(bench.database, "default")


def said(lines: list[LogLine]) -> list[str | None]:
    return [each.message for each in lines]


def all_of(tail: LogTail) -> list[str | None]:
    found: list[LogLine] = []
    while more := tail.look():
        found += more
    return said(found)


def test_lines_come_claim_after_claim_with_all_that_was_said(bench: Workbench, log: StepLog) -> None:
    quest_id = bench.submit("a", "b")
    first = bench.claim(quest_id)
    bench.finish(first)
    second = bench.claim(quest_id)
    mine = [line(first, 1, "one", data='{"n":1}'), line(first, 2, "two", level="error", kind=LineKind.LEFT_OUT)]
    write_lines(bench.database, [line(second, 1, "three"), *mine])

    found = log.page(quest_id).items

    assert found == [*mine, line(second, 1, "three")]
    assert found[0].to_json()["data"] == {"n": 1}
    assert said(log.page(quest_id, position=second.position).items) == ["three"]


def test_a_page_leads_to_the_next_one(bench: Workbench, log: StepLog) -> None:
    claim = bench.claim(bench.submit("a"))
    write_lines(bench.database, [line(claim, seq, str(seq)) for seq in range(1, 6)])

    first = log.page(claim.quest_id, limit=3)
    rest = log.page(claim.quest_id, limit=3, after=first.next_cursor)

    assert (said(first.items), said(rest.items)) == (["1", "2", "3"], ["4", "5"])
    assert rest.next_cursor is None


@pytest.mark.parametrize(("asked", "why"), [({"after": "nonsense"}, "cursor"), ({"limit": 0}, "limit must be")])
def test_what_no_page_has_given_is_refused(bench: Workbench, log: StepLog, asked: Any, why: str) -> None:
    with pytest.raises(PayloadError, match=why):
        log.page(bench.submit("a"), **asked)


def test_another_namespaces_quest_says_nothing(bench: Workbench, open_bench: Callable[..., Workbench]) -> None:
    claim = bench.claim(bench.submit("a"))
    write_lines(bench.database, [line(claim, 1)])
    stranger = StepLog(open_bench("other").database, "other")

    with pytest.raises(QuestNotFound):
        stranger.page(claim.quest_id)
    with pytest.raises(QuestNotFound):
        stranger.tail(claim.quest_id).look()


def test_lines_that_come_again_are_there_once(bench: Workbench, log: StepLog) -> None:
    claim = bench.claim(bench.submit("a"))
    with lost_reply(bench.database), pytest.raises(StoreUnavailable):
        write_lines(bench.database, [line(claim, 1, "one")])
    write_lines(bench.database, [line(claim, 1, "one"), line(claim, 2, "two")])

    assert said(log.page(claim.quest_id).items) == ["one", "two"]


def test_a_quests_lines_go_with_it_and_come_back_no_more(bench: Workbench) -> None:
    claim = bench.claim(bench.submit("a"))
    other = bench.claim(bench.submit("b"))
    write_lines(bench.database, [line(claim, 1)])
    bench.finish(claim)
    bench.repository.delete_quest(claim.quest_id)
    write_lines(bench.database, [line(claim, 2), line(other, 1, "mine")])

    left = bench.database.read(lambda connection: fetched(connection, step_events.select()))

    assert [row.message for row in left] == ["mine"]


def test_a_quest_that_is_pruned_takes_its_lines_along(bench: Workbench) -> None:
    claim = bench.claim(bench.submit("a"))
    write_lines(bench.database, [line(claim, 1)])
    bench.finish(claim)

    assert bench.repository.prune(bench.clock.now() + 60.0, "completed") == [claim.quest_id]
    assert bench.rows(step_events, claim.quest_id) == []


def test_a_replay_keeps_what_was_said_before_it(bench: Workbench, log: StepLog) -> None:
    claim = bench.claim(bench.submit("a"))
    write_lines(bench.database, [line(claim, 1, "before")])
    bench.finish(claim)
    bench.replay(claim.quest_id)
    again = bench.claim(claim.quest_id)
    write_lines(bench.database, [line(again, 1, "after")])

    assert [(each.epoch, each.message) for each in log.page(claim.quest_id).items] == [(0, "before"), (1, "after")]


def test_a_tail_gets_each_line_once_and_also_those_that_an_earlier_claim_brings_late(
    bench: Workbench, log: StepLog
) -> None:
    quest_id = bench.submit("a", "b")
    first = bench.claim(quest_id)
    tail = log.tail(quest_id)
    write_lines(bench.database, [line(first, 1, "one")])
    assert all_of(tail) == ["one"]
    bench.finish(first)
    second = bench.claim(quest_id)
    write_lines(bench.database, [line(second, 1, "three")])
    assert all_of(tail) == ["three"]

    write_lines(bench.database, [line(first, 2, "two"), line(second, 2, "four")])  # its process was slow

    assert all_of(tail) == ["two", "four"]
    assert all_of(tail) == []


def test_a_tail_goes_on_behind_the_line_whose_cursor_it_is_given(bench: Workbench, log: StepLog) -> None:
    claim = bench.claim(bench.submit("a"))
    write_lines(bench.database, [line(claim, seq, str(seq)) for seq in range(1, 4)])
    cursor = log.page(claim.quest_id, limit=2).items[-1].place.cursor

    assert all_of(log.tail(claim.quest_id, after=cursor)) == ["3"]


def test_a_tail_looks_no_longer_for_claims_that_others_have_followed_for_long(
    bench: Workbench, log: StepLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    quest_id = bench.submit("a", "b")
    first = bench.claim(quest_id)
    bench.finish(first)
    second = bench.claim(quest_id)
    tail = log.tail(quest_id)
    write_lines(bench.database, [line(first, 1, "one"), line(second, 1, "two")])
    monkeypatch.setattr(logs, "LATE_SECONDS", -1.0)
    assert all_of(tail) == ["one", "two"]

    write_lines(bench.database, [line(first, 2, "much later"), line(second, 2, "three")])

    assert all_of(tail) == ["three"]
