"""What a project brings into a worker's process, and what its handlers' programs take along."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests.acceptance.recovery.projects import LONG, TERMS, Project, descendants, is_alive
from tests.servers.process import ServerProcess
from tests.waiting import eventually

SCRIPT = str(Path(sys.executable).with_name("questline"))

#: Names that questline, or a library of it, imports late or early.
TAKEN = (
    "queue",
    "email",
    "types",
    "token",
    "random",
    "copy",
    "logging",
    "select",
    "redis",
    "alembic",
    "json",
    "uuid",
    "questline",
)


def _add_lords(project: Project, code: str) -> None:
    with (project.folder / "my_lords.py").open("a") as module:
        module.write(dedent(code))


def _output(project: Project, lord: str) -> object:
    """Run a quest of one step and return its output."""
    return project.completed(project.submit(lord)).output_data


def _start(project: Project, *words: str, **environment: str) -> ServerProcess:
    return project.start(SCRIPT, "worker", "my_lords", "-p", "1", "-t", "2", *words, **environment)


# What handlers start


def test_a_program_that_a_handler_starts_reads_nothing_and_inherits_nothing(sqlite_project: Project) -> None:
    _add_lords(
        sqlite_project,
        """
        import subprocess

        @lord("reader", "work")
        def reader(ctx: LordContext) -> list[str]:
            listing = "cat; for f in /proc/self/fd/*; do readlink $f; done"
            told = subprocess.run(["sh", "-c", listing], capture_output=True, text=True, close_fds=False, timeout=30)
            return told.stdout.split()
        """,
    )
    sqlite_project.start_pool(processes=1)
    handed_on = _output(sqlite_project, "reader")
    assert isinstance(handed_on, list)
    assert handed_on[0] == "/dev/null"
    # Those two of `sh` that capture its output, and the log, which is its stderr's parent.
    assert sum(place.startswith("pipe:") for place in handed_on) <= 2, handed_on


def test_what_a_handler_forks_can_be_terminated(sqlite_project: Project) -> None:
    _add_lords(
        sqlite_project,
        """
        import multiprocessing
        fork = multiprocessing.get_context("fork")

        @lord("forker", "work")
        def forker(ctx: LordContext) -> list[int]:
            children = [fork.Process(target=time.sleep, args=(600,)) for _ in range(2)]
            for child in children:
                child.start()
            os.kill(children[0].pid, 15)
            os.kill(children[1].pid, 2)
            for child in children:
                child.join(60)
            codes = [child.exitcode for child in children]
            for child in children:
                child.kill()
            return codes
        """,
    )
    sqlite_project.start_pool(processes=1)
    assert _output(sqlite_project, "forker") in ([-15, -2], [-15, 1])  # KeyboardInterrupt, once Python runs


@pytest.mark.parametrize("start", ["worker", "dramatiq"])
def test_a_forked_process_that_leaves_its_handler_ends_there(sqlite_project: Project, start: str) -> None:
    _add_lords(
        sqlite_project,
        """
        def fork_and(leave):
            pid = os.fork()
            if pid == 0:
                leave()
                return "the child's"
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

        @lord("returning", "work")
        def returning(ctx: LordContext):
            return fork_and(lambda: None)

        @lord("exiting", "work")
        def exiting(ctx: LordContext):
            return fork_and(lambda: sys.exit(7))

        @lord("failing", "work")
        def failing(ctx: LordContext):
            return fork_and(lambda: 1 / 0)

        @lord("awaiting", "work")
        async def awaiting(ctx: LordContext):
            return fork_and(lambda: sys.exit(9))
        """,
    )
    if start == "worker":
        sqlite_project.start_pool(processes=1)
    else:
        command = (sys.executable, "-m", "dramatiq", "questline_worker.main", "-p", "1", "-t", "2")
        sqlite_project.start(*command, QUESTLINE_LORDS="my_lords")
    codes = [_output(sqlite_project, lord) for lord in ("returning", "exiting", "failing", "awaiting")]
    assert codes == [0, 7, 1, 9]
    assert "ZeroDivisionError" in sqlite_project.log


# What lies in a project's folder


def _give_taken_names(project: Project) -> None:
    for name in TAKEN:
        project.write(f"{name}.py", 'raise RuntimeError("this was never to be imported")\n')
    project.write("helpers.py", 'NAME = "theirs"\n')
    _add_lords(project, "\nimport helpers\n\n@lord('mine', 'work')\ndef mine(ctx):\n    return helpers.NAME\n")


@pytest.mark.parametrize("start", ["worker", "dramatiq"])
def test_modules_of_a_project_never_take_the_place_of_those_that_we_import(server_project: Project, start: str) -> None:
    _give_taken_names(server_project)
    if start == "worker":
        _start(server_project)
    else:
        dramatiq = str(Path(sys.executable).with_name("dramatiq"))
        server_project.start(dramatiq, "questline_worker.main", "-p", "1", "-t", "2", QUESTLINE_LORDS="my_lords")
    assert _output(server_project, "mine") == "theirs"


def test_a_module_that_goes_elsewhere_and_leaves_a_thread_running_strands_nobody(sqlite_project: Project) -> None:
    _add_lords(
        sqlite_project,
        """
        import threading
        os.makedirs("data", exist_ok=True)
        os.chdir("data")
        threading.Thread(target=time.sleep, args=(3600,)).start()

        @lord("where", "work")
        def where(ctx: LordContext) -> str:
            return os.path.basename(os.getcwd())
        """,
    )
    path = sqlite_project.database_url.removeprefix("sqlite:///")
    here = f"sqlite:///{os.path.relpath(path, sqlite_project.folder)}"
    pool = _start(sqlite_project, QUESTLINE_DATABASE_URL=here)
    assert _output(sqlite_project, "where") == "data"
    pool.stop()
    assert pool._process.returncode == 0


def test_commands_run_beside_modules_with_such_names(sqlite_project: Project) -> None:
    _give_taken_names(sqlite_project)
    environment = os.environ | {"QUESTLINE_DATABASE_URL": sqlite_project.database_url, "QUESTLINE_LORDS": "my_lords"}
    for words in (["list"], ["doctor"], ["submit", "--help"]):
        done = subprocess.run(
            [SCRIPT, *words], cwd=sqlite_project.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode, "Error" in done.stdout + done.stderr) == (0, False), words


def test_a_module_of_lords_with_such_a_name_is_refused(sqlite_project: Project) -> None:
    sqlite_project.write("queue.py", "")
    refused = sqlite_project.start(SCRIPT, "worker", "queue")
    eventually(lambda: not refused.running, timeout=LONG)
    assert refused._process.returncode == 2
    assert "cannot import queue: the name is taken" in sqlite_project.log


# What a module of Lords does when it is imported

#: Logging as Django's settings and many others configure it: all that exists is switched off.
DICT_CONFIG = """
    import logging.config
    logging.config.dictConfig({
        "version": 1,
        "handlers": {"console": {"class": "logging.StreamHandler"}, "file": {"class": "logging.FileHandler",
                     "filename": str(FOLDER / "own.log")}},
        "root": {"handlers": ["console", "file"], "level": "INFO"},
    })
    logging.disable(logging.CRITICAL)

    @lord("chatty", "work")
    def chatty(ctx: LordContext) -> None:
        logging.getLogger("theirs").warning("from their logger")
        ctx.log.warning("from our logger")
"""


def test_a_projects_logging_silences_none_of_our_lines_and_none_comes_twice(sqlite_project: Project) -> None:
    project = sqlite_project
    _add_lords(project, DICT_CONFIG)
    pool = project.start_pool(processes=1)
    _output(project, "chatty")
    os.kill(descendants(pool.pid)[0], signal.SIGKILL)
    eventually(lambda: "worker_process_died" in project.log, timeout=LONG, message=project.log)
    assert project.log.count('"event": "worker_process_died"') == project.log.count("worker_process_died") == 1
    assert project.log.count("from our logger") == 1
    assert project.log.count("from their logger") == 1
    own = (project.folder / "own.log").read_text()
    assert "from our logger" in own
    assert "from their logger" in own


@pytest.mark.parametrize("library", ["gevent", "eventlet"])
def test_a_module_that_patches_threads_away_is_refused_with_a_hint(sqlite_project: Project, library: str) -> None:
    patch = f"""
        def patched_sleep(seconds, real=time.sleep):
            real(seconds)

        patched_sleep.__module__ = "{library}.hub"
        time.sleep = patched_sleep
    """
    _add_lords(sqlite_project, patch)
    refused = _start(sqlite_project)
    eventually(lambda: not refused.running, timeout=LONG, message="it goes on")
    assert refused._process.returncode == 2
    assert f"Error: {library} has patched" in sqlite_project.log
    assert "Hint:" in sqlite_project.log


def test_a_child_alone_that_is_patched_says_so(sqlite_project: Project) -> None:
    patch = """
        if "questline_worker.child" in sys.orig_argv:
            time.sleep = type("Patched", (), {"__module__": "gevent.hub", "__call__": lambda self, _: None})()
    """
    _add_lords(sqlite_project, patch)
    _start(sqlite_project)
    eventually(lambda: '"event": "worker_misconfigured"' in sqlite_project.log, timeout=LONG)
    assert "gevent has patched" in sqlite_project.log


# Signals


def test_sigterm_is_heard_in_a_long_import(sqlite_project: Project) -> None:
    slow = """
        if "questline_worker.child" in sys.orig_argv:
            note("import", "x")
            try:
                time.sleep(3600)
            except BaseException:
                time.sleep(3600)
    """
    _add_lords(sqlite_project, slow)
    pool = _start(sqlite_project, QUESTLINE_SHUTDOWN_SECONDS="3600")
    eventually(sqlite_project.ledger, timeout=LONG, message="no child began to import")
    pool.send(signal.SIGTERM)
    eventually(lambda: not pool.running, timeout=LONG, message="it waits for the import")
    assert pool._process.returncode == 0


def test_sigterm_that_comes_twice_does_not_shorten_the_time_that_steps_have(sqlite_project: Project) -> None:
    project = sqlite_project
    project.environment["QUESTLINE_SHUTDOWN_SECONDS"] = "3600"
    pool = project.start_pool(processes=1)
    project.submit("slow", quest_id="twice")
    project.wait_for_begin("twice:0:0001")
    children = descendants(pool.pid)
    for times in (1, 2):
        for pid in (pool.pid, *children):  # as a container's runtime does
            os.kill(pid, signal.SIGTERM)
        eventually(lambda: "Shutting down..." in project.log, timeout=LONG, message=f"not heard: {times}")
    eventually(lambda: _caught(pool.pid), timeout=LONG)
    assert all(map(is_alive, children))
    project.open_gate()
    eventually(lambda: not pool.running, timeout=LONG)
    assert pool._process.returncode == 0
    assert project.client.get("twice").status == "completed"
    assert project.times_begun() == {"twice:0:0001": 1}


def _caught(pid: int) -> bool:
    """Whether no signal waits for a process any more."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    pending = [line.split()[1] for line in lines if line.startswith(("SigPnd", "ShdPnd"))]
    return not any(int(mask, 16) for mask in pending)


# How it is started


@pytest.mark.parametrize("closed", ["2>&-", "0<&- 1>&- 2>&-"])
def test_a_worker_starts_with_its_standard_streams_closed(sqlite_project: Project, closed: str) -> None:
    project = sqlite_project
    _add_lords(
        project,
        """
        @lord("streams", "work")
        def streams(ctx: LordContext) -> list[str]:
            print("to stdout", flush=True)
            print("to stderr", file=sys.stderr, flush=True)
            return [os.readlink(f"/proc/self/fd/{number}") for number in range(3)]
        """,
    )
    project.start("/bin/sh", "-c", f"exec {SCRIPT} worker my_lords -p 1 -t 2 {closed}")
    streams = _output(project, "streams")
    assert isinstance(streams, list)
    assert streams[0] == streams[2] == "/dev/null"


def test_questline_as_the_first_process_buries_orphans_and_passes_signals_on(sqlite_project: Project) -> None:
    """Orphans come to a subreaper as they do to the first process of a container, and no root is needed for one."""
    project = sqlite_project
    _add_lords(
        project,
        """
        import subprocess

        @lord("orphaning", "work")
        def orphaning(ctx: LordContext) -> int:
            told = subprocess.run(["sh", "-c", "sleep 0.1 & echo $!"], capture_output=True, text=True, timeout=30)
            return int(told.stdout)
        """,
    )
    first = """
        import ctypes
        from questline.cli import entry
        ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
        entry.is_first = lambda: True
        raise SystemExit(entry.main())
    """
    project.write("first.py", first)
    init = project.start(sys.executable, "-P", "first.py", "worker", "my_lords", "-p", "1", "-t", "2")
    orphan = _output(project, "orphaning")
    eventually(lambda: not Path(f"/proc/{orphan}").exists(), timeout=LONG, message="the orphan was not buried")
    assert len(descendants(init.pid)) == 2
    init.send(signal.SIGTERM)
    eventually(lambda: not init.running, timeout=LONG)
    assert init._process.returncode == 0
    assert project.live_workers() == []


def test_the_first_process_exits_as_the_program_does(sqlite_project: Project) -> None:
    first = "from questline.cli import entry\nentry.is_first = lambda: True\nraise SystemExit(entry.main())\n"
    sqlite_project.write("first.py", first)
    done = subprocess.run(
        [sys.executable, "-P", "first.py", "show", "nothing"],
        cwd=sqlite_project.folder,
        env=os.environ | TERMS | {"QUESTLINE_DATABASE_URL": sqlite_project.database_url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4, done.stderr


def test_a_worker_without_lords_refuses_to_start(sqlite_project: Project) -> None:
    refused = sqlite_project.start(SCRIPT, "worker")
    eventually(lambda: not refused.running, timeout=LONG)
    assert refused._process.returncode == 2
    assert "set QUESTLINE_LORDS" in sqlite_project.log


def test_queues_may_be_named_one_by_one(sqlite_project: Project) -> None:
    _start(sqlite_project, "-Q", "a", "-Q", "b,c")
    sqlite_project.wait_for_workers(1)
    (worker,) = sqlite_project.live_workers()
    assert worker.queues == ("a", "b", "c")
