"""All that agents keep beside their quests, in one object."""

from __future__ import annotations

from questline_persistence.memory.states.comparing import Comparing
from questline_persistence.memory.states.events import Events
from questline_persistence.memory.states.schema_history import SchemaHistory
from questline_persistence.memory.states.sessions import Sessions
from questline_persistence.memory.states.snapshots import Snapshots
from questline_persistence.memory.states.tasks import Tasks
from questline_persistence.memory.states.transitions import Transitions


class States(Comparing, Snapshots, Transitions, Events, Tasks, Sessions, SchemaHistory):
    """The methods of a state store, called as they are.

    Parameters:
      kept: where all of it is kept.
    """
