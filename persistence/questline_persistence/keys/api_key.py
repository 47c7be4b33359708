"""A key as it is told of: its name, what it may do, and until when. Its secret is told once, when it is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import Row

from questline_persistence.clock import rfc3339


class Scope(StrEnum):
    """What a caller may do; each scope stands by itself, but for admin, which has all of them."""

    #: See quests, statistics, and what Lords remember.
    READ = "read"
    #: Submit quests.
    SUBMIT = "submit"
    #: Pause, resume, cancel, retry, replay and fork.
    CONTROL = "control"
    #: Delete for good, see the audit, and manage keys.
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, without its secret.

    Parameters:
      key_id: the part of it that names it.
      namespace: the tenant that it belongs to; it reaches no other.
      name: what its owner calls it; the audit tells it as the actor.
      scopes: what it may do.
      payloads: whether it may see inputs, outputs and what else people put in.
      created_at: when it was made (RFC 3339).
      created_by: who made it.
      expires_time: from when on it is refused, in epoch seconds; None: never.
      last_used_time: when it was last used, give or take a minute; None: never.
      revoked_time: when it was revoked; None: it was not.
      rotated_from: the key in whose place it came, or None.
    """

    key_id: str
    namespace: str
    name: str
    scopes: frozenset[Scope]
    payloads: bool
    created_at: str
    created_by: str
    expires_time: float | None = None
    last_used_time: float | None = None
    revoked_time: float | None = None
    rotated_from: str | None = None

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """Return the key that a row tells of.

        Parameters:
          row: all columns of the table.
        """
        columns = {name: value for name, value in row._asdict().items() if name != "secret_hash"}
        scopes = frozenset(Scope(word) for word in row.scopes.split())
        return cls(**{**columns, "scopes": scopes, "payloads": bool(row.payloads)})

    def state(self, now: float) -> str:
        """Return "active", "expired" or "revoked".

        Parameters:
          now: the database's time in epoch seconds.
        """
        if self.revoked_time is not None:
            return "revoked"
        return "expired" if self.expires_time is not None and self.expires_time <= now else "active"

    def to_json(self, now: float) -> dict[str, Any]:
        """Return it as plain JSON data.

        Parameters:
          now: the database's time in epoch seconds.
        """
        times = {"expires_at": self.expires_time, "last_used_at": self.last_used_time, "revoked_at": self.revoked_time}
        return {
            "key_id": self.key_id,
            "namespace": self.namespace,
            "name": self.name,
            "prefix": f"ql_{self.key_id}_",
            "state": self.state(now),
            "scopes": [str(scope) for scope in Scope if scope in self.scopes],
            "payloads": self.payloads,
            "created_at": self.created_at,
            "created_by": self.created_by,
            **{name: None if value is None else rfc3339(value) for name, value in times.items()},
            "rotated_from": self.rotated_from,
        }


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made, with its secret, which nobody can look up later.

    Parameters:
      key: the key.
      secret: the whole key, as its owner keeps it.
    """

    key: ApiKey
    secret: str = field(repr=False)

    def to_json(self, now: float) -> dict[str, Any]:
        """Return it as plain JSON data, with the secret.

        Parameters:
          now: the database's time in epoch seconds.
        """
        return {**self.key.to_json(now), "secret": self.secret}
