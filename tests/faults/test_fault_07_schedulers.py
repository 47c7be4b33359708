"""Fault 7: several schedulers at once, one killed; none at all for ten minutes."""

import os
import random
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import redis

from questline_persistence.claims import Doorbell
from questline_persistence.states import TicketState
from tests.acceptance.recovery.projects import LONG, Project
from tests.contract.quests import LEASE, Workbench, failure
from tests.integration.worker.pools import tell
from tests.waiting import eventually

TEN_MINUTES = 600.0


def _forget(project: Project) -> None:
    with redis.Redis.from_url(project.broker_url) as client:
        client.flushdb()


def test_fault_07_three_schedulers_of_which_one_is_killed_double_no_step(server_project: Project) -> None:
    """Workers without loops and a broker that keeps forgetting: every step hangs on the schedulers."""
    project = server_project
    project.start(sys.executable, "-m", "questline", "worker", "my_lords", "-p", "1", "-t", "4", "--no-loops")
    schedulers = [project.start(sys.executable, "-m", "questline", "scheduler") for _ in range(3)]
    project.wait_for_workers(1)
    quests = [project.submit(*["quick"] * 4, quest_id=f"watched-{number}") for number in range(25)]
    eventually(project.ledger, timeout=LONG)
    _forget(project)
    seed = random.SystemRandom().randrange(3)
    tell(f"scheduler {seed} of 3 is killed")
    os.kill(schedulers[seed].pid, signal.SIGKILL)
    _forget(project)
    for quest_id in quests:
        project.completed(quest_id)
        assert project.successes(quest_id) == ["0001", "0002", "0003", "0004"]
    assert set(project.times_begun().values()) == {1}, "a step ran twice"
    assert [process.running for process in schedulers].count(True) == 2


def test_fault_07_after_ten_minutes_without_a_scheduler_five_at_once_find_all_due_work_once(bench: Workbench) -> None:
    unheard = bench.submit("a", quest_id="unheard")
    retried = bench.submit("a", quest_id="retried")
    bench.journal.fail(failure(bench.claim(retried), retry_in=30.0))
    bereft = bench.submit("a", quest_id="bereft")
    bench.claim(bereft, bench.worker(lease=LEASE))
    asleep = bench.submit("a", quest_id="asleep")
    bench.execute("UPDATE tickets SET state = :waiting WHERE quest_id = 'asleep'", waiting=TicketState.WAITING)
    quests = {unheard, retried, bereft, asleep}
    bench.clock.advance(TEN_MINUTES)

    def look(_: int) -> list[Doorbell]:
        swept = bench.sweep.run()
        bench.bells.wake()
        return [*swept.doorbells, *bench.bells.due()]

    with ThreadPoolExecutor(5) as schedulers:
        bells = [bell for found in schedulers.map(look, range(5)) for bell in found]

    assert sorted(bell.quest_id for bell in bells) == sorted(quests)
    assert bench.bells.due() == []
    worker = bench.worker()
    for quest_id in quests:
        assert bench.finish(bench.claim(quest_id, worker), "done").won
        assert not bench.has_ticket(quest_id)
