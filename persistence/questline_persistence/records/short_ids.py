"""What people type instead of a quest's whole id: its beginning, its end, "@last", or "@last:TYPE".

Ids that we make begin with their time, so that those of an hour begin alike. Where one is shown shortened, it is shown
by its end, which is random.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from questline_persistence.dialects import dialect_of
from questline_persistence.errors import QuestNotFound
from questline_persistence.ids import ELLIPSES, is_possible, not_found
from questline_persistence.records.listing import newest_quests
from questline_persistence.schema import quests

#: The word that stands for the newest quest.
LAST = "@last"
#: Fewest characters of an id's end that are looked for.
MIN_ENDING = 6
#: Most ids that are named where several are meant.
MAX_NAMED = 4
#: The newest quests of a namespace, so many, may be named by the end of their ids: no index leads there.
MAX_LOOKED = 10_000


def resolve(connection: Connection, namespace: str, text: str) -> str:
    """Return the id that `text` means.

    Parameters:
      connection: a transaction that reads.
      namespace: the tenant; quests of others are not meant.
      text: a whole id, the beginning or the end of only one quest's, "@last", or "@last:TYPE".

    Raises:
      QuestNotFound: no quest, or several, are meant.
    """
    if not is_possible(text.removeprefix(ELLIPSES[0])):
        raise not_found(repr(text))
    word, _, quest_type = text.partition(":")
    if word == LAST:
        return _newest(connection, namespace, quest_type)
    if word.startswith("@"):
        hint = f"did you mean {LAST}? {LAST} is the newest quest, {LAST}:TYPE the newest of a type"
        raise QuestNotFound(f"there is no quest {text}", hint=hint)
    end = next((text.removeprefix(dots) for dots in ELLIPSES if text.startswith(dots)), None)
    found = _beginning_with(connection, namespace, text) if end is None else []
    found = found or _ending_with(connection, namespace, text if end is None else end)
    if len(found) == 1:
        return found[0]
    if found:
        raise QuestNotFound(f"{text} could mean several quests: {', '.join(found)}", hint="give more of the id")
    raise not_found(text or repr(text))


def _newest(connection: Connection, namespace: str, quest_type: str) -> str:
    """Return the newest quest of a type, or of all where that is "".

    Raises:
      QuestNotFound: there is none.
    """
    of_type = [quests.c.quest_type == quest_type] if quest_type else []
    found = connection.execute(newest_quests(quests.c.quest_id, namespace, *of_type, limit=1)).scalar()
    if found is None:
        what = f"no quest of type {quest_type}" if quest_type else "no quest"
        raise QuestNotFound(f"there is {what} yet", hint="run: questline submit --help")
    return str(found)


def _beginning_with(connection: Connection, namespace: str, text: str) -> list[str]:
    """Return the quest of this id, or else some whose ids begin so, by their ids."""
    mine = select(quests.c.quest_id).where(quests.c.namespace == namespace)
    if not text or not text.isascii():
        return []
    # Most ids are whole, and only this asks the primary key itself.
    if connection.execute(mine.where(quests.c.quest_id == text)).first() is not None:
        return [text]
    # A range over the ids, by bytes whatever the collation; the last character of an id is at most "~".
    key = dialect_of(connection).by_bytes(quests.c.quest_id)
    alike = mine.where(key >= text, key < text + "\x7f").order_by(key).limit(MAX_NAMED)
    return [str(quest_id) for quest_id in connection.execute(alike).scalars() if quest_id.startswith(text)]


def _ending_with(connection: Connection, namespace: str, text: str) -> list[str]:
    """Return some of the newest quests, whose ids end so."""
    if len(text) < MIN_ENDING or not text.isascii():
        return []
    newest = newest_quests(quests.c.quest_id, namespace, limit=MAX_LOOKED).subquery()
    end = func.substr(newest.c.quest_id, func.length(newest.c.quest_id) - len(text) + 1)
    alike = select(newest.c.quest_id).where(end == text)
    return [str(quest_id) for quest_id in connection.execute(alike.limit(MAX_NAMED)).scalars()]
