"""Notices that Python code below a folder has changed, for a worker that is to run the newest."""

from __future__ import annotations

import ast
import importlib
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from questline_persistence.errors import ConfigurationError
from questline_worker.lords import import_lords
from questline_worker.own_imports import is_ours


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

    def import_anew(self, modules: Sequence[str]) -> None:
        """Import modules again, with what they bring along from below the folder; what cannot be imported stays.

        It is for whoever submits from this process, by quest types: steps run in others, which import the code first.
        """
        for name, module in [*sys.modules.items()]:
            if _is_of(self._folder, name, getattr(module, "__file__", None)):
                del sys.modules[name]
        importlib.invalidate_caches()
        with suppress(ConfigurationError):  # a worker process tells it
            import_lords(modules)

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


def _is_of(folder: Path, name: str, file: str | None) -> bool:
    """Tell whether a module is a developer's own: below the folder, and in no environment that lies there."""
    if file is None or name == "__main__" or is_ours(name.partition(".")[0]):
        return False
    place = Path(file)
    return place.is_relative_to(folder) and not place.is_relative_to(sys.prefix) and "site-packages" not in place.parts
