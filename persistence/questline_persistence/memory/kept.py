"""What is kept of one tenant under one key prefix: rows of any kind, written and read in transactions of their own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, literal, tuple_
from sqlalchemy.exc import IntegrityError

from questline_persistence.arguments import LARGEST_NUMBER, Moment, moment, whole
from questline_persistence.audit import Actor, AuditVerb, note
from questline_persistence.errors import Conflict, PayloadError
from questline_persistence.journal import entered, remember, written
from questline_persistence.kinds import AGENT_STATES, Entries, Versioned
from questline_persistence.memory import reading
from questline_persistence.memory.forgetting import forget
from questline_persistence.memory.listing import Listing
from questline_persistence.memory.purging import purge
from questline_persistence.memory.trying import until_won
from questline_persistence.pages import cursor_behind, place_of
from questline_persistence.schema import fetched, within
from questline_persistence.store import Database, Tries
from questline_persistence.writes import Entered, Enters, Key, Op, Remembered, Saved, Saves, with_words

T = TypeVar("T")

#: Most items of one page of what Lords remember.
MAX_PAGE = 1_000
#: How many items such a page has unless told otherwise.
PAGE = 100
#: What the audit calls the ways in which a state comes to be that its agent has not written.
_AUDITED = {Op.RESTORE: AuditVerb.RESTORE, Op.MERGE: AuditVerb.ADOPT}


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list, and the cursor behind them; None where nothing comes behind."""

    rows: Sequence[Row[Any]]
    next_cursor: str | None


class Kept:
    """Writes and reads what Lords remember, of one tenant and key prefix.

    Parameters:
      database: the store.
      namespace: the tenant.
      prefix: the key prefix, "" for none. Other prefixes' keys are never seen.
      actor: on whose behalf states are restored, adopted and purged, as the audit tells it; None: it tells of none.
      shown: whether what is read is for people, who see of what has no key here that it is encrypted; nothing may be
        written that came of it.
    """

    def __init__(
        self, database: Database, namespace: str, prefix: str = "", actor: Actor | None = None, *, shown: bool = False
    ) -> None:
        self.database = database
        self.namespace = namespace
        self.prefix = prefix
        self._actor = actor
        self._shown = shown

    def key(self, name: str) -> Key:
        """Return the key of this tenant and prefix that is called so."""
        return Key(self.namespace, self.prefix, name)

    def rows(self, of: Table) -> list[ColumnElement[bool]]:
        """Return the conditions that a row is of this tenant and prefix."""
        return within(of, self.namespace, self.prefix)

    def entry(
        self,
        kind: Entries,
        entry_id: str,
        columns: Mapping[str, Any],
        *,
        stream: str | None = None,
        expires_time: float | None = None,
    ) -> Enters:
        """Return the write that adds an entry of this tenant and prefix; the parameters are those of `Enters`."""
        return Enters(kind, self.namespace, self.prefix, entry_id, columns, stream=stream, expires_time=expires_time)

    def stored_key(self, kind: Versioned, name: str) -> Key:  # noqa: ARG002  (a step's own answer differs)
        """Return the key that something of a kind has in the store which is called so here."""
        return self.key(name)

    def called(self, kind: Versioned, stored: str) -> str | None:  # noqa: ARG002
        """Return what is called here that has a name in the store; None where no name here means it."""
        return stored

    def save(self, write: Saves) -> Saved | None:
        """Add a version of a key; return None, and write nothing, where another one is there than was expected."""
        tries, ready = Tries(), with_words(write)

        def work(connection: Connection) -> Saved | None:
            if tries.again() and (before := written(connection, write)) is not None:
                return before
            return self.database.dialect.save(connection, ready, now=self.database.clock.now())

        return self.database.statement(work, at="remember")

    def enter(self, write: Enters) -> Entered:
        """Add an entry; one that is there already with the same id and content is this one.

        Raises:
          Conflict: there is one with its id that says something else.
        """
        ready = with_words(write)

        def work(connection: Connection) -> Entered:
            return self.database.dialect.enter(connection, ready, now=self.database.clock.now())

        try:
            return self.database.statement(work, at="remember")
        except IntegrityError:
            found = self.read(lambda connection, _: entered(connection, write))
            if found is None:
                raise
            return found

    def enter_once(self, write: Enters) -> Entered:
        """Add an entry of a new id by one try: whatever the store answers is told at once, also if it would pass."""
        return self.database.write(
            lambda connection: self.database.dialect.enter(connection, write, now=self.database.clock.now()),
            at="remember",
            tries=1,
        )

    def write(self, writes: Sequence[Remembered]) -> list[Saved | Entered]:
        """Make several writes in one transaction: all of them, or none.

        Returns:
          What came of each, in the order given.

        Raises:
          Moved: a key is at another version than its save expects.
          Conflict: there is an entry of an id, and it says something else.
        """
        made: dict[str, Saved | Entered] = {}
        once = _each_once(writes)
        wanted = {write.write_id: write for write in once}
        while left := [write for write_id, write in wanted.items() if write_id not in made]:
            try:
                made |= self._written(left)
            except IntegrityError:
                found = self._entered(left)
                if not found:
                    raise
                made |= found
        return [made[write.write_id] for write in once]

    def _written(self, writes: Sequence[Remembered]) -> dict[str, Saved | Entered]:
        """Make writes in one transaction; return what came of each, by its `write_id`."""
        tries, ready = Tries(), [with_words(write) for write in writes]

        def work(connection: Connection) -> dict[str, Saved | Entered]:
            if tries.again() and (before := _written_before(connection, writes)):
                return before
            now = self.database.clock.now()
            made = remember(connection, self.database.dialect, ready, now)
            for write in writes:
                if isinstance(write, Saves) and write.kind is AGENT_STATES and write.op in _AUDITED:
                    self._note(connection, _AUDITED[write.op], write.key.name, now)
            return made

        return self.database.write(work, at="remember")

    def _note(self, connection: Connection, verb: AuditVerb, name: str, now: float) -> None:
        """Note in the audit what is done to the state of an agent, if it is done on somebody's behalf."""
        if self._actor is not None:
            where = {"key_prefix": self.prefix} if self.prefix else {}
            note(connection, self._actor, self.namespace, verb, now=now, subject=name, outcome=where)

    def _entered(self, writes: Sequence[Remembered]) -> dict[str, Saved | Entered]:
        """Return the entries that are there already, by the `write_id` of what would enter them again."""
        entries = [write for write in writes if isinstance(write, Enters)]
        found = self.read(lambda own, _: [(one.write_id, entered(own, one)) for one in entries])
        return {write_id: one for write_id, one in found if one is not None}

    def updating(self, attempt: Callable[[], T], *, tries: int) -> T:
        """Call what loads a key and saves what it makes of it, again where somebody else has saved the key meanwhile.

        Parameters:
          attempt: loads and saves, and raises `Conflict`.
          tries: how often at most.

        Raises:
          Conflict: that happened each time.
        """
        return until_won(attempt, tries=tries)

    def purge(
        self,
        kind: Versioned,
        name: str,
        *,
        where: Sequence[ColumnElement[bool]] = (),
        along: Sequence[Versioned] = (),
    ) -> bool:
        """Remove a key for good, with its versions and entries; return whether there was anything.

        Its head stays and counts on, so that no number of a version ever comes twice.

        Parameters:
          kind: what it is.
          name: the key's name.
          where: further conditions on the head.
          along: kinds whose heads name this key, and go with it.
        """
        dialect, key = self.database.dialect, self.key(name)

        def work(connection: Connection, now: float) -> bool:
            gone = purge(dialect, connection, kind, key, now=now, where=where, along=along)
            if gone and kind is AGENT_STATES:
                self._note(connection, AuditVerb.PURGE, key.name, now)
            return gone

        return self._removed(work)

    def forget(self, kind: Entries, entry_id: str) -> bool:
        """Mark an entry as deleted, so that nobody finds it any more; return whether it was there."""
        dialect, key = self.database.dialect, self.key(entry_id)
        return self._removed(lambda own, now: forget(dialect, own, kind, key, now=now))

    def _removed(self, remove: Callable[[Connection, float], bool]) -> bool:
        """Return whether there was what `remove(connection, now)` removes in a transaction."""
        there = False

        def work(connection: Connection, now: float) -> bool:
            nonlocal there  # and gone by the first try, whose COMMIT went through though its reply was lost
            there = remove(connection, now) or there
            return there

        return self.change(work)

    def change(self, work: Callable[[Connection, float], T]) -> T:
        """Return `work(connection, now)` of one write transaction; it has to recognise what it has already done."""
        return self.database.write(lambda connection: work(connection, self.database.clock.now()), at="remember")

    def writes_to(self, kind: Versioned, name: str) -> bool:  # noqa: ARG002  (a step's own answer differs)
        """Return whether a version of a key is held back, to be committed later."""
        return False

    def read(self, work: Callable[[Connection, float], T], *, limited: bool = False) -> T:
        """Return `work(connection, now)` of one read transaction.

        Raises:
          Overtime: it took too long, and `limited`.
        """
        return self.database.read(
            lambda connection: work(connection, self.database.clock.now()), limited=limited, shown=self._shown
        )

    def load(
        self, kind: Versioned, name: str, *, version: int | None = None, as_of: Moment | None = None
    ) -> Row[Any] | None:
        """Return a key's present version, or an older one; None where nothing is, or was, there.

        Parameters:
          kind: what it is.
          name: the key's name.
          version: the number of an older version.
          as_of: the moment at which the version was the present one.

        Raises:
          PayloadError: both are given, or one that is none.
        """
        key = self.key(name)
        if version is None and as_of is None:
            return self.read(lambda own, now: reading.latest(own, kind, key, now))
        if as_of is None:
            number = whole(version, "version", least=1, most=LARGEST_NUMBER)
            return self.read(lambda own, _: reading.at_version(own, kind, key, number))
        if version is not None:
            raise PayloadError("give version or as_of, not both")
        at = moment(as_of, "as_of")

        def work(connection: Connection, _: float) -> Row[Any] | None:
            found = reading.version_at(connection, kind, key, at)
            return reading.at_version(connection, kind, key, found) if found else None

        return self.read(work)

    def look(self, kind: Versioned, name: str) -> tuple[Row[Any] | None, int | None]:
        """Return what is there of a key at present, and at which version its head is, whatever is there."""
        return self.read(lambda own, now: reading.looked_at(own, kind, self.key(name), now))

    def exists(self, kind: Versioned, name: str) -> bool:
        """Return whether a key has something at present."""
        return self.read(lambda own, now: reading.is_there(own, kind, self.key(name), now))

    def load_all(self, kind: Versioned, names: Collection[str]) -> dict[str, Row[Any]]:
        """Return what is there at present of several keys, by their names.

        Parameters:
          kind: what it is.
          names: the keys' names; those that have nothing are left out of the answer.
        """
        keys = [self.key(name) for name in names]
        rows = self.read(lambda own, now: reading.all_latest(own, kind, keys, now))
        return {getattr(row, kind.key): row for row in rows}

    def page(
        self,
        query: Callable[[float], Select[Any]],
        order: Sequence[ColumnElement[Any]],
        *,
        of: object,
        limit: int = PAGE,
        cursor: str | None = None,
        newest_first: bool = True,
        listing: Listing | None = None,  # noqa: ARG002  (a step's own answer differs)
    ) -> Page:
        """Return a page of a list, in the order of columns that tell all of its rows apart.

        Parameters:
          query: returns the query, given the time.
          order: the columns by which the list is ordered.
          of: what the list is of, by which its cursors are known.
          limit: at most this many rows, 1 to 1,000.
          cursor: the `next_cursor` of the page before.
          newest_first: whether the order is backwards.
          listing: what belongs in the list, of what a running step holds back.

        Raises:
          PayloadError: a limit out of range, or a cursor that no page of this list has given.
        """
        page_limit(limit)
        behind = None if cursor is None else place_of(cursor, of, len(order))

        def work(connection: Connection, now: float) -> Page:
            chosen = query(now).order_by(*(one.desc() if newest_first else one for one in order)).limit(limit + 1)
            if behind is not None:
                place = tuple_(*(literal(value) for value in behind))
                chosen = chosen.where(tuple_(*order) < place if newest_first else tuple_(*order) > place)
            rows = fetched(connection, chosen)
            if len(rows) <= limit:
                return Page(rows, None)
            last = rows[limit - 1]
            return Page(rows[:limit], cursor_behind(of, tuple(getattr(last, str(one.key)) for one in order)))

        return self.read(work)


def page_limit(limit: int) -> int:
    """Return how many items a page has at most.

    Raises:
      PayloadError: it is no such number.
    """
    if not 1 <= whole(limit, "limit", most=None) <= MAX_PAGE:
        raise PayloadError(f"limit must be 1 to {MAX_PAGE:,}, not {limit}", hint="go on behind a page for more")
    return limit


def _each_once(writes: Sequence[Remembered]) -> list[Remembered]:
    """Return writes, the first in place of any that enters the same again.

    Raises:
      Conflict: two entries have one id, and say different things.
    """
    entries: dict[tuple[str, str], Enters] = {}
    once: list[Remembered] = []
    for write in writes:
        if isinstance(write, Enters):
            first = entries.setdefault((write.kind.table, write.entry_id), write)
            once.append(same_entry(first, write))
        else:
            once.append(write)
    return once


def same_entry(first: Enters, write: Enters) -> Enters:
    """Return the first of two entries of one id.

    Raises:
      Conflict: they say different things.
    """
    if first.fingerprint != write.fingerprint:
        message = f"{write.kind.name} {write.entry_id} is written twice, and says something else each time"
        raise Conflict(message, hint="give it another id, or none")
    return first


def _written_before(connection: Connection, writes: Sequence[Remembered]) -> dict[str, Saved | Entered]:
    """Return what an earlier try of the whole has made: all of it, or nothing."""
    made: dict[str, Saved | Entered] = {}
    for write in writes:
        before = written(connection, write) if isinstance(write, Saves) else entered(connection, write)
        if before is None:
            return {}
        made[write.write_id] = before
    return made
