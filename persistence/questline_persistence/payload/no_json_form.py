"""The error for a value that has no JSON form."""

from __future__ import annotations

from decimal import Decimal

#: Longest value, key or place that an error message repeats, in characters.
MAX_QUOTED = 100
#: What to do where a key is no text.
KEY_HINT = "write keys as text: {str(key): value for key, value in data.items()}"


class NoJsonForm(Exception):
    """A value has no JSON form.

    Parameters:
      message: what is wrong with which value, and where.
      hint: what to use instead.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def not_finite(number: float | Decimal, path: str) -> NoJsonForm:
    """Return the error for a NaN or an infinity, which stands at `path`."""
    return NoJsonForm(f"it holds {number} at {cut(path)}", "use None for a missing number")


def cut(text: str) -> str:
    """Return text as far as an error message repeats it."""
    return text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]}…"
