"""Real worker processes, killed and frozen on purpose (docs/project/faults.md, faults 1, 5 and 10)."""

import os
import signal
import sys
import time
from textwrap import dedent

import pytest

from questline_persistence.states import RunStatus
from tests.acceptance.recovery.projects import LONG, Project, all_gone, descendants, is_alive
from tests.integration.worker.pools import tell
from tests.waiting import eventually


def test_fault_01_dramatiq_505_a_worker_killed_in_mid_step_costs_that_attempt_and_nothing_else(
    project: Project,
) -> None:
    project.start_pool(processes=2)
    quest_id = project.submit("quick", "slow", "quick", quest_id="killed")
    victim = project.wait_for_begin("killed:0:0002")
    os.kill(victim.pid, signal.SIGKILL)
    killed = time.time()
    again = project.wait_for_begin("killed:0:0002", 2)
    tell(f"the step began again {again.time - killed:.3f} s after its worker was killed")
    assert again.pid != victim.pid
    project.open_gate()
    done = project.completed(quest_id)
    assert done.run_data["slow"] == again.pid
    assert project.successes(quest_id) == ["0001", "0002", "0003"]
    assert project.times_begun() == {"killed:0:0001": 1, "killed:0:0002": 2, "killed:0:0003": 1}
    project.wait_for_workers(2)  # the place of the dead one was filled


def test_a_killed_supervisor_takes_its_workers_along_and_another_pool_goes_on(project: Project) -> None:
    pool = project.start_pool(processes=2)
    children = descendants(pool.pid)
    assert len(children) == 2
    quest_id = project.submit("quick", "slow", "quick", quest_id="orphan")
    project.wait_for_begin("orphan:0:0002")
    os.kill(pool.pid, signal.SIGKILL)
    tell(f"the workers ended {all_gone(children):.2f} s after their supervisor")
    project.start_pool(processes=1)
    project.wait_for_begin("orphan:0:0002", 2)
    project.open_gate()
    project.completed(quest_id)
    assert project.successes(quest_id) == ["0001", "0002", "0003"]
    assert project.times_begun()["orphan:0:0001"] == 1


def test_fault_01_a_pool_killed_altogether_is_followed_by_another_after_the_lease(project: Project) -> None:
    """As when the machine loses power: nobody signs off, nobody tells."""
    pool = project.start_pool(processes=1)
    children = descendants(pool.pid)
    quest_id = project.submit("slow", "quick", quest_id="power")
    project.wait_for_begin("power:0:0001")
    for pid in (*children, pool.pid):
        os.kill(pid, signal.SIGSTOP)
    for pid in (pool.pid, *children):
        os.kill(pid, signal.SIGKILL)
    killed = time.time()
    project.start(sys.executable, "-m", "questline", "worker", "my_lords", "-p", "1", "-t", "4")
    again = project.wait_for_begin("power:0:0001", 2)
    tell(f"the step began again {again.time - killed:.2f} s after the pool was killed (lease 5 s)")
    project.open_gate()
    project.completed(quest_id)
    assert project.successes(quest_id) == ["0001", "0002"]


def test_fault_05_a_worker_frozen_past_its_lease_is_fenced_and_goes_on_under_a_new_name(project: Project) -> None:
    pool = project.start_pool(processes=2, threads=2)
    quest_id = project.submit("quick", "slow", "quick", quest_id="frozen")
    first = project.wait_for_begin("frozen:0:0002")
    project.freeze(first.pid)
    second = project.wait_for_begin("frozen:0:0002", 2)
    assert second.pid != first.pid
    project.open_gate()
    done = project.completed(quest_id)
    os.kill(first.pid, signal.SIGCONT)

    def late_end() -> bool:
        return any(entry.word == "end" and entry.pid == first.pid and "0002" in entry.key for entry in project.ledger())

    eventually(late_end, timeout=LONG, message="the frozen handler did not end")
    eventually(
        lambda: [row.state for row in project.client.register.all() if row.pid == first.pid] == ["live", "lost"],
        timeout=LONG,
        message="the frozen worker did not come back under a new name",
    )
    assert is_alive(pool.pid)
    assert project.client.get(quest_id) == done, "the zombie changed the quest"
    assert done.run_data["slow"] == second.pid
    assert project.successes(quest_id) == ["0001", "0002", "0003"]
    project.completed(project.submit("quick"))


@pytest.mark.timeout(300)
def test_fault_01_thirty_quests_survive_a_kill_every_two_seconds(server_project: Project) -> None:
    """A step that loses three workers fails by design, so that a worker with one that has lost two is spared."""
    project, kills = server_project, []
    pool = project.start_pool(processes=2, threads=4)
    quests = [project.submit(*["busy"] * 5, quest_id=f"chaos-{number}") for number in range(30)]

    def all_done() -> bool:
        return all(project.client.repository.status(quest_id) in {"completed", "failed"} for quest_id in quests)

    def victim() -> tuple[int, set[str]] | None:
        begun, flying = project.times_begun(), project.in_flight()
        alive = [pid for pid in descendants(pool.pid) if flying[pid]]
        return next(((pid, flying[pid]) for pid in alive if all(begun[key] < 3 for key in flying[pid])), None)

    def kill_one() -> None:
        eventually(lambda: victim() or all_done(), timeout=LONG)
        if (found := victim()) is not None:
            os.kill(found[0], signal.SIGKILL)
            kills.append((time.time(), *found))

    while len(kills) < 7 and not all_done():
        kill_one()
        killed = time.monotonic()
        eventually(lambda: time.monotonic() > killed + 2.0)  # noqa: B023  called before the next turn
    eventually(all_done, timeout=2 * LONG, message=f"some quests hang: {project.log[-3000:]}")
    assert [project.client.repository.status(quest_id) for quest_id in quests] == ["completed"] * 30
    for quest_id in quests:
        assert project.successes(quest_id) == ["0001", "0002", "0003", "0004", "0005"]
    _tell_recovery(project, kills)
    _assert_nothing_committed_ran_again(project, quests)


def _tell_recovery(project: Project, kills: list[tuple[float, int, set[str]]]) -> None:
    waits = []
    for when, pid, keys in kills:
        for key in keys:
            after = [entry.time - when for entry in project.begun(key) if entry.time >= when and entry.pid != pid]
            if after:
                waits.append(min(after))
    waits.sort()
    assert len(kills) >= 3, "too few workers were killed for this to mean anything"
    p99 = waits[min(len(waits) - 1, int(len(waits) * 0.99))]
    tell(f"{len(kills)} kills, {len(waits)} steps taken over: p50 {waits[len(waits) // 2]:.3f} s, p99 {p99:.3f} s")


def _assert_nothing_committed_ran_again(project: Project, quests: list[str]) -> None:
    """No attempt began after the success of its step had been committed."""
    for quest_id in quests:
        for run in project.client.runs(quest_id):
            if run.status is RunStatus.SUCCESS:
                key = f"{quest_id}:{run.epoch}:{run.position}"
                assert all(entry.time <= (run.end_time or 0) + 0.5 for entry in project.begun(key))


def test_a_pool_told_to_stop_gives_running_steps_back_and_leaves_no_process(project: Project) -> None:
    _stop_in_mid_step(project, signal.SIGTERM)


def test_ctrl_c_stops_a_pool_like_sigterm(sqlite_project: Project) -> None:
    _stop_in_mid_step(sqlite_project, signal.SIGINT)


def _stop_in_mid_step(project: Project, number: signal.Signals) -> None:
    pool = project.start_pool(processes=2)
    children = descendants(pool.pid)
    quest_id = project.submit("quick", "slow", quest_id="stopped")
    project.wait_for_begin("stopped:0:0002")
    begun = time.monotonic()
    pool.send(number)
    eventually(lambda: not pool.running, timeout=LONG, message="the supervisor did not end")
    tell(f"stopped {time.monotonic() - begun:.2f} s after {number.name} (1 s for steps to end)")
    assert pool._process.returncode == 0
    said = "Stopping: running steps have 1 s to end. Press Ctrl-C again to stop at once."
    assert project.log.count(said) == (1 if number == signal.SIGINT else 0)
    assert not any(map(is_alive, children))
    assert project.live_workers() == []
    assert project.client.get(quest_id).status == "running"
    assert [run.status for run in project.client.runs(quest_id)] == ["success"], "an attempt was spent"
    project.open_gate()
    project.start_pool(processes=1)
    project.completed(quest_id)


def test_a_second_ctrl_c_stops_a_pool_at_once_and_its_steps_go_on_elsewhere(sqlite_project: Project) -> None:
    project = sqlite_project
    project.environment["QUESTLINE_SHUTDOWN_SECONDS"] = "3600"
    pool = project.start_pool(processes=1)
    quest_id = project.submit("slow", quest_id="hurried")
    project.wait_for_begin("hurried:0:0001")
    pool.send(signal.SIGINT)
    eventually(lambda: "Press Ctrl-C again" in project.log, timeout=LONG)
    assert pool.running
    pool.send(signal.SIGINT)
    eventually(lambda: not pool.running, timeout=LONG, message="the second Ctrl-C did not stop it")
    assert pool._process.returncode == 0
    project.open_gate()
    project.start_pool(processes=1)
    project.completed(quest_id)


def test_a_pool_told_to_stop_lets_short_steps_end(sqlite_project: Project) -> None:
    project = sqlite_project
    pool = project.start_pool(processes=1)
    quest_id = project.submit("busy", quest_id="short")
    project.wait_for_begin("short:0:0001")
    pool.send(signal.SIGTERM)
    eventually(lambda: not pool.running, timeout=LONG)
    assert project.client.get(quest_id).status == "completed"
    assert project.times_begun() == {"short:0:0001": 1}


def test_sigterm_stops_a_worker_whatever_thread_the_kernel_gives_it_to(sqlite_project: Project) -> None:
    project = sqlite_project
    with (project.folder / "my_lords.py").open("a") as module:
        module.write(
            dedent("""
            import signal, threading

            @lord("last", "work")
            def last(ctx: LordContext) -> int:
                signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
                return os.getpid()
        """)
        )
    project.start_pool(processes=1)
    stopped = project.completed(project.submit("last", quest_id="last")).run_data["last"]
    eventually(lambda: not is_alive(stopped), timeout=LONG, message=f"it goes on: {project.log[-2000:]}")
    assert project.completed(project.submit("last", quest_id="next")).run_data["last"] != stopped


def test_a_worker_that_fails_at_boot_is_started_again_ever_more_slowly(sqlite_project: Project) -> None:
    project = sqlite_project
    boot = """
        if "questline_worker.child" in sys.orig_argv:
            note("boot", "x")
            if (FOLDER / "broken").exists():
                raise RuntimeError("the configuration is not there yet")
    """
    with (project.folder / "my_lords.py").open("a") as module:
        module.write(dedent(boot))
    (project.folder / "broken").touch()
    pool = project.start(sys.executable, "-m", "questline", "worker", "my_lords", "-p", "1", "-t", "2")
    quest_id = project.submit("quick")

    def boots() -> list[float]:
        return [entry.time for entry in project.ledger() if entry.word == "boot"]

    eventually(lambda: len(boots()) >= 4, timeout=LONG, message=f"too few boots: {project.log[-3000:]}")
    first, second, third, fourth = boots()[:4]
    assert third - second >= 1.0
    assert fourth - third >= 2.0
    assert second > first
    assert is_alive(pool.pid)
    (project.folder / "broken").unlink()
    project.completed(quest_id)


def test_fault_10_dbos_version_hash_a_deploy_without_a_lord_in_use_strands_nothing(server_project: Project) -> None:
    project = server_project
    project.start_pool(processes=1)
    stack_id = project.submit("quick", "newcomer", quest_id="deploy")
    eventually(lambda: project.successes(stack_id) == ["0001"], timeout=LONG)
    with (project.folder / "my_lords.py").open("a") as module:
        module.write('\n@lord("newcomer", "work")\ndef newcomer(ctx: LordContext) -> str:\n    return "here"\n')
    project.start_pool(processes=1)
    assert project.completed(stack_id).output_data == "here"
    assert [run.status for run in project.client.runs(stack_id)] == ["success", "success"]
