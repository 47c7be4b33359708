"""A step costs the same near the end of a quest of 5,000 steps as in one of 10: nothing reads the whole stack."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from questline_worker.lords import LordContext, Outputs
from tests.contract.quests import LONG, Workbench, checkpoint, failure
from tests.integration.persistence.looks import Look, Observer

SHORT, LENGTHY = 10, 5_000
#: What runs before the step in question, written with set-based SQL: a run and a snapshot for each step.
PAST = (
    """
    INSERT INTO lord_runs (quest_id, position, version, lord_name, tool_name, run_index, status, start_time, input_data,
      output_data, max_attempts, created_at, claim_id)
    SELECT quest_id, position, occurrence + CASE lord_name WHEN 'a' THEN 0 ELSE 1 END, lord_name, tool_name, occurrence,
      'success', 0, params, '1', 3, '2020-01-01T00:00:00.000000Z', quest_id || position
    FROM quest_steps WHERE quest_id = :quest_id AND position < :position
    """,
    """
    INSERT INTO quest_snapshots (quest_id, version, epoch, position, snapshot_reason, created_at)
    SELECT quest_id, version, 0, position, 'checkpoint', created_at FROM lord_runs WHERE quest_id = :quest_id
    """,
    "UPDATE tickets SET position = :position, handler = 'b:work', version = :version WHERE quest_id = :quest_id",
)


@pytest.fixture
def bench(database_url: str) -> Iterator[Workbench]:
    bench = Workbench(database_url)
    yield bench
    bench.close()


def led_on(bench: Workbench, length: int) -> str:
    """Submit a quest of `a` and many `b`, bring it to its last step but two, and return its id."""
    quest_id = bench.submit("a", *["b"] * (length - 1))
    position, version = f"{length - 2:04d}", length - 3
    for statement in PAST:
        wanted = {"quest_id": quest_id, "position": position, "version": version}
        bench.execute(statement, **{name: value for name, value in wanted.items() if f":{name}" in statement})
    return quest_id


def _claim(bench: Workbench, quest_id: str) -> Callable[[], Any]:
    request = bench.request(quest_id)
    return lambda: bench.journal.claim(request)


def _checkpoint(bench: Workbench, quest_id: str) -> Callable[[], Any]:
    end = checkpoint(bench.claim(quest_id), "done")
    return lambda: bench.journal.checkpoint(end)


def _push(bench: Workbench, quest_id: str) -> Callable[[], Any]:
    end = checkpoint(bench.claim(quest_id), "done", "c", "d")
    return lambda: bench.journal.checkpoint(end)


def _failure(bench: Workbench, quest_id: str) -> Callable[[], Any]:
    claim = bench.claim(quest_id)
    return lambda: bench.journal.fail(failure(claim))


def _release(bench: Workbench, quest_id: str) -> Callable[[], Any]:
    claim = bench.claim(quest_id)
    return lambda: bench.journal.release(claim)


def _outputs(name: str) -> Callable[[Workbench, str], Callable[[], Any]]:
    def prepare(bench: Workbench, quest_id: str) -> Callable[[], Any]:
        claim = bench.claim(quest_id)
        return lambda: LordContext(claim, Outputs(bench.repository, claim), lambda: True).outputs[name]

    return prepare


def _pause(bench: Workbench, quest_id: str) -> Callable[[], Any]:
    return lambda: bench.controls.pause(quest_id)


PARTS: dict[str, Callable[[Workbench, str], Callable[[], Any]]] = {
    "claim": _claim,
    "checkpoint": _checkpoint,
    "push": _push,
    "failure": _failure,
    "release": _release,
    "output of the first step": _outputs("a"),
    "output of the step before": _outputs("b"),
    "output of the second step of a Lord": _outputs("b#2"),
    "pause": _pause,
}


@pytest.mark.parametrize("part", PARTS)
def test_a_step_of_a_long_quest_reads_no_more_than_one_of_a_short_quest(bench: Workbench, part: str) -> None:
    short, lengthy = (looks_of(bench, PARTS[part], length) for length in (SHORT, LENGTHY))

    told = "\n".join(["", *map(str, short), "in the long quest:", *map(str, lengthy)])
    assert len(lengthy) == len(short) > 0
    assert read(lengthy) <= 2 * read(short) + 20, told


def looks_of(bench: Workbench, part: Callable[[Workbench, str], Callable[[], Any]], length: int) -> list[Look]:
    """Return how the statements of one part of a step near a quest's end are executed."""
    quest_id = led_on(bench, length)
    bench.execute("ANALYZE")
    observer = Observer(bench.database)
    bench._journal = bench.worker(lease=LONG)
    call = part(bench, quest_id)
    with observer.looking() as looks:
        call()
    return looks


def read(looks: list[Look]) -> int:
    """Return what was read: rows and pages, or instructions."""
    return sum(look.rows + look.effort for look in looks)
