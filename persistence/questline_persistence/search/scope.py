"""Whose rows a search is about, as a token: an index of all rows keeps tenants apart by it."""

from __future__ import annotations

from hashlib import blake2b

#: How the token of a scope begins; that of a word never does.
_BEGINNING = "_n"
#: A scope in which there are no rows.
NO_SCOPE = _BEGINNING


def scope_token(namespace: str, prefix: str, kind: str) -> str:
    """Return the token that every row of a scope bears, and every query of it requires.

    It only narrows: two scopes may have one token, so whoever reads the rows compares these three as well.

    Parameters:
      namespace: the namespace of the rows.
      prefix: the prefix of their keys, empty for none.
      kind: what they are, such as events.
    """
    named = f"{namespace}\0{prefix}\0{kind}".encode("utf-8", "surrogatepass")
    return _BEGINNING + blake2b(named, digest_size=8).hexdigest()
