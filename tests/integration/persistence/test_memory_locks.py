"""Fault 33: steps and programs that write overlapping keys wait for each other in one order, and never in a circle.

One circle is left: two entries of one chosen id in two streams. The server breaks it, and the second try answers.
"""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from sqlalchemy import text

from questline_persistence.claims import Checkpoint, Succeeded
from questline_persistence.errors import Conflict
from questline_persistence.kinds import AGENT_STATES
from questline_persistence.memory.kept import Kept
from questline_persistence.writes import Entered, Remembered, Saved
from tests.contract.lessons import event, state
from tests.contract.quests import Workbench
from tests.waiting import eventually

#: What two steps of a pair write some of, in any order.
KEYS = [f"a{number}" for number in range(6)]


@pytest.fixture
def bench(postgres_url: str) -> Iterator[Workbench]:
    found = Workbench(postgres_url)
    yield found
    found.close()


def deadlocks(bench: Workbench) -> int:
    """Return how many circles the server has broken in this database."""
    bench.database.close()  # so that its sessions have told what they counted
    query = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    return bench.database.read(lambda connection: int(connection.execute(query).scalar_one()))


def _writes(bench: Workbench, chance: random.Random, name: str) -> list[Remembered]:
    keys = chance.sample(KEYS, 4)
    saves = [state(bench, name, key) for key in keys[:3]]
    return [*saves, *(event(bench, f"{name} {key}", key) for key in chance.sample(KEYS, 3))]


def _pairs(bench: Workbench, count: int) -> None:
    """End pairs of steps at once that write overlapping keys, each in an order of its own."""
    chance = random.Random(33)  # noqa: S311  (no secret)

    def end(quest_id: str, writes: list[Remembered]) -> bool:
        claim = bench.claim(quest_id)
        return bench.journal.checkpoint(Checkpoint(claim, Succeeded("1", tuple(writes)), claim.start_time + 1)).won

    with ThreadPoolExecutor(2) as pool:
        for number in range(count):
            pair = [(bench.submit("a"), _writes(bench, chance, f"{number} {side}")) for side in "xy"]
            assert all(pool.map(lambda one: end(*one), pair))
    kept = Kept(bench.database, bench.namespace)
    heads = [kept.load(AGENT_STATES, key) for key in KEYS]
    assert sum(head.version for head in heads if head is not None) == 2 * 3 * count
    assert deadlocks(bench) == 0


def test_fault_33_steps_that_write_overlapping_keys_never_wait_in_a_circle(bench: Workbench) -> None:
    _pairs(bench, 20)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_fault_33_neither_do_ten_thousand_pairs(bench: Workbench) -> None:
    _pairs(bench, 10_000)


def _waiting(bench: Workbench, count: int) -> Callable[[], bool]:
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return lambda: bench.database.read(lambda own: own.execute(query).scalar_one()) == count


def test_of_two_entries_of_one_id_in_two_streams_one_is_there_and_the_other_is_told(bench: Workbench) -> None:
    kept = Kept(bench.database, bench.namespace)
    for stream in ("a", "b"):
        kept.enter(event(bench, f"first of {stream}", stream))
    one = [event(bench, "same", "a"), event(bench, "more", "b")]
    other = [event(bench, "same", "b")]

    with ThreadPoolExecutor(2) as pool, bench.database.engine.connect() as stray:
        stray.execute(text("SELECT 1 FROM sessions WHERE session_id = 'b' FOR UPDATE"))
        started: list[Future[list[Saved | Entered]]] = []
        for number, writes in enumerate((other, one), start=1):
            started.append(pool.submit(kept.write, writes))
            eventually(_waiting(bench, number), message="nobody waits for the stream")
        stray.rollback()
        errors = [future.exception() for future in started]

    (refused,) = [error for error in errors if error is not None]
    assert isinstance(refused, Conflict)
    assert "there is event same already, and it says something else" in str(refused)
    assert deadlocks(bench) == 1
    told = kept.read(
        lambda own, _: own.execute(text("SELECT session_id, seq, event_id FROM events ORDER BY 1, 2")).all()
    )
    wanted = [("a", 1, "first of a"), ("a", 2, "same"), ("b", 1, "first of b"), ("b", 2, "more")]
    if errors[0] is None:
        wanted = [("a", 1, "first of a"), ("b", 1, "first of b"), ("b", 2, "same")]
    assert [tuple(row) for row in told] == wanted
