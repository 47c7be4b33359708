"""Fault 9: handlers that take their process with them; those that raise or return nonsense are tested elsewhere."""

from textwrap import dedent

from questline_persistence.states import RunStatus
from questline_persistence.suspicion import MAX_LOST, MAX_LOST_IN_ALL
from tests.acceptance.recovery.projects import LONG, Project, is_alive
from tests.integration.worker.pools import tell
from tests.waiting import eventually

#: The hog takes what it can get, until the kernel's last resort, which is a SIGKILL, comes: here from itself, so that
#: it comes for the right process and before this machine suffers. The glutton runs into a limit and is told.
KILLERS = dedent("""
    import asyncio, resource, signal

    @lord("exits", "work")
    def exits(ctx: LordContext) -> str:
        note("begin", ctx.idempotency_key)
        if ctx._claim.lost == 0:
            os._exit(3)
        return "stayed"

    @lord("patient", "work")
    async def patient(ctx: LordContext) -> str:
        await asyncio.sleep(3)
        return "stayed"

    @lord("killer", "work")
    def killer(ctx: LordContext) -> None:
        os._exit(3)

    @lord("hog", "work")
    def hog(ctx: LordContext) -> None:
        note("begin", ctx.idempotency_key)
        hoard = []
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        while resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < before + 30_000:
            hoard.append(bytearray(1_000_000))
        os.kill(os.getpid(), signal.SIGKILL)

    @lord("glutton", "work", max_attempts=1)
    def glutton(ctx: LordContext) -> int:
        limits = resource.getrlimit(resource.RLIMIT_AS)
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + 50_000_000, limits[1]))
        try:
            return len(bytearray(200_000_000))
        finally:
            resource.setrlimit(resource.RLIMIT_AS, limits)
""")


def test_fault_09_dramatiq_213_a_step_that_is_killed_for_its_memory_ends_and_the_pool_lives_on(
    sqlite_project: Project,
) -> None:
    project = sqlite_project
    with (project.folder / "my_lords.py").open("a") as module:
        module.write(KILLERS)
    pool = project.start_pool(processes=1, threads=2)
    # One after the other: a step that dies in company is charged with nothing, since another may have been the killer.
    assert project.completed(project.submit("exits", quest_id="exits")).output_data == "stayed"
    project.submit("hog", quest_id="hog")
    eventually(lambda: project.client.repository.status("hog") == "failed", timeout=LONG, message=project.log[-2000:])
    project.submit("glutton", quest_id="glutton")
    eventually(lambda: project.client.repository.status("glutton") == "failed", timeout=LONG)
    tell(f"attempts: {dict(project.times_begun())}")
    assert project.times_begun() == {"exits:0:0001": 2, "hog:0:0001": MAX_LOST}
    assert f"{MAX_LOST} workers have died while it ran alone" in (project.client.get("hog").error or "")
    assert (project.client.get("glutton").error or "").startswith("MemoryError")
    assert [run.status for run in project.client.runs("exits")] == [RunStatus.ERROR, RunStatus.SUCCESS]
    assert is_alive(pool.pid)
    project.completed(project.submit("quick"))


def test_fault_09_steps_that_kill_their_process_take_none_of_those_along_that_run_beside_them(
    sqlite_project: Project,
) -> None:
    project = sqlite_project
    with (project.folder / "my_lords.py").open("a") as module:
        module.write(KILLERS)
    project.start_pool(processes=1, threads=2)
    innocent = [project.submit("patient") for _ in range(6)]
    killers = [project.submit("killer") for _ in range(2)]
    for quest_id in innocent:
        assert project.completed(quest_id, 3 * LONG).output_data == "stayed"
    repository = project.client.repository
    eventually(lambda: {repository.status(each) for each in killers} == {"failed"}, timeout=3 * LONG)
    for quest_id in killers:
        assert f"{MAX_LOST} workers have died while it ran alone" in (project.client.get(quest_id).error or "")
        assert len(project.client.runs(quest_id)) < MAX_LOST_IN_ALL
