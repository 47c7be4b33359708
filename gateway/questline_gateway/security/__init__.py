"""Who comes in, what they may do and see, and how much they may send."""

from questline_gateway.security.access import Access, actor_of, refuse_foreign
from questline_gateway.security.headers import SecurityHeaders
from questline_gateway.security.principal import Principal
from questline_gateway.security.rate_limit import RateLimit
from questline_gateway.security.redaction import HIDDEN, Redaction, Veil
from questline_gateway.security.scopes import admit, needs
from questline_gateway.security.sessions import Sessions
from questline_persistence.keys import Scope

__all__ = [
    "HIDDEN",
    "Access",
    "Principal",
    "RateLimit",
    "Redaction",
    "Scope",
    "SecurityHeaders",
    "Sessions",
    "Veil",
    "actor_of",
    "admit",
    "needs",
    "refuse_foreign",
]
