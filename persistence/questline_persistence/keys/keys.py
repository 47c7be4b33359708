"""The keys of a namespace: made, listed, rotated and revoked; each change is noted in the audit."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, or_, select, update

from questline_persistence.arguments import Length, moment, seconds
from questline_persistence.audit import Actor, AuditVerb, note
from questline_persistence.clock import rfc3339
from questline_persistence.errors import NotFound, PayloadError, QuestConflict, suggestion
from questline_persistence.ids import NAME_HINT, is_name
from questline_persistence.keys.api_key import ApiKey, NewKey, Scope
from questline_persistence.keys.secret import Secret
from questline_persistence.schema import api_keys
from questline_persistence.store import Database, Tries

#: Most keys that a namespace can have which are neither revoked nor expired.
MAX_KEYS = 1_000
#: Most keys that one list shows, the newest of them.
MAX_LISTED = 2 * MAX_KEYS

_LOOK = "run: questline keys list"


class Keys:
    """Manages the keys of one namespace.

    Parameters:
      database: the store.
      namespace: the tenant; keys of others are never seen.
      actor: on whose behalf, as the audit tells it.
    """

    def __init__(self, database: Database, namespace: str, actor: Actor) -> None:
        self.database = database
        self.namespace = namespace
        self.actor = actor

    def create(
        self, name: str, scopes: Collection[str], *, payloads: bool = False, expires_in: Length | None = None
    ) -> NewKey:
        """Make a key, and return it with its secret, which nobody can look up later.

        Parameters:
          name: what to call it.
          scopes: what it may do.
          payloads: whether it may see inputs, outputs and what else people put in.
          expires_in: how long it is valid, in seconds or as a timedelta; None: until it is revoked.

        Raises:
          PayloadError: it cannot be called so, or there is no such scope, or no scope.
          QuestConflict: there are 1,000 keys already.
        """
        if not is_name(name):
            raise PayloadError(f"{name!r:.100} cannot be the name of a key", hint=NAME_HINT)
        chosen = _scopes(scopes)
        now, secret = self.database.clock.now(), Secret.new()
        expires = None if expires_in is None else now + seconds(expires_in, "expires_in")
        key = ApiKey(
            *(secret.key_id, self.namespace, name, chosen, payloads, rfc3339(now), self.actor.name),
            expires_time=expires,
        )
        tries = Tries()

        def work(connection: Connection) -> None:
            if tries.again() and self._row(connection, key.key_id) is not None:
                return  # by an earlier try, whose COMMIT went through though its reply was lost
            self._insert(connection, key, secret, now)
            self._note(connection, AuditVerb.KEY_CREATE, key, now)

        self.database.write(work, at="save")
        return NewKey(key, secret.text)

    def list(self) -> list[ApiKey]:
        """Return the keys, newest first, those that are revoked or expired included."""
        newest = (api_keys.c.created_at.desc(), api_keys.c.key_id.desc())
        query = select(api_keys).where(api_keys.c.namespace == self.namespace).order_by(*newest).limit(MAX_LISTED)
        return self.database.read(lambda connection: [ApiKey.of(row) for row in connection.execute(query)])

    def revoke(self, key_id: str, *, reason: str | None = None) -> ApiKey:
        """Have a key refused from now on; one that is revoked stays as it is.

        Gateways that have just seen it may accept it for a few seconds more.

        Parameters:
          key_id: the key's id.
          reason: why; the audit keeps it.

        Raises:
          NotFound: there is no such key.
        """

        def work(connection: Connection) -> ApiKey:
            now = self.database.clock.now()
            ended = update(api_keys).where(*self._is(key_id), api_keys.c.revoked_time.is_(None))
            changed = connection.execute(ended.values(revoked_time=now)).rowcount
            row = self._row(connection, key_id)
            if row is None:
                raise _no_key(key_id)
            if changed:
                self._note(connection, AuditVerb.KEY_REVOKE, ApiKey.of(row), now, reason=reason)
            return ApiKey.of(row)

        return self.database.write(work, at="save")

    def rotate(self, key_id: str, *, grace: Length = 0.0, reason: str | None = None) -> NewKey:
        """Make a key in the place of another, which may do the same for as long; the other one is valid for a while.

        Parameters:
          key_id: the key that is to be replaced.
          grace: how long that one is valid still, in seconds or as a timedelta.
          reason: why; the audit keeps it.

        Raises:
          NotFound: there is no such key.
          QuestConflict: the key is revoked, or has expired.
        """
        now, secret = self.database.clock.now(), Secret.new()
        until, tries = now + seconds(grace, "grace"), Tries()

        def work(connection: Connection) -> ApiKey:
            if tries.again() and (made := self._row(connection, secret.key_id)) is not None:
                return ApiKey.of(made)
            row = self._row(connection, key_id, lock=True)
            if row is None:
                raise _no_key(key_id)
            old = ApiKey.of(row)
            if (state := old.state(now)) != "active":
                raise QuestConflict(
                    f"key {key_id} is {state}, and cannot be replaced", hint="run: questline keys create"
                )
            key = self._successor(old, secret, now)
            ends = until if old.expires_time is None else min(until, old.expires_time)
            connection.execute(update(api_keys).where(*self._is(key_id)).values(expires_time=ends))
            self._insert(connection, key, secret, now)
            self._note(connection, AuditVerb.KEY_ROTATE, key, now, reason=reason, replaced=key_id)
            return key

        return NewKey(self.database.write(work, at="save"), secret.text)

    def _successor(self, old: ApiKey, secret: Secret, now: float) -> ApiKey:
        """Return the key that takes the place of another: it is valid as long as that one was when it was made."""
        made = moment(old.created_at, "created_at")
        expires = None if old.expires_time is None else now + (old.expires_time - made)
        own = (secret.key_id, self.namespace, old.name, old.scopes, old.payloads, rfc3339(now), self.actor.name)
        return ApiKey(*own, expires_time=expires, rotated_from=old.key_id)

    def _insert(self, connection: Connection, key: ApiKey, secret: Secret, now: float) -> None:
        """Add a key, unless there are too many."""
        valid = or_(api_keys.c.expires_time.is_(None), api_keys.c.expires_time > now)
        own = (api_keys.c.namespace == self.namespace, api_keys.c.revoked_time.is_(None), valid)
        there = connection.execute(select(api_keys.c.key_id).where(*own).limit(MAX_KEYS)).all()
        if len(there) >= MAX_KEYS:
            message = f"namespace {self.namespace} has {MAX_KEYS:,} keys, and can have no more"
            raise QuestConflict(message, hint="revoke those that nobody uses: questline keys list")
        scopes = " ".join(scope for scope in Scope if scope in key.scopes)
        columns = {name: getattr(key, name) for name in ApiKey.__slots__}
        row = {**columns, "scopes": scopes, "payloads": int(key.payloads), "secret_hash": secret.hash}
        connection.execute(insert(api_keys).values(row))

    def _row(self, connection: Connection, key_id: str, *, lock: bool = False) -> Any:
        query = select(api_keys).where(*self._is(key_id))
        return connection.execute(query.with_for_update() if lock else query).first()

    def _is(self, key_id: str) -> tuple[ColumnElement[bool], ...]:
        return api_keys.c.key_id == key_id, api_keys.c.namespace == self.namespace

    def _note(
        self,
        connection: Connection,
        verb: AuditVerb,
        key: ApiKey,
        now: float,
        *,
        reason: str | None = None,
        replaced: str | None = None,
    ) -> None:
        told = {name: value for name, value in key.to_json(now).items() if name in _TOLD}
        outcome = told if replaced is None else {**told, "replaced": replaced}
        own = (connection, self.actor, self.namespace, verb)
        note(*own, now=now, subject=key.key_id, reason=reason, outcome=outcome)


#: What the audit tells of a key.
_TOLD = frozenset({"name", "scopes", "payloads", "expires_at"})


def _no_key(key_id: str) -> NotFound:
    return NotFound(f"there is no key {key_id!r:.100}", hint=_LOOK)


def _scopes(given: Collection[str]) -> frozenset[Scope]:
    if not given or isinstance(given, str):
        raise PayloadError("a key needs a scope", hint=f"give some of: {', '.join(Scope)}")
    for word in given:
        if word not in tuple(Scope):
            raise PayloadError(f"{word!r:.100} is not a scope", hint=suggestion(word, Scope, kind="scopes"))
    return frozenset(Scope(word) for word in given)
