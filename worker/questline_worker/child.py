"""One worker process under the supervisor: `python -m questline_worker.child`, told what to do on its stdin.

The pipe stays open for as long as the supervisor lives. When it closes, the child stops by itself, so that
no worker outlives its supervisor.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import threading
from dataclasses import asdict, dataclass
from typing import Any

import dramatiq

from questline_persistence.errors import QuestlineError
from questline_persistence.log import get_logger
from questline_persistence.settings import Settings
from questline_scheduler.logs import configure_logging
from questline_scheduler.stopping import wait_for_stop
from questline_worker.lords import import_lords
from questline_worker.process import WorkerProcess

log = get_logger(__name__)

#: How long a consumer or worker thread sleeps before it looks whether it should stop, in milliseconds.
POLL_MS = 500
#: Exit code of a child that cannot import its Lords or is configured wrongly.
EXIT_MISCONFIGURED = 2


@dataclass(frozen=True, slots=True)
class Orders:
    """What the supervisor tells a child: settings, modules, whether to host the loops, and its name."""

    settings: dict[str, Any]
    modules: list[str]
    loops: bool
    process_id: str

    def line(self) -> bytes:
        """Return the orders as one line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"


def run(orders: Orders) -> int:
    """Run steps until told to stop; return the exit code."""
    settings = Settings(**orders.settings)
    configure_logging(settings)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor passes it on
    try:
        import_lords(orders.modules)
        process = WorkerProcess(settings, loops=orders.loops, process_id=orders.process_id)
    except QuestlineError as error:
        log.critical("worker_misconfigured", error=error.message, hint=error.hint)
        return EXIT_MISCONFIGURED
    threading.Thread(target=_stop_with_supervisor, args=(stopping,), name="questline-supervised", daemon=True).start()
    dramatiq.set_broker(process.broker)
    worker = dramatiq.Worker(
        process.broker, queues=set(settings.queues), worker_threads=settings.worker_threads, worker_timeout=POLL_MS
    )
    gc.freeze()  # what is loaded by now lives as long as the process
    worker.start()
    wait_for_stop(stopping)
    _shut_down(process, worker, settings.shutdown_seconds)
    return 0


def _shut_down(process: WorkerProcess, worker: dramatiq.Worker, seconds: float) -> None:
    """Let running steps end, and give back those that do not."""
    worker.stop(timeout=int(seconds * 1000))
    process.broker.close()
    process.event_loop.stop()
    process.database.close()


def _stop_with_supervisor(stopping: threading.Event) -> None:
    """Wait until the supervisor's end of the pipe closes."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    stopping.set()


def main() -> None:
    """Read the orders and carry them out."""
    orders = Orders(**json.loads(_first_line()))
    code = run(orders)
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads of handlers that did not end in time must not keep the process; their steps have been given back.
    os._exit(code)


def _first_line() -> bytes:
    """Return the first line of stdin, reading no byte beyond it."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(sys.stdin.fileno(), 1)
        if not byte:
            raise SystemExit("this is started by `questline worker`, not by hand")
        line += byte
    return line


if __name__ == "__main__":
    main()
