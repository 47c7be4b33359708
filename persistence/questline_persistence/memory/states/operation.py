"""What a state store tells whoever measures it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Operation:
    """A call of a state store that has ended.

    Parameters:
      name: the method.
      seconds: how long it took.
      error: what it has raised; None if it has succeeded.
    """

    name: str
    seconds: float
    error: BaseException | None = None
