"""Notices that Python code below a folder has changed, for a worker that is to run the newest."""

from __future__ import annotations

import ast
import threading
from collections.abc import Callable
from pathlib import Path


class CodeWatch:
    """Watches the Python files below a folder, on a thread of its own.

    Parameters:
      folder: where they are.
      say: tells a developer what keeps the new code from being run.
    """

    def __init__(self, folder: Path, say: Callable[[str], object]) -> None:
        self._folder = folder
        self._say = say
        self._changed: set[Path] = set()
        self._broken: set[Path] = set()
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin to watch; the thread ends with the process."""
        threading.Thread(target=self._run, name="questline-code", daemon=True).start()

    def note(self, changed: set[Path]) -> None:
        """Note files that have changed."""
        with self._lock:
            self._changed |= changed

    def take(self) -> list[Path]:
        """Return the files that have changed since the last call; none while one of them is no Python."""
        with self._lock:
            changed, self._changed = self._changed, set()
        if not changed:
            return []
        self._broken = {path for path in changed | self._broken if not self._compiles(path)}
        return [] if self._broken else sorted(changed)

    def _compiles(self, path: Path) -> bool:
        """Return whether a file, if it is still there, can be compiled."""
        try:
            ast.parse(path.read_bytes(), path)
        except FileNotFoundError:
            return True
        except (OSError, SyntaxError, ValueError) as error:
            self._say(f"{path}: {error}. The old code goes on until you correct this.")
            return False
        return True

    def _run(self) -> None:
        from watchfiles import PythonFilter, watch  # noqa: PLC0415  (15 ms that only development needs)

        try:
            for changes in watch(self._folder, watch_filter=PythonFilter(), raise_interrupt=False):
                self.note({Path(path) for _, path in changes})
        except OSError as error:
            self._say(f"questline dev cannot notice changes of code: {error}")
