"""Who sends a request, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass

from questline_persistence.keys import ApiKey, Scope

#: What the audit calls those who come without a key.
ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who sends a request.

    Parameters:
      name: what the audit calls them.
      namespace: the tenant that they reach; they reach no other.
      scopes: what they may do.
      payloads: whether they may see inputs, outputs and what else people put in.
      key_id: the key that they have shown; None where they need none.
      everywhere: whether they reach every namespace, since nothing is guarded.
    """

    name: str
    namespace: str
    scopes: frozenset[Scope]
    payloads: bool
    key_id: str | None = None
    everywhere: bool = False

    @classmethod
    def of(cls, key: ApiKey) -> Principal:
        """Return who shows a key.

        Parameters:
          key: the key, which is valid.
        """
        return cls(key.name, key.namespace, key.scopes, key.payloads, key.key_id)

    @classmethod
    def anybody(cls, namespace: str) -> Principal:
        """Return who comes where nobody needs a key.

        Parameters:
          namespace: the tenant of the settings.
        """
        return cls(ANONYMOUS, namespace, frozenset(Scope), payloads=True, everywhere=True)

    def may(self, scope: Scope) -> bool:
        """Return whether they have a scope, by itself or as admins.

        Parameters:
          scope: the scope.
        """
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def reaches(self, namespace: str) -> bool:
        """Return whether they may know of a tenant: of their own, or of every one where nothing is guarded.

        Parameters:
          namespace: the tenant.
        """
        return self.everywhere or namespace == self.namespace
