"""The methods of a state store as they are awaited: documented here, carried out by `States`."""

from questline_persistence.memory.states.doors.agents import AgentMethods
from questline_persistence.memory.states.doors.door import StatesDoor
from questline_persistence.memory.states.doors.events import EventMethods
from questline_persistence.memory.states.doors.history import HistoryMethods
from questline_persistence.memory.states.doors.sessions import SessionMethods
from questline_persistence.memory.states.doors.tasks import TaskMethods

__all__ = ["AgentMethods", "EventMethods", "HistoryMethods", "SessionMethods", "StatesDoor", "TaskMethods"]
