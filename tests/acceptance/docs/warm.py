"""Runs `questline` and Python scripts in forks of one process that has imported everything.

A command that a page shows takes a second of imports, and some milliseconds of work. A fork has the imports from its
parent; arguments, folder, environment, stdin, stdout and stderr are those of whoever calls it.
"""

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

from tests.acceptance.docs.pages import ROOT
from tests.servers.process import ServerProcess

#: Programs that are run in forks. Others, and what runs in the background, are processes of their own.
PROGRAMS = ("questline", "python")
#: Longest that a fork may live, in seconds; none is to outlive the tests for long.
LIFETIME = 180
#: What stands for such a program: it passes on how it was called, and exits as the fork did.
CALLER = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as door:
    door.connect({address!r})
    call = json.dumps([sys.argv, os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(door, [len(call).to_bytes(4, "big")], [0, 1, 2])
    door.sendall(call)
    sys.exit(int(door.recv(4) or b"1"))
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
        command = ["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", __name__, address]
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
    caller.sendall(str(os.waitstatus_to_exitcode(status) & 0xFF).encode())
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


if __name__ == "__main__":
    import_everything()
    serve(sys.argv[1])
