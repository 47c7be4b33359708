"""Guessing whether a string in the code is a secret: by the name it is given to, or by its own form."""

import ast
import re
from typing import Final

#: Shorter strings are not taken for a password.
MIN_PASSWORD_CHARS: Final = 6
#: Shorter strings are not taken for a token or a key.
MIN_TOKEN_CHARS: Final = 16

_PASSWORD_NAME: Final = re.compile(r"(password|passwd|passphrase|secret)$", re.IGNORECASE)
_TOKEN_NAME: Final = re.compile(r"(token|api_?key|secret_?key|access_?key|private_?key|auth_?key)$", re.IGNORECASE)
_TOKEN_CHARS: Final = re.compile(r"[A-Za-z0-9+/=_.-]+")
_PLACEHOLDER: Final = re.compile(
    r"[<>{}$%\s*]|^x+$|example|changeme|placeholder|your[_-]|dummy|redacted", re.IGNORECASE
)
_KNOWN_TOKENS: Final = (
    ("AWS access key", re.compile(r"\bAKIA[0-9A-Z]{16}\b")),
    ("GitHub token", re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36}\b")),
    ("Slack token", re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}")),
    ("Stripe key", re.compile(r"\bsk_live_[A-Za-z0-9]{16,}")),
    ("private key", re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s")),
)


def is_secret(name: str, value: ast.AST | None) -> bool:
    """Tell whether giving this value to this name looks like writing down a secret."""
    if not isinstance(value, ast.Constant) or not isinstance(value.value, str):
        return False
    text = value.value
    if _PLACEHOLDER.search(text) or _is_a_name(name, text):
        return False
    if _PASSWORD_NAME.search(name):
        return len(text) >= MIN_PASSWORD_CHARS
    return bool(_TOKEN_NAME.search(name)) and _looks_random(text)


def known_token(text: str) -> str | None:
    """Return what kind of credential has this form, if any."""
    if len(text) < MIN_TOKEN_CHARS:
        return None
    return next((kind for kind, pattern in _KNOWN_TOKENS if pattern.search(text)), None)


def _is_a_name(name: str, text: str) -> bool:
    """`PASSWORD = "password"` and `secret="secret_name"` name a field; they do not fill it."""
    plain = text.lower().replace("-", "_")
    return (
        plain in name.lower()
        or name.lower() in plain
        or bool(_PASSWORD_NAME.search(plain) or _TOKEN_NAME.search(plain))
    )


def _looks_random(text: str) -> bool:
    mixed = any(char.isdigit() for char in text) and any(char.isalpha() for char in text)
    return len(text) >= MIN_TOKEN_CHARS and mixed and bool(_TOKEN_CHARS.fullmatch(text))
