"""A warm process that forks others: all is imported, nothing is connected, and there is but one thread.

It reads orders from its stdin and ends, with all that it forked, when that closes.
"""

import ctypes
import gc
import importlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import traceback
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.failpoints.orders import LIFETIME, Order
from tests.servers.process import PARENT_DEATH_SIGNAL

#: What a process would import when it first needs it.
LAZY = (
    "alembic.command",
    "psycopg",
    "pysqlite3.dbapi2",
    "questline_persistence.memory.step.nouns",
    "questline_scheduler.doorbells.redis_broker",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "tests.failpoints.lives",
)
#: How long anything that is asked of the server may take, in seconds.
PATIENCE = 30.0
#: Exit code of a process that could not do what it was told.
BROKEN = 1


@dataclass
class Forked:
    """A process that the server forked."""

    pid: int
    _server: "ForkServer"
    ended: "Future[int]" = field(default_factory=Future)

    def wait(self, timeout: float = PATIENCE) -> int:
        """Return the exit code, negative for a signal."""
        return self.ended.result(timeout)

    def kill(self) -> None:
        """Kill the process if it has not ended, and wait for its end."""
        if not self.ended.done():
            self._server.tell({"kill": self.pid})
        self.wait()


class ForkServer:
    """The test's side of the server; threads may share it."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "fork_server.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.failpoints.fork_server"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONWARNINGS": "default"},
                cwd=folder,
            )
        self._asking, self._telling = threading.Lock(), threading.Lock()
        self._answers: list[Future[int]] = []
        self._forked: dict[int, Forked] = {}
        self._reader = threading.Thread(target=self._read, name="fork-server", daemon=True)
        self._reader.start()

    def fork(self, order: Order, log: Path) -> Forked:
        """Have a process forked that carries out `order`, with its stderr in `log`."""
        answer: Future[int] = Future()
        with self._asking:
            self._answers.append(answer)
            self.tell({"fork": order.values(), "log": str(log)})
        return self._forked[answer.result(PATIENCE)]

    def tell(self, message: dict[str, Any]) -> None:
        stream = self._process.stdin
        assert stream is not None
        with self._telling:
            stream.write(json.dumps(message).encode() + b"\n")
            stream.flush()

    def close(self) -> None:
        """End the server and everything that it forked."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = json.loads(line)
            if "forked" in message:
                pid = message["forked"]
                self._forked[pid] = Forked(pid, self)
                self._answers.pop(0).set_result(pid)
            else:
                self._forked[message["ended"]].ended.set_result(message["code"])
        for answer in self._answers:
            answer.set_exception(RuntimeError(f"the fork server is gone: {self._log.read_text()[-2_000:]}"))


class _Server:
    """The server's own side."""

    def __init__(self) -> None:
        self._children: set[int] = set()
        self._output = os.fdopen(os.dup(1), "wb", buffering=0)
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._wake, False)

    def run(self) -> None:
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        selector = selectors.DefaultSelector()
        selector.register(0, selectors.EVENT_READ)
        selector.register(self._woken, selectors.EVENT_READ)
        unread = b""
        while True:
            ready = {key.fd for key, _ in selector.select()}
            if self._woken in ready:
                os.read(self._woken, 4096)
                self._reap(os.WNOHANG)
            if 0 not in ready:
                continue
            data = os.read(0, 65_536)
            if not data:
                break
            *lines, unread = (unread + data).split(b"\n")
            for line in lines:
                self._obey(json.loads(line))
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
        self._reap(0)

    def _obey(self, message: dict[str, Any]) -> None:
        if "kill" in message:
            if message["kill"] in self._children:
                os.kill(message["kill"], signal.SIGKILL)
            return
        pid = os.fork()
        if pid == 0:
            _become(Order(**message["fork"]), message["log"])
        self._children.add(pid)
        self._say({"forked": pid})

    def _reap(self, options: int) -> None:
        while self._children:
            pid, status = os.waitpid(-1, options)
            if pid == 0:
                return
            self._children.discard(pid)
            self._say({"ended": pid, "code": os.waitstatus_to_exitcode(status)})

    def _say(self, message: dict[str, Any]) -> None:
        with suppress(BrokenPipeError):
            self._output.write(json.dumps(message).encode() + b"\n")


def _become(order: Order, log: str) -> None:
    """Turn this fork into the process that was ordered; never return."""
    code = BROKEN
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.alarm(LIFETIME)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, int(signal.SIGKILL))
        nothing = os.open(os.devnull, os.O_RDWR)
        stderr = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        os.dup2(stderr, 2)
        os.closerange(3, nothing)  # the server's own pipes
        lives = importlib.import_module("tests.failpoints.lives")
        code = lives.live(order)
    except BaseException:  # noqa: BLE001  (whatever it is, this process must not go on as the server)
        traceback.print_exc()
    finally:
        os._exit(code)


def _main() -> None:
    for name in LAZY:
        with suppress(ModuleNotFoundError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a fork that collects garbage would copy every page
    _Server().run()


if __name__ == "__main__":
    _main()
