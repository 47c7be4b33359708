"""What people type instead of a quest's whole id: its beginning, or "@last"."""

from __future__ import annotations

from sqlalchemy import Connection, collate, select

from questline_persistence.errors import QuestNotFound
from questline_persistence.tables import quests

#: The word that stands for the newest quest.
LAST = "@last"


def resolve(connection: Connection, namespace: str, text: str) -> str:
    """Return the id that `text` means: a whole one, a prefix of only one quest's, or "@last".

    Raises:
      QuestNotFound: no quest, or several, are meant.
    """
    mine = select(quests.c.quest_id).where(quests.c.namespace == namespace)
    if not text or not text.isascii():
        raise not_found(repr(text))
    if text == LAST:
        newest = mine.order_by(quests.c.created_at.desc(), quests.c.quest_id.desc()).limit(1)
        found = connection.execute(newest).scalar()
        if found is None:
            raise QuestNotFound("there is no quest yet", hint="run: questline submit --help")
        return str(found)
    # Most ids are whole, and only this asks the primary key itself.
    if connection.execute(mine.where(quests.c.quest_id == text)).first() is not None:
        return text
    # A range over the ids, by bytes whatever the collation; the last character of an id is at most "~".
    key = quests.c.quest_id if connection.dialect.name == "sqlite" else collate(quests.c.quest_id, "C")
    alike = mine.where(key >= text, key < text + "\x7f").order_by(key).limit(4)
    starting = [str(quest_id) for quest_id in connection.execute(alike).scalars() if quest_id.startswith(text)]
    if len(starting) == 1:
        return starting[0]
    if starting:
        raise QuestNotFound(f"{text} could mean several quests: {', '.join(starting)}", hint="give more of the id")
    raise not_found(text)


def not_found(quest_id: str) -> QuestNotFound:
    """Return the error that no quest has this id."""
    return QuestNotFound(f"there is no quest {quest_id}", hint="run: questline list")
