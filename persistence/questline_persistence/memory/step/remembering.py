"""All that a running step keeps beside its result, as its handler reaches it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from questline_persistence.memory.step.buffered import Buffered
from questline_persistence.memory.step.colour import Coloured
from questline_persistence.store import Database
from questline_persistence.writes import Remembered


class Remembering:
    """What one attempt of a step keeps: nothing is made before it is first asked for.

    Parameters:
      database: the store.
      namespace: the tenant.
      quest_id: the step's quest.
    """

    def __init__(self, database: Database, namespace: str, quest_id: str) -> None:
        self._database = database
        self._namespace = namespace
        self._quest_id = quest_id
        self._nouns: dict[str, Coloured] = {}

    @cached_property
    def kept(self) -> Buffered:
        """The writes that are held back, and reads that see them."""
        return Buffered(self._database, self._namespace, self._quest_id)

    @property
    def writes(self) -> tuple[Remembered, ...]:
        """What the step writes if its result is committed."""
        return self.kept.writes if "kept" in self.__dict__ else ()

    def noun(self, name: str) -> Any:
        """Return one of the classes that keep things, bound to the quest, in the colour of the code that asks.

        Parameters:
          name: state, events, context, todos, history or memory.
        """
        if name not in self._nouns:
            # They bring along what most handlers never need.
            from questline_persistence.memory.step import nouns  # noqa: PLC0415

            self._nouns[name] = Coloured(nouns.MADE[name](self.kept, self._quest_id))
        return self._nouns[name].here()
