"""What the parts of a state store have in common: what they are kept in, and how large a thing may be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from questline_persistence.errors import PayloadError
from questline_persistence.memory.kept import Kept
from questline_persistence.memory.versions import conflict
from questline_persistence.payload import decode, encode, size_of
from questline_persistence.writes import Saved, Saves


class Part:
    """One noun of what agents keep.

    Parameters:
      kept: where it is kept.
    """

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def _json(self, metadata: Mapping[str, Any]) -> str:
        """Return metadata as JSON text."""
        return encode(metadata, what="metadata", limit=self._kept.database.limits.memory)

    def _sized(self, body: dict[str, str | None]) -> dict[str, str | None]:
        """Return a payload as it is.

        Raises:
          PayloadError: it is too large.
        """
        limit = self._kept.database.limits.memory
        size = sum(size_of(text) for text in body.values() if text)
        if size > limit.size:
            raise PayloadError(f"it is {size:,} bytes; the limit is {limit.size:,}", hint=limit.advice)
        return body

    def _save(self, write: Saves, current: Callable[[], Any]) -> Saved:
        """Return the version that a save has made.

        Parameters:
          write: the save.
          current: returns the record as it is now.

        Raises:
          Conflict: another version is there than was expected.
        """
        saved = self._kept.save(write)
        if saved is None:
            raise conflict(write.expected, current())
        return saved


def metadata_of(text: str | None) -> dict[str, Any]:
    """Return metadata from its JSON text."""
    found: dict[str, Any] = {} if text is None else decode(text)
    return found
