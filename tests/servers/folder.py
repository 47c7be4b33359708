"""The folder of one server: in memory where there is room, and swept by a later run if its owner was killed."""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO

#: Creating a PostgreSQL database makes 340 files: 15 ms in memory, 280 ms on one of our disks.
MEMORY = Path("/dev/shm")  # noqa: S108  the folder inside it gets a random name and is ours alone

#: How much room there must be in memory, in bytes; a server's folder takes about a tenth of it.
MEMORY_NEEDED = 1 << 30

PREFIX = "questline-server-"
LOCK = "owner.lock"


class ServerFolder:
    """A new folder with a short path (a socket's path has at most 107 characters), locked while its owner lives."""

    def __init__(self, parent: Path | None = None) -> None:
        parent = parent or _parent()
        for stale in parent.glob(f"{PREFIX}*"):
            _remove_if_stale(stale)
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        self._lock = (self.path / LOCK).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """Remove the folder with all that is in it. Idempotent."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def _parent() -> Path:
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= MEMORY_NEEDED:
        return MEMORY
    return Path(tempfile.gettempdir())


def _remove_if_stale(folder: Path) -> None:
    """Remove a folder whose lock nobody holds: the kernel took it from a killed owner."""
    try:
        with (folder / LOCK).open("r+") as lock:
            if _locks(lock):
                shutil.rmtree(folder, ignore_errors=True)
    except OSError:  # another user's, or just being made or removed
        return


def _locks(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
