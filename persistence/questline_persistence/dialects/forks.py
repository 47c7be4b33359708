"""What a store does when the process forks: nothing that it has open may be used on both sides.

SQLite's connections and locks do not survive a fork, so no transaction is under way at that moment and no connection
is open; PostgreSQL's stay with the parent.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from questline_persistence.log import get_logger

log = get_logger(__name__)

#: How long a fork waits for transactions under way, in seconds.
PATIENCE = 10.0


class Forking(Protocol):
    """Something that takes part in forks."""

    def before_fork(self) -> None:
        """Let go of what must not be open at a fork, and hold back what would open it anew."""

    def after_fork_in_parent(self) -> None:
        """Go on."""

    def after_fork_in_child(self) -> None:
        """Begin anew, without touching what the parent has open."""


_joining = threading.Lock()
_members: weakref.WeakSet[Forking] = weakref.WeakSet()
_locks: weakref.WeakSet[threading.Lock] = weakref.WeakSet()
#: Those that take part in the fork under way.
_present: list[Forking] = []
#: The files that were open when this process was forked, by their descriptors.
_inherited: dict[int, os.stat_result] = {}
_OPEN_FILES = Path("/dev/fd")


def join(member: Forking) -> None:
    """Have `member` take part in every fork for as long as it lives."""
    with _joining:
        _members.add(member)


def new_lock() -> threading.Lock:
    """Return a lock that a forked process finds free, whichever thread of its parent held it at that moment."""
    lock = threading.Lock()
    with _joining:
        _locks.add(lock)
    return lock


def _before() -> None:
    _joining.acquire()
    _present.extend(_members)
    for member in _present:
        try:
            member.before_fork()
        except Exception:  # Python would fork all the same, and forget about the others
            log.exception("fork_unprepared")
    _imports.gate.shut()  # last: whoever is in the middle of a transaction may have to import something yet


def _in_parent() -> None:
    _imports.gate.open()
    for member in _present:
        member.after_fork_in_parent()
    _present.clear()
    _joining.release()


def has_inherited(path: Path) -> bool:
    """Return whether this process still has a file open that the one which forked it had opened."""
    if not _inherited or not path.exists():
        return False
    file = path.stat()
    found = [descriptor for descriptor, known in _inherited.items() if os.path.samestat(known, file)]
    opened = _opened(found)
    for descriptor in found:
        if descriptor not in opened or not os.path.samestat(opened[descriptor], file):
            _inherited.pop(descriptor, None)  # closed; whatever has this number later was opened here
    return any(os.path.samestat(known, file) for known in opened.values())


def _opened(descriptors: Iterable[int]) -> dict[int, os.stat_result]:
    """Return which files these descriptors have open."""
    files = {}
    for descriptor in descriptors:
        with suppress(OSError):  # closed meanwhile
            files[descriptor] = os.fstat(descriptor)
    return files


def _in_child() -> None:
    _imports.gate = Gate()
    for lock in _locks:
        if lock.locked():
            lock.release()
    for member in _present:
        member.after_fork_in_child()
    _inherited.clear()
    if _OPEN_FILES.is_dir():
        _inherited.update(_opened(int(entry.name) for entry in _OPEN_FILES.iterdir()))
    _present.clear()
    _joining.release()


os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)


class Gate:
    """Lets threads in and out, unless a fork waits until nobody is inside."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside: dict[int, int] = {}
        self._shut = False

    def __enter__(self) -> None:
        me = threading.get_ident()
        with self._changed:
            if self._shut and me not in self._inside:
                self._changed.wait_for(lambda: not self._shut)
            self._inside[me] = self._inside.get(me, 0) + 1

    def __exit__(self, *_: object) -> None:
        me = threading.get_ident()
        with self._changed:
            depth = self._inside.pop(me) - 1
            if depth:
                self._inside[me] = depth
            elif self._shut:
                self._changed.notify_all()

    def shut(self) -> bool:
        """Let nobody in any more; return whether all have left within the patience."""
        with self._changed:
            self._shut = True
            if threading.get_ident() in self._inside:  # it would wait for itself
                return False
            return self._changed.wait_for(self.is_empty, PATIENCE)

    def open(self) -> None:
        """Let threads in again."""
        with self._changed:
            self._shut = False
            self._changed.notify_all()

    def is_empty(self) -> bool:
        """Return whether nobody is inside."""
        return not self._inside


class _Imports:
    """What a fork waits for before it copies modules: one that is half imported can never be used in the child."""

    def __init__(self) -> None:
        self.gate = Gate()


_imports = _Imports()


def importing() -> Gate:
    """Return what to hold while a driver is imported that nothing has needed before: forks wait for that."""
    return _imports.gate
