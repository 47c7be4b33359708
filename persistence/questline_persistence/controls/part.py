"""What a verb on one quest is a part of: a batch, which notes how far it has come in the transaction of each verb."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Part:
    """A verb on one quest as a part of something greater.

    Parameters:
      whole: the id of what it is a part of; the audit tells it as the subject.
      note: called in the transaction, once the verb has done its part, with whether that changed anything; what it
        raises takes the verb back. A transaction that is tried again calls it again.
    """

    whole: str
    note: Callable[[Connection, bool], None]
