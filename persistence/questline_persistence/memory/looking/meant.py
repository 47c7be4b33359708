"""What people type instead of the whole name of a key, or id of an entry: its beginning, its end, or "@last"."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Table, literal, or_, select

from questline_persistence.arguments import key
from questline_persistence.errors import NotFound, nearest
from questline_persistence.ids import ELLIPSES
from questline_persistence.kinds import Entries, Versioned
from questline_persistence.memory import reading
from questline_persistence.memory.kept import Kept
from questline_persistence.payload import shortened
from questline_persistence.writes import own_name

#: The word that stands for what was added last.
LAST = "@last"
#: Fewest characters of an end that are looked for, unless it is all that follows a "/".
MIN_ENDING = 6
#: Most names that are told where several are meant.
MAX_NAMED = 4
#: The newest of a kind, so many, may be called by a part of their names.
MAX_LOOKED = 10_000


def meant(kept: Kept, kind: Versioned | Entries, typed: str, *, look: str) -> str:
    """Return the name of the key, or the id of the entry, that a person means by what is typed.

    A key counts if anything is known of it, even if it was deleted.

    Parameters:
      kept: where it is kept.
      kind: what it is.
      typed: the whole name, the beginning or the end of only one, or "@last" for what was added last.
      look: what to do where nothing is near, such as a command that lists them.

    Raises:
      NotFound: none, or several, are meant.
      PayloadError: no key could be called so.
    """
    typed = key(typed, f"the name of a{'n' if kind.name[0] in 'aeiou' else ''} {kind.name}")
    of, _ = reading.of_kind(kind)
    column = of.c[kind.key if isinstance(kind, Versioned) else kind.entry_id]

    def names(connection: Connection, now: float) -> Sequence[str]:
        own = [*kept.rows(of), *_known(kind, of, now)]
        if connection.execute(select(literal(1)).where(*own, column == typed)).first() is not None:
            return [typed]
        return connection.execute(select(column).where(*own).order_by(of.c.id.desc()).limit(MAX_LOOKED)).scalars().all()

    known = kept.read(names)
    found = _called(typed, known)
    if len(found) == 1:
        return found[0]
    if found:
        message = f"{shortened(typed)} could mean several: {', '.join(found[:MAX_NAMED])}"
        raise NotFound(message + (", …" if len(found) > MAX_NAMED else ""), hint="give more of it")
    near = nearest(typed, known)
    raise NotFound(f"there is no {kind.name} {shortened(typed)}", hint=f"did you mean {near!r}?" if near else look)


def _called(typed: str, names: Sequence[str]) -> Sequence[str]:
    """Return which of the names, the newest first, may be meant."""
    if typed in names:
        return [typed]
    if typed == LAST:
        return names[:1]
    end = next((typed.removeprefix(dots) for dots in ELLIPSES if typed.startswith(dots)), None)
    found = [name for name in names if name.startswith(typed)]
    ending = typed if end is None else end
    if not found:  # a quest's own key is known to its Lords by what follows the quest's id
        found = [name for name in names if name.endswith(ending if len(ending) >= MIN_ENDING else own_name("", ending))]
    return found


def _known(kind: Versioned | Entries, of: Table, now: float) -> list[ColumnElement[bool]]:
    """Return the conditions that something is known of a key, or that an entry is there."""
    if isinstance(kind, Entries):
        return reading.present(of, now)
    return [reading.anything_left(kind), or_(of.c.expires_time.is_(None), of.c.expires_time > now)]
