"""What file systems refuse, in our words: what is wrong, and what mends it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from questline_persistence.errors import ConfigurationError, NotAllowed, QuestlineError, StoreUnavailable

_FULL = {errno.ENOSPC, errno.EDQUOT}
_NO_FOLDER = {errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP}


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """Raise what a file system refuses as an error of ours.

    Parameters:
      folder: where.
    """
    try:
        yield
    except OSError as error:
        raise _failure(folder, error) from error


def _failure(folder: Path, error: OSError) -> QuestlineError:
    match error.errno:
        case number if number in _FULL:
            return StoreUnavailable(f"there is no space left in {folder}", hint="free some, then try again")
        case errno.EROFS:
            message = f"{folder} is on a file system that is read-only"
            return NotAllowed(message, hint="mount it for writing, or name another folder")
        case errno.EACCES | errno.EPERM:
            message = f"this user may not use {error.filename or folder}"
            return NotAllowed(message, hint="grant this user the right to read and write the folder and its files")
        case number if number in _NO_FOLDER:
            return ConfigurationError(f"{folder} can be no folder: {error.strerror}", hint="name another one")
    return StoreUnavailable(f"{error.strerror or error} ({folder})")
