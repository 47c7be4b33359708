"""What somebody may have meant by a word that nothing is called."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

#: Longest word that is compared with the known ones, in characters: comparing takes the square of it.
MAX_COMPARED = 100
#: Most known words that a hint lists.
MAX_LISTED = 40


def suggestion(word: object, known: Iterable[str], *, kind: str) -> str:
    """Return a hint for a word that is not among `known`: the nearest of them, or all of them where none is near.

    Parameters:
      kind: what the words are, in the plural.
    """
    names = [str(name) for name in known]
    near = nearest(word, names)
    if near is not None:
        return f"did you mean {near!r}?"
    return f"known {kind}: {', '.join(names[:MAX_LISTED])}" + (", …" if len(names) > MAX_LISTED else "")


def nearest(word: object, known: Iterable[str]) -> str | None:
    """Return the one among `known` that is nearest to a word; None where none is near."""
    return next(iter(difflib.get_close_matches(str(word)[:MAX_COMPARED], known, 1)), None)
