"""The calls of one attempt: how each is named, and whether they come as earlier attempts have made them.

What the handler itself calls has an order, which must stay the same. What its other tasks or threads call is compared
as a set: which of them comes first is not the handler's to promise.
"""

from __future__ import annotations

import re
import threading
from typing import NamedTuple

from questline_persistence.errors import PayloadError
from questline_persistence.journal import Recorded, RecordedCall
from questline_persistence.payload import has_halves, shortened, size_of
from questline_worker.lords.once.own_task import caller
from questline_worker.lords.outcomes import OnceMismatch, Permanent

#: Longest name of a call, in characters.
MAX_NAME = 255
#: Most calls that one step may record.
MAX_CALLS = 1_000
#: Largest size of all that one step may record, in bytes of JSON.
MAX_TOTAL = 16_000_000


class Call(NamedTuple):
    """One call of an attempt.

    Parameters:
      name: its name, which no other call of the attempt has.
      ordinal: its place among the calls that the handler makes itself, or among the others.
      overlapped: whether it is one of the others.
    """

    name: str
    ordinal: int
    overlapped: bool


class Calls:
    """Names the calls of one attempt and counts them; made where the handler is called."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self._taking = threading.Lock()
        self._users: dict[str, tuple[object, int]] = {}
        self._own = self._others = 0
        #: The names of all calls so far.
        self.names: set[str] = set()

    def take(self, name: str) -> Call:
        """Return the next call; one whose name was used already is called `name#2`.

        Raises:
          PayloadError: it cannot be called so, or another task or thread of the handler has used the name.
        """
        _refuse_unfit(name)
        by, own = caller(self._thread)
        with self._taking:
            first, number = self._users.get(name, (by, 0))
            if first != by:
                message = (
                    f"once({name!r}) is called by two tasks or threads of one step: whose result is whose is chance"
                )
                raise PayloadError(message, hint=f"give each call a name of its own, as in {name}-1 and {name}-2")
            self._users[name] = (by, number + 1)
            named = f"{name}#{number + 1}" if number else name
            self.names.add(named)
            if own:
                self._own += 1
                return Call(named, self._own - 1, overlapped=False)
            self._others += 1
            return Call(named, self._others - 1, overlapped=True)


def _refuse_unfit(name: object) -> None:
    """Raise where nothing can be called so."""
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME:
        raise PayloadError(f"the name of a call is a text of 1 to {MAX_NAME} characters, not {shortened(name)}")
    if "\0" in name or has_halves(name) or re.search(r"#\d+$", name):
        message = f"{shortened(name)} is no name for a call: no NUL, no half of a surrogate pair, no number behind a #"
        raise PayloadError(message)


class Earlier:
    """What earlier attempts of a step have recorded, and what this one adds.

    Parameters:
      recorded: what they have recorded.
    """

    def __init__(self, recorded: Recorded) -> None:
        self._alone = recorded.alone
        self._by_name = {record.name: record for record in recorded.calls}
        self._in_order = {record.ordinal: record for record in self._by_name.values() if not record.overlapped}
        self._adding = threading.Lock()
        self._count = len(self._by_name)
        self._size = sum(size_of(record.result) for record in self._by_name.values())

    def find(self, call: Call) -> RecordedCall | None:
        """Return what a call came to in an earlier attempt; None where it is to be made now.

        Raises:
          OnceMismatch: an earlier attempt has made another call in its place, or made it in another place.
        """
        found = self._by_name.get(call.name)
        if call.overlapped:
            return found
        there = self._in_order.get(call.ordinal)
        if there is not None and there.name != call.name:
            raise _mismatch(f"calls once({call.name!r}) where an earlier one has called once({there.name!r})")
        if found is not None and not found.overlapped and found.ordinal != call.ordinal:
            now, then = call.ordinal + 1, found.ordinal + 1
            raise _mismatch(
                f"calls once({call.name!r}) as number {now}, which an earlier one has called as number {then}"
            )
        return found

    def refuse_unasked(self, names: set[str]) -> None:
        """Make sure that what earlier attempts have recorded is among the names that were asked for.

        Raises:
          OnceMismatch: it is not.
        """
        unasked = [record for record in self._by_name.values() if record.name not in names]
        if unasked:
            first = min(unasked, key=lambda record: record.ordinal)
            calls = f"its own calls are {', '.join(sorted(names))}"
            raise _mismatch(f"ends without once({first.name!r}), which an earlier one has called: {calls:.500}")

    def count(self, name: str) -> None:
        """Count another call among those that the step makes.

        Raises:
          PayloadError: there are too many.
          Permanent: what is recorded is served alone.
        """
        if self._alone:
            message = "this quest serves recorded calls alone, since it was forked so, and this one is not recorded"
            raise Permanent(f"once({name!r}): {message}")
        with self._adding:
            self._count += 1
        if self._count > MAX_CALLS:
            raise PayloadError(f"a step may make {MAX_CALLS:,} calls of once at most", hint=_SPLIT)

    def add(self, text: str) -> None:
        """Count a result among what the step records.

        Raises:
          PayloadError: it would be too much.
        """
        with self._adding:
            self._size += size_of(text)
        if self._size > MAX_TOTAL:
            message = f"what calls of once have returned in this step is more than {MAX_TOTAL:,} bytes of JSON"
            raise PayloadError(message, hint=_SPLIT)


_SPLIT = "make several steps of it (ctx.push), or store large data elsewhere and return a reference to it"


def _mismatch(what: str) -> OnceMismatch:
    return OnceMismatch(
        f"this attempt {what}; the calls of a step must have the same names in the same order in each attempt, so let "
        "them depend on its input, on outputs and on recorded results alone; a replay from this step makes them anew"
    )
