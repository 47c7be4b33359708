"""The list of runs: quests and runs of elsewhere in one order, a page at a time."""

from itertools import pairwise

import pytest

from questline_persistence.errors import PayloadError
from questline_persistence.memory.runs import RunHistory
from tests.contract.memory.sessions.managers import wait
from tests.contract.quests import Workbench, statements

DONE = {"success": True}


def fill(bench: Workbench, history: RunHistory, pattern: str) -> list[str]:
    """Add a quest for each "q", a run for each "r"; a "." is a moment between them. Return their ids, newest first."""
    made: list[str] = []
    for letter in pattern:
        if letter == ".":
            bench.clock.advance(0.000_01)
        elif letter == "q":
            made.append(bench.submit("a"))
        else:
            made.append(wait(history.save_run({"plan_id": "p", "objective": "o"}, DONE)))
    return made[::-1]


def ids(history: RunHistory, **page: int) -> list[str]:
    return [run.run_id for run in wait(history.list_runs(**page))]


@pytest.mark.parametrize("pattern", ["", "q.r", "q.q.r.r.q", "r.r.r.q.q.q", "q.r.q.r.q.r.q.r.q.r.r.r.q.q"])
def test_runs_of_both_kinds_are_in_one_order_newest_first(bench: Workbench, history: RunHistory, pattern: str) -> None:
    newest_first = fill(bench, history, pattern)

    assert ids(history) == newest_first


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_follow_each_other_without_a_gap_or_a_repetition(
    bench: Workbench, history: RunHistory, limit: int
) -> None:
    fill(bench, history, "qqr.rqq.r.qrqr.rr.qqq")
    whole = ids(history, limit=100)

    pages = [ids(history, limit=limit, offset=offset) for offset in range(0, len(whole) + limit, limit)]

    assert [run_id for page in pages for run_id in page] == whole
    assert len(whole) == len(set(whole)) == 16


def test_runs_of_one_moment_are_in_the_order_of_their_ids(bench: Workbench, history: RunHistory) -> None:
    fill(bench, history, "qrqrrq")
    runs = wait(history.list_runs())

    assert all((one.created_at, one.run_id) > (other.created_at, other.run_id) for one, other in pairwise(runs))


def test_a_page_has_twenty_runs_unless_told_otherwise(bench: Workbench, history: RunHistory) -> None:
    newest_first = fill(bench, history, "q." * 12 + "r." * 12)

    assert ids(history) == newest_first[:20]


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ({"limit": 0}, "limit must be 1 to 100, not 0"),
        ({"limit": 101}, "limit must be 1 to 100, not 101"),
        ({"limit": 2.0}, "limit is a whole number, not float"),
        ({"offset": -1}, "offset must be 0 to 10,000, not -1"),
        ({"offset": 10_001}, "offset must be 0 to 10,000, not 10001"),
        ({"offset": "1"}, "offset is a whole number, not str"),
    ],
)
def test_a_page_beyond_the_bounds_is_refused(history: RunHistory, page: dict[str, int], message: str) -> None:
    with pytest.raises(PayloadError, match=message):
        wait(history.list_runs(**page))


def test_the_furthest_page_is_empty_where_nothing_is(history: RunHistory) -> None:
    assert ids(history, limit=100, offset=10_000) == []


def test_the_number_of_statements_does_not_depend_on_the_page(bench: Workbench, history: RunHistory) -> None:
    fill(bench, history, "qr." * 20)
    with statements(bench.database) as few:
        wait(history.list_runs(limit=2))
    with statements(bench.database) as many:
        wait(history.list_runs(limit=40))

    assert len(many) == len(few)
