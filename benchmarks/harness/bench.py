"""What a workload is given: servers, peers, how many runs, how large, and somebody to tell how far it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from rich.progress import Progress

from benchmarks.harness.peers import PeerFailed, Peers
from benchmarks.harness.servers import Servers

Key = TypeVar("Key", bound=str)
T = TypeVar("T")


@dataclass
class Bench:
    """One call of the command.

    Parameters:
      servers: what is measured on.
      runs: how often each figure is measured.
      quick: whether everything is as small as it can be, to see that it runs.
      progress: shows how far it is.
      peers: the peers' environment, or None when they were not asked for.
    """

    servers: Servers
    runs: int
    quick: bool
    progress: Progress
    peers: Peers | None = None
    notes: list[str] = field(default_factory=list)

    def sized(self, full: T, quick: T) -> T:
        """Return the size to use."""
        return quick if self.quick else full

    def interleaved(
        self, what: str, contestants: Mapping[Key, Callable[[], T]], *, times: int = 1
    ) -> dict[Key, list[T]]:
        """Run every contestant in turn, `runs` times `times`; a peer that fails is left out, and noted."""
        found: dict[Key, list[T]] = {name: [] for name in contestants}
        runs = self.runs * times
        task = self.progress.add_task(what, total=runs * len(contestants))
        for number in range(runs):
            for name, contestant in contestants.items():
                self.progress.update(task, description=f"{what}, run {number + 1}: {name}")
                if name in found:
                    self._run(name, contestant, found)
                self.progress.advance(task)
        self.progress.remove_task(task)
        return found

    def _run(self, name: Key, contestant: Callable[[], T], found: dict[Key, list[T]]) -> None:
        os.sync()  # no run pays for what the one before it has left to be written, such as files that were removed
        try:
            found[name].append(contestant())
        except PeerFailed as error:
            del found[name]
            self.notes.append(f"{name} is left out: {error}")
