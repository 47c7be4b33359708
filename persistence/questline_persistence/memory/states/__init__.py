"""What agents keep beside their quests: states with versions, history and snapshots; events, tasks and sessions.

Each noun is a plain class of its own, `States` is all of them together, and `StateStore` is how programs come to them.
"""

from questline_persistence.memory.states.adopting import Adopted, Adopting
from questline_persistence.memory.states.agents import agent_state
from questline_persistence.memory.states.events import Events, event_of
from questline_persistence.memory.states.operation import Operation
from questline_persistence.memory.states.state_store import StateStore
from questline_persistence.memory.states.states import States

__all__ = ["Adopted", "Adopting", "Events", "Operation", "StateStore", "States", "agent_state", "event_of"]
