"""Whose key this is: one read by its id, kept for a few seconds; expiry goes by the database's clock."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, or_, select, update

from questline_persistence.errors import QuestlineError
from questline_persistence.keys.api_key import ApiKey
from questline_persistence.keys.secret import Secret
from questline_persistence.schema import api_keys
from questline_persistence.store import Database

T = TypeVar("T")

#: Seconds for which a key is known that was read: so long a revoked one may still be accepted.
KNOWN_SECONDS = 3.0
#: Most keys that are known at a time.
MAX_KNOWN = 1_024
#: Seconds between two notes of when a key was last used.
USED_SECONDS = 60.0


class KeyCheck:
    """Tells valid keys from others, of every namespace; threads may share it.

    Parameters:
      database: the store.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._known: OrderedDict[str, tuple[float, Row[Any]]] = OrderedDict()
        self._noted: OrderedDict[str, float] = OrderedDict()
        self._any = False
        self._lock = threading.Lock()

    def key_of(self, text: str) -> ApiKey | None:
        """Return the valid key that somebody presents; None where it is none, or is revoked, or has expired.

        Parameters:
          text: what was presented.

        Raises:
          StoreUnavailable: the store did not answer.
        """
        secret = Secret.read(text)
        row = None if secret is None else self._row(secret.key_id)
        if secret is None or row is None or not secret.proves(row.secret_hash):
            return None
        return self.valid(secret.key_id)

    def valid(self, key_id: str) -> ApiKey | None:
        """Return the valid key of an id, which somebody has shown before; None where it is none any more.

        Parameters:
          key_id: the key's id.
        """
        row = self._row(key_id)
        key = None if row is None else ApiKey.of(row)
        return key if key is not None and key.state(self.database.clock.now()) == "active" else None

    def any_made(self) -> bool:
        """Return whether a key was ever made in the store, also one that is revoked or has expired.

        Once there is one, this is known for good: keys are never deleted.
        """
        if not self._any:
            query = select(api_keys.c.key_id).limit(1)
            self._any = self.database.read(lambda connection: connection.execute(query).first()) is not None
        return self._any

    def _row(self, key_id: str) -> Row[Any] | None:
        """Return the row of a key, as it was a few seconds ago at most."""
        moment = time.monotonic()
        with self._lock:
            read_at, row = self._known.get(key_id, (-KNOWN_SECONDS, None))
        if row is not None and moment - read_at < KNOWN_SECONDS:
            return row
        query = select(api_keys).where(api_keys.c.key_id == key_id)
        row = self.database.read(lambda connection: connection.execute(query).first())
        if row is None:
            return None
        self._keep(self._known, key_id, (moment, row))
        return row

    def _keep(self, known: OrderedDict[str, T], key_id: str, value: T) -> None:
        """Keep what is known of a key; what was learnt longest ago goes where that is too much."""
        with self._lock:
            known[key_id] = value
            known.move_to_end(key_id)
            if len(known) > MAX_KNOWN:
                known.popitem(last=False)

    def note_use(self, key: ApiKey) -> None:
        """Note that a key was used, once a minute at most; a store that is away does not matter.

        Parameters:
          key: the key, which is valid.
        """
        now = self.database.clock.now()
        if now - max(key.last_used_time or 0.0, self._noted.get(key.key_id, 0.0)) < USED_SECONDS:
            return
        self._keep(self._noted, key.key_id, now)
        long_ago = or_(api_keys.c.last_used_time.is_(None), api_keys.c.last_used_time < now - USED_SECONDS)
        used = update(api_keys).where(api_keys.c.key_id == key.key_id, long_ago).values(last_used_time=now)

        def work(connection: Connection) -> None:
            connection.execute(used)

        with suppress(QuestlineError):
            self.database.write(work, at="save", tries=1)
