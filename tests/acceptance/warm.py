"""Runs `questline` and Python scripts in forks of one process that has imported everything.

A command takes a second of imports, and some milliseconds of work. A fork has the imports from its parent; arguments,
folder, environment, stdin, stdout and stderr are those of whoever calls it, and so is what becomes of its exit code or
of the signal that killed it. What the interpreter or a module reads as it starts is not: whoever tests that starts a
process of its own.
"""

import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.process import ServerProcess

ROOT = Path(__file__).resolve().parents[2]
#: Programs that are run in forks. Others, and what runs in the background, are processes of their own.
PROGRAMS = ("questline", "python")
#: What a program would import when it first needs it.
LAZY = (
    "alembic.command",
    "psycopg",
    "pysqlite3.dbapi2",
    "questline.cli.display.fitted_table",
    "questline_persistence.memory.states",
    "questline_persistence.schema.revisions",
    "questline_scheduler.doorbells.redis_broker",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
)
#: Beginnings of variables' names that would tell a program what to do; a module may have read them at its import.
SETTINGS = ("QUESTLINE_", "DATABASE_URL", "REDIS_URL", "COLUMNS", "FORCE_COLOR", "_TYPER", "GITHUB_ACTIONS")
#: Longest that a fork may live, in seconds; none is to outlive the tests for long.
LIFETIME = 180
#: What stands for such a program: it passes on how it was called, and ends as the fork did.
CALLER = """#!{python} -IS
import json, os, signal, socket, sys
with socket.socket(socket.AF_UNIX) as door:
    door.connect({address!r})
    call = json.dumps([sys.argv, os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(door, [len(call).to_bytes(4, "big")], [0, 1, 2])
    door.sendall(call)
    code = int(door.recv(4) or b"1")
if code < 0:
    if code != -signal.SIGKILL:
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


@contextmanager
def warm_programs() -> Iterator[Path]:
    """Start the process; yield a folder that begins a PATH."""
    with tempfile.TemporaryDirectory(prefix="warm-") as name:
        folder = Path(name)
        address = folder / "door"
        for program in PROGRAMS:
            (folder / program).write_text(CALLER.format(python=sys.executable, address=str(address)))
            (folder / program).chmod(0o755)
        unset = [f"--unset={variable}" for variable in os.environ if variable.startswith(SETTINGS)]
        command = ["env", *unset, f"PYTHONPATH={ROOT}", sys.executable, "-m", __name__, address]
        process = ServerProcess(command, log=folder / "log")
        try:
            process.wait_until(address.exists, ignoring=())
            yield folder
        finally:
            process.stop(signal.SIGKILL)


def serve(address: str) -> None:
    """Answer each call with a fork, until this process is killed."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(address)
        door.listen()
        while True:
            caller, _ = door.accept()
            with caller:
                if os.fork() == 0:
                    answer(caller)


def answer(caller: socket.socket) -> None:
    """Run what is called in a fork of its own, tell its exit code, and end this process."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    fork = os.fork()
    if fork == 0:
        run(*receive(caller))
    _, status = os.waitpid(fork, 0)
    caller.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def receive(caller: socket.socket) -> tuple[list[str], str, dict[str, str]]:
    """Take over the caller's stdin, stdout and stderr; return its arguments, folder and environment."""
    length, descriptors, _, _ = socket.recv_fds(caller, 4, 3)
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    with caller, caller.makefile("rb") as call:
        return json.loads(call.read(int.from_bytes(length, "big")))


def run(words: list[str], folder: str, environment: dict[str, str]) -> None:
    """Become the program that is called: `questline`, or a script; it ends by leaving with its exit code."""
    signal.alarm(LIFETIME)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    program, *arguments = words
    if Path(program).name == "questline":
        sys.argv, sys.path[0] = words, str(Path(program).parent)
        sys.exit(sys.modules["questline.cli"].main())
    sys.argv, sys.path[0] = arguments, folder
    runpy.run_path(arguments[0], run_name="__main__")
    sys.exit()


def import_everything() -> None:
    """Import what commands and scripts need. No store is opened and no thread started, so that forks are safe."""
    import questline.cli  # noqa: PLC0415  only this process pays for it

    for name in questline.__all__:
        getattr(questline, name)
    for name in LAZY:
        importlib.import_module(name)


if __name__ == "__main__":
    import_everything()
    gc.freeze()  # a fork that collects garbage would copy every page
    serve(sys.argv[1])
