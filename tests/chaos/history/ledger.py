"""The effect ledger: what handlers did, in a file of its own that no database can roll back."""

import os
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: a handler's body began, ended with a result, or failed as planned."""

    word: str
    key: str
    claim_id: str
    pid: int
    at: float


class Ledger:
    """An append-only file, one `write` per line, so that a killed writer leaves a whole line or none.

    Parameters:
      path: the file; it is made by the first note.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def _file(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def note(self, word: str, key: str, claim_id: str) -> None:
        """Append a line."""
        os.write(self._file, f"{word} {key} {claim_id} {os.getpid()} {time.time():.6f}\n".encode())

    def entries(self) -> list[Entry]:
        """Return all lines in the order in which they were written."""
        if not self._path.exists():
            return []
        lines = (line.split(" ") for line in self._path.read_text().splitlines())
        return [Entry(word, key, claim_id, int(pid), float(at)) for word, key, claim_id, pid, at in lines]
