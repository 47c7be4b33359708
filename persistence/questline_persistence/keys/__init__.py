"""The keys of programs and people who come by HTTP: made, listed, rotated, revoked, and asked for what they may do.

And those of payloads: what is stored is sealed with the present one.

It imports `audit` and what is below. The store has no secret: only its hash.
"""

from questline_persistence.keys.api_key import ApiKey, NewKey, Scope
from questline_persistence.keys.key_check import KeyCheck
from questline_persistence.keys.keys import MAX_KEYS, Keys
from questline_persistence.keys.missing_keys import missing_keys
from questline_persistence.keys.payload_rotation import PayloadRotation, RotatedTable
from questline_persistence.keys.secret import Secret

__all__ = [
    "MAX_KEYS",
    "ApiKey",
    "KeyCheck",
    "Keys",
    "NewKey",
    "PayloadRotation",
    "RotatedTable",
    "Scope",
    "Secret",
    "missing_keys",
]
