"""Which keys of payloads are not there: asked of the newest quests alone, whatever the store holds."""

from __future__ import annotations

import re

from sqlalchemy import func, select

from questline_persistence.payload import MARK
from questline_persistence.schema import quests
from questline_persistence.store import Database

#: How many of the newest quests are looked at.
LOOKED = 1_000
_BEGINNING = re.compile(re.escape(MARK) + r"z?a\.([\w\-]+)\.")


def missing_keys(database: Database) -> list[str]:
    """Return the ids of the keys that the inputs of the newest quests need, and that this process does not have.

    Parameters:
      database: the store.
    """
    beginning = func.substr(quests.c.input_data, 1, 100)
    query = select(beginning).order_by(quests.c.created_at.desc(), quests.c.quest_id.desc()).limit(LOOKED)
    texts = database.read(lambda connection: connection.execute(query).scalars().all())
    needed = {found[1] for found in map(_BEGINNING.match, texts) if found}
    return sorted(key for key in needed if not database.codec.has_key(key))
