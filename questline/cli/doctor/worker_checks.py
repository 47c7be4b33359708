"""What `questline doctor` finds among the workers: who is alive, and which Lords nobody knows. It changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from questline.cli.bulk import count
from questline.cli.doctor.check import Check, passed, warned
from questline.cli.invocation import Invocation
from questline_persistence.states import WorkerState

#: Most Lords that are named.
MAX_LORDS = 20


def check_workers(invocation: Invocation) -> Iterator[Check]:
    """Yield who is alive, and which Lords live quests need that nobody alive knows."""
    workers = invocation.register.all()
    live = [worker for worker in workers if worker.live]
    lost = sum(worker.state is WorkerState.LOST for worker in workers)
    needed = invocation.backlog.needed_handlers()
    value = {"live": len(live), "lost": lost}
    if live:
        yield passed("workers", "live", f"{len(live)} alive, {lost} lost within a day", value)
    elif waiting := sum(needed.values()):
        are = "is" if waiting == 1 else "are"
        yield warned("workers", "live", f"none, and {count(waiting)} {are} live", "run: questline worker MODULE", value)
    else:
        yield passed("workers", "live", "none, and no quest needs one", value)
    known = {name for worker in live for name in worker.handlers}
    unknown = sorted(needed.keys() - known) if live else []
    for handler in unknown[:MAX_LORDS]:
        message = f"{handler} is needed by {count(needed[handler])} and known to no live worker"
        hint = "start a worker with the module that registers it"
        yield warned("workers", "lords", message, hint, {"handler": handler, "quests": needed[handler]})
    if len(unknown) > MAX_LORDS:
        yield warned("workers", "lords", f"and {len(unknown) - MAX_LORDS} more Lords that no live worker knows")
