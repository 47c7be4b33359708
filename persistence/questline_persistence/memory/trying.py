"""What is being done with what Lords remember: so that an error says what was tried, and a conflict is tried again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from questline_persistence.errors import Conflict, QuestlineError
from questline_persistence.payload import shortened

T = TypeVar("T")

#: How often something is tried that meets a conflict, unless told otherwise.
TRIES = 10
#: The longest wait after the first conflict and after any, in seconds; each may be twice as long as the one before.
FIRST_WAIT, LONGEST_WAIT = 0.005, 0.5


@contextmanager
def trying(what: str, name: object = None) -> Iterator[None]:
    """Have every error of ours say first what was tried, as in "cannot save agent state planner: …".

    Parameters:
      what: that, as in "save agent state".
      name: of which one, if it has a name.
    """
    try:
        yield
    except QuestlineError as error:
        error.preface(f"cannot {what}" if name is None else f"cannot {what} {named(name)}")
        raise


def named(name: object) -> str:
    """Return a key's name as an error message repeats it."""
    quoted = shortened(name)
    return str(name) if name and quoted[1:-1] == name else quoted


def until_won(attempt: Callable[[], T], *, tries: int = TRIES) -> T:
    """Return what an attempt returns, made again after a conflict; a little later each time, at random.

    Raises:
      Conflict: that of the last try.
    """
    for number in range(tries - 1):
        try:
            return attempt()
        except Conflict:
            time.sleep(random.uniform(0, min(FIRST_WAIT * 2**number, LONGEST_WAIT)))  # noqa: S311  (no secret)
    return attempt()
