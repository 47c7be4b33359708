"""The demonstration's worker pool: `questline worker` in a process of its own, on a store of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

#: Seconds that the pool gets to stop by itself.
STOP_SECONDS = 15.0
NAMESPACE = "demo"


def review_module() -> str:
    """Return the module of the reviewing Lords: inside the installed package, or in the checkout's examples."""
    packaged = "questline.demo.codebase_review"
    return packaged if find_spec(packaged) else "examples.codebase_review"


class Pool:
    """A supervised pool of worker processes that ends with the block, whatever happens in it.

    Parameters:
      folder: where the store and the log are.
      processes: how many worker processes.
    """

    def __init__(self, folder: Path, processes: int = 2) -> None:
        self.database_url = f"sqlite:///{folder / 'demo.db'}"
        self.log_path = folder / "worker.log"
        self._processes = processes
        self._supervisor: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-P", "-m", "questline", "worker", review_module()]
        command += ["-p", str(self._processes), "-t", "4"]
        with self.log_path.open("wb") as log:
            # A group of its own, so that Ctrl-C in the terminal reaches the demonstration, which then stops the pool.
            self._supervisor = subprocess.Popen(  # noqa: S603  (our own command)
                command,
                env=self._environment(),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether the supervisor is alive."""
        return self._supervisor is not None and self._supervisor.poll() is None

    def stop(self) -> int | None:
        """Stop the pool; return the supervisor's exit code."""
        if self._supervisor is None:
            return None
        if self._supervisor.poll() is None:
            self._supervisor.send_signal(signal.SIGTERM)
            try:
                self._supervisor.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._supervisor.kill()
        return self._supervisor.wait()

    def _environment(self) -> dict[str, str]:
        """Return the environment without the user's own settings of questline."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("QUESTLINE_")}
        # The checkout's examples, or the package, must be importable whatever the working directory is.
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, [root, clean.get("PYTHONPATH")]))
        return clean | {
            "PYTHONPATH": path,
            "QUESTLINE_DATABASE_URL": self.database_url,
            "QUESTLINE_BROKER_URL": "memory://",
            "QUESTLINE_NAMESPACE": NAMESPACE,
            "QUESTLINE_LOG_FORMAT": "json",
            "QUESTLINE_SHUTDOWN_SECONDS": "5",
        }
