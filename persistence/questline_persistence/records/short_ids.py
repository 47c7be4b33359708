"""What people type instead of a quest's whole id: its beginning, its end, "@last", or "@last:TYPE".

Ids that we make begin with their time, so that those of an hour begin alike. Where one is shown shortened, it is shown
by its end, which is random.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from questline_persistence.dialects import dialect_of
from questline_persistence.errors import QuestNotFound
from questline_persistence.ids import ELLIPSES, is_possible, not_found
from questline_persistence.schema import quests

#: The word that stands for the newest quest.
LAST = "@last"
#: How many characters of an id are typed at least, where it is known by its end.
TYPED = 6
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
    found = _beginning(connection, namespace, text) if end is None else []
    found = found or _ending(connection, namespace, text if end is None else end)
    if len(found) == 1:
        return found[0]
    if found:
        raise QuestNotFound(f"{text} could mean several quests: {', '.join(found)}", hint="give more of the id")
    raise not_found(text or repr(text))


def _newest(connection: Connection, namespace: str, quest_type: str) -> str:
    """Return the newest quest of a type, or of all."""
    query = select(quests.c.quest_id).where(quests.c.namespace == namespace)
    query = query.where(quests.c.quest_type == quest_type) if quest_type else query
    found = connection.execute(query.order_by(quests.c.created_at.desc(), quests.c.quest_id.desc()).limit(1)).scalar()
    if found is None:
        what = f"no quest of type {quest_type}" if quest_type else "no quest"
        raise QuestNotFound(f"there is {what} yet", hint="run: questline submit --help")
    return str(found)


def _beginning(connection: Connection, namespace: str, text: str) -> list[str]:
    """Return the quest of this id, or else some whose ids begin so."""
    mine = select(quests.c.quest_id).where(quests.c.namespace == namespace)
    if not text or not text.isascii():
        return []
    # Most ids are whole, and only this asks the primary key itself.
    if connection.execute(mine.where(quests.c.quest_id == text)).first() is not None:
        return [text]
    # A range over the ids, by bytes whatever the collation; the last character of an id is at most "~".
    key = dialect_of(connection).by_bytes(quests.c.quest_id)
    alike = mine.where(key >= text, key < text + "\x7f").order_by(key).limit(4)
    return [str(quest_id) for quest_id in connection.execute(alike).scalars() if quest_id.startswith(text)]


def _ending(connection: Connection, namespace: str, text: str) -> list[str]:
    """Return some of the newest quests, whose ids end so."""
    if len(text) < TYPED or not text.isascii():
        return []
    newest = (
        select(quests.c.quest_id)
        .where(quests.c.namespace == namespace)
        .order_by(quests.c.created_at.desc(), quests.c.quest_id.desc())
        .limit(MAX_LOOKED)
        .subquery()
    )
    end = func.substr(newest.c.quest_id, func.length(newest.c.quest_id) - len(text) + 1)
    alike = select(newest.c.quest_id).where(end == text)
    return [str(quest_id) for quest_id in connection.execute(alike.limit(4)).scalars()]
