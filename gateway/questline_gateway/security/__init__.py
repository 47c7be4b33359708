"""Who may do what: scopes, and the dependencies by which a router declares the one that it needs."""

from questline_gateway.security.scopes import Scope, needs

__all__ = ["Scope", "needs"]
