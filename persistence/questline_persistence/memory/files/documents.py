"""Versioned things in a folder: one file for each, which says whose it is, its version, and what was saved last."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from questline_persistence.clock import rfc3339
from questline_persistence.errors import NotFound, PayloadError
from questline_persistence.memory.files.failures import told
from questline_persistence.memory.files.file_names import file_name
from questline_persistence.memory.files.folder import Folder
from questline_persistence.memory.versions import conflict
from questline_persistence.payload import MAX_STATE_DEPTH, Limit, decode, encode
from questline_persistence.writes import Key

#: What a file has beside what was saved: keys, version and times, in bytes at most.
BESIDE = 20_000
_FILE_HINT = "put the file back as it was, or take it away"


@dataclass(frozen=True, slots=True)
class Document:
    """What a file holds.

    Parameters:
      key: whose it is.
      version: counts the saves and deletions.
      created_at: when it was saved first.
      updated_at: when this version was saved.
      body: what was saved; None once it is deleted.
    """

    key: Key
    version: int
    created_at: str
    updated_at: str
    body: Mapping[str, Any] | None


class Documents:
    """The versioned things of one kind, tenant and key prefix.

    Parameters:
      folder: where they are.
      room: the folder in it that holds this kind.
      namespace: the tenant.
      prefix: the key prefix, "" for none.
      limit: how large a body may be.
    """

    def __init__(self, folder: Folder, room: str, namespace: str, prefix: str, limit: Limit) -> None:
        self._folder = folder
        self._room = room
        self._key = Key(namespace, prefix, "")
        self._limit = Limit(limit.size + BESIDE, limit.setting)

    def load(self, name: str) -> Document | None:
        """Return what a file holds, or that it is deleted; None if it was never saved."""
        key = self._key._replace(name=name)
        with told(self._folder.path):
            found = self._read(file_name(key))
        if found is not None and found.key != key:
            raise self._unreadable(file_name(key))
        return found

    def all(self) -> list[Document]:
        """Return what is there, in the order in which it was saved first."""
        with told(self._folder.path):
            read = [self._read(name) for name in self._folder.names(self._room)]
        found = [one for one in read if one is not None and one.body is not None]
        own = [one for one in found if one.key[:2] == self._key[:2]]
        return sorted(own, key=lambda one: (one.created_at, one.key.name))

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Keep everybody else from changing anything in the folder."""
        with told(self._folder.path), self._folder.locked():
            yield

    def save(
        self, name: str, body: Mapping[str, Any], expected: int | None, *, shown: Callable[[Document], Any]
    ) -> int:
        """Save the next version and return its number.

        Parameters:
          name: the key's name.
          body: what is saved.
          expected: the version that is there; None for any.
          shown: makes of a document the record that a conflict tells of.

        Raises:
          Conflict: another version is there.
        """
        with self.changing():
            before = self.load(name)
            version = before.version if before else 0
            if expected is not None and version != expected:
                raise conflict(expected, shown(before) if before and before.body is not None else None)
            return self._write(name, body, before)

    def delete(self, name: str) -> None:
        """Delete what was saved, within `changing`; its count stays, so that no version comes twice.

        Raises:
          NotFound: there is nothing.
        """
        before = self.load(name)
        if before is None or before.body is None:
            raise NotFound("there is none")
        self._write(name, None, before)

    def _write(self, name: str, body: Mapping[str, Any] | None, before: Document | None) -> int:
        """Replace a file by its next version, and return that."""
        now = rfc3339(time.time())
        key = self._key._replace(name=name)
        version = before.version + 1 if before else 1
        content = {
            "namespace": key.namespace,
            "key_prefix": key.prefix,
            "key": key.name,
            "version": version,
            "created_at": before.created_at if before else now,
            "updated_at": max(before.updated_at, now) if before else now,  # a clock may have been set back
            "body": body,
        }
        text = encode(content, what="the file", limit=self._limit, depth=MAX_STATE_DEPTH)
        self._folder.write(self._room, file_name(key), text.encode())
        return version

    def _read(self, name: str) -> Document | None:
        data = self._folder.read(self._room, name)
        if data is None:
            return None
        try:
            content = decode(data.decode())
            key = Key(*(content.pop(part) for part in ("namespace", "key_prefix", "key")))
            return _checked(Document(key, **content))
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            raise self._unreadable(name) from error

    def _unreadable(self, name: str) -> PayloadError:
        path = self._folder.path / self._room / name
        return PayloadError(f"{path} is not as questline wrote it", hint=_FILE_HINT)


def _checked(one: Document) -> Document:
    """Return a document as it is, unless somebody has put something else into its file."""
    texts = (*one.key, one.created_at, one.updated_at)
    if all(isinstance(text, str) for text in texts) and type(one.version) is int and isinstance(one.body, dict | None):
        return one
    raise TypeError
