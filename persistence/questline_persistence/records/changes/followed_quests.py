"""Quests that somebody follows: where each stands, and the versions that it has made since the last look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from questline_persistence.records.changes.quest_state import QuestState, states_of
from questline_persistence.records.changes.quest_version import QuestVersion, versions_after
from questline_persistence.store import Database


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of one quest.

    Parameters:
      state: where it stands; None where there is no such quest.
      versions: those that followed the one seen before, in their order; some of the newest may be missing.
    """

    state: QuestState | None
    versions: tuple[QuestVersion, ...] = ()


class FollowedQuests:
    """Looks at quests of one namespace.

    Parameters:
      database: the store.
      namespace: the tenant; a quest of another is not found.
    """

    def __init__(self, database: Database, namespace: str) -> None:
        self.database = database
        self.namespace = namespace

    def look(self, seen: Mapping[str, int | None]) -> dict[str, Look]:
        """Return what is to be seen of each quest: one statement, and one more where any has moved on.

        The states are read before the versions: so a quest that has ended at a version which is the newest one returned
        had ended for sure.

        Parameters:
          seen: of each quest, the newest version that was seen; None asks for no versions.
        """

        def work(connection: Connection) -> dict[str, Look]:
            self.database.dialect.plan_by_keys(connection)  # else each row may be compared with each of these
            states = states_of(connection, self.namespace, seen)
            moved = {
                quest_id: version
                for quest_id, version in seen.items()
                if version is not None and quest_id in states and states[quest_id].version > version
            }
            versions = versions_after(connection, moved) if moved else {}
            return {one: Look(states.get(one), tuple(versions.get(one, ()))) for one in seen}

        return self.database.read(work)

    def versions(self, quest_id: str, after: int) -> list[QuestVersion]:
        """Return the first versions of a quest after one; none where there is no such quest.

        Parameters:
          quest_id: the quest.
          after: the version after which to begin; -1 begins with the first.
        """

        def work(connection: Connection) -> list[QuestVersion]:
            there = states_of(connection, self.namespace, [quest_id])
            return versions_after(connection, {quest_id: after}).get(quest_id, []) if there else []

        return self.database.read(work)
