"""A pool of questline's workers, started through the public command with its default settings."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil  # type: ignore[import-untyped]  # it ships no annotations

from benchmarks.harness.effort import tree
from benchmarks.harness.store import Store, quests
from tests.servers.process import ServerProcess
from tests.waiting import eventually

ROOT = Path(__file__).resolve().parent.parent.parent
#: Quests that a new pool runs before anything is measured: imports done, connections open, statements prepared.
WARM_UP = 50
#: How long a pool may take until all of its workers have registered, in seconds.
BOOT_SECONDS = 30.0


class Command:
    """A program of ours that runs beside the measurement, and ends with it.

    Parameters:
      words: the program and its arguments.
      folder: where its log goes, and where it runs.
      variables: what to add to its environment.
    """

    def __init__(self, words: list[str], folder: Path, **variables: str) -> None:
        given = [f"{name}={value}" for name, value in {"PYTHONPATH": str(ROOT), **variables}.items()]
        self._words = ["env", *given, *words]
        self.log = folder / f"{Path(words[-1]).name[:20]}-{secrets.token_hex(4)}.log"
        self._process: ServerProcess | None = None

    def __enter__(self) -> Self:
        self._process = ServerProcess(self._words, log=self.log)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._process is not None:
            self._process.stop()

    @property
    def processes(self) -> list[psutil.Process]:
        """The program and all that it has started."""
        assert self._process is not None, "the command was not started"  # noqa: S101  (a mistake of ours)
        return tree(self._process.pid)

    def wait_until_logged(self, text: str, times: int = 1) -> None:
        """Wait until the program has written `text` so many times."""
        eventually(
            lambda: self._process is not None and self._read().count(text) >= times,
            timeout=BOOT_SECONDS,
            message=f"{self._words[3:]} did not write {text!r} {times} times: {self._read()[-1000:]}",
        )

    def _read(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


class WorkerPool(Command):
    """`questline worker benchmarks.lords -p N -t M` on a store.

    Parameters:
      store: where its quests are.
      processes: how many.
      threads: how many each of them has; None for the default.
      database_url: another way to reach the same store.
      warm_up: quests to run before anything is measured.
    """

    def __init__(
        self,
        store: Store,
        *,
        processes: int = 2,
        threads: int | None = 8,
        database_url: str | None = None,
        warm_up: int = WARM_UP,
    ) -> None:
        size = [] if threads is None else ["-t", str(threads)]
        words = ["questline", "worker", "-p", str(processes), *size, "benchmarks.lords"]
        words[0] = str(Path(sys.executable).parent / words[0])
        self._store = store
        self._wanted = processes
        self._warm_up = warm_up
        super().__init__(
            words,
            store.folder,
            QUESTLINE_DATABASE_URL=database_url or store.database_url,
            QUESTLINE_BROKER_URL=store.broker_url,
        )

    def __enter__(self) -> Self:
        super().__enter__()
        self.wait_until_logged("worker_started", self._wanted)
        if self._warm_up:
            self._store.timed(quests(self._warm_up, 5))
        return self

    def resident(self) -> list[int]:
        """Return the resident size of each worker process, without the supervisor's, in bytes."""
        return [int(process.memory_info().rss) for process in self.processes if _is_worker(process)]


def _is_worker(process: psutil.Process) -> bool:
    return "questline_worker.child" in process.cmdline()
