"""What a running step keeps: writes held back until its checkpoint, and the classes that handlers use.

It imports the plain classes of the other rooms, and no door.
"""

from questline_persistence.memory.step.buffered import Buffered
from questline_persistence.memory.step.remembering import Remembering

__all__ = ["Buffered", "Remembering"]
