"""One worker process under the supervisor, which tells it what to do through a pipe: `questline_worker.child FD FD`.

The first line of the pipe are the orders; another one asks the process to retire. The pipe stays open for as long as
the supervisor lives. When it closes, the child stops by itself, so that no worker outlives its supervisor. Through the
other pipe the child reports what it counts, if it is asked to. No handler's program sees the pipes: their descriptors
are not handed on, and stdin is /dev/null.
"""

from __future__ import annotations

import gc

if __name__ == "__main__":
    gc.disable()  # until main: what imports make is no garbage, and looking through it takes a tenth of their time

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import Any

import dramatiq

from questline_persistence.errors import QuestlineError
from questline_persistence.log import get_logger
from questline_persistence.settings import Settings
from questline_persistence.store import decide_library
from questline_scheduler.logs import configure_logging, restore_logging
from questline_scheduler.monitoring import Tally
from questline_scheduler.standard_streams import open_standard_streams
from questline_scheduler.step_defaults import declared_queues
from questline_scheduler.stopping import LOOK_SECONDS, wait_for_stop
from questline_worker.forks import keep_signals_here
from questline_worker.green_threads import refuse_green_threads
from questline_worker.lords import AllHooks, StepHooks, import_lords
from questline_worker.narration import Narration
from questline_worker.orders import EXIT_MISCONFIGURED, Orders
from questline_worker.own_imports import keep_own_imports
from questline_worker.process import WorkerProcess
from questline_worker.reports import Reporter
from questline_worker.step_counts import StepCounts

log = get_logger(__name__)

#: How long a consumer or worker thread sleeps before it looks whether it should stop, in milliseconds.
POLL_MS = 500


def run(orders: Orders, pipe: int, reports: int) -> int:
    """Run steps until told to stop, by SIGTERM, by the pipe or by its end.

    Parameters:
      orders: what to run, and how.
      pipe: the end of the supervisor's pipe from which its further words are read.
      reports: the end of the pipe into which reports are written.

    Returns:
      the exit code: 0, or `EXIT_MISCONFIGURED` where no step could be run at all.
    """
    settings = Settings(**orders.settings)
    configure_logging(settings)
    try:
        decide_library(settings.database_url)
        folder = Path.cwd()
        import_lords(orders.modules)
        refuse_green_threads()
        restore_logging(settings)
        if orders.development:
            settings = _with_every_queue(settings)
        tally = Tally() if orders.reports else None
        with chdir(folder):  # a module may have left it, and handlers may rely on that; the store's path does not
            process = WorkerProcess(
                settings,
                loops=orders.loops,
                process_id=orders.process_id,
                hooks=_hooks(tally, development=orders.development),
                tally=tally,
            )
    except QuestlineError as error:
        restore_logging(settings)
        log.critical("worker_misconfigured", error=error.message, hint=error.hint)
        return EXIT_MISCONFIGURED
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    keep_signals_here()
    _start_thread(_heed_supervisor, pipe, process, stopping)
    dramatiq.set_broker(process.broker)
    worker = dramatiq.Worker(
        process.broker, queues=set(settings.queues), worker_threads=settings.worker_threads, worker_timeout=POLL_MS
    )
    gc.freeze()  # what the Lords' modules have loaded lives as long as the process, too
    worker.start()
    reporter = None if tally is None else Reporter(reports, tally)
    if reporter is not None:
        reporter.start()
    wait_for_stop(stopping)
    _shut_down(process, worker, settings.shutdown_seconds)
    if reporter is not None:
        reporter.stop()
    return 0


def _hooks(tally: Tally | None, *, development: bool) -> StepHooks | None:
    """Return who is told of every step, if anybody is."""
    hooks: list[StepHooks] = [Narration()] if development else []
    if tally is not None:
        hooks.append(StepCounts(tally))
    return AllHooks(hooks) if hooks else None


def _shut_down(process: WorkerProcess, worker: dramatiq.Worker, seconds: float) -> None:
    """Let running steps end within so many seconds, and give back those that do not."""
    worker.stop(timeout=int(seconds * 1000))
    process.broker.close()
    process.event_loop.stop()
    process.database.close()


def _with_every_queue(settings: Settings) -> Settings:
    """Return the settings with the queues that Lords name besides their own."""
    more = sorted(declared_queues() - {*settings.queues})
    return settings.model_copy(update={"queues": (*settings.queues, *more)})


def _start_thread(target: Callable[..., None], *arguments: Any) -> None:
    """Have a thread call a function; it keeps no process from ending."""
    threading.Thread(target=target, args=arguments, name=f"questline-{target.__name__.strip('_')}", daemon=True).start()


def _heed_supervisor(pipe: int, process: WorkerProcess, stopping: threading.Event) -> None:
    """Retire when the supervisor says so, and stop when its end of the pipe closes."""
    while os.read(pipe, 1024):
        _start_thread(_retire, process, stopping)
    stopping.set()


def _retire(process: WorkerProcess, stopping: threading.Event) -> None:
    """Stop once what runs has ended, however long that takes."""
    process.retire()
    while len(process.running):
        time.sleep(LOOK_SECONDS)
    stopping.set()


def main() -> None:
    """Read the orders and carry them out."""
    gc.freeze()  # what is loaded by now lives as long as the process
    gc.enable()
    # Until there is something to give back, SIGTERM ends the process on the spot, also in a long import.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # The supervisor passes Ctrl-C on. A handler, since programs that Lords start would inherit that it is ignored.
    signal.signal(signal.SIGINT, lambda *_: None)
    open_standard_streams()
    keep_own_imports()
    pipe, reports = _pipes()
    code = run(Orders(**json.loads(_first_line(pipe))), pipe, reports)
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads of handlers that did not end in time must not keep the process; their steps have been given back.
    os._exit(code)


def _pipes() -> tuple[int, int]:
    """Return the descriptors of the supervisor's pipes, which no other program inherits from now on."""
    try:
        pipe, reports = map(int, sys.argv[1:])
        for each in (pipe, reports):
            os.set_inheritable(each, False)  # noqa: FBT003
    except (ValueError, OSError):
        raise SystemExit("this is started by `questline worker`, not by hand") from None
    return pipe, reports


def _first_line(pipe: int) -> bytes:
    """Return the first line that the supervisor writes, reading no byte beyond it."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(pipe, 1)
        if not byte:
            raise SystemExit("the supervisor has gone")
        line += byte
    return line


if __name__ == "__main__":
    main()
