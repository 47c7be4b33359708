"""Values that come from files, as container secrets do, and are read again when the file may hold another one."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

#: Where each value was read that this process has read; one more with each rotation.
_ORIGINS: dict[str, Path] = {}


def read_secret(path: str) -> str:
    """Return what a file holds, without the white space around it.

    Raises:
      OSError: it cannot be read.
      UnicodeDecodeError: it is not UTF-8.
    """
    value = Path(path).read_text(encoding="utf-8").strip()
    _ORIGINS[value] = Path(path).absolute()
    return value


def renewed(value: str) -> str:
    """Return what the file that `value` was read from holds now; or `value` if it came from none, or that is gone."""
    if (path := _ORIGINS.get(value)) is not None:
        with suppress(OSError, UnicodeDecodeError):
            return read_secret(str(path)) or value
    return value
