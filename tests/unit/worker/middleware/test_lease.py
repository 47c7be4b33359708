"""What a heartbeat reports; that it keeps a worker alive is seen with real workers."""

import threading
from collections.abc import Iterator

import pytest

from questline_persistence.journal import Identity, Journal
from questline_persistence.recovery.register import KEEP_ENDED_SECONDS
from questline_worker.middleware import Lease
from questline_worker.middleware import lease as module
from questline_worker.steps import RunningSteps
from tests.contract.quests import LEASE, Workbench, statements


@pytest.fixture
def running(bench: Workbench) -> RunningSteps:
    return RunningSteps(bench.register)


@pytest.fixture
def lease(bench: Workbench, running: RunningSteps) -> Iterator[Lease]:
    """A heartbeat that beats when it is told to, after its first beat."""
    lease = Lease(
        bench.register,
        bench.journal.identity,
        bench.journal,
        bench.bells,
        running,
        counters=bench.counters,
        queues=("default",),
        process_id="process",
        prepare=lambda: None,
        heartbeat_seconds=3_600.0,
        lease_seconds=LEASE,
    )
    lease.start(1)
    assert lease.wait_until_registered()
    lease._loop.stop()
    yield lease
    lease.stop()


def _fenced(bench: Workbench) -> int:
    return bench.repository.get_counters()["results_fenced"]


def test_a_heartbeat_reports_what_was_fenced_since_the_last_one(
    bench: Workbench, lease: Lease, running: RunningSteps
) -> None:
    for _ in range(3):
        running.note_fenced()
    lease.run_once()
    lease.run_once()

    assert _fenced(bench) == 3


def test_a_worker_that_was_taken_for_dead_reports_all_the_same(
    bench: Workbench, lease: Lease, running: RunningSteps
) -> None:
    bench.register.declare_dead("process")
    running.note_fenced()
    lease.run_once()

    assert _fenced(bench) == 1


def test_a_worker_that_stops_reports_before_it_signs_off(bench: Workbench, lease: Lease, running: RunningSteps) -> None:
    running.note_fenced()
    lease.stop()

    assert _fenced(bench) == 1


def test_a_heartbeat_with_nothing_to_report_costs_nothing_more(bench: Workbench, lease: Lease) -> None:
    with statements(bench.database) as sent:
        lease.run_once()

    written = [text.split()[:2] for text in sent if text.startswith(("UPDATE", "INSERT", "DELETE"))]
    assert written == [["UPDATE", "workers"]]


def test_a_process_whose_machine_was_suspended_past_its_lease_claims_nothing_before_it_has_renewed_it(
    lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asleep = module.uptime, LEASE + 1
    assert lease.good
    monkeypatch.setattr(module, "uptime", lambda: real() + asleep)
    assert not lease.good
    threading.Timer(0.3, lease.run_once).start()
    assert lease.wait_until_registered()
    assert lease.good


def test_a_process_that_was_taken_for_dead_may_claim_under_its_new_name(
    bench: Workbench, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, first = module.uptime, lease.worker_id
    monkeypatch.setattr(module, "uptime", lambda: real() + LEASE + 1)
    bench.register.declare_dead("process")
    lease.run_once()
    assert lease.good
    assert lease.worker_id != first
    assert bench.journal.worker_id == lease.worker_id


def test_a_process_whose_lease_is_over_does_not_wait_for_it_once_it_is_about_to_end(
    lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = module.uptime
    monkeypatch.setattr(module, "uptime", lambda: real() + LEASE + 1)
    lease.stop()
    assert not lease.wait_until_registered()


def test_nothing_is_claimed_by_a_worker_that_has_signed_off(lease: Lease) -> None:
    assert lease.good
    lease.stop()

    assert not lease.good
    assert not lease.wait_until_registered()


def test_a_worker_that_signs_on_forgets_those_that_ended_long_ago(bench: Workbench, lease: Lease) -> None:
    ended = bench.worker().worker_id
    bench.register.leave(ended)
    bench.clock.advance(KEEP_ENDED_SECONDS + 60)
    lease._enter()

    assert ended not in {row.worker_id for row in bench.register.all()}


def test_a_heartbeat_stores_what_steps_have_said_since_the_last_one_in_one_statement_for_all(
    bench: Workbench, lease: Lease, running: RunningSteps
) -> None:
    bench.journal.identity.learn(["a:work"])
    claims = [bench.claim(bench.submit("a")) for _ in range(3)]
    steps = [running.begin(claim) for claim in claims]
    for step in steps:
        step.tell(0.1, "begun")
        step.tell(0.5, "half")
    with statements(bench.database) as sent:
        lease.run_once()
    assert sum(text.startswith("UPDATE tickets") for text in sent) == 1
    found = [bench.repository.glance(claim.quest_id).step_progress for claim in claims]
    assert found == [(0.5, "half")] * 3
    with statements(bench.database) as sent:
        lease.run_once()
    assert not any(text.startswith("UPDATE tickets") for text in sent)


def test_a_heartbeat_gives_back_so_many_stray_claims_that_the_next_one_is_in_time(
    bench: Workbench, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.journal.identity.learn(["a:work"])
    for _ in range(5):
        bench.claim(bench.submit("a"))
    monkeypatch.setattr(module, "MAX_STRAYS", 3)
    held = []
    for _ in range(4):  # the first one only sees them
        lease.run_once()
        held.append(len(bench.register.held([lease.worker_id])))
    assert held == [5, 2, 0, 0]


def test_a_worker_introduces_itself_with_the_code_that_it_runs(bench: Workbench) -> None:
    journal = Journal(bench.database, bench.namespace, Identity(code_version="3f2a1c"))
    told = Lease(
        bench.register,
        journal.identity,
        journal,
        bench.bells,
        RunningSteps(bench.register),
        counters=bench.counters,
        queues=("default",),
        process_id="other",
        prepare=lambda: None,
        heartbeat_seconds=3_600.0,
        lease_seconds=LEASE,
    )
    told.start(1)
    assert told.wait_until_registered()
    told.stop()
    found = {row.process_id: row.code_version for row in bench.register.all()}
    assert found["other"] == "3f2a1c"
