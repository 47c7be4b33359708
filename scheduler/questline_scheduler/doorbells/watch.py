"""What a broker tells those who watch: that something moves, so that they look into SQL at once."""

from __future__ import annotations

from abc import ABC, abstractmethod


class Watch(ABC):
    """Hears that steps of a namespace were rung for or are done, wherever that happens; one thread uses it.

    It may miss some, and does not say which: whoever watches looks into SQL from time to time in any case.
    """

    @abstractmethod
    def moved(self, seconds: float) -> bool:
        """Wait until something moves; return whether it did.

        Parameters:
          seconds: the longest to wait.

        Raises:
          StoreUnavailable: the broker cannot be reached; the next call tries again.
        """

    @abstractmethod
    def close(self) -> None:
        """Hear nothing more."""
