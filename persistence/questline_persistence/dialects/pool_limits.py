"""How many connections a process has to its store at most, and how long a thread waits for one."""

from __future__ import annotations

from dataclasses import dataclass

from questline_persistence.arguments import whole
from questline_persistence.errors import PayloadError


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How many connections a process has to its store at most, and how long a thread waits for one.

    They are of two kinds: some for the statements on a step's way, some for everything else.

    Parameters:
      size: connections of each kind that are kept open.
      overflow: how many more of the second kind may be open for a moment.
      timeout: longest wait for one of the second kind, in seconds.

    Raises:
      PayloadError: a number is none, or too small.
    """

    size: int = 5
    overflow: int = 15
    timeout: float = 30.0

    def __post_init__(self) -> None:
        whole(self.size, "the size of a pool", least=1)
        whole(self.overflow, "the overflow of a pool", least=0)
        if not self.timeout >= 0:
            raise PayloadError(f"the timeout of a pool must be 0 s or more, not {self.timeout}")


#: The limits of a process that has no settings of its own.
DEFAULT_POOL = PoolLimits()
