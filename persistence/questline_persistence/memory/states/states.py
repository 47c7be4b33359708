"""All that agents keep beside their quests, in one object."""

from __future__ import annotations

from questline_persistence.memory.states.comparing import Comparing
from questline_persistence.memory.states.schema_history import SchemaHistory
from questline_persistence.memory.states.tasks import Tasks
from questline_persistence.memory.states.transfer import Transfer


class States(Comparing, Transfer, Tasks, SchemaHistory):
    """The methods of a state store, called as they are.

    Parameters:
      kept: where all of it is kept.
    """
