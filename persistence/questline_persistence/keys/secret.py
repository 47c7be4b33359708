"""What a key looks like: `ql_ID_RANDOM`; the id names it, and the random part is the secret."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Self

#: Random bytes of a key's id, which is no secret, and of its secret part.
ID_BYTES, SECRET_BYTES = 6, 32

_FORM = re.compile(rf"ql_([0-9a-f]{{{2 * ID_BYTES}}})_([0-9a-f]{{{2 * SECRET_BYTES}}})")


@dataclass(frozen=True, slots=True)
class Secret:
    """A key as it is presented.

    Parameters:
      key_id: the part that names it.
      random: the part that proves it.
    """

    key_id: str
    random: str = field(repr=False)

    @classmethod
    def new(cls) -> Self:
        """Return a fresh one."""
        return cls(secrets.token_hex(ID_BYTES), secrets.token_hex(SECRET_BYTES))

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Return the key that a text is; None where it is none.

        Parameters:
          text: what somebody has presented.
        """
        found = _FORM.fullmatch(text)
        return None if found is None else cls(found[1], found[2])

    @property
    def text(self) -> str:
        """The whole key, as its owner keeps it."""
        return f"ql_{self.key_id}_{self.random}"

    @property
    def hash(self) -> str:
        """What the store keeps of it.

        One round of SHA-256 is enough: slow hashes and salts are for passwords, which can be guessed. These are 256
        random bits, of which nobody tries out a share that matters.
        """
        return hashlib.sha256(self.random.encode()).hexdigest()

    def proves(self, kept: str) -> bool:
        """Return whether it is the key of which a hash was kept, in a time that tells nothing of it.

        Parameters:
          kept: the hash.
        """
        return hmac.compare_digest(self.hash, kept)
