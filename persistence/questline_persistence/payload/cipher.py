"""AES-256-GCM with a fresh nonce for each text; what the extra `codec` brings is imported here alone."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

#: Bytes of a nonce.
NONCE = 12


class Cipher:
    """Encrypts and decrypts with one key.

    Parameters:
      key: 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._aes = AESGCM(key)

    def encrypt(self, data: bytes, bound: bytes) -> bytes:
        """Return data encrypted, and bound to what is not told in it."""
        nonce = os.urandom(NONCE)
        return nonce + self._aes.encrypt(nonce, data, bound)

    def decrypt(self, data: bytes, bound: bytes) -> bytes:
        """Return what was encrypted.

        Raises:
          ValueError: it was changed, or is bound to something else.
        """
        try:
            return self._aes.decrypt(data[:NONCE], data[NONCE:], bound)
        except InvalidTag:
            raise ValueError("this was not encrypted so") from None
