"""Who claims: one worker process, by the name that the register knows and by the Lords that it can run."""

from __future__ import annotations

from collections.abc import Sequence


class Identity:
    """What a journal signs claims with; whoever has made it owns it, and alone changes it: in a worker, its lease.

    It changes in two ways: a worker that was taken for dead goes on under another name, and a notebook registers Lords
    as it goes. So the journal reads it anew for each transaction.

    Parameters:
      worker_id: the name under which the process claims; "" until it is registered.
      handlers: the Lords that it can run, each as `lord:tool`.
      code_version: which code it runs, kept with each attempt; "" where nobody says.
    """

    __slots__ = ("code_version", "handlers", "worker_id")

    def __init__(self, worker_id: str = "", handlers: Sequence[str] = (), *, code_version: str = "") -> None:
        self.worker_id = worker_id
        self.handlers = list(handlers)
        self.code_version = code_version

    def rename(self, worker_id: str) -> None:
        """Claim under another name from now on; it must be registered already."""
        self.worker_id = worker_id

    def learn(self, handlers: Sequence[str]) -> None:
        """Know these Lords from now on, and no others."""
        self.handlers = list(handlers)
